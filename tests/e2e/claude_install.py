"""`chitty claude install`, `remove` and the settings of Claude Code: what is shown is what is done,
and what was there before comes back to the byte."""
import json
import os
import pathlib
import shutil
import stat
import subprocess

from nodes import (CHITTY, CONFLICT, DENIED, FAILED, NOTFOUND, OK, USAGE, expect, main, same, test)

SETTINGS = sorted((pathlib.Path(__file__).resolve().parents[1] / "claude" / "settings").iterdir())
PLUGIN = pathlib.Path(__file__).resolve().parents[2] / "bridges" / "claude"


class Desk:
    """A person's files of Claude Code and a project, in a folder of their own."""

    def __init__(self, world, name="desk"):
        self.home = world.home(name)
        self.folder = world.folder / (name + "-files")
        self.config = self.folder / "config"
        self.project = self.folder / "proj"
        self.project.mkdir(parents=True)
        (self.project / ".git").mkdir()
        self.home.env.update(CLAUDE_CONFIG_DIR=str(self.config), HOME=str(self.folder))
        for name in ("CLAUDE_PROJECT_DIR", "CLAUDE_CODE_SESSION_ID", "CHITTY_SESSION"):
            self.home.env.pop(name, None)
        self.settings = self.config / "settings.json"
        self.servers = self.config / ".claude.json"

    def chitty(self, *arguments, status=OK, program=CHITTY):
        done = subprocess.run([program, *arguments], env=self.home.env, cwd=self.project,
                              capture_output=True, text=True, timeout=60, check=False)
        same(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}; exit status")
        return done.stdout if status == OK else done.stderr

    def claude(self, *arguments, **options):
        return self.chitty("claude", *arguments, **options)

    def write(self, settings, servers=b"{}\n"):
        self.config.mkdir(exist_ok=True)
        self.settings.write_bytes(settings)
        self.servers.write_bytes(servers)


def hooks_of(path):
    return json.loads(path.read_text())["hooks"]


def plain(text):
    """A diff without the moments of diff(1)."""
    return [line for line in text.splitlines() if not line.startswith(("---", "+++"))]


@test
def install_and_remove_give_back_the_same_bytes(world):
    desk = Desk(world)
    for path in SETTINGS:
        before = path.read_bytes()
        desk.write(before, before)
        os.chmod(desk.settings, 0o640)
        shown = desk.claude("install", "--print")
        same(desk.settings.read_bytes(), before, f"{path.name} after --print")
        same(desk.claude("install"), shown, f"what install of {path.name} shows")
        expect(desk.settings.read_bytes() != before, f"{path.name} is as before")
        same(stat.S_IMODE(desk.settings.stat().st_mode), 0o640, "mode")
        after = desk.settings.read_bytes()
        same(desk.claude("install"), "nothing to change\n", f"{path.name}, a second time")
        same(desk.settings.read_bytes(), after, f"{path.name} after a second time")
        desk.claude("remove")
        same(desk.settings.read_bytes(), before, f"{path.name} after remove")
        same(desk.servers.read_bytes(), before, f"servers of {path.name} after remove")
        same(desk.claude("remove"), "nothing to change\n", f"remove of {path.name}, again")
    same(sorted(p.name for p in desk.config.iterdir()), [".claude.json", "settings.json"],
         "files that are left")


@test
def what_is_shown_is_a_diff_that_can_be_applied(world):
    if shutil.which("patch") is None:
        return
    desk = Desk(world)
    for path in SETTINGS:
        desk.write(path.read_bytes())
        shown = desk.claude("install", "--print", "--json")
        diff = json.loads(shown)["data"]["files"][0]["diff"]
        copy = desk.folder / "copy.json"
        copy.write_bytes(path.read_bytes())
        subprocess.run(["patch", "--binary", "--quiet", str(copy)], input=diff.encode(),
                       check=True, capture_output=True)
        desk.claude("install")
        same(copy.read_bytes(), desk.settings.read_bytes(), f"{path.name}, patched")
        desk.claude("remove")


