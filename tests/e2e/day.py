"""A day of five Claude Code sessions on two laptops: hosts in namespaces that find each other, are
cut off and rejoined. The sessions are processes that speak real hook payloads and real MCP; what
happens is asserted step by step, and told.

    day.py [--write FILE]    also write the telling: docs/DAY.md"""
import json
import pathlib
import re
import subprocess
import sys
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import netns  # noqa: E402
import nodes  # noqa: E402
from discovery import Lan, in_sync, pair_all  # noqa: E402
from mcp_client import Client  # noqa: E402
from nodes import (CHITTY, DEADLINE_S, Failure, converge, expect, same, test,  # noqa: E402
                   until, verified)
from repository import git  # noqa: E402

ID = re.compile(r"(?:CHITTY-)?(TODO|SESSION|PROJ|CHECKPOINT)-[0-9A-HJKMNP-TV-Z]{8,26}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?|\b\d\d:\d\d\b|"
                  r"\b\d+ ?(ms|s|min|seconds?|minutes?)\b(?= ago)?")
WRITE = None  # where the telling goes
LIST = "team"  # the native task list that two of the sessions share


class Telling:
    """What is said about the day: commands, payloads and answers, ids by number, no times."""

    def __init__(self):
        self.lines, self.ids = [], {}

    def mask(self, text):
        def name(found):
            key = found.group(0).split("-")[-1][:8]
            number = self.ids.setdefault((found.group(1), key), None)
            if number is None:
                number = sum(1 for kind, _ in self.ids if kind == found.group(1))
                self.ids[(found.group(1), key)] = number
            return f"{found.group(1)}-{number}"
        return TIME.sub("…", ID.sub(name, text))

    def step(self, title, text):
        self.lines += ["", f"## {title}", "", *textwrap.wrap(text, 100), ""]

    def did(self, who, what, got=""):
        self.lines.append(f"    {self.mask(f'{who}: {what}')}")
        for line in self.mask(got).splitlines():
            self.lines += textwrap.wrap(line, 96, initial_indent="        ",
                                        subsequent_indent="        ") or [""]

    def text(self):
        head = ("# A day\n\nFive Claude Code sessions on two laptops work from one list: told by "
                "`tests/e2e/day.py --write`,\nwhich asserts each step. Ids are numbered and times "
                "left out. A line that begins with a session's name\nis what it does: a hook that "
                "Claude Code runs, or a tool of the MCP server that the model calls.\n")
        return head + "\n".join(self.lines) + "\n"


