"""Export and import by real commands: what goes out comes in again, what other programs say arrives
whole and once, and what is wrong is named. Tables are read with Python's own SQLite; the mappings
(docs/IMPORT.md) are said here a second time."""
import gzip
import json
import os
import pathlib
import random
import shutil
import sqlite3
import stat
import subprocess
import sys

import nodes
from nodes import FAILED, Skip, converge, expect, same, seed, test

import schema
from root_schema import read_schema

nodes.TESTS[:] = [t for t in nodes.TESTS if t.__module__ == "__main__"]  # those of this file
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from trace_end import natural_id, todo_id  # noqa: E402

DATA = os.environ.get("CHITTY_DATA")


def lines(path):
    return pathlib.Path(path).read_text(encoding="utf-8").splitlines()


def export(home, *arguments):
    """The records of an export, each as its line."""
    out = home.chitty_node("export", *arguments).out.splitlines()
    head = json.loads(out[0])
    same((head["kind"], head["schemaVersion"]), ("chitty-export", 1), "the first line")
    return out[1:]


def take(home, path, *arguments, status=nodes.OK):
    return home.chitty_node("import", str(path), "--json", *arguments, status=status).document()


def counts(result):
    return tuple(result[k] for k in ("created", "updated", "unchanged", "skipped", "errors"))


def same_records(have, want, what):
    """Lines of exports, of which the first that differs is told, and not all of it."""
    for a, b in zip(have, want):
        if a != b:
            at = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            same(a[:60] + " … " + a[max(60, at - 40):at + 80],
                 b[:60] + " … " + b[max(60, at - 40):at + 80], what)
    same(len(have), len(want), f"{what}: records")


def rows(home, table):
    """Every row by id, as a map of its columns that have something."""
    db = sqlite3.connect(f"file:{home.database()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    got = {r["id"]: {k: r[k] for k in r.keys() if r[k] is not None}
           for r in db.execute(f'SELECT * FROM "{table}"')}
    db.close()
    return got


def write(world, name, text):
    path = world.folder / name
    path.write_text(text, encoding="utf-8")
    return path


# --- our own file ------------------------------------------------------------------------------

TODO = "CHITTY-TODO-0000000000000000000000000"


def extremes():
    """Records that a person would hardly make."""
    long = "ä€😀 \"\\\n\t" * 6000  # of 90 kB
    records = [
        {"chittyId": TODO + "1", "type": "todo",
         "data": {"content": "Large", "status": "completed", "recurrence": "weekly",
                  "description": long, "notes": long + "n", "design": long + "d",
                  "created": "1970-01-01T00:00:00.000Z"}},
        {"chittyId": TODO + "2", "type": "todo", "deleted": True,
         "data": {"content": "Gone", "labels": ["only", "two"],
                  "dependencies": [TODO + "1", TODO + "9"]}},
        {"chittyId": "CHITTY-SESSION-00000000000000000000000001", "type": "session",
         "data": {"session_id": "many", "state": {f"key {n:04}": n for n in range(2000)}}},
        {"chittyId": "CHITTY-MESSAGE-00000000000000000000000001", "type": "message",
         "data": {"content": "A comment", "about": TODO + "1", "raw": {
             "a.bin": {"$bin": "00ff"}, "a.number": {"$msgpack": "cfffffffffffffffff"},
             "a.keys": {"$msgpack": "8101c3"}, "a.float": -0.25, "a.int": -9007199254740993,
             "a.deep": [[[[[[[1.0]]]]]]], "a.dollar": {"$msgpack": "81a52462696eA130".lower()},
             "a.null": [None, True]}}},
    ]
    return "".join(json.dumps(r) + "\n" for r in records)