@test
def files_that_are_missing_are_made_and_go_again(world):
    desk = Desk(world)
    desk.claude("install")
    same(stat.S_IMODE(desk.servers.stat().st_mode), 0o600, "mode of the file for credentials")
    same(json.loads(desk.servers.read_text())["mcpServers"]["chitty"]["args"], ["mcp"], "server")
    expect("SessionStart" in hooks_of(desk.settings), "hooks")
    desk.claude("remove")
    same(list(desk.config.iterdir()), [], "files after remove")
    desk.claude("install", "--scope", "project")
    same(json.loads((desk.project / ".mcp.json").read_text())["mcpServers"]["chitty"]["command"],
         "chitty", "command of a shared file")
    desk.claude("install", "--scope", "local")
    local = json.loads(desk.servers.read_text())
    same(list(local["projects"]), [str(desk.project)], "the project that the server is for")
    expect((desk.project / ".claude" / "settings.local.json").exists(), "local settings")
    desk.claude("remove", "--scope", "local")
    desk.claude("remove", "--scope", "project")
    same(sorted(p.name for p in desk.project.iterdir()), [".git"], "files of the project")


@test
def what_a_killed_one_left_beside_goes(world):
    desk = Desk(world)
    desk.write(b'{"model": "opus"}')
    left = desk.config / "settings.json.chitty-DQ46SA"
    stays = [desk.config / "settings.json.chitty-mine", desk.config / "settings.json"]
    for path in [left, stays[0]]:
        path.write_text("half")
    desk.claude("install")
    same(sorted(desk.config.glob("settings*")), sorted(stays), "files")


@test
def links_stay_links_and_read_only_files_stay(world):
    desk = Desk(world)
    real = desk.folder / "dotfiles.json"
    real.write_bytes(b'{"model": "opus"}')
    desk.config.mkdir()
    desk.settings.symlink_to(real)
    desk.claude("install")
    expect(desk.settings.is_symlink() and "hooks" in json.loads(real.read_text()), "the link")
    desk.claude("remove")
    same(real.read_bytes(), b'{"model": "opus"}', "the file behind the link")
    os.chmod(real, 0o444)
    told = desk.claude("install", status=DENIED)
    expect("read-only" in told, told)
    same(real.read_bytes(), b'{"model": "opus"}', "the read-only file")
    os.chmod(real, 0o644)
    real.unlink()
    desk.claude("install", status=FAILED)
    expect(desk.settings.is_symlink() and not real.exists(), "a link into nothing")


@test
def what_is_no_json_is_refused_and_stays(world):
    desk = Desk(world)
    for text in (b'{"model": opus}', b'{"hooks": 7}', b'[]', b'{"hooks": {"Stop": "x"}}'):
        desk.write(text)
        done = subprocess.run([CHITTY, "claude", "install"], env=desk.home.env, cwd=desk.project,
                              capture_output=True, text=True, timeout=60, check=False)
        expect(done.returncode in (FAILED, USAGE), f"{text}: {done}")
        expect(str(desk.settings) in done.stderr, done.stderr)
        same(desk.settings.read_bytes(), text, "the file")
        same(desk.servers.read_bytes(), b"{}\n", "the other file")
    desk.write(b"{}", b'{"mcpServers": {"chitty": {"command": "mine"}}}')
    told = desk.claude("install", status=CONFLICT)
    expect("another" in told, told)
    same(desk.settings.read_bytes(), b"{}", "settings when the server is somebody's")


