"""Homes that were restored from a backup, or cloned: a device that speaks twice loses nothing."""
import shutil
import sys

import nodes
from nodes import converge, expect, pair, same, test, until, verified


def copy_of(home, name):
    """The home of a node that has ended, copied."""
    shutil.copytree(home.folder, home.world.folder / name)
    return home.world.home(name)


def put_back(home, copy):
    shutil.rmtree(home.folder)
    shutil.copytree(copy.folder, home.folder)


@test
def a_restored_home_takes_back_what_it_lost(world):
    a, b = pair(world, "a", "b")
    old = a.add("before the backup")
    converge(a, b, entries=1)
    a.stop()
    backup = copy_of(a, "backup")
    a.run("--peer", b.node.address)
    lost = [a.add(f"after the backup {i}") for i in range(5)]
    converge(a, b, entries=6)
    a.stop()
    put_back(a, backup)
    a.run("--peer", b.node.address)
    converge(a, b, entries=6)
    new = a.add("after the restore")
    converge(a, b, entries=7)
    same(sorted(a.todos()), sorted([old, *lost, new]), "todos")
    same(a.read("status")["counts"]["chains"], 1, "chains: it went on where it had been")
    verified(a)
    verified(b)


@test
def a_restored_home_that_writes_before_it_meets_anybody_is_a_fork_that_is_kept(world):
    a, b = pair(world, "a", "b")
    todo = a.add("shared")
    converge(a, b, entries=1)
    a.stop()
    backup = copy_of(a, "backup")
    a.run("--peer", b.node.address)
    first = a.add("branch one")
    a.chitty("todo", "update", todo, "--content", "by branch one")
    converge(a, b, entries=3)
    a.stop()
    put_back(a, backup)
    b.stop()
    a.run()
    second = a.add("branch two")
    a.chitty("todo", "update", todo, "--content", "by branch two")
    b.run("--peer", a.node.address)
    converge(a, b, entries=5)
    for home in (a, b):
        same(sorted(home.todos()), sorted([todo, first, second]), "todos of both branches")
        same([(c["field"], len(c["values"])) for c in home.read("conflicts")], [("content", 2)],
             "what both branches wrote is a conflict")
        verified(home)
    after = a.add("and on it goes")
    a.chitty("resolve", todo, "content", "--value", "by both")
    converge(a, b, entries=7)
    expect(after in b.todos() and not b.read("conflicts"), "both branches are in its past")
    verified(a)
    verified(b)


@test
def a_cloned_home_and_its_original_converge_through_a_third(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.stop()
    clone = copy_of(a, "clone")
    ids = []
    for n in range(3):
        for home in (a, clone):
            home.run("--peer", b.node.address)
            ids.append(home.add(f"{home.name} {n}"))
            until(lambda: home.todos() == b.todos(), f"{home.name} and b hold the same")
            home.stop()
    for home in (a, clone):
        home.run("--peer", b.node.address)
        converge(home, b, entries=7)
        home.stop()
    expect(set(ids) <= set(b.todos()), "what each of them wrote")
    a.run("--peer", b.node.address)
    converge(a, b, entries=7)
    verified(a)
    verified(b)


@test
def original_and_clone_running_at_once_are_both_heard(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.stop()
    clone = copy_of(a, "clone")
    a.run("--peer", b.node.address)
    clone.run("--peer", b.node.address)
    ids = [home.add(f"{home.name} {n}") for n in range(5) for home in (a, clone)]
    until(lambda: set(ids) <= set(b.todos()), "b has what each of them wrote")
    for home in (a, clone):
        home.stop()
    a.run("--peer", b.node.address)
    converge(a, b, entries=11)
    verified(a)
    verified(b)


if __name__ == "__main__":
    sys.exit(nodes.main())