@test
def an_export_goes_in_and_comes_out_the_same(world):
    a = world.home("a").init().run()
    entities = {table: schema.create(a, table, fields)
                for table, fields in read_schema(schema.DOCS).values()}
    gone = a.add("Deleted", "--label", "x")
    a.chitty("todo", "delete", gone)
    a.chitty("merge", a.add("Said twice"), a.add("said twice."))
    hard = write(world, "hard.jsonl", extremes())
    same(counts(take(a, hard)), (4, 0, 0, 0, 0), "of the extremes")
    same(counts(take(a, hard)), (0, 0, 4, 0, 0), "of the extremes a second time")
    whole = export(a, "--deleted")
    pipe = world.folder / "pipe"
    os.mkfifo(pipe)
    with open(world.folder / "came", "wb") as came, subprocess.Popen(["cat", pipe], stdout=came):
        a.chitty_node("export", "--deleted", "--out", str(pipe))
    same_records(lines(world.folder / "came")[1:], whole, "what came through a pipe")
    expect(stat.S_ISFIFO(os.stat(pipe).st_mode), "the pipe is a pipe")
    same_records(export(a, "--deleted"), whole, "a second export")
    same(len(whole), len(entities) + 1 + 2 + 4, "records exported")
    same({json.loads(r)["type"] for r in whole}, set(entities), "types exported")
    visible = export(a)
    same_records([r for r in whole if '"deleted":true' not in r], visible, "without --deleted")
    path = world.folder / "whole.jsonl"
    a.chitty_node("export", "--deleted", "--out", str(path))
    b = world.home("b").init()  # no node: the home itself
    same(counts(take(b, path)), (len(whole), 0, 0, 0, 0), "of the whole")
    same_records(export(b, "--deleted"), whole, "what came in goes out")
    same(sum('"alias_of":"CHITTY-TODO' in r for r in whole), 1, "what is the same stays so")
    same(b.read("verify")["ok"], True, "verify")
    same(counts(take(b, path)), (0, 0, len(whole), 0, 0), "of the whole a second time")
    # here already: it stays, unless it is to be as the file says
    one = next(r for r in map(json.loads, visible) if r["chittyId"] == entities["todo"])
    one["data"].update(labels=["another"], raw={"x.y": 1})
    del one["data"]["notes"]
    edited = write(world, "edited.jsonl", json.dumps(one))
    same(counts(take(b, edited)), (0, 0, 0, 1, 0), "of one that differs")
    same_records(export(b, "--deleted"), whole, "it stayed")
    same(counts(take(b, edited, "--overwrite")), (0, 1, 0, 0, 0), "of one to be overwritten")
    same([r for r in map(json.loads, export(b)) if r["chittyId"] == entities["todo"]], [one],
         "it is as the file says")


@test
def an_export_can_be_of_some_types_or_of_one_person(world):
    home = world.home("some").init().run()
    project = home.chitty("project", "create", "Garden", "--owner", "ben").out.strip()
    mine = home.add("Mine", "--assignee", "anna", "--project", project)
    home.add("Yours", "--assignee", "ben")
    said = home.chitty("message", "create", "Hello", "--author", "anna").out.strip()

    def ids(*arguments):
        return {json.loads(r)["chittyId"] for r in export(home, *arguments)}

    same(ids("--types", "project"), {project}, "of one type")
    same(ids("--assignee", "anna"), {mine}, "of an assignee")
    same(ids("--person", "anna"), {mine, said, project}, "of a person, with what it links to")
    same(ids("+garden", "--types", "todo"), set(), "of a label that none has")
    same(ids("assignee:anna"), {mine}, "of a filter")
    home.chitty_node("export", "--types", "todos,nonsense", status=nodes.USAGE)


@test
def what_a_newer_build_wrote_is_told_as_it_is(world):
    home = world.home("older").init()
    made = home.call(os.environ["CHITTY_NEWER"]).out.strip()
    record = json.loads(export(home)[0])
    value = [1, {"$bin": "07"}]
    same((record["chittyId"], record["unknown"]),
         (made, [{"number": 99, "value": value}, {"number": 100, "key": "k", "value": value}]),
         "the record")


# --- other programs ----------------------------------------------------------------------------

