"""Sessions that move: what was said on one laptop goes on on the other, as far as its project
shares it; and what they know of each other."""
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import json_schema  # noqa: E402
import nodes  # noqa: E402
from nodes import (CHITTY, CONFLICT, DENIED, NOTFOUND, USAGE, converge, expect,  # noqa: E402
                   same, test, until)

TRANSCRIPTS = pathlib.Path(__file__).resolve().parents[1] / "claude" / "transcripts"
KEY = "4927a516-3f0e-4c55-9d0b-1f2e6a0c7b11"
SECRET_KEY = "5a11c0de-0000-4000-8000-00000000beef"
THERE = "/srv/ada/src/garden"

# What stands for Claude Code: it notes how it was started, and what it finds where it looks.
STUB = """#!{python}
import json, os, pathlib, re, sys
folder = re.sub("[^A-Za-z0-9]", "-", os.getcwd())
path = pathlib.Path(os.environ["CLAUDE_CONFIG_DIR"], "projects", folder, sys.argv[2] + ".jsonl")
json.dump({{"argv": sys.argv[1:], "cwd": os.getcwd(), "pid": os.getpid(),
           "transcript": path.read_text() if path.exists() else None,
           "session": os.environ.get("CLAUDE_CODE_SESSION_ID")}}, open("{note}", "w"))
"""


class Laptop(nodes.Home):
    """A home with Claude Code's folder and a clone of the project."""

    def equip(self):
        self.claude = self.folder / "claude"
        self.claude.mkdir()
        self.note = self.folder / "note.json"
        stub = self.folder / "stub"
        stub.write_text(STUB.format(python=sys.executable, note=self.note))
        stub.chmod(0o755)
        self.garden = self.folder / "src" / "garden"
        (self.garden / "pump").mkdir(parents=True)
        self.env.update(CLAUDE_CONFIG_DIR=str(self.claude), CHITTY_CLAUDE=str(stub))
        return self

    def place(self, project, path=None):
        """The project is this folder here."""
        device = self.read("status")["device"]
        key = f"{device}:{path or self.garden}"
        self.chitty("project", "update", project, "--place", f'{key}={{"at":1}}')

    def file_of(self, key, folder=None):
        name = re.sub("[^A-Za-z0-9]", "-", str(folder or self.garden))
        return self.claude / "projects" / name / f"{key}.jsonl"

    def talk(self, name, key=KEY, folder=None):
        """What was said in a session here, by a fixture that was written elsewhere."""
        text = (TRANSCRIPTS / name).read_text().replace("@@", "")
        path = self.file_of(key, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(THERE, str(self.garden)))
        return path

    def sit(self, project=None, key=KEY, title="Plan the garden", cwd=None, status="active"):
        """A session at work here."""
        device = self.read("status")["device"]
        words = ["--session-id", key, "--platform", "claude-code", "--cwd", str(cwd or self.garden),
                 "--status", status, "--state", f"device={json.dumps(device)}",
                 "--last-active", "now", "--branch", "main"]
        words += ["--project", project] if project else []
        return self.chitty("session", "create", title, *words).out.strip()

    def as_session(self, *words, key=KEY, **options):
        return self.chitty(*words, env={"CHITTY_SESSION": key}, **options)

    def claim(self, todo, key=KEY):
        """By the session's model."""
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {}}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                 "params": {"name": "todo_claim", "arguments": {"id": todo}, "_meta": meta}}
        done = self.chitty("mcp", stdin=json.dumps(asked) + "\n", env={"CHITTY_SESSION": key})
        answer = json.loads(done.out.splitlines()[0])
        expect(not answer["result"].get("isError"), f"it is claimed: {answer}")

    def json(self, *words, **options):
        return self.chitty(*words, "--json", **options).document()

    def noted(self):
        return json.loads(self.note.read_text())


def two(world, transcripts="redacted"):
    """Two laptops that are one space, each with a clone of the project."""
    a = Laptop(world, "laptop-a").init().run().equip()
    b = Laptop(world, "laptop-b").init().run().join(a).equip()
    words = ["--transcripts", transcripts] if transcripts else []
    project = a.chitty("project", "create", "garden", "--repo", "git.example/ada/garden",
                       *words).out.strip()
    a.place(project)
    converge(a, b, entries=0)
    b.place(project)
    converge(a, b, entries=0)
    return a, b, project


