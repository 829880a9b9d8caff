"""What a change brings along and how it is taken back, on nodes that run: undo beside others'
edits, a series completed on both sides of a partition, dry runs, batches all or nothing."""
import json
import random
import subprocess
import sys
import threading

import nodes
from nodes import (CHITTY, CONFLICT, FAILED, NOTFOUND, USAGE, converge, expect, pair, same, seed,
                   test, verified)


def field(home, todo, name):
    return home.read("todo", "get", todo)["data"].get(name)


def entries(home):
    return home.read("status")["counts"]["entries"]


def apart(a, b, on_a, on_b):
    """Each while the other's node is down; then both."""
    a.stop()
    on_b()
    b.stop()
    a.run()
    on_a()
    a.stop()
    b.run()
    a.run("--peer", b.node.address)


@test
def a_series_completed_on_both_sides_goes_on_once_and_an_undo_leaves_what_others_wrote(world):
    a, b = pair(world, "a", "b")
    series = a.add("Water", "--recurrence", "weekly", "--deadline", "2026-01-31", "--label", "home")
    shared = a.add("shared")
    lone = a.add("lone")
    converge(a, b, entries=3)

    def on_b():
        b.chitty("done", series)
        b.chitty("todo", "update", shared, "--content", "by b")

    def on_a():
        a.chitty("done", series)
        a.chitty("todo", "update", lone, "--content", "by a", "--label", "+x")
        a.chitty("todo", "update", shared, "--content", "by a", "--priority", "high")

    apart(a, b, on_a, on_b)
    converge(a, b, entries=3 + 3 + 4)
    for home in (a, b):
        same(len(home.todos()), 4, "todos: one follows the one that was completed twice")
        after, = [t for t in home.todos().values() if t.get("recurs_from") == series]
        same((after["content"], after["status"], after["labels"], after["recurrence"]),
             ("Water", "pending", ["home"], "weekly"), "the next one")
        expect(after["deadline"] > "2026-01-31", "its deadline is later")

    # the last change of a: the priority goes back, the content that b wrote as well is left
    left = a.chitty("undo", "--json", status=CONFLICT).document()["left"]
    same([(l["chittyId"], l["field"]) for l in left], [(shared, "content")], "what was left")
    same(field(a, shared, "priority"), None, "priority")
    same(sorted(v["value"] for c in a.read("show", shared)["cells"] if c["field"] == "content"
                for v in c["values"]), ["by a", "by b"], "both contents are still there")
    a.chitty("undo")  # nobody else wrote there
    same((field(a, lone, "content"), field(a, lone, "labels")), ("lone", None), "taken back")
    a.stop()
    a.run("--peer", b.node.address)
    a.chitty("redo")  # what was taken back outlives a restart
    same(field(a, lone, "content"), "by a", "in force again")
    b.chitty("undo", "--force")
    same(field(b, shared, "content"), "shared", "b's own, with what stood beside it")
    converge(a, b)
    for home in (a, b):
        same(field(home, lone, "content"), "by a", "lone")
        same(home.read("conflicts"), [], "it is completed since the first said so; nothing is open")
        verified(home)