ISSUE = {"id": "bd-1", "title": "First", "description": "Long", "status": "hooked", "priority": 4,
         "issue_type": "bug", "assignee": "anna", "created_at": "2026-02-01T10:00:00.123456-08:00",
         "closed_at": "2026-02-03T10:00:00Z", "labels": ["a", "b"], "estimated_minutes": 30,
         "ephemeral": True, "updated_at": "2026-02-02T10:00:00Z",
         "dependencies": [{"issue_id": "bd-1", "depends_on_id": "bd-2", "type": "blocks"},
                          {"issue_id": "bd-1", "depends_on_id": "bd-3", "type": "parent-child"},
                          {"issue_id": "bd-1", "depends_on_id": "bd-4", "type": "tracks"}],
         "comments": [{"id": 7, "issue_id": "bd-1", "author": "ben", "text": "A word",
                       "created_at": "2026-02-01T12:00:00Z"}]}


def issues(*changes):
    """A file of the issue above and one that is gone."""
    one = dict(ISSUE, **dict(changes))
    return "\n".join(json.dumps(i) for i in
                     (one, {"id": "bd-2", "title": "Gone", "status": "tombstone"})) + "\n"


@test
def an_issue_arrives_whole_and_edits_made_here_stay(world):
    home = world.home("one").init().run()
    path = write(world, "issues.jsonl", issues())
    would = take(home, path, "--dry-run")
    same((counts(would), would["dryRun"]), ((3, 0, 0, 0, 0), True), "of a dry run")
    same(home.read("status")["counts"]["entries"], 0, "entries after a dry run")
    same(counts(take(home, path)), (3, 0, 0, 0, 0), "of the first import")
    same(counts(take(home, path)), (0, 0, 3, 0, 0), "of the second import")
    first, second = (rows(home, "todo")[todo_id(i)] for i in ("bd-1", "bd-2"))
    same([second[k] for k in ("deleted", "content", "conflicts")], [1, "Gone", 0], "the tombstone")
    want = {"content": "First", "description": "Long", "status": "in_progress", "priority": "low",
            "kind": "bug", "created": "2026-02-01T18:00:00.123Z", "estimate": 30,
            "completed_at": "2026-02-03T10:00:00.000Z", "parent": todo_id("bd-3"), "deleted": 0}
    same({k: first.get(k) for k in want}, want, "typed columns")
    same(sorted(json.loads(first["labels"])), ["a", "b"], "labels")
    same(json.loads(first["assignees"]), ["anna"], "assignees")
    same(json.loads(first["dependencies"]), [todo_id("bd-2")], "dependencies")
    same(sorted(json.loads(first["relations"])),
         sorted([f"parent-child {todo_id('bd-3')}", f"tracks {todo_id('bd-4')}"]), "relations")
    raw = json.loads(first["raw"])
    same({k: raw.get("beads." + k) for k in ("id", "status", "priority", "created_at")},
         {"id": "bd-1", "status": "hooked", "priority": 4, "created_at": ISSUE["created_at"]},
         "what has no exact typed form")
    expect(raw["beads.ephemeral"], "a field without a typed form")
    comment = natural_id(8, "MESSAGE", "bd-1\n2026-02-01T12:00:00Z\nben\nA word")
    said = rows(home, "message")[comment]
    same((said["content"], said["author"], said["about"], said["created"]),
         ("A word", "ben", todo_id("bd-1"), "2026-02-01T12:00:00.000Z"), "the comment")
    # edited here: the title, a label taken away, one added
    home.chitty("todo", "update", todo_id("bd-1"), "--content", "Mine", "--label=-a", "--label=+c")
    root = home.root()
    same(counts(take(home, path)), (0, 0, 3, 0, 0), "of the same file after edits")
    same(home.root(), root, "the root")
    # the source changes others: those alone are written, and what it takes back goes
    path = write(world, "later.jsonl", issues(("status", "closed"), ("labels", ["b", "d"]),
                                              ("description", ""), ("priority", 1)))
    same(counts(take(home, path)), (0, 1, 2, 0, 0), "of a later file")
    first = rows(home, "todo")[todo_id("bd-1")]
    same((first["content"], first["status"], first["priority"], first.get("description"),
          first["completed_at"]),
         ("Mine", "completed", "high", None, "2026-02-03T10:00:00.000Z"), "after the later file")
    same(sorted(json.loads(first["labels"])), ["b", "c", "d"], "labels after the later file")
    same(json.loads(first["raw"]).get("beads.priority"), None, "the earlier priority in raw")


