"""chitty sync: three sessions on two nodes write the todos of the original document's example, and
all come to the same five; what else the command says and refuses (LOCAL 9, rows C-17 to C-20)."""
import os
import re
import select
import subprocess
import sys

import nodes
from nodes import (CHITTY, FAILED, NOTFOUND, OFFLINE, USAGE, converge, expect, pair, same,
                   test, until)

DOMAINS = ["topics", "projects", "sessions", "todos", "contexts", "repos", "services"]


def session(home, name):
    return home.chitty("session", "create", name, "--platform", "claude-code", "--session-id",
                       name, "--title", f"Session {name}").out.strip()


def two_apart(world):
    """Two nodes of one space that do not reach each other, a project, and a session on each of
    them; the third session is on the first one too."""
    a, b = pair(world, "a", "b")
    project = a.chitty("project", "create", "mesh").out.strip()
    of = {name: session(home, name) for name, home in (("A", a), ("B", b), ("C", a))}
    converge(a, b)
    b.stop()
    a.stop()
    a.run()
    return a, b, project, of


def together(a, b):
    b.run("--peer", a.node.address)
    converge(a, b)


def the_example(world):
    a, b, project, of = two_apart(world)

    def add(home, name, title, *flags):
        return home.add(title, "--project", project, "--session", of[name], *flags)

    add(a, "A", "Todo 1")
    second = add(a, "A", "Todo 2", "--status", "in_progress")
    add(a, "C", "Todo 4", "--status", "in_progress")
    add(a, "C", "Todo 5")
    a.stop()
    b.run()
    other = add(b, "B", "todo  2.")
    add(b, "B", "Todo 3")
    b.chitty("done", other)
    b.stop()
    a.run()
    together(a, b)
    return a, b, project, of, second, other


def mesh_of(document):
    """Title, status and where it came from, of each todo, by the number in its title."""
    rows = []
    for record in document["todos"]:
        data, origins = record["data"], record.get("origins", [])
        names = sorted(o["sessionName"] for o in origins) or [data["session"]]
        rows.append((re.sub(r"\D", "", data["content"]), data["status"], names))
    return sorted(rows)


@test
def three_sessions_on_two_nodes_come_to_the_five_todos_of_the_document(world):
    a, b, project, of, second, other = the_example(world)
    told = a.chitty("sync", "todos", "--project", project)
    expect("merged from Session A + Session B" in told.out or
           "merged from Session B + Session A" in told.out, f"provenance: {told.out}")
    expect("b has it all" in told.out, f"the other device: {told.out}")
    converge(a, b)
    want = [("1", "pending", [of["A"]]), ("2", "completed", ["Session A", "Session B"]),
            ("3", "pending", [of["B"]]), ("4", "in_progress", [of["C"]]),
            ("5", "pending", [of["C"]])]
    for home in (a, b):
        document = home.chitty("sync", "todos", "--project", project, "--json").document()
        same(mesh_of(document), want, f"the todos as {home.name} has them")
        same((document["merged"], document["proposed"]), ([], 0), "nothing is left to do")
        ids = {home.chitty("todo", "get", t, "--json").document()["chittyId"]
               for t in (second, other)}
        same(ids, {min(second, other)}, "both ids mean the smaller one")
        shown = home.chitty("show", max(second, other)).out
        expect("from Session" in shown and "means this one" in shown, f"show of an alias: {shown}")
        same(home.chitty("ls", "is:alias", "-o", "name").out.split(), [max(second, other)],
             "aliases, where they are asked for")
        same(len(home.read("todo", "list", "--all")), 5, "todos that are listed")


@test
def a_merge_is_taken_back_by_either_device_and_not_made_again(world):
    a, b, project, _, second, other = the_example(world)
    a.chitty("sync", "todos", "--project", project)
    converge(a, b)
    hidden = max(second, other)
    b.chitty("unmerge", hidden)
    converge(a, b)
    todos = a.todos()
    same((todos[second]["status"], todos[other]["status"]), ("in_progress", "completed"),
         "each is as it was")
    a.chitty("sync", "todos", "--project", project)
    same(len(a.todos()), 6, "what was taken apart stays so")
    same(b.chitty("unmerge", hidden, status=None).status, USAGE, "unmerge of what is not merged")
    a.chitty("merge", second, other)
    same(len(a.todos()), 5, "by name it is merged again")
    a.chitty("undo")
    same(len(a.todos()), 6, "undo takes it apart")


@test
def a_dry_run_tells_and_writes_nothing(world):
    a, b, project, _, _, _ = the_example(world)
    before = a.root()
    told = a.chitty("sync", "todos", "--project", project, "--dry-run")
    expect("would merge" in told.out and "nothing was written" in told.out, told.out)
    same(a.root(), before, "the root")
    b.stop()
    told = a.chitty("sync", "all")
    expect("b gets it later: away" in told.out, f"who is away: {told.out}")


@test
def every_domain_and_option_of_the_document_is_understood(world):
    a = world.home("a").init().run()
    project = a.chitty("project", "create", "p").out.strip()
    sess = session(a, "sess-12345")
    for domain in DOMAINS:
        document = a.chitty("sync", domain, "--json").document()
        same([d["domain"] for d in document["domains"]], [domain], "what was looked at")
    same([d["domain"] for d in a.chitty("sync", "--json").document()["domains"]], DOMAINS,
         "without a domain: all")
    same(a.chitty("--sync", "sessions", "--json").document()["domain"], "sessions", "--sync")
    told = a.chitty("sync", "todos", "--platform", "web,cli", "--model", "claude")
    expect("no bridge carries platform web yet\nno bridge carries model claude yet" in told.out,
           f"what nothing carries: {told.out}")
    told = a.chitty("sync", "sessions", "--session", "sess-12345", "--channel", "discord",
                    status=OFFLINE)
    expect("sessions    1\n" in told.out and "no bridge carries channel discord" in told.out,
           f"one session to one channel: {told.out}")
    a.chitty("sync", "projects", "--channel", "slack", status=OFFLINE)
    a.chitty("sync", "all", "--verbose", "--project", project, "--session", sess)
    a.chitty("sync", "contexts", "--dry-run")


