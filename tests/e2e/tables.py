"""The database file as people read it with sqlite3, while the node runs and after."""
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

import nodes
from nodes import converge, expect, pair, same, test, verified

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def rows(home, sql):
    """Rows as maps, through a connection of one's own."""
    db = sqlite3.connect(f"file:{home.database()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return [dict(r) for r in db.execute(sql)]
    finally:
        db.close()


@test
def a_row_reads_well(world):
    home = world.home("a").init().run()
    project = home.chitty("project", "create", "Chronicle").out.strip()
    todo = home.add("Buy milk", "--priority", "high", "--label", "b", "--label", "a", "--project",
                    project, "--deadline", "2026-03-01T18:00:00Z", "--description", "two\nlines")
    home.add("Buy \"oat\" milk; or 'soy' ☃")
    found = rows(home, f"SELECT * FROM todo WHERE id = '{todo}'")
    same(len(found), 1, "rows with that id")
    row = found[0]
    expect(TIME.fullmatch(row["created"]), f"a time that can be read: {row['created']}")
    expect(TIME.fullmatch(row["modified"]), f"a time that can be read: {row['modified']}")
    same({k: row[k] for k in ("content", "status", "priority", "labels", "project", "deadline",
                              "description", "deleted", "conflicts")},
         {"content": "Buy milk", "status": "pending", "priority": "high", "labels": '["a","b"]',
          "project": project, "deadline": "2026-03-01T18:00:00.000Z", "description": "two\nlines",
          "deleted": 0, "conflicts": 0}, "values")
    same(rows(home, "SELECT content FROM todo WHERE content LIKE '%soy%'"),
         [{"content": "Buy \"oat\" milk; or 'soy' ☃"}], "quotes and beyond ASCII")
    joined = rows(home, "SELECT p.name, count(*) AS n FROM todo t"
                        " JOIN project p ON p.id = t.project GROUP BY p.id")
    same(joined, [{"name": "Chronicle", "n": 1}], "a join by ids")
    same(rows(home, "SELECT value FROM todo, json_each(labels) ORDER BY 1"),
         [{"value": "a"}, {"value": "b"}], "elements of a set")


@test
def the_sqlite3_shell_reads_it_while_the_node_writes(world):
    home = world.home("a").init().run()
    if shutil.which("sqlite3") is None:
        print("# no sqlite3 shell here: read by Python's alone")
    for i in range(10):
        home.add(f"t{i}")
        count = rows(home, "SELECT count(*) AS n FROM todo")[0]["n"]
        same(count, i + 1, "rows after each acknowledged write")
    if shutil.which("sqlite3") is not None:
        done = subprocess.run(["sqlite3", "-header", "-column", str(home.database()),
                               "select id, content, status, created from todo order by created"],
                              capture_output=True, text=True, check=False)
        same((done.returncode, done.stderr), (0, ""), "the shell")
        same(len(done.stdout.splitlines()), 12, f"lines: {done.stdout}")
        print("\n".join("# " + line for line in done.stdout.splitlines()[:4]))
    home.chitty("todo", "delete", rows(home, "SELECT id FROM todo WHERE content = 't3'")[0]["id"])
    same(rows(home, "SELECT content FROM todo WHERE deleted"), [{"content": "t3"}], "deleted ones")
    verified(home)


@test
def a_reader_in_a_long_transaction_disturbs_nobody(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    db = sqlite3.connect(f"file:{a.database()}?mode=ro", uri=True)
    db.execute("BEGIN")
    same(db.execute("SELECT count(*) FROM todo").fetchone(), (1,), "todos when it began")
    for i in range(20):
        (a if i % 2 else b).add(f"t{i}")
    converge(a, b, entries=21)
    same(db.execute("SELECT count(*) FROM todo").fetchone(), (1,), "todos it still sees")
    db.execute("COMMIT")
    same(db.execute("SELECT count(*) FROM todo").fetchone(), (21,), "todos afterwards")
    db.close()
    verified(a)


@test
def a_short_lock_by_another_program_is_waited_for(world):
    home = world.home("a").init().run()
    home.add("before")
    db = sqlite3.connect(home.database(), isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: db.execute("ROLLBACK"))
    timer.start()
    try:
        todo = home.add("while locked")
    finally:
        timer.join()
        db.close()
    expect(todo in home.todos(), "what was acknowledged")
    same(home.node.stderr(), "", "what the node says")
    verified(home)


@test
def shown_values_of_a_conflict_stand_in_the_row(world):
    a, b = pair(world, "a", "b")
    todo = a.add("first")
    converge(a, b, entries=1)
    b.stop()
    a.chitty("todo", "update", todo, "--content", "by a")
    a.stop()
    b.run()
    b.chitty("todo", "update", todo, "--content", "by b")
    a.run("--peer", b.node.address)
    converge(a, b, entries=3)
    read = [rows(h, "SELECT content, conflicts FROM todo") for h in (a, b)]
    same(read[0], read[1], "rows of both nodes")
    same(read[0][0]["conflicts"], 1, "conflicts of the row")
    same(read[0][0]["content"], a.todos()[todo]["content"], "the value shown")


if __name__ == "__main__":
    sys.exit(nodes.main())
