"""What the manual promises: every kind of JSON document against its schema in docs/json, pages that
are well formed and hold every command, help and pager on a terminal, programs on PATH."""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import json_schema  # noqa: E402
import nodes  # noqa: E402
from nodes import (CHITTY, CHITTY_NODE, DEADLINE_S, NOTFOUND, OK, USAGE, Failure,  # noqa: E402
                   Skip, Watch, expect, pair, same, test, until)

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SEEN = set()  # kinds of documents that were checked


def check(text, what, kind=None):
    """Every line is a document that its schema allows; the documents."""
    documents = [json.loads(line) for line in text.splitlines()]
    for document in documents:
        wrong = json_schema.document_problems(document)
        expect(not wrong, f"{what}: {wrong[:5]} in {json.dumps(document)[:800]}")
        SEEN.add(document["kind"])
    if kind is not None:
        same({d["kind"] for d in documents}, {kind}, f"kinds of {what}")
    return documents


def ask(home, *words, kind=None, status=OK):
    program = CHITTY if words[0] in CHITTY_WORDS else CHITTY_NODE
    done = home.call(program, *words, "--json", status=status)
    return check(done.err if status not in (OK, None) else done.out, words, kind)


CHITTY_WORDS = {"add", "done", "ls", "todo", "topic", "project", "session", "context", "repo",
                "service", "message", "checkpoint", "device", "space", "log", "show",
                "conflicts", "cycles", "resolve", "search",
                "milestone", "undo", "comment", "comments",
                "attach", "attachments", "attachment", "nudge", "shell", "git-hook",
                "duplicates", "sync", "merge", "unmerge", "mesh", "claim", "claims", "release",
                "sessions", "standup", "why"}


def some_of_everything(home):
    """A record of each type, with fields of each sort."""
    todo = home.add("Buy milk", "--label", "dairy", "--deadline", "2026-12-01", "--notes", "two",
                    "--estimate", "5", "--priority", "high")
    made = {"todo": todo}
    for words in (("topic", "Law"), ("project", "Chronicle", "--milestone", 'a={"due":1}'),
                  ("session", "--session-id", "s1", "--platform", "cli"),
                  ("context", "Gist", "--confidence", "0.8", "--type", "document"),
                  ("repo", "https://example.org/x.git"), ("service", "Web", "--check-every", "60"),
                  ("message", "Hello", "--about", todo), ("checkpoint", "Half way"),
                  ("device", "Old laptop", "--kind", "laptop")):
        made[words[0]] = home.chitty(words[0], "create", *words[1:]).out.strip()
    return made


def merged(home):
    """Two todos that say the same, and what is told of them."""
    project = home.chitty("project", "create", "Twins").out.strip()
    ids = [home.add(title, "--project", project) for title in ("Twin", "twin!")]
    ask(home, "duplicates", kind="duplicates")
    check(home.chitty("duplicates", "--ndjson").out, "duplicates", "duplicate")
    ask(home, "sync", "todos", "--project", project, kind="sync")
    for todo in ids:
        ask(home, "todo", "get", todo, kind="todo")
        ask(home, "show", todo, kind="show")
        ask(home, "todo", "update", todo, "--priority", "low", kind="change")
    ask(home, "unmerge", max(ids), kind="unmerge")
    ask(home, "merge", *ids, kind="merge")
    ask(home, "mesh", kind="mesh")


def places(world, home):
    """A folder that is a project."""
    folder = world.folder / "thesis"
    folder.mkdir()
    check(home.chitty("init", str(folder), "--json").out, ("init",), "place")
    ask(home, "project", "here", str(folder), kind="place")


def claude_documents(world, home):
    """Those of Claude Code's settings, in a folder of their own."""
    project = world.folder / "claude-project"
    project.mkdir()
    home.env.update(CLAUDE_CONFIG_DIR=str(world.folder / "claude"),
                    CLAUDE_PROJECT_DIR=str(project))
    for words in (["install"], ["config", "show"], ["config", "set", "model", "opus"],
                  ["config", "get", "model"], ["hooks", "list"], ["track", "sync"],
                  ["remote", "add", "api", "https://example.com"], ["remove"],
                  ["mirror", "--list", "work", "--once"]):
        check(home.chitty("claude", *words, "--json").out, f"claude {words}")
    check(home.chitty("claude", "install", "--json").out, "claude install", "claude-files")
    check(home.chitty("claude", "hooks", "list", "--ndjson").out, "hooks", "claude-hook")