class Seat:
    """A session: a process that lives as long as it does, its hooks, its MCP server."""

    def __init__(self, day, home, key, folder, tasks=None):
        self.day, self.home, self.key, self.folder, self.uses = day, home, key, folder, 0
        self.name = f"{key} on {home.name}"
        self.life = subprocess.Popen(["sleep", "infinity"])
        self.env = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": key,
                    "CLAUDE_PROJECT_DIR": str(folder), "CLAUDE_PID": str(self.life.pid),
                    "CLAUDE_CONFIG_DIR": str(home.folder / "claude")}
        if tasks:
            self.env["CLAUDE_CODE_TASK_LIST_ID"] = tasks
        home.world.watches.append(self)
        self.mcp = None

    def payload(self, event, **more):
        return json.dumps({"session_id": self.key, "cwd": str(self.folder),
                           "transcript_path": str(self.folder / "none.jsonl"),
                           "hook_event_name": event, **more})

    def hook(self, word, event, told=None, **more):
        """Run a hook: its JSON answer, {} when it has none."""
        done = self.home.call(CHITTY, "hook", word, stdin=self.payload(event, **more),
                              env=self.env)
        answer = json.loads(done.out) if done.out.strip() else {}
        said = answer.get("hookSpecificOutput", {})
        self.day.did(self.name, f"hook {word} {told or ''}".strip(),
                     said.get("permissionDecisionReason") or said.get("additionalContext", ""))
        return said

    def starts(self, source="startup"):
        said = self.hook("session-start", "SessionStart", source=source, told=source)
        if self.mcp is None:
            self.mcp = Client(self.home, key=self.key, folder=self.folder, env=self.env)
        return said.get("additionalContext", "")

    def call(self, tool, error=False, **arguments):
        """A tool of the MCP server, as a model calls it: with the use's id."""
        self.uses += 1
        got = self.mcp.call(tool, use=f"toolu_{self.key}_{self.uses}", error=error, **arguments)
        told = " ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in arguments.items())
        self.day.did(self.name, f"{tool} {told}".strip(), self.mcp.said)
        return got

    def task(self, tool, response, **given):
        """A native task tool, as hooks see it: before, then after. What the first one says."""
        self.uses += 1
        more = {"tool_name": tool, "tool_input": given,
                "tool_use_id": f"toolu_{self.key}_{self.uses}"}
        words = json.dumps(given, ensure_ascii=False)
        before = self.hook("pre-task", "PreToolUse", told=f"{tool} {words}", **more)
        if before.get("permissionDecision") != "deny":
            self.hook("post-task", "PostToolUse", told=f"{tool} {words}", tool_response=response,
                      **more)
        return before

    def edits(self, path):
        self.uses += 1
        return self.hook("pre-edit", "PreToolUse", told=f"Edit {path}", tool_name="Edit",
                         tool_input={"file_path": str(self.folder / path)},
                         tool_use_id=f"toolu_{self.key}_{self.uses}")

    def waits(self):
        """The waiter that Claude Code lets run while the session is idle."""
        process = subprocess.Popen([CHITTY, "hook", "wait"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=dict(self.home.env, **self.env), text=True)
        process.stdin.write(self.payload("Stop", stop_hook_active=False))
        process.stdin.close()
        process.stdin = None
        self.day.did(self.name, "hook wait, beside the idle session")
        return process

    def crash(self):
        self.life.kill()
        self.life.wait()
        self.mcp.close()
        self.day.did(self.name, "is killed")

    def close(self):
        self.life.kill()
        self.life.wait()


def clones(world):
    """Two clones of one repository, each with the address as its laptop knows it."""
    bare = world.folder / "app.git"
    git(world.folder, "init", "-q", "--bare", str(bare))
    folders = []
    for name, address in (("ada", "git@example.org:team/app.git"),
                          ("ben", "https://example.org/team/app")):
        folder = world.folder / f"src-{name}" / "app"
        folder.parent.mkdir()
        git(world.folder, "clone", "-q", str(bare), str(folder))
        if not folders:
            git(folder, "commit", "-q", "--allow-empty", "-m", "first")
            git(folder, "push", "-q", "origin", "HEAD")
        else:
            git(folder, "pull", "-q", "origin", "HEAD")
        git(folder, "remote", "set-url", "origin", address)
        folders.append(folder)
    return folders


def whole(home, short):
    """The whole id of a todo, which the tools call by its beginning."""
    return next(i for i in home.todos() if i.startswith(f"CHITTY-{short}"))


def open_claims(home):
    return {r["chittyId"]: r["holder"] for r in home.read("claims")
            if r["state"] in ("held", "unconfirmed")}


def titles(home):
    return sorted((d["content"], d["status"]) for d in home.todos().values())


# --- the parts of the day

def morning(day, ada, ben, folders):
    day.step("Morning", "Each session starts; git tells both laptops that their clones are one "
             "project. The first session writes down what is to be done, another makes a task with "
             "its native tool.")
    seats = [Seat(day, ada, "parser", folders[0]), Seat(day, ada, "build", folders[0], LIST),
             Seat(day, ada, "docs", folders[0]), Seat(day, ben, "review", folders[1], LIST),
             Seat(day, ben, "tests", folders[1])]
    for seat in seats:
        seat.starts()
    converge(ada, ben)
    same([p["data"]["name"] for p in ben.read("project", "list")], ["app"], "one project")
    same(len(ben.read("session", "list")), 5, "sessions on either laptop")
    parser, build = seats[:2]
    todo = {}
    for title, more in (("Write the parser", {"priority": "high"}),
                        ("Test the parser", {"depends": ["Write the parser"]}),
                        ("Describe the format", {}), ("Review the lexer", {})):
        depends = [todo[t] for t in more.pop("depends", [])]
        todo[title] = parser.call("todo_add", title=title, **more,
                                  **({"depends": depends} if depends else {}))["todo"]["id"]
    build.task("TaskCreate", {"task": {"id": "1", "subject": "Fix the build"}},
               subject="Fix the build", description="It is red")
    until(lambda: len(ben.todos()) == 5, "five todos on the other laptop")
    todo["Fix the build"] = next(i for i, d in ada.todos().items()
                                 if d["content"] == "Fix the build")
    return seats, todo


def noon(day, ada, ben, seats, todo):
    parser, build, docs, review, tests = seats
    day.step("Everybody takes something", "Nobody takes what another has, on whichever laptop: who "
             "asks for it is told who has it.")
    got = [parser.call("todo_claim")["todo"]["id"],
           review.call("todo_claim", id=todo["Review the lexer"])["todo"]["id"]]
    build.task("TaskUpdate", {"success": True, "taskId": "1", "updatedFields": ["status"]},
               taskId="1", status="in_progress")
    same(got, [todo["Write the parser"], todo["Review the lexer"]], "what they took")
    until(lambda: len(open_claims(ben)) == 3 and open_claims(ben) == open_claims(ada),
          "three are held, on both")
    refused = tests.call("todo_claim", id=todo["Write the parser"], error=True)
    expect("parser" in refused and "ada" in refused, f"who has it, where: {refused}")
    number = mirrored(day, review, todo["Fix the build"])
    denied = review.task("TaskUpdate", {}, taskId=number, status="in_progress")
    same(denied.get("permissionDecision"), "deny", f"a native update of what is held: {denied}")
    expect("build" in denied["permissionDecisionReason"], f"by whom: {denied}")
    day.step("The idle one is woken", "A session on the other laptop has nothing to do until the "
             "parser is written. Claude Code lets its waiter run; it ends when that is done, and "
             "what it says begins the session's next turn.")
    waiter = tests.waits()
    until(lambda: waiting(tests), "the waiter is there")
    began = time.monotonic()
    parser.call("todo_update", id=todo["Write the parser"], status="completed")
    _, said = waiter.communicate(timeout=2 * DEADLINE_S)
    print(f"# woken after {time.monotonic() - began:.3f} s", flush=True)
    day.did(tests.name, "is woken", said)
    same(waiter.returncode, 2, f"exit status of the waiter: {said}")
    expect("Test the parser" in said, f"what is ready now: {said}")
    same(tests.call("todo_claim", id=todo["Test the parser"])["todo"]["status"], "in_progress",
         "it goes on")


def mirrored(day, seat, todo):
    """The native list of the session's laptop shows the todo as a task: its number."""
    done = seat.home.call(CHITTY, "claude", "mirror", "--list", LIST, "--once", env=seat.env)
    day.did(seat.name, "chitty claude mirror --once, as the hooks do where models have tasks",
            done.out)
    for path in (seat.home.folder / "claude" / "tasks" / LIST).glob("*.json"):
        task = json.loads(path.read_text())
        if task.get("metadata", {}).get("chitty") == todo:
            return path.stem
    raise Failure(f"{todo} is no task of {seat.name}")


def waiting(seat):
    """Has the waiter of a session its lock?"""
    files = list(pathlib.Path(seat.home.folder).rglob("*.wait"))
    return any(subprocess.run(["flock", "-n", str(f), "true"], check=False).returncode == 1
               for f in files)


def cut_off(day, ada, ben, seats, todo):
    parser, build, docs, review, tests = seats
    day.step("The train", "The laptops do not reach each other. Work goes on on both; two sessions "
             "take the same todo, two write down the same thing, one dies.")
    converge(ada, ben)
    for home in (ada, ben):
        home.host.cable(False)
    until(lambda: all(p["state"] != "in sync" for p in ben.read("status")["peers"]), "apart")
    same(docs.call("todo_claim", id=todo["Describe the format"])["todo"]["id"],
         todo["Describe the format"], "taken on ada, whose todo it is")
    docs.call("todo_update", id=todo["Describe the format"], note="outline is in docs/format.md")
    review.call("todo_update", id=todo["Review the lexer"], status="completed")
    review.call("todo_claim", id=todo["Describe the format"])
    expect("unconfirmed" in review.mcp.said or "not reached" in review.mcp.said or
           "confirmed" in review.mcp.said, f"it is told that nobody agreed: {review.mcp.said}")
    same(review.edits("docs/format.md").get("permissionDecision"), None,
         "alone nobody is in the way")
    build.call("todo_add", title="Fix the typo in the README")
    review.call("todo_add", title="fix the typo in the readme.")
    tests.call("todo_update", id=todo["Test the parser"], status="completed")
    one = parser.call("todo_add", title="Name the grammar")["todo"]["id"]
    parser.call("todo_claim", id=one)
    parser.crash()
    until(lambda: ada.read("session", "get", "parser")["data"]["status"] == "crashed",
          "the node has noticed")
    same(ada.todos()[whole(ada, one)]["status"], "pending", "what it had can be taken again")


def rejoined(day, ada, ben, seats, todo):
    _, build, docs, review, tests = seats
    day.step("Home again", "The laptops meet. Of the two who took one todo one stands; the other "
             "is told before its next edit, with what the first has done, and once.")
    for home in (ada, ben):
        home.host.cable(True)
    until(lambda: in_sync(ada, ben), "in sync")
    converge(ada, ben)
    holder = ada.read("session", "get", "docs")["chittyId"]
    format_id = whole(ada, todo["Describe the format"])
    same([open_claims(h)[format_id] for h in (ada, ben)], [holder, holder],
         "one holder, the same on both")
    told = review.edits("docs/format.md")
    same(told.get("permissionDecision"), "deny", f"the loser's next edit: {told}")
    for word in ("docs", "ada", "outline"):
        expect(word in told["permissionDecisionReason"], f"who and what: {told}")
    same(review.edits("docs/format.md").get("permissionDecision"), None, "it was told once")
    same(docs.edits("docs/format.md").get("permissionDecision"), None, "the winner is not stopped")
    day.step("Compaction", "A conversation is cut short; where it stood is a checkpoint that any "
             "session can read, and what the session holds is told to it again.")
    build.hook("pre-compact", "PreCompact", trigger="auto", custom_instructions="")
    build.hook("post-compact", "PostCompact", trigger="auto",
               compact_summary="The build is red because of the linker; flags are next.")
    expect("Fix the build" in build.starts("compact"), "it is reminded of what it holds")
    made = until(lambda: ben.read("checkpoint", "list"), "the checkpoint on the other laptop")
    expect("linker" in json.dumps(made), f"what it says: {made}")


def evening(day, ada, ben, seats, todo):
    _, build, docs, review, tests = seats
    day.step("Evening", "What was written down twice becomes one, and the day is told. Sessions "
             "end, and what they hold is free.")
    project = ben.read("project", "list")[0]["chittyId"]
    done = ben.chitty("sync", "todos", "--project", project)
    day.did("ben", "chitty sync todos", done.out)
    converge(ada, ben)
    build.task("TaskUpdate", {"success": True, "taskId": "1", "updatedFields": ["status"]},
               taskId="1", status="completed")
    docs.call("todo_update", id=todo["Describe the format"], status="completed")
    for seat in (build, docs, review, tests):
        seat.hook("session-end", "SessionEnd", reason="prompt_input_exit")
        seat.mcp.end()
    converge(ada, ben)
    for home in (ada, ben):
        found = titles(home)
        typo = [t for t, _ in found if "typo" in t.lower()]
        same(len(typo), 1, f"one of the two: {found}")
        same([x for x in found if x[0] not in typo],
             [("Describe the format", "completed"), ("Fix the build", "completed"),
              ("Name the grammar", "pending"), ("Review the lexer", "completed"),
              ("Test the parser", "completed"), ("Write the parser", "completed")],
             f"no todo lost and none doubled on {home.name}")
        same(open_claims(home), {}, "nobody holds anything")
        same({s["data"]["session_id"]: s["data"]["status"] for s in home.read("session", "list",
                                                                              "--all")},
             {"parser": "crashed", "build": "ended", "docs": "ended", "review": "ended",
              "tests": "ended"}, "sessions")
    day.did("ada", "chitty standup", ada.chitty("standup", "--project", project).out)
    roots = {verified(home)["root"] for home in (ada, ben)}
    same(len(roots), 1, "roots")


@test
def five_sessions_on_two_laptops_share_a_list_for_a_day(world):
    day = Telling()
    world.env.pop("CHITTY_NO_OBSERVE")
    with Lan(world, "ada", "ben") as (ada, ben):
        pair_all(ada, ben)
        seats, todo = morning(day, ada, ben, clones(world))
        noon(day, ada, ben, seats, todo)
        cut_off(day, ada, ben, seats, todo)
        rejoined(day, ada, ben, seats, todo)
        evening(day, ada, ben, seats, todo)
    if WRITE:
        WRITE.write_text(day.text(), encoding="utf-8")


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        print(f"1..1\nnot ok 1 - hosts in namespaces\n# {why}")
        sys.exit(1)
    if "--write" in sys.argv:
        at = sys.argv.index("--write")
        WRITE = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    nodes.TESTS[:] = [t for t in nodes.TESTS if t.__module__ == "__main__"]
    sys.exit(nodes.main())
