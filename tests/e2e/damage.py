"""A row that rots on disk: the node notices, peers name it, rebuild restores it (PROTOCOL 5.9)."""
import sqlite3
import sys

import nodes
from nodes import FAILED, OK, converge, expect, pair, same, test, until, verified


def rot(home, todo):
    """Change the text of one todo in the file itself, as a failing disk would."""
    with sqlite3.connect(home.database()) as db:
        db.execute("UPDATE todo SET content = 'Buy silk' WHERE id = ?", (todo,))
        same(db.execute("SELECT changes()").fetchone()[0], 1, "rows changed")


@test
def peers_name_the_row_that_rotted_and_rebuild_restores_it(world):
    a, b = pair(world, "a", "b")
    milk = a.add("Buy milk")
    for i in range(20):
        a.add(f"todo {i}")
    converge(a, b, entries=21)
    good = a.root()
    b.stop()
    rot(b, milk)
    b.run()
    until(lambda: b.root() != good, "the root is what the rows give")
    same(b.todos()[milk]["content"], "Buy silk", "what the rotten row says")
    expect("rows on disk differ" in b.node.stderr(), "the node itself says so")
    until(lambda: milk in a.node.stderr() or milk in b.node.stderr(), "the bisect names the row")
    expect("differs" in (h.read("peers")["peers"][0]["state"] for h in (a, b)), "peers says so")

    found = b.chitty_node("verify", "--json", status=FAILED).document()
    same(found["ok"], False, "verify")
    expect(any("todo" in p["where"] and "content" in p["where"] for p in found["problems"]),
           f"verify names table and column: {found}")
    same(found["root"], good, "the root that the log gives")

    b.chitty_node("rebuild", status=OK)
    same(b.root(), good, "root after the rebuild")
    same(b.todos()[milk]["content"], "Buy milk", "content after the rebuild")
    verified(b)


@test
def changes_made_while_the_rows_are_read_again_are_no_damage(world):
    a = world.home("a").init().run()
    for i in range(300):
        a.add(f"todo {i}", "--notes", "n" * 200)
    a.stop()
    a.run()  # the rows are read in quiet moments now
    for i in range(40):
        a.add(f"later {i}")
    a.chitty("done", a.add("one that ends at once"))
    root = a.root()
    same(verified(a)["root"], root, "root that the log gives")
    expect("differ" not in a.node.stderr(), f"no alarm: {a.node.stderr()}")


if __name__ == "__main__":
    sys.exit(nodes.main())