def sessions_documents(world, home, todo):
    """Those of sessions, and of what is made of them."""
    key, folder = "11111111-2222-4333-8444-555555555555", world.folder / "claude"
    device, fixtures = home.read("status")["device"], DOCS.parent / "tests" / "claude"
    spoken = folder / "projects" / "x" / f"{key}.jsonl"
    spoken.parent.mkdir(parents=True)
    spoken.write_text((fixtures / "transcripts" / "talk.jsonl").read_text())
    home.env.update(CLAUDE_CONFIG_DIR=str(folder))
    project = home.chitty("project", "create", "Told", "--transcripts", "redacted").out.strip()
    home.chitty("session", "create", "Talk", "--session-id", key, "--platform", "claude-code",
                "--status", "ended", "--state", f'device="{device}"', "--project", project,
                "--cwd", "/srv/ada/src/garden", "--last-active", "now")
    ask(home, "context", "add", "--project", project, "clay", kind="change")
    ask(home, "context", "share", key, kind="change")
    ask(home, "context", "here", "--project", project, kind="shared-context")
    ask(home, "context", "show", key, kind="shared-context")
    ask(home, "sessions", "--all", kind="session-states")
    check(home.chitty("sessions", "--all", "--ndjson").out, "sessions", "session-state")
    ask(home, "session", "show", key, kind="session-view")
    ask(home, "session", "context", key, kind="session-context")
    ask(home, "session", "export", key, "--transcript", kind="session-export")
    ask(home, "session", "resume", key, "--folder", str(world.folder), kind="session-resume")
    ask(home, "standup", kind="standup")
    ask(home, "why", todo, kind="why")