@test
def two_devices_import_the_same_file_and_hold_the_same(world):
    path = write(world, "issues.jsonl", issues())
    a, b = world.home("a").init().run(), world.home("b").init().run()
    b.chitty_node("join", a.ticket())
    converge(a, b)
    b.stop()
    take(a, path)
    a.stop()
    b.run()
    same(counts(take(b, path)), (3, 0, 0, 0, 0), "on the second device")
    a.run("--peer", b.node.address)
    converge(a, b)
    same(a.read("conflicts"), [], "conflicts")
    same(len(rows(a, "todo")), 2, "todos")
    same(counts(take(a, path)), (0, 0, 3, 0, 0), "once more")


@test
def circles_of_another_tracker_arrive_and_are_told(world):
    home = world.home("circles").init().run()
    circle = [{"id": one, "title": one, "status": "open", "dependencies": [
        {"issue_id": one, "depends_on_id": other, "type": "blocks"}]}
              for one, other in (("x-1", "x-2"), ("x-2", "x-1"))]
    path = write(world, "circle.jsonl", "".join(json.dumps(i) + "\n" for i in circle))
    same(counts(take(home, path, "--format", "beads")), (2, 0, 0, 0, 0), "counts")
    told = json.loads(home.chitty("cycles", "--json", status=nodes.FAILED).out)["data"]
    same([(c["field"], c["length"]) for c in told], [("dependencies", 2)], "circles")


@test
def what_is_wrong_is_named_by_its_line_and_the_rest_arrives(world):
    home = world.home("wrong").init()
    good = [json.dumps({"id": f"x-{n}", "title": f"Good {n}", "dependencies": [
        {"issue_id": f"x-{n}", "depends_on_id": f"x-{n + 1}", "type": "blocks"}]})
        for n in range(300)]
    bad = {3: '{"id":"x', 10: '{"id":"y"}', 20: '{"id":"z","title":"' + "t" * 5000 + '"}',
           30: '{"id":"b","title":"\\u0000"}', 40: "[1]", 50: '{"id":"d","title":"a","title":"b"}',
           60: '{"id":"e","title":"deep","metadata":' + "[" * 40 + "]" * 40 + "}"}
    for line, text in bad.items():
        good.insert(line - 1, text)
    path = write(world, "bad.jsonl", "\n".join(good) + "\n")
    result = take(home, path, "--format", "beads", status=FAILED)
    same(counts(result), (300, 0, 0, 0, 7), "counts")
    same(sorted(p["line"] for p in result["problems"]), sorted(bad), "lines named")
    expect(any("content" in p["message"] for p in result["problems"] if p["line"] == 20),
           "the node's own reason is told")
    said = home.chitty_node("import", str(path), "--strict", status=FAILED)
    expect(f"{path}:3: " in said.err, f"the line is named: {said.err}")
    expect("2 unchanged" in said.out, f"what came before is counted: {said.out}")
    none = write(world, "none.jsonl", '{"what":1}\n')
    home.chitty_node("import", str(none), status=nodes.USAGE)
    home.chitty_node("import", str(world.folder / "nowhere"), status=nodes.NOTFOUND)
    same(counts(take(home, write(world, "empty", ""))), (0, 0, 0, 0, 0), "of an empty file")
    path = write(world, "escapes.jsonl", json.dumps({
        "chittyId": "CHITTY-TODO-00041061050R3GG28A1C60T3GF", "data": {"\x1b[31mred": 1}}) + "\n")
    said = home.chitty_node("import", str(path), status=FAILED)
    expect("?[31mred" in said.err and "\x1b" not in said.err, f"no escapes: {said.err}")