@test
def a_dry_run_of_every_command_writes_nothing(world):
    home = world.home("a").init().run()
    todo, other = home.add("one", "--recurrence", "daily"), home.add("two")
    project = home.chitty("project", "create", "P").out.strip()
    home.chitty("milestone", "add", project, "m")
    home.chitty("todo", "update", other, "--content", "zwei")
    picture, clone = world.folder / "shot.png", world.folder / "clone"
    picture.write_bytes(b"picture")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    root, count = home.root(), entries(home)
    commands = [
        ["add", "three"], ["done", todo], ["start", todo], ["stop", todo], ["cancel", todo, other],
        ["reopen", todo], ["prio", todo, "high"], ["due", todo, "tomorrow"], ["label", todo, "+x"],
        ["assign", todo, "ana"], ["parent", todo, other], ["block", todo, "--on", other],
        ["unblock", todo, "--on", other], ["remind", todo, "+2h"], ["comment", todo, "text"],
        ["delete", todo, other], ["undelete", todo], ["todo", "create", "four"],
        ["todo", "update", todo, "--notes", "x"], ["todo", "delete", todo],
        ["milestone", "add", project, "n"], ["milestone", "done", project, "m"],
        ["milestone", "rm", project, "m"], ["undo"], ["undo", "3"],
        ["attach", todo, str(picture)], ["repo", "add", str(clone)],
    ]
    for command in commands:
        told = home.chitty(*command, "--dry-run").out
        expect(told.strip(), f"{command} tells something")
    same(home.read("blobs")["blobs"], [], "no content was kept")
    told = home.chitty("batch", "--dry-run", stdin='{"content":"x"}\n').out
    expect("a new todo" in told and "content: nothing → x" in told, told)
    home.chitty("redo", "--dry-run", status=NOTFOUND)
    same((home.root(), entries(home)), (root, count), "root and entries")
    done = home.chitty("done", todo, "--dry-run", "--json").document()["results"][0]
    same(done["would"]["status"], {"from": "pending", "to": "completed"}, "would")
    expect(done["next"].startswith("CHITTY-TODO-"), "the next one is named")
    same((home.root(), entries(home)), (root, count), "root and entries")


@test
def batches_are_whole_transactions_and_bad_lines_are_named(world):
    home = world.home("a").init().run()
    lines = [json.dumps({"content": f"n {i}", "labels": ["bulk"]}) for i in range(600)]
    lines[300] = '{"content":"bad","priority":"urgent"}'
    lines[301] = "nonsense"
    done = home.chitty("batch", "--json", stdin="\n".join(lines), status=FAILED).document()
    same(sorted(row["line"] for row in done if "error" in row), [301, 302], "lines refused")
    same(len(home.todos()), 598, "todos written")
    count = entries(home)
    refused = home.chitty("batch", "--atomic", stdin="\n".join(lines[290:301]), status=USAGE)
    expect("nothing was written: line 11 is refused" in refused.err, refused.err)
    home.chitty("batch", "--atomic", stdin="\n".join(lines[:257]), status=None)
    same(entries(home), count, "entries after batches that were refused")
    home.chitty("batch", "--atomic", stdin="\n".join(lines[:256]))
    same(entries(home), count + 256, "entries after one that was not")
    home.chitty("undo")
    same(len(home.todos()), 598, "todos after it was taken back as a whole")
    ids = home.chitty("ls", "-o", "name", "--label", "bulk").out
    home.chitty("done", "-", stdin=ids)
    same({t["status"] for t in home.todos().values()}, {"completed"}, "all are done")
    verified(home)


@test
def a_node_killed_in_the_middle_has_whole_batches_or_none(world):
    chance = random.Random(seed())
    home = world.home("a").init()
    lines = "\n".join(json.dumps({"content": f"n {i}"}) for i in range(256))
    for _ in range(4):
        home.run()
        before = len(home.todos())
        killer = threading.Timer(chance.uniform(0, 0.03), home.node.process.kill)
        killer.start()
        done = subprocess.run([CHITTY, "batch", "--atomic"], env=home.env, input=lines, text=True,
                              capture_output=True, timeout=2 * nodes.DEADLINE_S, check=False)
        killer.join()
        home.node.wait()
        written = done.returncode == nodes.OK
        if written:
            same(len(done.stdout.split()), 256, "ids told")
        home.run()
        more = len(home.todos()) - before
        expect(more == 256 if written else more in (0, 256), f"{more} of a batch of 256")
        if more:
            home.chitty("undo")
            same(len(home.todos()), before, "todos after it was taken back")
        home.stop()
    home.run()
    verified(home)


if __name__ == "__main__":
    sys.exit(nodes.main())
