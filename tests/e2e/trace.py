"""The history of a real tracker, written again by real nodes, ends in the tracker's end state
(docs/TRACE.md). `--whole`: all of it on one, three and seven nodes, in order and at once."""
import gzip
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

import nodes
from nodes import DEADLINE_S, SLOW, Skip, expect, same, test

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
import root  # noqa: E402

TRACE = os.environ.get("CHITTY_TRACE_TOOL", "chitty-trace")
DATA = os.environ.get("CHITTY_DATA")
WHOLE = "--whole" in sys.argv
CHANGES = 317502  # of the whole trace
PREFIX = 40       # commits of the short runs


def data(name):
    if not DATA:
        raise Skip("CHITTY_DATA names no folder of data")
    path = pathlib.Path(DATA) / "tracker-trace" / name
    expect(path.is_file(), f"{path} is there")
    return str(path)


def history():
    return data("beads.ndjson.gz")


def replay(world, *arguments, trace=None):
    """What chitty-trace says of itself, and the databases of its nodes."""
    folder = world.folder / "trace"
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run([TRACE, trace or history(), "--home", str(folder), *arguments],
                          env=world.env, capture_output=True, text=True, timeout=40 * DEADLINE_S,
                          check=False)
    same(done.returncode, 0, f"chitty-trace {' '.join(arguments)}: {done.stderr[:2000]}")
    said = json.loads(done.stdout)
    print(f"# {' '.join(arguments)}: {done.stdout.strip()}")
    homes = sorted(folder.iterdir())
    same(len(homes), said["devices"], "homes")
    return said, [h / "spaces" / f"{(h / 'space').read_text().strip()}.db" for h in homes]


def compared(database, *wanted):
    return subprocess.run([sys.executable, str(SUPPORT / "trace_end.py"), str(database), *wanted],
                          capture_output=True, text=True, timeout=4 * DEADLINE_S, check=False)


def equal(databases, *wanted):
    for database in databases:
        done = compared(database, *wanted)
        found = "\n".join([*done.stdout.splitlines()[:20], *done.stdout.splitlines()[-1:]])
        same(done.returncode, 0, f"{database.parents[1].name}: {found}{done.stderr}")