@test
def the_end_of_a_real_history_arrives(world):
    path = pathlib.Path(DATA or "/nowhere") / "tracker-trace" / "beads.end.json.gz"
    if not path.exists():
        raise Skip("CHITTY_DATA names no folder with tracker-trace")
    end = json.loads(gzip.open(path).read())
    text = []
    for name, issue in end.items():
        ties = [{"issue_id": name, "depends_on_id": t.split(" ", 1)[1], "type": t.split(" ", 1)[0],
                 "created_at": issue["created_at"]} for t in issue.get("dependencies") or []]
        text.append(json.dumps(dict(issue, id=name, dependencies=ties)))
    home = world.home("real").init()
    source = write(world, "issues.jsonl", "\n".join(text))
    same(counts(take(home, source)), (len(end), 0, 0, 0, 0), "of the first import")
    root = home.root()
    same(counts(take(home, source)), (0, 0, len(end), 0, 0), "of the second import")
    same(home.root(), root, "the root")
    got = rows(home, "todo")
    same(set(got), {todo_id(i) for i in end}, "issues")
    status = {"open": "pending", "pinned": "pending", "hooked": "in_progress",
              "in_progress": "in_progress", "closed": "completed"}
    for name, issue in end.items():
        row = got[todo_id(name)]
        ties = [t.split(" ", 1) for t in issue.get("dependencies") or []]
        parents = [x for kind, x in ties if kind == "parent-child"]
        want = {
            "content": issue["title"], "status": status[issue["status"]],
            "priority": ["critical", "high", "medium", "low", "low"][issue["priority"]],
            "kind": issue["issue_type"], "description": issue.get("description") or None,
            "notes": issue.get("notes") or None, "close_reason": issue.get("close_reason") or None,
            "owner": issue.get("owner") or None, "author": issue.get("created_by") or None,
            "parent": todo_id(parents[0]) if len(parents) == 1 else
            todo_id(issue["parent"]) if issue.get("parent") else None,
        }
        same({k: row.get(k) for k in want}, want, name)
        for column, elements in (
                ("labels", issue.get("labels") or []),
                ("assignees", [issue["assignee"]] if issue.get("assignee") else []),
                ("dependencies", [todo_id(x) for kind, x in ties if kind == "blocks"]),
                ("relations", [f"{kind} {todo_id(x)}" for kind, x in ties if kind != "blocks"])):
            same(sorted(json.loads(row.get(column, "[]"))), sorted(elements), f"{column} of {name}")


# --- taskwarrior -------------------------------------------------------------------------------

def made_tasks(draw, count):
    """Tasks as `task import` takes them."""
    names = [f"{draw.getrandbits(32):08x}-0000-4000-8000-{n:012x}" for n in range(count)]
    tasks = []
    for n, name in enumerate(names):
        task = {"uuid": name, "description": f"Task {n}: ä \"q\" {draw.choice('xyz')}",
                "status": "pending",
                "entry": f"2026{draw.randint(1, 9):02}{draw.randint(1, 28):02}T{n % 24:02}0000Z"}
        if draw.random() < 0.3:
            task["status"], task["end"] = draw.choice(["completed", "deleted"]), "20261001T120000Z"
        elif draw.random() < 0.2:
            task["start"] = "20261002T120000Z"
        if draw.random() < 0.3:
            task["due"] = f"2027{draw.randint(1, 12):02}01T100000Z"
        if draw.random() < 0.1 and task["status"] == "pending":
            task["status"], task["wait"] = "waiting", "20380101T000000Z"
        if draw.random() < 0.5:
            task["project"] = draw.choice(["home", "home.garden", "work.node.cli"])
        if draw.random() < 0.5:
            task["tags"] = draw.sample(["red", "green", "blue"], draw.randint(1, 3))
        if draw.random() < 0.4:
            task["priority"] = draw.choice("HML")
        if n and draw.random() < 0.3:
            task["depends"] = [names[draw.randrange(n)]]
        if draw.random() < 0.2:
            task["annotations"] = [{"entry": "20260901T080000Z", "description": f"Note on {n}"}]
        tasks.append(task)
    return tasks


