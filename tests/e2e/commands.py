"""The commands with a real node behind them: every verb, exit status, document and way to start."""
import json
import os
import socket
import struct
import subprocess
import sys

import nodes
from local import ask
from nodes import (CHITTY, CONFLICT, NOTFOUND, OK, UNREACHABLE, USAGE, Watch, converge, expect,
                   pair, same, test, until)

AUTOSTART = {"CHITTY_NO_AUTOSTART": "0"}


def rows(home, *flags):
    """The lines of `chitty ls` as lists of columns."""
    return [line.split("\t") for line in home.chitty("ls", *flags).out.splitlines()]


@test
def a_todo_lives_from_add_to_delete(world):
    home = world.home("a").init().run()
    todo = home.add("Buy", "milk", "--priority", "high", "--label", "home", "--deadline",
                    "2026-03-01T18:00:00Z")
    expect(todo.startswith("CHITTY-TODO-") and len(todo) == 38, f"an id: {todo}")
    same(rows(home), [[todo, "pending", "high", "2026-03-01T18:00:00.000Z", "Buy milk"]], "ls")

    got = home.read("todo", "get", todo)
    same(got["data"]["labels"], ["home"], "labels")
    expect(got["data"]["created"].endswith("Z"), "the node says when it was made")
    home.chitty("todo", "update", todo, "--label", "+urgent", "--label", "-home", "--status",
                "in_progress", "--unset", "deadline", "--notes", "-", stdin="one\ntwo\n")
    data = home.read("todo", "get", todo)["data"]
    same((data["labels"], data["status"], data["notes"]), (["urgent"], "in_progress", "one\ntwo"),
         "after update")
    expect("deadline" not in data, "an unset field has no value")

    other = home.add("Another")
    same(home.chitty("done", todo, other).out.split(), [todo, other], "ids of done")
    same(rows(home), [], "nothing open is left")
    same({d["status"] for d in home.todos().values()}, {"completed"}, "both are completed")
    expect(home.read("todo", "get", todo)["data"]["completed_at"], "when it was completed")

    home.chitty("todo", "delete", todo)
    same(list(home.todos()), [other], "a deleted one is not listed")
    same(len(home.read("todo", "list", "--all", "--deleted")), 2, "unless asked for")
    home.chitty("todo", "delete", todo, "--undo")
    same(sorted(home.todos()), sorted([todo, other]), "it is back")


@test
def every_type_is_made_and_listed(world):
    home = world.home("a").init().run()
    topic = home.chitty("topic", "create", "Legal Case 12345", "--tag", "court").out.strip()
    project = home.chitty("project", "create", "Chronicle", "--topic", topic, "--milestone",
                          'alpha={"done":false}').out.strip()
    session = home.chitty("session", "create", "--session-id", "s1", "--platform", "zoom",
                          "--project", project).out.strip()
    todo = home.add("x", "--project", project[7:20], "--session", session)
    same(home.read("todo", "get", todo)["data"]["project"], project,
         "a beginning of an id resolves")
    same([r["chittyId"] for r in home.read("todo", "list", "--project", project)], [todo],
         "filter by project")
    same([r["data"]["platform"] for r in home.read("session", "list")], ["zoom"],
         "an unusual platform is kept")
    same(home.read("project", "get", project)["data"]["milestones"], {"alpha": {"done": False}},
         "a map")
    home.chitty("topic", "update", topic, "--status", "archived")
    same(home.read("topic", "list"), [], "archived is hidden from the usual list")
    same(len(home.read("topic", "list", "--status", "archived")), 1, "and shown when asked for")


@test
def slips_have_their_exit_status_and_words(world):
    home = world.home("a").init().run()
    todo = home.add("x")
    same(home.chitty("todo", "get", "TODO-7ZZZ", status=NOTFOUND).out, "", "nothing on stdout")
    error = home.chitty("todo", "get", "TODO-7ZZZ", "--json", status=NOTFOUND).error()
    same(error["code"], "not_found", "code of an id nobody has")
    error = home.chitty("todo", "update", todo, "--priority", "urgent", "--json",
                        status=USAGE).error()
    same(error["field"], "priority", "field at fault")
    expect("low, medium, high or critical" in error["message"], f"what is allowed: {error}")
    home.chitty("todo", "get", "no such name", status=NOTFOUND)
    digits = [todo[12]]
    while len(set(digits)) == len(digits):  # until two begin alike
        digits.append(home.add("many")[12])
    done = home.chitty("todo", "get", f"TODO-{digits[-1]}", status=USAGE)
    expect(f"TODO-{digits[-1]}" in done.err, f"an ambiguous beginning is named: {done!r}")


