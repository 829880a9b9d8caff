"""Two nodes apart and together again: everything that was written on either is on both."""
import random
import signal
import sys

import nodes
from local import Client, create, update
from nodes import (converge, converged, expect, pair, same, seed, test, until, verified)


def values(home, todo, field):
    """All live values of a field, the shown one first."""
    for cell in home.read("show", todo)["cells"]:
        if cell.get("field") == field:
            return [v["value"] for v in cell["values"]]
    return []


def apart(a, b, on_a, on_b):
    """Run one after the other, each while the other's node is down; then both, on other ports."""
    a.stop()
    on_b()
    b.stop()
    a.run()
    on_a()
    a.stop()
    b.run()
    a.run("--peer", b.node.address)


@test
def a_hundred_todos_made_on_each_before_they_join_and_edits_made_apart_all_arrive(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    ours = {a.add(f"a {i}", "--label", f"n{i % 7}"): f"a {i}" for i in range(100)}
    theirs = {b.add(f"b {i}", "--priority", "low"): f"b {i}" for i in range(100)}
    b.join(a, "--bring")
    converge(a, b, entries=200)
    same({k: v["content"] for k, v in a.todos().items()}, ours | theirs, "todos after joining")

    ids = sorted(ours | theirs)
    both, only_a, only_b, gone = ids[0:10], ids[10:40], ids[40:70], ids[70]
    new = {}

    def on_b():
        for i, todo in enumerate(both):
            b.chitty("todo", "update", todo, "--content", f"{i} by b", "--label", "+b")
        for todo in only_b:
            b.chitty("todo", "update", todo, "--notes", "by b", "--status", "in_progress")
        b.chitty("todo", "delete", gone)
        new["b"] = b.add("new on b")

    def on_a():
        for i, todo in enumerate(both):
            a.chitty("todo", "update", todo, "--content", f"{i} by a", "--label", "+a")
        for todo in only_a:
            a.chitty("done", todo)
        a.chitty("todo", "update", gone, "--content", "still wanted")
        new["a"] = a.add("new on a")

    apart(a, b, on_a, on_b)
    converge(a, b, entries=200 + 10 + 30 + 2 + 10 + 30 + 2)
    for home in (a, b):
        todos = home.todos()
        same(len(todos), 201, "todos shown: two are new, one is deleted")
        for i, todo in enumerate(both):
            same(sorted(values(home, todo, "content")), [f"{i} by a", f"{i} by b"], "both contents")
            expect({"a", "b"} <= set(todos[todo]["labels"]), "both labels")
        same({todos[t]["status"] for t in only_a}, {"completed"}, "status set on a")
        same({(todos[t]["notes"], todos[t]["status"]) for t in only_b}, {("by b", "in_progress")},
             "fields set on b")
        expect(new["a"] in todos and new["b"] in todos, "what was made apart")
        conflicts = {(c["chittyId"], c["field"], c["kind"]) for c in home.read("conflicts")}
        same(conflicts, {(t, "content", "values") for t in both} | {(gone, "deleted", "deleted")},
             "conflicts listed")
        verified(home)


@test
def a_conflict_resolved_on_one_node_is_resolved_on_both(world):
    a, b = pair(world, "a", "b")
    todo, other = a.add("first"), a.add("second")
    converge(a, b, entries=2)
    apart(a, b,
          lambda: [a.chitty("todo", "update", t, "--content", "by a") for t in (todo, other)],
          lambda: [b.chitty("todo", "update", t, "--content", "by b") for t in (todo, other)])
    converge(a, b, entries=6)
    same(len(b.read("conflicts")), 2, "conflicts")
    a.chitty("resolve", todo, "content", "--value", "by both")
    pick = values(b, other, "content").index("by a") + 1
    b.chitty("resolve", other, "content", "--pick", str(pick))
    converge(a, b, entries=8)
    for home in (a, b):
        same(home.read("conflicts"), [], "conflicts left")
        same(values(home, todo, "content"), ["by both"], "the value given")
        same(values(home, other, "content"), ["by a"], "the value picked")
        verified(home)


@test
def a_deletion_against_an_edit_is_listed_until_someone_decides(world):
    a, b = pair(world, "a", "b")
    kept, gone = a.add("to be kept"), a.add("to be gone")
    converge(a, b, entries=2)
    apart(a, b,
          lambda: [a.chitty("todo", "delete", t) for t in (kept, gone)],
          lambda: [b.chitty("todo", "update", t, "--notes", "needed") for t in (kept, gone)])
    converge(a, b, entries=6)
    for home in (a, b):
        same(sorted((c["chittyId"], c["field"], c["kind"]) for c in home.read("conflicts")),
             sorted((t, "deleted", "deleted") for t in (kept, gone)), "conflicts")
        same(home.todos(), {}, "todos shown: the deletion hides until someone decides")
    a.chitty("todo", "delete", kept, "--undo")
    b.chitty("resolve", gone, "deleted", "--value", "yes")
    converge(a, b, entries=8)
    for home in (a, b):
        same(home.read("conflicts"), [], "conflicts left")
        same([(t, d["notes"]) for t, d in home.todos().items()], [(kept, "needed")], "todos shown")
        verified(home)


@test
def more_conflicts_than_one_message_holds_are_all_told(world):
    a, b = pair(world, "a", "b")
    many = 1000
    with Client(a) as client:
        client.change([create(content=f"{i}") for i in range(many)])
    converge(a, b, entries=many)
    ids = sorted(a.todos())

    def write(home):
        with Client(home) as client:
            client.change([update(t, content=f"by {home.name}" + " and much more" * 50)
                           for t in ids])

    apart(a, b, lambda: write(a), lambda: write(b))
    converge(a, b, entries=3 * many)
    found = b.read("conflicts")
    same(sorted(c["chittyId"] for c in found), ids, "conflicts told")
    same({len(c["values"]) for c in found}, {2}, "values of each")
    same(len(b.read("conflicts", ids[7])), 1, "conflicts of one")
    verified(a)
    verified(b)


@test
def a_conflict_is_resolved_without_a_node_too(world):
    a, b = pair(world, "a", "b")
    todo = a.add("first")
    converge(a, b, entries=1)
    apart(a, b, lambda: a.chitty("todo", "update", todo, "--content", "by a"),
          lambda: b.chitty("todo", "update", todo, "--content", "by b"))
    converge(a, b, entries=3)
    a.stop()
    a.chitty_node("resolve", todo, "content", "--value", "by both")
    same(a.read("conflicts"), [], "conflicts left without a node")
    a.run("--peer", b.node.address)
    converge(a, b, entries=4)
    same(values(b, todo, "content"), ["by both"], "the value given")


@test
def a_frozen_node_catches_up_when_it_goes_on(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.node.signal(signal.SIGSTOP)
    try:
        ids = [b.add(f"while frozen {i}") for i in range(30)]
    finally:
        a.node.signal(signal.SIGCONT)
    converge(a, b, entries=31)
    expect(set(ids) <= set(a.todos()), "what was written meanwhile")


@test
def a_node_that_comes_back_on_another_port_is_found_by_the_peer_it_dials(world):
    a, b = pair(world, "a", "b")
    for n in range(3):
        a.stop()
        b.add(f"{n} while a was away")
        a.run()  # another port; it remembers where b was
        a.add(f"{n} after it came back")
        converge(a, b, entries=2 * n + 2)
        states = {h.read("peers")[0]["state"] if isinstance(h.read("peers"), list)
                  else h.read("peers")["peers"][0]["state"] for h in (a, b)}
        same(states, {"in sync"}, "what both say of the other")


@test
def a_peer_that_leaves_is_said_to_be_away(world):
    a, b = pair(world, "a", "b")

    def state():
        return a.read("status")["peers"][0]["state"]

    until(lambda: state() == "in sync", "in sync")
    b.stop()
    until(lambda: state() == "away", "away after a stop")
    b.run("--peer", a.node.address)
    until(lambda: state() == "in sync", "in sync again")
    b.kill()
    until(lambda: state() == "away", "away after a kill")


@test
def many_small_partings_end_in_one_state(world):
    rng = random.Random(seed())
    a, b = pair(world, "a", "b")
    ids = [a.add(f"t{i}") for i in range(5)]
    converge(a, b, entries=5)
    entries = 5
    for _ in range(6):
        home, other = rng.sample((a, b), 2)
        way = rng.choice(("stop", "kill"))
        getattr(other, way)()
        for _ in range(rng.randint(1, 6)):
            field, value = rng.choice((("content", "x"), ("status", "blocked"), ("label", "+l"),
                                       ("label", "-l"), ("notes", "n"), ("priority", "high")))
            value = value + str(rng.randint(0, 99)) if field in ("content", "notes") else value
            home.chitty("todo", "update", rng.choice(ids), f"--{field}={value}")
        other.run("--peer", home.node.address)
        other.add(f"from {other.name}")
        until(lambda: converged(a, b, entries=entries), "all replicas hold the same")
    converge(a, b)
    verified(a)
    verified(b)


if __name__ == "__main__":
    sys.exit(nodes.main())
