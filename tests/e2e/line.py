"""Three nodes of which the two at the ends never speak with each other."""
import sys

import nodes
from nodes import converge, expect, same, seed, test, until, verified


def line(world):
    """a - b - c: a and c join b. They know each other as members of the space, and b alone was told
    where each of them is."""
    b = world.home("b").init().run()
    ends = []
    for name in ("a", "c"):
        end = world.home(name).init().run().join(b)
        until(lambda: connected(end) == {"b"}, f"{name} is connected with b")
        end.stop()
        ends.append(end)
    return ends[0], b, ends[1]


def connected(home):
    return {p["name"] for p in home.read("status")["peers"] if p["state"] == "in sync"}


def run_line(a, b, c):
    for end in (a, c):
        end.run("--peer", b.node.address)
    until(lambda: connected(b) == {"a", "c"}, "b is connected with both")


@test
def what_is_written_at_one_end_reaches_the_other_through_the_middle(world):
    a, b, c = line(world)
    run_line(a, b, c)
    first, second = a.add("from a"), c.add("from c")
    middle = b.add("from b")
    converge(a, b, c, entries=3)
    same(sorted(c.todos()), sorted([first, second, middle]), "todos at c")
    same((connected(a), connected(c)), ({"b"}, {"b"}), "whom the ends speak with")
    for home in (a, b, c):
        verified(home)


@test
def the_ends_keep_what_the_middle_had_when_it_dies(world):
    a, b, c = line(world)
    run_line(a, b, c)
    for i in range(20):
        a.add(f"a {i}")
        c.add(f"c {i}")
    converge(a, b, c, entries=40)
    b.kill()
    a.add("a alone")
    c.chitty("todo", "update", next(iter(c.todos())), "--content", "c alone")
    b.run("--peer", a.node.address, "--peer", c.node.address)
    converge(a, b, c, entries=42)
    for home in (a, b, c):
        verified(home)


@test
def a_late_joiner_gets_everything_from_whom_it_joins(world):
    a, b, c = line(world)
    run_line(a, b, c)
    ids = [a.add(f"a {i}") for i in range(10)] + [c.add(f"c {i}") for i in range(10)]
    converge(a, b, c, entries=20)
    a.stop()
    b.stop()
    d = world.home("d").init().run().join(c)
    converge(c, d, entries=20)
    same(sorted(d.todos()), sorted(ids), "todos of the late joiner")
    # and its own changes reach those who were away when it joined
    own = d.add("from d")
    b.run("--peer", c.node.address)
    a.run("--peer", b.node.address)
    converge(a, b, c, d, entries=21)
    expect(own in a.todos(), "what the late joiner wrote")
    for home in (a, b, c, d):
        same(len(home.read("status")["peers"]), 3, f"devices known to {home.name}")
        verified(home)


@test
def concurrent_edits_at_both_ends_are_one_conflict_everywhere(world):
    a, b, c = line(world)
    run_line(a, b, c)
    todo = b.add("shared")
    converge(a, b, c, entries=1)
    b.stop()
    a.chitty("todo", "update", todo, "--content", "by a", "--label", "+a")
    c.chitty("todo", "update", todo, "--content", "by c", "--label", "+c")
    b.run("--peer", a.node.address, "--peer", c.node.address)
    converge(a, b, c, entries=3)
    shown = {h.todos()[todo]["content"] for h in (a, b, c)}
    same(len(shown), 1, f"contents shown: {shown}")
    for home in (a, b, c):
        same([(r["field"], len(r["values"])) for r in home.read("conflicts")], [("content", 2)],
             f"conflicts at {home.name}")
        same(sorted(home.todos()[todo]["labels"]), ["a", "c"], "labels")


if __name__ == "__main__":
    sys.exit(nodes.main())