@test
def every_document_is_as_its_schema_says(world):
    a, b = pair(world, "a", "b")
    made = some_of_everything(a)
    event = Watch(a).begun()
    check(json.dumps({"schemaVersion": 1, "kind": "event", "data": event}), "watch")
    for noun, chitty_id in made.items():
        ask(a, noun, "list", kind=f"{noun}-list")
        check(a.chitty(noun, "list", "--ndjson").out, f"{noun} list --ndjson", noun)
        ask(a, noun, "get", chitty_id, kind=noun)
        ask(a, "show", chitty_id, kind="show")
        same(check(a.chitty(noun, "list", "--json", "id").out, f"{noun} --json id")[0]["data"][0],
             {"chittyId": chitty_id, "data": {}}, f"ids of {noun}")
    ask(a, "todo", "update", made["todo"], "--status", "blocked", kind="change")
    ask(a, "todo", "delete", made["todo"], kind="change")
    ask(a, "todo", "list", "--deleted", "--all")
    ask(a, "todo", "delete", made["todo"], "--undo", kind="change")
    ask(a, "done", made["todo"], a.add("second"), kind="change")
    written_otherwise(world, a, made)
    ask(a, "ls", "--count", kind="count")
    ask(a, "search", "milk", kind="search")
    check(a.chitty("search", "milk", "--ndjson").out, "search", "record")
    sessions_documents(world, a, made["todo"])
    ask(a, "log", kind="log")
    check(a.chitty("log", "--ndjson").out, "log", "log-entry")
    ends = a.add("one end"), a.add("other end")
    until(lambda: ends[1] in b.todos(), "b has it all")
    conflict(a, b, made["todo"], *ends)
    ask(a, "cycles", kind="cycles", status=None)
    check(a.chitty("cycles", "--ndjson", status=None).out, "cycles", "cycle")
    ask(a, "conflicts", kind="conflicts")
    check(a.chitty("conflicts", "--ndjson").out, "conflicts", "conflict")
    ask(a, "resolve", made["todo"], "content", "--pick", "1", kind="change")
    observed_and_attached(world, a, made)
    places(world, a)
    merged(a)
    ask(a, "nudge", "snooze", kind="nudge")
    ask(a, "shell", "prompt", kind="prompt")
    subprocess.run(["git", "init", "-q", str(world.folder / "repo")], check=True)
    ask(a, "git-hook", "status", str(world.folder / "repo"), kind="git-hook")
    ask(a, "space", "list", kind="space-list")
    check(a.chitty("space", "list", "--ndjson").out, "spaces", "space")
    for words in (("status",), ("peers",), ("members",), ("metrics",), ("verify",), ("rebuild",),
                  ("quarantined",),
                  ("backup", str(world.folder / "a.backup"))):
        ask(a, *words, kind=words[0])
    check(a.chitty_node("service", "status", "--json").out, "service status", "service-unit")
    ask(a, "doctor", status=None)
    for words, kind in ((("peers",), "peer"), (("members",), "member"), (("metrics",), "metric"),
                        (("doctor",), "finding")):
        check(a.chitty_node(*words, "--ndjson", status=None).out, words, kind)
    ask(a, "role", "b", "reader", kind="role")
    ask(a, "revoke", "b", "--lost", kind="revoke")
    ask(a, "members", kind="members")
    ask(b, "status", kind="status")
    ask(a, "quarantined")
    ask(a, "readmit", "b", kind="readmit")
    ask(a, "todo", "get", "TODO-ZZZZZZZZ", status=NOTFOUND, kind="error")
    ask(a, "ls", "--nothing", status=USAGE, kind="error")
    ask(a, "stop", kind="stop")
    c = world.home("c")
    check(c.chitty_node("restore", str(world.folder / "a.backup"), "--json").out, "restore",
          "restore")
    d = world.home("d")
    check(d.chitty_node("init", "--json").out, "init", "init")
    d.run()
    c.chitty_node("export", "--out", str(world.folder / "all.jsonl"))
    ask(d, "import", str(world.folder / "all.jsonl"), kind="import")
    claude_documents(world, d)
    ticket = check(d.chitty_node("invite", "--ticket", "--json").out, "invite", "invite")
    e = world.home("e").init().run()
    check(e.chitty_node("join", ticket[-1]["data"]["ticket"], "--json").out, "join", "join")
    kinds = {p.name.removesuffix(".schema.json") for p in (DOCS / "json").glob("*.json")}
    same(sorted(kinds - SEEN - {"quarantined-entry"}), [], "kinds that no command printed")


def observed_and_attached(world, home, made):
    """What the observer keeps, written by hand; a file on a todo."""
    device = home.read("status")["device"]
    home.chitty("repo", "update", made["repo"], "--worktree",
                device + ':/src/x={"branch":"main","commit":"ab","dirty":true,"ahead":1}')
    ask(home, "repo", "status", kind="clone-list")
    check(home.chitty("repo", "status", "--ndjson").out, "clones", "clone")
    home.chitty("service", "update", made["service"], "--health", f"{device}=healthy")
    ask(home, "service", "health", kind="health-list")
    check(home.chitty("service", "health", "--ndjson").out, "health", "health")
    path = world.folder / "file.txt"
    path.write_text("content")
    ask(home, "attach", made["todo"], str(path), kind="change")
    ask(home, "attachments", made["todo"], kind="attachments")
    check(home.chitty("attachments", made["todo"], "--ndjson").out, "attachments", "attachment")
    ask(home, "attachment", "get", made["todo"], "file.txt", "--to", str(world.folder / "copy"),
        kind="attachment-file")
    ask(home, "blobs", kind="blobs")
    check(home.chitty_node("blobs", "--ndjson").out, "blobs")