def uuids(text):
    """Of a transcript: its chain is whole; the uuids in order."""
    seen = []
    for line in map(json.loads, text.splitlines()):
        parent = line.get("parentUuid", line.get("leafUuid"))
        expect(parent is None or parent in seen, f"{parent} is a line before {line.get('uuid')}")
        seen += [line["uuid"]] if "uuid" in line else []
    return seen


@test
def a_session_that_ended_goes_on_on_the_other_laptop(world):
    a, b, project = two(world)
    session = a.sit(project)
    a.talk("talk.jsonl")
    todo = a.add("Water the peas", "--project", project, "--session", session)
    exported = a.json("session", "export", KEY, "--transcript")
    same(len(exported["transcript"]), 16, "lines that are shared")
    a.chitty("checkpoint", "create", "Beds are planned", "--session", session, "--project", project,
             "--summary", "Peas are in the north.", "--todos", todo)
    a.chitty("session", "update", session, "--status", "ended")
    converge(a, b, entries=0)
    until(lambda: b.json("sessions", "--all")[0]["state"] == "ended", "b knows that it ended")
    done = b.chitty("session", "resume", "Plan the garden", status=0)
    found = b.noted()
    same(found["argv"], ["--resume", KEY], "how Claude Code was started")
    same(found["cwd"], os.path.realpath(b.garden), "where")
    lines = [json.loads(x) for x in found["transcript"].splitlines()]
    same(len(uuids(found["transcript"])), 15, "lines of talk")
    folders = {x["cwd"] for x in lines if "cwd" in x}
    same(folders, {str(b.garden), str(b.garden / "pump"), str(a.garden) + "2"},
         "folders of the lines: those of the project are here")
    expect(str(a.garden / "beds.md") in found["transcript"], "what was said stays as it was said")
    expect("Beds are planned" in done.out and "Water the peas" in done.out, f"handoff: {done.out}")
    until(lambda: b.json("session", "show", KEY)["state"] == "active", "it is at work again")
    shown = b.json("session", "show", KEY)
    same((shown["chittyId"], shown["deviceName"], shown["cwd"]),
         (session, "laptop-b", str(b.garden)), "the record is the same, and lives here")
    process = b.json("session", "get", KEY)["data"]["process"]
    same([p["pid"] for p in process.values()], [found["pid"]], "as long as that process")
    printed = b.chitty("session", "resume", KEY, "--fork", "--print").out.splitlines()[-1]
    expect(printed.startswith(f"cd '{os.path.realpath(b.garden)}' && "), f"for a shell: {printed}")
    b.chitty("session", "update", session, "--status", "ended")
    root = b.root()
    b.chitty("session", "resume", KEY, status=NOTFOUND, env={"CHITTY_CLAUDE": "no-such-program"})
    same(b.root(), root, "without Claude Code nothing is done")


@test
def secrets_do_not_leave_and_what_is_not_allowed_does_not_either(world):
    a, b, project = two(world, transcripts=None)
    session = a.sit(project, key=SECRET_KEY)
    a.talk("secrets.jsonl", key=SECRET_KEY)
    refused = a.chitty("session", "export", session, "--transcript", status=DENIED)
    expect("--transcripts redacted" in refused.err, f"the command that allows it: {refused.err}")
    a.chitty("session", "update", session, "--status", "ended")
    converge(a, b, entries=0)
    expect("attachments" not in b.json("session", "get", session)["data"], "nothing was shared")
    refused = b.chitty("session", "resume", session, status=DENIED)
    expect("--transcripts redacted" in refused.err, f"the command that allows it: {refused.err}")
    expect(not b.note.exists(), "nothing was started")
    a.chitty("project", "update", project, "--transcripts", "redacted")
    a.chitty("session", "export", session, "--transcript")
    converge(a, b, entries=0)
    b.chitty("session", "resume", session)
    text = b.noted()["transcript"]
    for secret in ("16C7e42F", "sunflower7", "aaaabbbbcccc", "4eC39HqLyj", "IOSFODNN7", "b3BlbnNz",
                   "hunter2", "tulip-and-rose"):
        expect(secret not in text, f"{secret} is not in what came")
        for path in sorted(b.folder.rglob("*")):
            if path.is_file():
                expect(secret.encode() not in path.read_bytes(), f"{secret} in {path}")
    same(len(uuids(text)), 4, "lines that came")