@test
def others_may_write_in_between(world):
    desk = Desk(world)
    desk.write((SETTINGS[0].parent / "hooks_of_others.json").read_bytes())
    desk.claude("install")
    settings = json.loads(desk.settings.read_text())
    settings["model"] = "opus"
    settings["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "say done"}]})
    desk.settings.write_text(json.dumps(settings, indent=2))
    same(desk.claude("install"), "nothing to change\n", "install of what is there, written anew")
    desk.claude("remove")
    want = json.loads((SETTINGS[0].parent / "hooks_of_others.json").read_text())
    want["model"] = "opus"
    want["hooks"]["Stop"] = [{"hooks": [{"type": "command", "command": "say done"}]}]
    same(json.loads(desk.settings.read_text()), want, "what is left")
    expect(b"chitty" not in desk.servers.read_bytes(), "the server")


@test
def lines_of_others_in_the_file_with_credentials_are_not_shown(world):
    desk = Desk(world)
    secret = b'{"oauthAccount":{"token":"sk-secret"},"numStartups":3}'
    for text in (secret, secret.replace(b",", b",\n").replace(b"{", b"{\n")):
        desk.write(b"{}", text)
        for words in (["install", "--print"], ["install"], ["remove", "--print"], ["remove"],
                      ["install", "--print", "--json"],
                      ["remote", "add", "api", "https://api.example.com", "--print"]):
            shown = desk.claude(*words)
            expect("secret" not in shown and "mcpServers" in shown, f"{words}: {shown}")
        same(desk.servers.read_bytes(), text, "the file")


@test
def one_setting_is_set_and_all_else_stays(world):
    desk = Desk(world)
    before = (SETTINGS[0].parent / "comments.json").read_bytes()
    desk.write(before)
    desk.claude("config", "set", "model", "claude-sonnet-4")
    same(desk.settings.read_bytes(), before.replace(b'"opus"', b'"claude-sonnet-4"'), "settings")
    same(desk.claude("config", "get", "model"), "claude-sonnet-4\n", "the model")
    desk.claude("config", "set", "env.CLAUDE_CODE_ENABLE_TODO_TOOLS", "1")
    desk.claude("config", "set", "cleanupPeriodDays", "99")
    desk.claude("config", "set", "env.API_TOKEN", "hush")
    same(json.loads(desk.claude("config", "get", "env.CLAUDE_CODE_ENABLE_TODO_TOOLS", "--json"))
         ["data"]["value"], "1", "a variable is a text")
    same(json.loads(desk.claude("config", "get", "cleanupPeriodDays", "--json"))["data"]["value"],
         99, "a number is one")
    for line in before.splitlines()[:5]:
        expect(line.replace(b"opus", b"claude-sonnet-4") in desk.settings.read_bytes(), line)
    shown = desk.claude("config", "show")
    expect("hush" not in shown and "API_TOKEN" in shown, shown)
    desk.claude("config", "set", "model", "haiku", "--scope", "local")
    same(desk.claude("config", "get", "model"), "haiku\n", "what counts")
    same(desk.claude("config", "get", "model", "--scope", "user"), "claude-sonnet-4\n", "user's")
    desk.claude("config", "get", "no.such", status=NOTFOUND)
    desk.claude("config", "set", "model", status=USAGE)


@test
def hooks_and_remotes_are_listed_and_added(world):
    desk = Desk(world)
    desk.write((SETTINGS[0].parent / "hooks_of_others.json").read_bytes())
    desk.claude("install")
    rows = json.loads(desk.claude("hooks", "list", "--json"))["data"]
    same(sorted({r["command"].split(" hook ")[1] for r in rows if r["ours"]}),
         ["activity", "post-compact", "post-task", "pre-compact", "pre-edit", "pre-task",
          "prompt", "session-end", "session-start", "stop", "wait"], "our hooks")
    same(sum(not r["ours"] for r in rows), 4, "hooks of others")
    expect("bd prime" in desk.claude("hooks", "list"), "hooks for people")
    before = desk.servers.read_bytes()
    desk.claude("remote", "add", "api", "https://api.example.com")
    same(json.loads(desk.servers.read_text())["mcpServers"]["api"],
         {"type": "http", "url": "https://api.example.com"}, "the remote")
    desk.claude("remote", "add", "api", "https://other.example.com", status=CONFLICT)
    desk.claude("remote", "add", "x", "ftp://example.com", status=USAGE)
    desk.claude("remove")
    same(json.loads(desk.servers.read_text())["mcpServers"],
         {"api": {"type": "http", "url": "https://api.example.com"}}, "what remove leaves")
    expect(before != desk.servers.read_bytes(), "the file")


@test
def the_words_of_the_original_documents_work(world):
    desk = Desk(world)
    desk.home.init().run()
    todo = desk.claude("todos", "add", "Implement OAuth flow", "--status", "pending").strip()
    expect("Implement OAuth flow" in desk.claude("todos", "list"), "the todo")
    desk.chitty("start", todo)
    expect("Implement OAuth flow" in desk.claude("tasks", "active"), "the task at work")
    desk.claude("todos", "complete", todo)
    expect("Implement OAuth flow" in desk.claude("tasks", "history", "--limit", "10"), "history")
    expect("Implement" not in desk.claude("tasks", "active"), "no task at work")
    desk.claude("task", "checkpoint", "Finished authentication")
    expect("Finished authentication" in desk.chitty("checkpoint", "list"), "the checkpoint")
    desk.chitty("session", "create", "--session-id", "s-1", "--platform", "claude-code")
    expect("s-1" in desk.claude("sessions", "list"), "the session by the name that it has")
    expect("yes" in desk.claude("track", "enable"), "enabled")
    for words in (["track", "sync"], ["todos", "sync", "notion", "tracker"]):
        expect("Notion" in desk.claude(*words), "what is not sent is said")
    desk.claude("track", "disable")
    same(json.loads(desk.claude("track", "sync", "--json"))["data"],
         {"intake": False, "autoCheckpoint": False, "notion": False}, "switched off")
    expect("todo create" in desk.claude("--help"), "what the words mean")


@test
def the_plugin_stands_in_for_hooks_and_server(world):
    desk = Desk(world)
    program = world.folder / "usr" / "bin" / "chitty"
    program.parent.mkdir(parents=True)
    shutil.copy2(CHITTY, program)
    desk.write(b'{\n  "model": "opus"\n}\n')
    desk.claude("install", "--plugin", program=str(program), status=NOTFOUND)
    folder = world.folder / "usr" / "share" / "chitty" / "claude"
    shutil.copytree(PLUGIN / "plugin", folder / "plugin")
    shutil.copytree(PLUGIN / ".claude-plugin", folder / ".claude-plugin")
    desk.claude("install", program=str(program))
    desk.claude("install", "--plugin", program=str(program))
    settings = json.loads(desk.settings.read_text())
    same(settings, {"model": "opus", "enabledPlugins": {"chitty@chitty": True},
                    "extraKnownMarketplaces": {"chitty": {"source": {
                        "source": "directory", "path": str(folder.resolve())}}}}, "settings")
    same(desk.servers.read_bytes(), b"{}\n", "servers")
    market = json.loads((folder / ".claude-plugin" / "marketplace.json").read_text())
    plugin = market["plugins"][0]
    source = folder / plugin["source"]
    manifest = json.loads((source / ".claude-plugin" / "plugin.json").read_text())
    same((manifest["name"], market["name"]), ("chitty", "chitty"), "names")
    desk.claude("remove", program=str(program))
    same(desk.settings.read_bytes(), b'{\n  "model": "opus"\n}\n', "settings after remove")


def findings(desk, status=OK):
    done = subprocess.run([CHITTY, "claude", "doctor", "--json"], env=desk.home.env,
                          cwd=desk.project, capture_output=True, text=True, timeout=300,
                          check=False)
    same(done.returncode, status, f"doctor: {done.stdout}{done.stderr}; exit status")
    return json.loads(done.stdout)["data"]["findings"]


def told(found, check, severity):
    return [f for f in found if f["check"] == check and f["severity"] == severity]


@test
def doctor_calls_each_hook_and_looks_what_came_of_it(world):
    desk = Desk(world)
    found = findings(desk, FAILED)
    same([f["check"] for f in found if f["severity"] == "problem"],
         ["claude-hooks", "claude-server"], "problems without an install")
    expect("TODO_TOOLS 1" in told(found, "claude-todo-tools", "note")[0]["remedy"], found)
    desk.claude("install")
    before = sorted(p.name for p in desk.folder.rglob("*"))
    found = findings(desk)
    same(len(told(found, "claude-hook", "ok")), 11, "hooks that do what they should")
    same(told(found, "claude-hook", "problem"), [], "hooks that do not")
    same(sorted(p.name for p in desk.folder.rglob("*")), before, "files of the person")
    desk.claude("config", "set", "env.CLAUDE_CODE_ENABLE_TODO_TOOLS", "1")
    expect(told(findings(desk), "claude-todo-tools", "ok"), "tools that were asked for")
    desk.claude("config", "set", "disableAllHooks", "true")
    expect(told(findings(desk, FAILED), "claude-disabled", "problem"), "hooks that are off")


@test
def doctor_sees_hooks_that_do_nothing_fail_or_are_gone(world):
    desk = Desk(world)
    desk.claude("install")
    good = desk.settings.read_text()
    idle = world.folder / "idle" / "chitty"
    idle.parent.mkdir()
    for script, wrong in (("exit 0", "is no todo"), ("echo no; exit 0", "no JSON"),
                          ("echo gone >&2; exit 3", "gone"), (None, "no such program")):
        if script:
            idle.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
            idle.chmod(0o755)
        else:
            idle.unlink()
        settings = json.loads(good)
        settings["hooks"]["PostToolUse"][0]["hooks"][0]["command"] = str(idle)
        desk.settings.write_text(json.dumps(settings))
        problems = told(findings(desk, FAILED), "claude-hook", "problem")
        expect(len(problems) == 1 and "post-task" in problems[0]["text"] and
               wrong in problems[0]["text"], f"{script}: {problems}")


if __name__ == "__main__":
    raise SystemExit(main())