@test
def what_is_not_understood_is_refused_in_words(world):
    a = world.home("a").init().run()
    done = a.chitty("sync", "todos", "--frobnicate", status=FAILED)
    expect("Unknown option: --frobnicate" in done.err, done.err)
    for arguments, word in ((("nonsense",), "no domain"), (("todos", "--platform", "fax"), "web"),
                            (("todos", "--channel", "slack,fax"), "discord"),
                            (("todos", "--model", ""), "gemini")):
        done = a.chitty("sync", *arguments, status=USAGE)
        expect(word in done.err, f"{arguments}: {done.err}")
    a.chitty("sync", "todos", "--project", "nowhere", status=NOTFOUND)
    done = a.chitty("sync", "run", status=FAILED)
    expect("nothing here speaks" in done.err, done.err)


@test
def watching_reconciles_again_when_another_device_writes(world):
    a, b = pair(world, "a", "b")
    project = a.chitty("project", "create", "mesh").out.strip()
    a.add("Write it", "--project", project)
    converge(a, b)
    watch = subprocess.Popen([CHITTY, "sync", "todos", "--watch"], env=a.env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    try:
        text = b""

        def read_until(word):
            nonlocal text

            def look():
                nonlocal text
                if select.select([watch.stdout], [], [], 0.2)[0]:
                    text += os.read(watch.stdout.fileno(), 65536)
                return word in text
            until(look, f"{word!r} in {text!r}")

        read_until(b"b has it all")
        b.add("write it!", "--project", project)
        read_until(b"by b\n")
        read_until(b"merged  ")
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()
        watch.stderr.close()
    converge(a, b)
    same(len(b.todos()), 1, "todos on the other device")


def dot_graph(text):
    """Nodes with their labels, and edges, of the part of DOT that is written; else a failure."""
    string = r'"(?:[^"\\]|\\.)*"'
    lines = text.splitlines()
    same((lines[0], lines[1], lines[-1]), ("digraph chitty {", "  rankdir=LR;", "}"), "the frame")
    found, edges = {}, []
    for line in lines[2:-1]:
        node = re.fullmatch(rf"  ({string}) \[label=({string})((?:, \w+=\w+)*)\];", line)
        edge = re.fullmatch(rf"  ({string}) -> ({string}) \[\w+=(?:{string}|\w+)(?:, \w+=\w+)*\];",
                            line)
        expect(node or edge, f"no DOT: {line!r}")
        if node:
            found[node[1]] = node[2]
        else:
            edges.append((edge[1], edge[2]))
    expect(all(x in found for e in edges for x in e), "edges are between nodes")
    return found, edges


@test
def the_mesh_is_drawn_as_a_tree_a_graph_and_a_document(world):
    a = world.home("a").init().run()
    project = a.chitty("project", "create", "p").out.strip()
    of = {name: session(a, name) for name in "AB"}
    first = a.add('Say "hi" \\ and\tgo', "--project", project, "--session", of["A"])
    twin = a.add("Twin", "--project", project, "--session", of["A"])
    other = a.add("twin", "--project", project, "--session", of["B"], "--dependency", first)
    a.chitty("merge", twin, other)
    alone = a.add("Alone", "--project", project)
    a.chitty("done", alone)
    a.add("Elsewhere")
    tree = a.chitty("mesh", "--project", project).out
    expect("◌ " in tree and "merged from Session" in tree and 'waits for Say "hi"' in tree and
           "of no session that is shown\n└─ ✔ Alone" in tree, tree)
    expect("Elsewhere" not in tree and "not shown" not in tree, tree)
    found, edges = dot_graph(a.chitty("mesh", "--project", project, "-o", "dot").out)
    survivor = min(twin, other)
    same(len(found), 5, "nodes of the graph")
    expect((f'"{survivor}"', f'"{first}"') in edges, f"what waits: {edges}")
    document = a.chitty("mesh", "--json").document()
    same(len(document["sessions"]), 2, "sessions")
    same(len(document["todos"]), 4, "todos")
    expect({"from": survivor, "to": first, "kind": "waits"} in document["links"], "links")
    same(document, a.chitty("mesh", "-o", "json").document(), "-o json")
    less = a.chitty("mesh", "--limit", "1")
    expect("not shown: 3 todos, 0 sessions" in less.out, less.out)
    same(a.chitty("mesh", "-o", "svg", status=None).status, USAGE, "another shape")
    same(a.chitty("todo", "list", "-o", "dot", status=None).status, USAGE, "of another command")


@test
def todos_that_may_be_the_same_are_only_told(world):
    a = world.home("a").init().run()
    for name in "pq":
        project = a.chitty("project", "create", name).out.strip()
        a.add("Write it", "--project", project)
    told = a.chitty("sync", "todos")
    expect("1 more may be the same" in told.out and "merged" not in told.out, told.out)
    told = a.chitty("duplicates")
    expect("write it  (perhaps)" in told.out, told.out)
    groups = a.chitty("duplicates", "--json").document()
    same([g["certain"] for g in groups], [False], "groups")
    same(a.chitty("duplicates", "--project", "p").out, "", "inside one project")
    same(a.chitty("merge", "no-such", "CHITTY-TODO-0", status=None).status, NOTFOUND, "merge")


if __name__ == "__main__":
    sys.exit(nodes.main())