@test
def compare_and_set_loses_to_who_came_between(world):
    home = world.home("a").init().run()
    todo = home.add("x")
    version = home.read("todo", "get", todo)["version"]
    home.chitty("todo", "update", todo, "--status", "blocked", "--expect", version)
    done = home.chitty("todo", "update", todo, "--status", "in_progress", "--expect", version,
                       status=CONFLICT)
    expect("changed it meanwhile" in done.err and done.out == "", f"the loser is told: {done!r}")
    same(home.todos()[todo]["status"], "blocked", "the loser changed nothing")
    home.chitty("todo", "update", todo, "--priority", "low", "--expect", version)


@test
def concurrent_edits_are_listed_and_resolved(world):
    a, b = pair(world, "a", "b")
    todo = a.add("Buy milk")
    converge(a, b, entries=1)
    b.stop()
    a.chitty("todo", "update", todo, "--content", "Buy oat milk")
    a.stop()
    b.run()
    b.chitty("todo", "update", todo, "--content", "Buy soy milk")
    a.run("--peer", b.node.address)
    converge(a, b, entries=3)
    found = a.read("conflicts")
    same([(r["chittyId"], r["field"], len(r["values"])) for r in found], [(todo, "content", 2)],
         "the conflict")
    same({v["value"] for v in found[0]["values"]}, {"Buy oat milk", "Buy soy milk"},
         "both are there")
    same({v["deviceName"] for v in found[0]["values"]}, {"a", "b"}, "and by whom")
    hidden = next(i for i, v in enumerate(found[0]["values"], 1) if not v["shown"])
    b.chitty("resolve", todo, "content", "--pick", str(hidden))
    converge(a, b, entries=4)
    same(a.read("conflicts"), [], "no conflict is left")
    same(a.todos()[todo]["content"], found[0]["values"][hidden - 1]["value"], "what was picked")


@test
def show_and_log_tell_who_and_when(world):
    home = world.home("laptop").init().run()
    todo = home.add("x", "--label", "a")
    home.chitty("todo", "update", todo, "--content", "y", "--label", "-a")
    cells = home.read("show", todo)["cells"]
    content = next(c for c in cells if c.get("field") == "content")
    same([(v["value"], v["deviceName"], v["shown"]) for v in content["values"]],
         [("y", "laptop", True)], "live values of content")
    log = home.read("log", todo)
    same(len(log), 2, "entries")
    ops = {(o["op"], o["field"], o.get("value", o.get("key"))) for o in log[0]["ops"]}
    same(ops, {("put", "content", "y"), ("drop", "labels", "a")}, "ops of the newest")
    expect(log[0]["stamp"] >= log[1]["stamp"], "newest first")
    same(len(home.read("log", "--limit", "1")), 1, "limit")
    human = home.chitty("log", todo).out
    expect("content=y" in human and "labels -a" in human and "laptop" in human, human)


@test
def inspection_works_without_a_node_and_leaves_none_behind(world):
    home = world.home("a").init().run()
    todo = home.add("x")
    root = home.root()
    home.stop()
    home.chitty("ls", status=UNREACHABLE)
    same(home.root(), root, "root without a node")
    same(home.read("show", todo)["chittyId"], todo, "show without a node")
    same(len(home.read("log")), 1, "log without a node")
    same(home.read("conflicts"), [], "conflicts without a node")
    same(home.read("verify")["ok"], True, "verify without a node")
    same(home.read("rebuild")["root"], root, "rebuild without a node")
    home.chitty("ls", status=UNREACHABLE)
    home.run()
    same(home.root(), root, "root after it all")


@test
def a_client_starts_a_node_where_none_runs(world):
    home = world.home("a")
    try:
        todo = home.chitty("add", "first", env=AUTOSTART).out.strip()
        same(rows(home), [[todo, "pending", "", "", "first"]], "the node stays for the next one")
        same(home.chitty_node("run", status=None).status, CONFLICT, "a second node is refused")
    finally:
        home.chitty_node("stop")
    until(lambda: home.chitty("ls", status=None).status == UNREACHABLE, "the node ends")
    home.chitty_node("stop", status=UNREACHABLE)