@test
def a_laptop_that_is_away_is_continued_by_a_session_of_its_own(world):
    a, b, project = two(world)
    session = a.sit(project)
    a.talk("talk.jsonl")
    a.json("session", "export", KEY, "--transcript")
    todo = a.add("Water the peas", "--project", project, "--session", session)
    a.claim(todo)
    converge(a, b, entries=0)
    alive = b.chitty("session", "resume", KEY, status=CONFLICT)
    expect("laptop-a" in alive.err and "--fork" in alive.err, f"it is at work: {alive.err}")
    b.chitty("attachment", "get", session, "transcript", "--to", str(b.folder / "fetched"))
    writing = subprocess.Popen([CHITTY, "batch", "-"], env=a.env, stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    writing.stdin.write("add mid-write\n" * 50)
    a.kill()
    writing.stdin.close()
    writing.wait()
    until(lambda: not b.json("session", "show", KEY)["connected"], "b knows that a is away")
    dry = b.json("session", "resume", KEY, "--dry-run")
    same((dry["dry"], b.file_of(dry["sessionId"]).exists()), (True, False), "nothing was done")
    b.chitty("session", "resume", KEY)
    found = b.noted()
    new = found["argv"][1]
    expect(new != KEY, "a session of its own")
    same({x["sessionId"] for x in map(json.loads, found["transcript"].splitlines())
          if "sessionId" in x}, {new}, "ids in its lines")
    shown = b.json("session", "show", new)
    same((shown["continues"], shown["deviceName"]), (session, "laptop-b"), "the new record")
    same([h["chittyId"] for h in shown["holds"]], [todo], "its claims")
    same([s["chittyId"] for s in b.json("session", "show", KEY)["continuedBy"]],
         [shown["chittyId"]], "the old one knows")


@test
def a_transcript_that_is_there_keeps_its_lines(world):
    a, b, project = two(world)
    session = a.sit(project)
    path = a.talk("talk.jsonl")
    a.json("session", "export", KEY, "--transcript")
    a.chitty("session", "update", session, "--status", "ended")
    converge(a, b, entries=0)
    b.chitty("session", "resume", KEY)
    there = b.file_of(KEY)
    first = there.read_text()
    again = b.json("session", "resume", KEY, "--fork")
    expect(again["continues"] == session, "a fork")
    b.chitty("session", "update", session, "--status", "ended")
    more = first + json.dumps({"type": "user", "uuid": "b-1", "parentUuid": uuids(first)[-1],
                               "message": {"content": "here alone"}}) + "\n"
    there.write_text(more)
    told = b.json("session", "resume", KEY)["transcript"]
    same((told["had"], told["added"], told["alone"]), (17, 0, 1), "what was there")
    same(there.read_text(), more, "no byte of it changed")
    b.chitty("session", "update", session, "--status", "ended")
    b.json("session", "export", KEY, "--transcript")
    b.chitty("session", "update", session, "--status", "ended")
    converge(a, b, entries=0)
    before = path.read_text()
    told = a.json("session", "resume", KEY)["transcript"]
    same((told["added"], told["alone"]), (1, 0), "one line was said on b")
    whole = path.read_text()
    expect(whole.startswith(before), "what was there stays")
    same(json.loads(whole.splitlines()[-1])["message"]["content"], "here alone", "the last line")


@test
def an_export_is_one_document_that_its_schema_allows(world):
    a, _, project = two(world, transcripts="whole")
    session = a.sit(project)
    a.talk("talk.jsonl")
    a.add("Water the peas", "--project", project, "--session", session)
    a.chitty("session", "update", session, "--state", 'any={"deep":[1,{"x":null}]}',
             "--file", 'src/a.c={"action":"edit","at":1}', "--crumb", '1={"place":"x"}')
    a.chitty("context", "create", "Soil", "--session", session, "--key-point", "clay")
    a.chitty("message", "create", "Hello", "--session", session)
    a.chitty("session", "export", KEY, "--transcript", "--to", str(a.folder / "s.json"))
    text = (a.folder / "s.json").read_text()
    same(json_schema.document_problems(json.loads(text)), [], "problems of the schema")
    data = json.loads(text)["data"]
    same([len(data[k]) for k in ("todos", "contexts", "messages", "checkpoints")], [1, 1, 1, 0],
         "what belongs to it")
    same(data["session"]["data"]["state"]["any"], {"deep": [1, {"x": None}]}, "its state")
    same((a.folder / "s.json").stat().st_mode & 0o777, 0o600, "who may read it")
    a.chitty("session", "export", KEY, "--to", str(a.folder / "s.json"), status=CONFLICT)


@test
def hooks_share_what_was_said_and_tell_where_it_left_off(world):
    a, b, project = two(world)
    path = a.talk("talk.jsonl")

    def hook(home, word, event, **more):
        payload = {"session_id": KEY, "transcript_path": str(path), "cwd": str(home.garden),
                   "hook_event_name": event, **more}
        return home.chitty("hook", word, stdin=json.dumps(payload),
                           env={"CLAUDE_PROJECT_DIR": str(home.garden)}).out

    def blob(home):
        return home.json("session", "show", KEY).get("transcript", {}).get("blob")

    hook(a, "session-start", "SessionStart", source="startup")
    session = a.json("session", "show", KEY)["chittyId"]
    hook(a, "pre-compact", "PreCompact", trigger="auto")
    first = until(lambda: blob(a), "it is shared at a compaction")
    with path.open("a") as more:
        more.write("\n" + json.dumps({"type": "user", "uuid": "late", "parentUuid": None,
                               "message": {"content": "the last word"}}) + "\n")
    hook(a, "session-end", "SessionEnd", reason="other")
    until(lambda: "the last word" in a.chitty("session", "context", KEY).out, "and at the end")
    until(lambda: blob(a) != first and blob(b) == blob(a)
          and b.json("session", "show", KEY)["state"] == "ended", "b knows")
    expect(len(blob(b)) == 64, "by its content")
    b.chitty("session", "resume", KEY)
    told = hook(b, "session-start", "SessionStart", source="resume")
    expect(f"This goes on from session {session[7:24]}"[:40] in told, f"it is told: {told}")
    expect("This goes on from" not in hook(b, "session-start", "SessionStart", source="resume"),
           "once")


@test
def the_folder_of_the_project_is_found_or_asked_for(world):
    a, b, project = two(world)
    session = a.sit(project, cwd=a.garden / "pump", status="ended")
    a.talk("talk.jsonl")
    a.chitty("session", "export", KEY, "--transcript")
    converge(a, b, entries=0)
    at_pump = b.json("session", "resume", KEY, "--dry-run")
    same(at_pump["folder"], os.path.realpath(b.garden / "pump"), "the folder that it worked in")
    device = b.read("status")["device"]
    b.chitty("project", "update", project, "--place", f"{device}:{b.garden}=null")
    lost = b.chitty("session", "resume", KEY, status=NOTFOUND)
    expect("clone git.example/ada/garden" in lost.err, f"what to clone: {lost.err}")
    other = b.folder / "elsewhere"
    other.mkdir()
    named = b.json("session", "resume", KEY, "--dry-run", "--folder", str(other))
    same(named["folder"], os.path.realpath(other), "the folder that was said")
    b.chitty("repo", "create", "git.example/ada/garden", "--worktree",
             f'{device}:{b.garden}={{"at":1}}')
    same(b.json("session", "resume", KEY, "--dry-run")["folder"],
         os.path.realpath(b.garden / "pump"), "by the worktrees of its repository")
    expect(not b.file_of(KEY, b.garden / "pump").exists(), "nothing was written")
    evil = b.chitty("session", "create", "Evil", "--session-id", "../../x", "--platform",
                    "claude-code", "--project", project, "--status", "ended").out.strip()
    b.chitty("session", "resume", evil, status=USAGE)
    fresh = b.json("session", "resume", KEY, "--fresh")
    expect(fresh["fresh"] and fresh["continues"] == session and "transcript" not in fresh,
           f"a fresh one: {fresh}")
    same(fresh["command"][1], "--session-id", "how it is started")


@test
def sessions_of_all_devices_are_listed_with_how_they_are(world):
    a, b, project = two(world)
    a.sit(project)
    b.sit(None, key="b-1", title="Elsewhere")
    for key, status, active in (("b-2", "active", "20 minutes ago"), ("b-3", "paused", "now"),
                                ("b-4", "ended", "now"), ("b-5", "crashed", "now")):
        session = b.sit(project, key=key, title=key, status=status)
        if active != "now":
            b.chitty("session", "delete", session)
            device = b.read("status")["device"]
            b.chitty("session", "create", "b-6", "--session-id", "b-6", "--platform",
                     "claude-code", "--state", f'device="{device}"', "--status", "active",
                     "--project", project, "--last-active", active)
    converge(a, b, entries=0)
    states = {s["sessionId"]: (s["state"], s["deviceName"], s["here"])
              for s in a.json("sessions", "--all")}
    same(states, {KEY: ("active", "laptop-a", True), "b-1": ("active", "laptop-b", False),
                  "b-3": ("paused", "laptop-b", False), "b-4": ("ended", "laptop-b", False),
                  "b-5": ("crashed", "laptop-b", False), "b-6": ("idle", "laptop-b", False)},
         "how they are")
    same(sorted(s["sessionId"] for s in a.json("sessions")), sorted([KEY, "b-1", "b-3", "b-6"]),
         "those at work")
    same(sorted(s["sessionId"] for s in a.json("sessions", "--project", project)),
         sorted([KEY, "b-3", "b-6"]), "of the project")
    b.kill()
    until(lambda: {s["sessionId"]: s["state"] for s in a.json("sessions")}["b-6"] == "away",
          "its device is away, and it gave no sign of life")
    text = a.chitty("sessions").out
    expect("away" in text and "Plan the garden" in text and "laptop-b" in text, text)


@test
def what_is_known_is_told_on_the_other_laptop(world):
    a, b, project = two(world)
    session = a.sit(project)
    a.talk("talk.jsonl")
    a.chitty("session", "update", session, "--file",
             'beds.md={"action":"edit","at":1795000000000}')
    a.as_session("checkpoint", "create", "Beds are planned", "--session", session, "--project",
                 project, "--summary", "Peas are in the north.")
    a.as_session("context", "add", "--project", project, "the pump needs 12 V")
    a.as_session("context", "add", "--project", project, "the pump needs 12 V")
    a.as_session("context", "share", "--point", "kale stays in the south")
    held = a.add("Water the peas", "--project", project)
    a.claim(held)
    converge(a, b, entries=0)
    here = b.chitty("context", "here", "--json", "--project", project).document()
    points = {p["text"]: p.get("context") for p in here["points"]}
    same(points, {"the pump needs 12 V": "garden", "kale stays in the south": "Plan the garden",
                  "Beds are planned": "Plan the garden"}, "what to remember")
    same([c["title"] for c in here["checkpoints"]], ["Beds are planned"], "where work stood")
    same([(c["chittyId"], c["deviceName"]) for c in here["claims"]], [(held, "laptop-a")], "held")
    same([(f["path"], f["deviceName"]) for f in here["files"]], [("beds.md", "laptop-a")], "files")
    shown = b.json("context", "show", "Plan the garden")
    same(shown["points"][0]["context"], "Plan the garden", "of one session")
    shared = [c for c in b.json("context", "list") if c["data"]["title"] == "Plan the garden"]
    same(len(shared), 1, "one context of the session")
    expect("The pump opens at six." in shared[0]["data"]["text"], "with what was said last")
    told = b.chitty("context", "here", "--project", project).out
    expect("the pump needs 12 V  (garden)" in told and "held\n  Water the peas" in told, told)
    until(lambda: b.json("session", "show", KEY)["holds"], "b knows who holds it")


@test
def a_switch_of_context_extracts_what_was_said_and_the_files_exactly(world):
    a, b, project = two(world)
    session = a.sit(project)
    a.talk("long.jsonl")
    found = a.json("session", "context", KEY)
    want = json.loads((TRANSCRIPTS / "long.recent").read_text().replace(THERE, str(a.garden)))
    same({k: found[k] for k in want}, want, "the last ten messages and the files")
    same(found["chittyId"], session, "of this session")
    same(a.json("session", "context", KEY, "--messages", "2")["messages"], want["messages"][-2:],
         "the last two")
    converge(a, b, entries=0)
    b.chitty("session", "context", KEY, status=NOTFOUND)
    a.chitty("session", "export", KEY, "--transcript")
    converge(a, b, entries=0)
    same({k: b.json("session", "context", KEY)[k] for k in want}, want, "the same on b")


@test
def standup_tells_who_did_what_where(world):
    a, b, project = two(world)
    a.sit(project)
    other = b.sit(project, key="b0b0b0b0-0000-4000-8000-000000000001", title="Mend the pump")
    ids = {t: a.add(t, "--project", project) for t in ("Plan beds", "Buy peas", "Sow peas", "Rest")}
    a.add("Of another project")
    a.chitty("todo", "update", ids["Sow peas"], "--dependency", ids["Buy peas"])
    converge(a, b, entries=0)
    a.as_session("done", ids["Plan beds"])
    b.claim(ids["Buy peas"], key="b0b0b0b0-0000-4000-8000-000000000001")
    b.as_session("checkpoint", "create", "The shop is open", "--project", project,
                 key="b0b0b0b0-0000-4000-8000-000000000001")
    converge(a, b, entries=0)
    for home in (a, b):
        told = home.chitty("standup", "--json", "--project", project).document()
        same([(r["title"], r["by"]["name"], r["by"]["deviceName"]) for r in told["done"]],
             [("Plan beds", "Plan the garden", "laptop-a")], "done")
        same([(r["title"], r["by"]["actor"], r["by"]["deviceName"]) for r in told["doing"]],
             [("Buy peas", other, "laptop-b")], "in progress")
        same([(r["title"], [w["title"] for w in r["waitsFor"]]) for r in told["blocked"]],
             [("Sow peas", ["Buy peas"])], "blocked")
        same([r["title"] for r in told["next"]], ["Rest"], "next")
        same([(r["title"], r["by"]["name"]) for r in told["notes"]],
             [("The shop is open", "Mend the pump")], "notes")
    text = a.chitty("standup", "--project", project).out
    same(text.split("  TODO-")[0], "done\n", "the first part")
    expect("Plan beds  (Plan the garden on laptop-a)" in text, text)
    expect("Sow peas  waits for Buy peas" in text, text)
    same(a.chitty("standup", "--since", "tomorrow", "--json").document()["done"], [], "none since")


@test
def why_tells_the_prompt_that_made_a_todo(world):
    a, b, project = two(world)
    session = a.sit(project)
    a.talk("talk.jsonl")
    origin = {"prompt": "c3550000-0000-4000-8000-000000000002", "tool": "todo_add",
              "toolUse": "toolu_w1"}
    made = a.as_session("add", "Set the timer", "--project", project, "--session", session,
                        "--origin", json.dumps(origin)).out.strip()
    converge(a, b, entries=0)
    b.chitty("prio", made, "high")
    b.chitty("done", made)
    converge(a, b, entries=0)
    why = a.json("why", made)
    expect(why["prompt"].startswith("Now the water."), f"what was said: {why}")
    same((why["origin"], why["session"]["chittyId"], why["made"]["deviceName"],
          why["made"]["actor"]), (origin, session, "laptop-a", session), "where it comes from")
    same([(c["deviceName"], c.get("status")) for c in why["changes"]],
         [("laptop-b", "completed"), ("laptop-b", None)], "who changed it since")
    expect("prompt" not in b.json("why", made), "what was said is not on b")
    expect("not on this machine" in b.chitty("why", made).out, "and b says so")
    a.chitty("session", "export", KEY, "--transcript")
    converge(a, b, entries=0)
    text = b.chitty("why", made).out
    expect("prompt    Now the water." in text and "status=completed" in text, text)


if __name__ == "__main__":
    sys.exit(nodes.main())