def ops_in(database):
    """How many ops the log holds, by the reader that shares no code with the rest."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rulings = root.Rulings(r[0] for r in db.execute("SELECT bytes FROM record ORDER BY n"))
    fold = root.Fold(root.Log(db, []), root.read_schema(root.SCHEMA), rulings)
    return sum(len(ops) for *_, ops in fold.acts)


def changes_of(limit):
    """Changes in the first commits."""
    with gzip.open(history(), "rt", encoding="utf-8") as lines:
        return sum(len(json.loads(line)["ops"]) for line, _ in zip(lines, range(limit)))


def carried(said, changes):
    """Every change of the trace is in an entry, and none of them said nothing."""
    same(said["changes"], changes, "changes of the trace")
    same((said["entries"], said["unchanged"]), (said["records"], 0), "entries")


def puts(issue, **fields):
    return [{"i": issue, "f": field, "v": value} for field, value in fields.items()]


def change(issue, field, add=(), rm=()):
    return {"i": issue, "f": field, "add": list(add), "rm": list(rm)}


# a commit each, of author a and b in turn: every row of the mapping, and all that goes and comes
SMALL = [
    puts("x-1", title="One", description="d", design="e", notes="n", acceptance_criteria="ok",
         status="in_progress", priority=0, issue_type="merge-request", assignee="someone",
         owner="owner", created_by="author", external_ref="gh-1", close_reason="why",
         created_at="2025-10-16T20:46:08.971822-07:00", color="red", weight=3.5,
         odd={"a": [1, None]})
    + [change("x-1", "labels", ["l 1", "l 2"]), change("x-1", "watchers", ["w1", "w2"]),
       change("x-1", "comments", ["someone: first", "two\nlines"]),
       change("x-1", "dependencies", ["blocks x-2", "blocked-by x-3", "parent-child x-4",
                                      "related x-2"])],
    puts("x-2", title="Two", status="some other word", priority=9, created_at="yesterday",
         closed_at="2025-10-16T20:46:08")
    + puts("x-3", title="Three", status="open", priority=-1, created_at="1969-12-31T23:59:59Z"),
    puts("x-1", status="closed", closed_at="2025-10-17T00:00:00Z", assignee=None, color=None)
    + [change("x-1", "labels", ["l 3"], ["l 1"]), change("x-1", "comments", [], ["two\nlines"]),
       change("x-1", "dependencies", ["parent-child x-5", "blocks x-9"], ["blocks x-2"]),
       change("x-1", "watchers", [], ["w1"])],
    puts("x-1", status="tombstone", deleted_by="b") + puts("x-2", status="blocked", priority=None),
    puts("x-1", status="open", closed_at=None, description="", deleted_by=None)
    + [change("x-1", "dependencies", ["blocked-by x-2"], ["parent-child x-4", "blocked-by x-3"])],
    [{"i": "x-1", "del": True}] + puts("x-2", status="hooked", owner=""),
    puts("x-1", title="One again", assignee="another")
    + [change("x-1", "comments", ["two\nlines"]), change("x-1", "watchers", ["w2"])],
    [{"i": "x-2", "del": True}, {"i": "x-1", "del": True}] + puts("x-2", title="Two, new"),
]


@test
def every_row_of_the_mapping_is_there_after_each_commit(world):
    trace = world.folder / "small.gz"
    with gzip.open(trace, "wt", encoding="utf-8") as lines:
        for number, ops in enumerate(SMALL):
            commit = {"n": number, "t": 1700000000 + number, "a": "ab"[number % 2], "ops": ops}
            lines.write(json.dumps(commit) + "\n")
    for limit in range(1, len(SMALL) + 1):
        nodes_of = "2" if limit == len(SMALL) else "1"
        said, databases = replay(world, "--limit", str(limit), "--nodes", nodes_of,
                                 trace=str(trace))
        equal(databases, "--trace", str(trace), "--limit", str(limit))
        same(said["unchanged"], 0, "changes that said nothing")
        same(said["changes"], sum(map(len, SMALL[:limit])), "changes")
        same(ops_in(databases[0]), said["ops"], f"ops in the log after {limit} commits")


@test
def a_history_in_order_on_three_nodes_ends_alike_on_each_and_as_folded_apart(world):
    said, databases = replay(world, "--nodes", "3", "--spread", "commit", "--limit", str(PREFIX))
    equal(databases, "--trace", history(), "--limit", str(PREFIX))
    carried(said, changes_of(PREFIX))
    same(ops_in(databases[0]), said["ops"], "ops in the log")


@test
def at_once_on_three_nodes_it_ends_alike_on_each(world):
    seed = nodes.seed()
    said, _ = replay(world, "--nodes", "3", "--spread", "commit", "--limit", str(PREFIX),
                     "--order", "concurrent", "--seed", str(seed))
    same(said["changes"], changes_of(PREFIX), "changes of the trace")


@test
def the_comparison_finds_each_change_of_what_a_node_holds(world):
    _, databases = replay(world, "--limit", "30")
    wanted = ("--trace", history(), "--limit", "30")
    equal(databases, *wanted)
    some = "(SELECT id FROM todo WHERE deleted = 0 ORDER BY id LIMIT 1 OFFSET 3)"
    for statement in (
            "UPDATE todo SET content = content || '.' WHERE id = ID",
            "UPDATE todo SET priority = 'low' WHERE id = ID",
            "UPDATE todo SET created = '2025-10-12T07:43:03.454Z' WHERE id = ID",
            "UPDATE todo SET raw = json_set(raw, '$.\"beads.status\"', 'hooked') WHERE id = ID",
            "UPDATE todo SET raw = json_set(raw, '$.\"beads.color\"', 'red') WHERE id = ID",
            "UPDATE todo SET labels = '[\"red\"]' WHERE id = ID",
            "UPDATE todo SET relations = '[\"follows CHITTY-TODO-0\"]' WHERE id = ID",
            "UPDATE todo SET started_at = '2025-10-12T07:43:03.454Z' WHERE id = ID",
            "UPDATE todo SET deleted = 1 WHERE id = ID",
            "UPDATE todo SET notes = 'back' WHERE rowid = (SELECT min(rowid) FROM todo"
            " WHERE deleted = 1)",
            "DELETE FROM todo WHERE id = ID"):
        copy = world.folder / "copy.db"
        shutil.copy(databases[0], copy)
        with sqlite3.connect(copy) as db:
            done = db.execute(statement.replace("= ID", f"= {some}"))
            same(done.rowcount, 1, f"rows that {statement} changes")
        found = compared(copy, *wanted)
        same(found.returncode, 1, f"{statement}: {found.stdout[:500]}")


@test
def the_whole_history_on_one_node_ends_in_the_state_given(world):
    if SLOW > 1:  # with sanitizers, the beginning of it
        limit = 100
        _, databases = replay(world, "--limit", str(limit))
        equal(databases, "--trace", history(), "--limit", str(limit))
        return
    said, databases = replay(world)
    equal(databases, "--end", data("beads.end.json.gz"))
    carried(said, CHANGES)


def whole(world, *arguments):
    said, databases = replay(world, *arguments)
    equal(databases, "--end", data("beads.end.json.gz"))
    carried(said, CHANGES)
    return databases


def the_whole_history_on_one_three_and_seven_nodes_ends_as_given_on_each(world):
    same(ops_in(whole(world)[0]), 856832, "ops in the log")
    for count in ("3", "7"):
        whole(world, "--nodes", count)
    whole(world, "--nodes", "3", "--spread", "commit")


def the_whole_history_at_once_ends_alike_on_each_node(world):
    seed = nodes.seed()
    for spread in ("author", "commit"):
        said, _ = replay(world, "--nodes", "5", "--spread", spread, "--order", "concurrent",
                         "--seed", str(seed))
        same(said["changes"], CHANGES, "changes of the trace")


if __name__ == "__main__":
    if WHOLE:
        nodes.TESTS[:] = [the_whole_history_on_one_three_and_seven_nodes_ends_as_given_on_each,
                          the_whole_history_at_once_ends_alike_on_each_node]
    sys.exit(nodes.main([]))