def written_otherwise(world, home, made):
    """By lines, by milestones; taken back."""
    ask(home, "milestone", "add", made["project"], "beta", "--due", "2026-05-01", kind="change")
    ask(home, "milestone", "list", made["project"], kind="milestone-list")
    check(home.chitty("milestone", "list", made["project"], "--ndjson").out, "list", "milestone")
    home.chitty("milestone", "done", made["project"], "beta")
    home.chitty("project", "update", made["project"], "--allocation", "mia=60")
    home.chitty("add", "Counts", "--project", made["project"], "--milestone", "beta",
                "--assignee", "mia")
    report = ask(home, "project", "report", made["project"], kind="report")[0]["data"]
    same([(m["name"], m["open"], sorted(m["value"])) for m in report["milestones"]],
         [("a", 0, ["due"]), ("beta", 1, ["done", "due"])], "milestones of the report")
    same([(a["name"], a["open"], a["share"]) for a in report["assignees"] if a["name"]],
         [("mia", 1, 60)], "assignees of the report")
    told = home.chitty("project", "report", made["project"]).out
    expect("due 2026-05-01 23:59" in told and "share 60%" in told, told)
    lines = world.folder / "lines.jsonl"
    lines.write_text('{"type":"todo","content":"by line"}\n{"type":"todo","status":"no"}\n')
    check(home.chitty("batch", str(lines), "--json", status=None).out, "batch", "batch")
    check(home.chitty("batch", str(lines), "--ndjson", status=None).out, "batch", "batch-line")
    ask(home, "undo", "--list", kind="undo")
    ask(home, "undo", kind="undo")
    held = home.add("Held")
    ask(home, "claim", held, kind="claim")
    ask(home, "claims", kind="claims")
    check(home.chitty("claims", "--ndjson").out, "claims", "claim-state")
    ask(home, "release", held, kind="release")
    ask(home, "comment", made["todo"], "a remark", kind="change")
    ask(home, "comments", made["todo"], kind="message-list")


def conflict(a, b, todo, one, other):
    """Both change one field while the other is away, and close a circle together."""
    a.stop()
    b.chitty("todo", "update", todo, "--content", "by b")
    b.chitty("todo", "update", one, "--dependency", other)
    b.stop()
    a.run()
    a.chitty("todo", "update", todo, "--content", "by a")
    a.chitty("todo", "update", other, "--dependency", one)
    b.run("--peer", a.node.address)
    until(lambda: a.read("conflicts"), "a hears of it")


@test
def every_schema_is_of_the_draft_and_names_no_strange_words(world):
    del world
    names = sorted(p.name.removesuffix(".schema.json") for p in (DOCS / "json").glob("*.json"))
    expect(len(names) > 45, f"{len(names)} schemas")
    for name in names:
        schema = json_schema.load(name)
        same(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", name)
        same(schema["properties"]["kind"], {"const": name}, f"kind of {name}")
        # nothing satisfies a schema by being empty
        expect(json_schema.problems({}, schema), f"{name} lets everything pass")
    bad = {"schemaVersion": 1, "kind": "change",
           "data": {"chittyId": "x", "changed": "yes", "y": 1}}
    same(len(json_schema.document_problems(bad)), 3, "what is wrong with a bad one")


@test
def the_pages_are_well_formed(world):
    pages = sorted(str(p) for p in (DOCS / "man").glob("*.[1-9]"))
    expect(len(pages) > 15, f"{pages}")
    try:
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages],
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Failure("mandoc is not installed: ./run test installs it") from None
    same(done.stdout + done.stderr, "", "what mandoc has to say")
    home = world.home("a")
    shown = subprocess.run(["mandoc", "-T", "utf8", str(DOCS / "man" / "chitty.1")],
                           capture_output=True, text=True, check=True).stdout
    shown = re.sub(r".\x08", "", shown)
    for line in home.chitty("help").out.split("things")[0].splitlines():
        if line.startswith("  "):
            expect(re.search(rf"\b{line.split()[0]}\b", shown), f"the page has {line.split()[0]}")


@test
def help_is_short_or_long_and_has_topics(world):
    home = world.home("a")
    for program in (CHITTY, CHITTY_NODE):
        whole = home.call(program, "help").out
        for topic in re.findall(r"^    ([a-z-]+) ", whole, re.M):
            told = home.call(program, "help", topic).out
            expect(len(told) > 100, f"help {topic}: {told!r}")
            expect((DOCS / "man" / f"chitty-{topic}.7").exists(), f"page of {topic}")
    long, short = home.chitty("watch", "--help").out, home.chitty("watch", "-h").out
    expect("examples" in long and "examples" not in short, "-h has no examples")
    expect(len(short) < len(long), "-h is shorter")
    wrong = home.chitty("help", "exit-code", status=USAGE)
    expect('did you mean "exit-codes"?' in wrong.err, wrong.err)


