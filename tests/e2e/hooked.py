"""What tests of `chitty hook` share: sessions of Claude Code that hand over payloads, and answers
that are checked against tests/claude/hook_output.schema.json."""
import json
import pathlib
import subprocess
import sys

import nodes
from nodes import CHITTY, DEADLINE_S, OK, Failure, expect, same
from repository import git

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "claude"
sys.path.insert(0, str(FOLDER.parent / "support"))
import json_schema  # noqa: E402, beside the other helpers

PAYLOADS = {p.stem: json.loads(p.read_text()) for p in sorted((FOLDER / "payloads").glob("*.json"))}
SCHEMA = json.loads((FOLDER / "hook_output.schema.json").read_text())
WORDS = {
    "session-start": {"SessionStart"},
    "prompt": {"UserPromptSubmit"},
    "pre-task": {"PreToolUse"},
    "pre-edit": {"PreToolUse"},
    "post-task": {"PostToolUse", "PostToolBatch", "TaskCreated", "TaskCompleted"},
    "activity": {"PostToolUse", "PostToolUseFailure", "PostToolBatch", "SubagentStop",
                 "Notification", "CwdChanged", "StopFailure"},
    "pre-compact": {"PreCompact"},
    "post-compact": {"PostCompact"},
    "stop": {"Stop"},
    "session-end": {"SessionEnd"},
}
CONTEXT_BYTES = 1024
WAKES = 2  # exit status


class Session:
    """A session of Claude Code in a folder, on the device of `home`."""

    def __init__(self, home, key, folder=None, **env):
        self.home, self.key = home, key
        self.folder = folder or home.world.folder / "proj"
        self.folder.mkdir(exist_ok=True)
        self.env = dict(home.env, CLAUDE_CONFIG_DIR=str(home.world.folder / f"claude-{home.name}"),
                        **env)

    def payload(self, name, **members):
        """One of the folder, of this session; `members` are put over it, a dict into a dict."""
        like = PAYLOADS["prompt"]
        text = json.dumps(PAYLOADS[name]).replace(like["session_id"], self.key)
        whole = json.loads(text.replace(like["cwd"], str(self.folder)))
        for member, value in members.items():
            if isinstance(value, dict) and isinstance(whole.get(member), dict):
                value = dict(whole[member], **value)
            whole[member] = value
        return whole

    def start(self, word, payload):
        """A hook that runs, its payload given."""
        process = subprocess.Popen([CHITTY, "hook", *([word] if word else [])], env=self.env,
                                   cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            process.stdin.write(payload if isinstance(payload, str) else json.dumps(payload))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has read enough
        process.stdin = None
        return process

    def call(self, word, payload, status=OK):
        """Run a hook to its end."""
        process = self.start(word, payload)
        out, err = process.communicate(timeout=2 * DEADLINE_S)
        if status is not None and process.returncode != status:
            raise Failure(f"hook {word}: exit {process.returncode}, {out!r}, {err!r}")
        return nodes.Done(process.returncode, out, err)

    def hook(self, word, name, **members):
        """The answer of a hook, checked; None for none."""
        payload = self.payload(name, **members)
        return answer_of(self.call(word, payload), payload["hook_event_name"], f"{word} {name}")

    # --- what the node has

    def record(self):
        found = [s for s in self.home.read("session", "list", "--all")
                 if s["data"]["session_id"] == self.key]
        return found[0]["data"] if found else None

    def record_id(self):
        return next(s["chittyId"] for s in self.home.read("session", "list", "--all")
                    if s["data"]["session_id"] == self.key)

    def todos(self):
        """Its todos by their content."""
        own = {r["chittyId"]: r["data"] for r in self.home.read("todo", "list", "--all")}
        mine = [s["chittyId"] for s in self.home.read("session", "list", "--all")
                if s["data"]["session_id"] == self.key]
        return {d["content"]: dict(d, id=i) for i, d in own.items() if d.get("session") in mine}


def answer_of(done, event, what):
    """What a hook has said, of the published shape; None for nothing."""
    same(done.err, "", f"standard error of {what}")
    if not done.out:
        return None
    answer = json.loads(done.out)
    same(json_schema.problems(answer, SCHEMA), [], f"answer of {what}")
    inside = answer["hookSpecificOutput"]
    same(inside["hookEventName"], event, f"event of the answer of {what}")
    for text in ("additionalContext", "permissionDecisionReason"):
        expect(len(inside.get(text, "").encode()) <= CONTEXT_BYTES, f"{text} of {what} is short")
    return inside


def denied(answer):
    """Why a tool was denied."""
    expect(answer is not None and answer.get("permissionDecision") == "deny", f"denied: {answer}")
    return answer["permissionDecisionReason"]


def root(home):
    return home.read("status")["root"]


def clone(world, name):
    """A clone with one commit and an address: one project on every machine."""
    folder = world.folder / name
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", "https://example.org/p.git")
    return folder


def waits(session):
    """Does a waiter of the session hold its lock (proc(5), /proc/locks)?"""
    lock = session.home.folder / "sessions" / f"{session.record_id()}.wait"
    return lock.exists() and f":{lock.stat().st_ino} " in pathlib.Path("/proc/locks").read_text()