def moment(text):
    """"20261001T120000Z" as a column has it."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:15]}.000Z"


def task_id(uuid):
    return natural_id(4, "TODO", uuid, "taskwarrior")


def check_task(task, row, projects, comments):
    done, gone = task["status"] == "completed", task["status"] == "deleted"
    want = {"content": task["description"], "created": moment(task["entry"]),
            "status": "completed" if done else "in_progress" if "start" in task else "pending",
            "deleted": int(gone), "completed_at": moment(task["end"]) if done else None,
            "deadline": moment(task["due"]) if "due" in task else None,
            "defer": moment(task["wait"]) if "wait" in task else None,
            "priority": {"H": "high", "M": "medium", "L": "low"}.get(task.get("priority"))}
    same({k: row.get(k) for k in want}, want, task["uuid"])
    same(projects[row["project"]]["name"] if "project" in row else None, task.get("project"),
         "the project")
    same(sorted(json.loads(row.get("labels", "[]"))), sorted(task.get("tags", [])), "tags")
    same(json.loads(row.get("dependencies", "[]")), [task_id(d) for d in task.get("depends", [])],
         "depends")
    same(sorted(c["content"] for c in comments if c["about"] == row["id"]),
         sorted(a["description"] for a in task.get("annotations", [])), "annotations")


@test
def a_thousand_tasks_of_the_real_taskwarrior_arrive_once(world):
    if shutil.which("task") is None:
        raise Skip("no taskwarrior here")
    draw = random.Random(seed())
    folder = world.folder / "tw"
    folder.mkdir()
    settings = write(world, "taskrc", f"data.location={folder}\nconfirmation=no\n"
                     "verbose=nothing\nhooks=off\n")
    env = dict(world.env, TASKRC=str(settings))
    made = write(world, "made.json", json.dumps(made_tasks(draw, 1000)))
    subprocess.run(["task", "import", str(made)], env=env, check=True, capture_output=True)
    exported = subprocess.run(["task", "export"], env=env, check=True, capture_output=True).stdout
    tasks = {t["uuid"]: t for t in json.loads(exported)}
    same(len(tasks), 1000, "tasks that taskwarrior holds")
    path = write(world, "tasks.json", exported.decode())
    home = world.home("tasks").init().run()
    first = take(home, path)
    same((first["format"], first["errors"]), ("taskwarrior", 0), "of the first import")
    root = home.root()
    again = take(home, path, "--format", "taskwarrior")
    same(counts(again), (0, 0, first["created"], 0, 0), "of the second import")
    same(home.root(), root, "the root")
    got, projects = rows(home, "todo"), rows(home, "project")
    comments = list(rows(home, "message").values())
    same(set(got), {task_id(u) for u in tasks}, "todos")
    for uuid, task in tasks.items():
        check_task(task, got[task_id(uuid)], projects, comments)
    names = {p["name"]: i for i, p in projects.items()}
    if "home.garden" in names:
        same(projects[names["home.garden"]]["parent"], names["home"], "parent of a project")
    listed = home.read("todo", "list", "--all")
    same(len(listed), sum(t["status"] != "deleted" for t in tasks.values()), "todos listed")
    # the export of one line a task, as version 2.5 and earlier had it
    single = "\n".join(json.dumps(t) for t in tasks.values())
    same(counts(take(home, write(world, "single", single)))[:2], (0, 0), "one a line")


if __name__ == "__main__":
    sys.exit(nodes.main())