@test
def an_unknown_command_is_a_program_on_path(world):
    home = world.home("a")
    folder = world.folder / "plugins"
    folder.mkdir()
    for name, text in (("chitty-hello", 'echo "hello $# $1 $2 in $CHITTY_SPACE"; exit 9'),
                       ("chitty-node-look", "echo looks"), ("chitty-ls", "echo never")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "chitty-data").write_text("no program")
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = home.chitty("--space", "work", "hello", "a b", "--json", status=9, env=env)
    same(done.out, "hello 2 a b --json in work\n", "what it was given")
    same(home.chitty_node("look", env=env).out, "looks\n", "of chitty-node")
    told = home.chitty("help", env=env).out
    expect("chitty-hello" in told and "chitty-data" not in told and "chitty-ls" not in told,
           f"what help lists: {told}")
    wrong = home.chitty("helo", status=USAGE, env=env)
    expect('did you mean "hello"?' in wrong.err, wrong.err)
    wrong = home.chitty("data", status=USAGE, env=env)
    expect('there is no command "data"' in wrong.err, wrong.err)


def on_terminal(home, *words, rows=10, env=None):
    """What a command prints on a terminal of so many rows, whose pager marks what it is given."""
    env = {**{k: v for k, v in home.env.items() if k not in ("CI", "CLAUDECODE", "NO_COLOR")},
           "TERM": "xterm", "CHITTY_PAGER": "sed 's/^/PAGED /'", **(env or {})}
    try:
        pid, fd = pty.fork()
    except OSError as wrong:
        raise Skip(f"no terminals here: {wrong}") from wrong
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
            os.execvpe(words[0], words, env)
        finally:
            os._exit(127)
    text, end = b"", time.monotonic() + DEADLINE_S
    while True:
        ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
        try:
            got = os.read(fd, 65536) if ready else b""
        except OSError:
            got = b""
        if not got:
            break
        text += got
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    same(status, 0, f"exit of {words}: {text!r}")
    return text.decode()


@test
def long_output_goes_through_a_pager_on_a_terminal_only(world):
    home = world.home("a")
    lines = len(home.chitty("help").out.splitlines())
    paged = on_terminal(home, CHITTY, "help")
    same(paged.count("PAGED "), lines, "lines through the pager")
    expect("PAGED" not in on_terminal(home, CHITTY, "help", rows=200), "short output is not paged")
    expect("PAGED" not in on_terminal(home, CHITTY, "help", env={"CHITTY_PAGER": ""}), "empty")
    for name in ("CI", "CLAUDECODE"):
        expect("PAGED" not in on_terminal(home, CHITTY, "help", env={name: "1"}), name)
    expect("PAGED" not in home.chitty("help", env={"CHITTY_PAGER": "sed 's/^/PAGED /'"}).out,
           "elsewhere it is as it is")
    home.init()
    expect("PAGED" in on_terminal(home, CHITTY_NODE, "metrics"), "a command's output too")
    expect("PAGED" not in on_terminal(home, CHITTY_NODE, "metrics", "--no-pager"), "--no-pager")
    bold = on_terminal(home, CHITTY, "help", rows=200)
    expect("\x1b[1m" in bold, "headings are bold on a terminal")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        expect("\x1b[" not in on_terminal(home, CHITTY, "help", rows=200, env=env), f"{env}")
    expect("\x1b[1m" in home.chitty("help", env={"CLICOLOR_FORCE": "1"}).out, "CLICOLOR_FORCE")


@test
def quiet_prints_nothing_and_does_it(world):
    home = world.home("a").init().run()
    same(home.chitty("add", "x", "-q").out, "", "an id")
    same(len(home.todos()), 1, "todos")
    wrong = home.chitty("todo", "get", "TODO-ZZZZZZZZ", "--quiet", status=NOTFOUND)
    expect(wrong.err != "", "errors are told")


if __name__ == "__main__":
    sys.exit(nodes.main())