@test
def many_clients_at_once_start_one_node(world):
    home = world.home("a")
    clients = [subprocess.Popen([CHITTY, "add", f"t{i}"], env=dict(home.env, **AUTOSTART),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(8)]
    try:
        for client in clients:
            _, errors = client.communicate(timeout=nodes.DEADLINE_S)
            same(client.returncode, OK, f"exit status ({errors!r})")
        same(len(home.todos()), 8, "todos of one home")
    finally:
        home.chitty_node("stop")


@test
def a_watch_tells_each_change_as_it_happens(world):
    home = world.home("a").init().run()
    before = home.add("before")
    watch = Watch(home)
    watch.begun()
    todo = home.add("x", "--label", "l")
    event = watch.next()
    same((event["operation"], event["entity"]["chittyId"], event["entity"]["data"]["content"]),
         ("create", todo, "x"), "the first event")
    home.chitty("done", before)
    event = watch.next()
    same((event["entity"]["chittyId"], event["delta"]["status"]), (before, "completed"),
         "the second")
    vector = event["vector"]
    watch.close()

    home.chitty("todo", "delete", todo)
    again = Watch(home, "--from", vector, "--count", "1")
    event = again.next()
    same((event["operation"], event["entity"]["chittyId"]), ("delete", todo), "what came since")
    same(again.next(), None, "the watch ends after --count")


@test
def json_is_one_document_of_one_envelope(world):
    home = world.home("a").init().run()
    todo = home.add("x")
    for command in (["ls"], ["todo", "list"], ["todo", "get", todo], ["show", todo], ["log"],
                    ["conflicts"], ["status"], ["peers"]):
        home.read(*command)
    status = home.read("status")
    for key in ("device", "space", "root", "vector", "counts", "peers", "waiting", "quarantined"):
        expect(key in status, f"status has {key}")
    same(len(status["root"]), 64, "root in hex")
    verify = home.read("verify")
    for key in ("ok", "root", "chains", "entries", "problems"):
        expect(key in verify, f"verify has {key}")


@test
def a_terminal_gets_short_ids_columns_and_colour(world):
    home = world.home("a").init().run()
    todo = home.add("Buy milk", "--priority", "critical")
    master, slave = nodes.terminal()
    done = subprocess.run([CHITTY, "ls"], env=dict(home.env, TERM="xterm"), stdout=slave,
                          check=False, timeout=nodes.DEADLINE_S)
    os.close(slave)
    line = os.read(master, 4096).decode().strip()
    os.close(master)
    same(done.returncode, OK, "exit status")
    expect(todo[7:20] in line and todo not in line, f"a short id: {line!r}")
    expect("\x1b[31mcritical\x1b[0m " in line and line.endswith("Buy milk"),
           f"columns: {line!r}")


@test
def a_hostile_client_does_not_disturb_the_others(world):
    home = world.home("a").init().run()
    path = str(home.folder / "node.sock")
    nasty = [b"", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x05\0\0\0hello",
             struct.pack("<I", 5) + b"\xdd\xff\xff\xff\xff",
             struct.pack("<I", 1 << 20) + b"\x91" * 99,
             struct.pack("<I", 41) + b"\x91" * 40 + b"\xc0"]
    held = []
    for data in nasty * 10:
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(data)
        held.append(s)
    todo = home.add("still here")
    same([r[0] for r in rows(home)], [todo], "the node still answers")
    for s in held:
        s.close()
    expect(home.node.running(), "the node runs")


@test
def a_command_the_node_does_not_know_is_refused_by_name(world):
    """LOCAL 6.2"""
    home = world.home("a").init().run()
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(home.folder / "node.sock"))
    answer = ask(s, "1", "command", {"name": "frobnicate"}, wanted=b"\xabunsupported")
    expect(b"frobnicate" in answer, f"the name is told: {answer!r}")
    s.close()


@test
def long_lists_come_through_a_closed_pipe_and_an_open_one(world):
    home = world.home("a").init().run()
    message = {"batch": [{"domain": "todos", "operation": "create",
                          "entity": {"data": {"content": f"todo {i} " + "x" * 200}}}
                         for i in range(250)]}
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(home.folder / "node.sock"))
    for n in range(8):
        ask(s, f"b{n}", "state_update", message)
    s.close()
    same(len(rows(home)), 2000, "rows")
    same(len(home.read("ls")), 2000, "records in JSON")
    shell = subprocess.run(f"'{CHITTY}' ls | head -n 1", shell=True, env=home.env, check=False,
                           capture_output=True, text=True)
    same((len(shell.stdout.splitlines()), shell.stderr), (1, ""), "a reader that leaves early")


sys.exit(nodes.main())
