"""Habits of people who keep a tracker: checkpoints, nudges, the prompt and a key in real shells,
the git hook, and the page that is opened."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import nodes
from nodes import CHITTY, CONFLICT, NOTFOUND, USAGE, Failure, expect, same, test, until
from repository import git
from terminals import Terminal

PROMPT = "READY> "


def records(home, *words):
    return json.loads(home.chitty(*words, "--json").out)["data"]


def repository(home, name="repo"):
    folder = home.world.folder / name
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


# --- checkpoints

@test
def a_checkpoint_is_a_line_and_may_remind(world):
    home = world.home("a").init().run()
    first = home.chitty("checkpoint", "OAuth", "working", "locally").out.strip()
    plain = home.chitty("checkpoint", "add", "list of things", "--remind", "tomorrow").out.strip()
    both = home.chitty("checkpoint", "Finished OAuth", "--remind", "Test OAuth", "--due",
                       "2 days").out.split()
    same(len(both), 2, "a todo and a checkpoint")
    data = records(home, "checkpoint", "get", first)["data"]
    same((data["title"], data["kind"]), ("OAuth working locally", "manual"), "the first")
    expect(data.get("author"), "who made it")
    reminders = records(home, "checkpoint", "get", plain)["data"]["reminders"]
    same(list(reminders.values()), [True], "announced once, tomorrow")
    todo = records(home, "todo", "get", both[0])["data"]
    same((todo["content"], len(todo["reminders"])), ("Test OAuth", 1), "the todo")
    expect("deadline" in todo, "it is due")
    same(records(home, "checkpoint", "get", both[1])["data"]["todos"], [both[0]], "it names it")
    newest = [r["data"]["title"] for r in records(home, "checkpoints")]
    same(newest, ["Finished OAuth", "list of things", "OAuth working locally"], "newest first")
    same([r["data"]["title"] for r in records(home, "checkpoints", "1")], newest[:1], "the last")
    same(len(records(home, "checkpoints", "--since", "yesterday")), 3, "since yesterday")
    same(len(records(home, "checkpoints", "list")), 3, "the verb of many")
    same(records(home, "checkpoints", "--since", "tomorrow"), [], "since tomorrow")
    home.chitty("checkpoint", "x", "--remind", "not a time", status=USAGE)
    home.chitty("checkpoint", " ", status=USAGE)
    same(len(records(home, "checkpoints")), 3, "nothing came of those")


# --- nudges

@test
def nudges_can_be_put_off_and_stop_after_a_checkpoint(world):
    home = world.home("a").init().run()
    said = "[chitty] Remember to update your tracker: chitty nudge now\n"
    same(home.chitty("nudge", "commit").out, said, "after a commit")
    same(home.chitty("nudge", "commit").out, "", "told once, by hook or shell")

    def forget():
        next(pathlib.Path(home.folder).rglob("nudge")).unlink()

    forget()
    home.chitty("nudge", "snooze", "+2h")
    same(json.loads(home.chitty("nudge", "status", "--json").out)["data"]["state"], "snoozed",
         "state")
    same(home.chitty("nudge", "commit").out, "", "snoozed")
    home.chitty("nudge", "on")
    same(home.chitty("nudge", "commit").out, said, "on again")
    home.chitty("nudge", "off")
    same(home.chitty("nudge", "status").out, "nudges are off\n", "state in words")
    same(home.chitty("nudge", "commit").out, "", "off")
    home.chitty("nudge", "snooze", "yesterday", status=USAGE)
    forget()
    home.chitty("checkpoint", "half way")
    same(home.chitty("nudge", "commit").out, "", "just noted")
    out = home.chitty("nudge", "now").out
    expect("half way" in out and "chitty checkpoint TEXT" in out, f"without a terminal: {out!r}")


# --- shells

def shell_words(name, script, folder):
    """How a shell is started with nothing but our lines."""
    start = folder / f"start.{name}"
    if name == "bash":
        start.write_text(f"PS1='{PROMPT}'\nbind 'set enable-bracketed-paste off'\n{script}\n")
        return ["bash", "--noprofile", "--rcfile", str(start), "-i"]
    if name == "zsh":
        (folder / ".zshrc").write_text(f"PROMPT='{PROMPT}'\n{script}\n")
        return ["zsh", "-d", "-i"]
    start.write_text(f"function fish_prompt; printf '{PROMPT}'; end\nset -g fish_greeting\n"
                     f"set -g fish_autosuggestion_enabled 0\n{script}\n")
    return ["fish", "--no-config", "--init-command", f"source {start}"]


def in_a_shell(world, name):
    """A commit, the key, the answers; and the segment of the prompt."""
    if shutil.which(name) is None:
        raise Failure(f"{name} is not installed: ./run test installs it")
    home = world.home("a").init().run()
    projects = [home.chitty("project", "create", p).out.strip() for p in ("Chronicle", "Router")]
    home.add("Buy milk")
    repo = repository(home)
    folder = world.folder / "user"
    folder.mkdir()
    (folder / ".gitconfig").write_text("[user]\nname = Ana\nemail = ana@example.org\n")
    (world.folder / "bin").mkdir()
    (world.folder / "bin" / "chitty").symlink_to(CHITTY)
    env = dict(home.env, PATH=f"{world.folder / 'bin'}:{os.environ['PATH']}", HOME=str(folder),
               ZDOTDIR=str(folder), XDG_CONFIG_HOME=str(folder), TERM="xterm", LC_ALL="C.UTF-8",
               COLUMNS="100")
    line = {"fish": "chitty shell init fish | source"}.get(name,
                                                           f'eval "$(chitty shell init {name})"')
    same(home.chitty("shell", "prompt").out, "[0/1]\n", "the segment")
    shell = Terminal(shell_words(name, line, folder), env, repo)
    try:
        shell.wait(re.escape(PROMPT.strip()))
        shell.send("echo SET''UP\r")
        shell.wait(r"SETUP[\s\S]*READY")
        shell.wait(re.escape("[0/1]"))
        since = len(shell.text)
        shell.send("git commit -q --allow-empty -m second\r")
        shell.wait(r"Remember to update your tracker: press Ctrl-G", since)
        shell.wait(re.escape(PROMPT.strip()), shell.text.rindex("Ctrl-G"))
        since = len(shell.text)
        shell.send("\x07")
        shell.wait(r"project \[\d, - for none\]: ", since)
        number = re.search(r"(\d)\s+Router", shell.text[since:]).group(1)
        shell.send(number + "\r")
        shell.wait(r"what did you do\?", since)
        shell.send("tests are green\r")
        made = until(lambda: records(home, "checkpoints"), "the checkpoint")
        same([(r["data"]["title"], r["data"]["project"]) for r in made],
             [("tests are green", projects[1])], "what was noted")
        shell.wait(re.escape(PROMPT.strip()), len(shell.text) - 1)
        since = len(shell.text)
        shell.send("\x07")
        shell.wait(rf"project \[{number}, - for none\]: ", since)  # the one chosen last
        shell.send("-\r")
        shell.wait(r"what did you do\?", since)
        shell.send("\r")
        since = len(shell.text)
        shell.send("echo AL''IVE\r")
        shell.wait("ALIVE", since)
        same(len(records(home, "checkpoints")), 1, "Enter notes nothing")
    finally:
        shell.close()


@test
def in_bash_a_commit_nudges_and_the_key_asks(world):
    in_a_shell(world, "bash")


@test
def in_zsh_a_commit_nudges_and_the_key_asks(world):
    in_a_shell(world, "zsh")


@test
def in_fish_a_commit_nudges_and_the_key_asks(world):
    in_a_shell(world, "fish")


@test
def the_scripts_are_well_formed_and_the_key_is_chosen(world):
    home = world.home("it's").init()
    for shell in ("bash", "zsh", "fish"):
        for words in ((), ("--key", "^X^t"), ("--key", "none")):
            path = world.folder / f"script.{shell}"
            path.write_text(home.chitty("shell", "init", shell, *words).out)
            done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True,
                                  check=False)
            same((done.returncode, done.stderr), (0, ""), f"{shell} {words}")
    for shell, key in (("bash", r'"\C-x\C-t"'), ("zsh", "'^X^T'"), ("fish", r"\cx\ct")):
        out = home.chitty("shell", "init", shell, "--key", "^X^t").out
        expect(key in out and "'Ctrl-X Ctrl-T'" in out, f"{shell}: {out}")
    for key in ("G", "^", "^1", "^G^", "'; rm"):
        home.chitty("shell", "init", "zsh", "--key", key, status=USAGE)
    home.chitty("shell", "init", "ksh", status=USAGE)


# --- the git hook

@test
def the_git_hook_chains_the_one_that_was_there_and_gives_it_back(world):
    home = world.home("a").init()
    repo = repository(home)
    hook = repo / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    text = b"#!/bin/sh\necho mine >> \"$(git rev-parse --show-toplevel)/ran\"\n"
    hook.write_bytes(text)
    hook.chmod(0o751)

    def state(*words):
        return json.loads(home.chitty("git-hook", *words, str(repo), "--json").out)["data"]

    same((state("status")["state"], state("status")["chained"]), ("other", False), "before")
    for _ in range(2):
        found = state("install")
        same((found["state"], found["chained"]), ("installed", True), "installed, once")
    env = dict(home.env, PATH=f"{pathlib.Path(CHITTY).parent}:{os.environ['PATH']}",
               HOME=str(repo))
    done = subprocess.run(["git", "-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@b",
                           "commit", "-q", "--allow-empty", "-m", "x"], env=env, check=True,
                          capture_output=True, text=True)
    expect("[chitty] Remember" in done.stderr, f"said: {done.stderr!r}")
    same((repo / "ran").read_text(), "mine\n", "the old hook ran")
    same(state("remove")["state"], "other", "the old one is back")
    same((hook.read_bytes(), hook.stat().st_mode & 0o777), (text, 0o751), "byte by byte")
    same([p.name for p in hook.parent.iterdir() if "chitty" in p.name], [], "nothing is left")
    hook.unlink()
    state("install")
    same(state("remove")["state"], "none", "where there was none there is none")
    hook.symlink_to("elsewhere")
    state("install")
    state("remove")
    same(os.readlink(hook), "elsewhere", "a link comes back as a link")


@test
def a_hook_that_others_changed_is_left_alone(world):
    home = world.home("a").init()
    repo = repository(home)
    home.chitty("git-hook", "install", str(repo))
    hook = repo / ".git" / "hooks" / "post-commit"
    hook.write_text(hook.read_text() + "echo more\n")
    found = json.loads(home.chitty("git-hook", "remove", str(repo), "--json").out)["data"]
    same(found["state"], "other", "not ours any more")
    expect("echo more" in hook.read_text(), "left as it is")
    (hook.parent / "post-commit.before-chitty").write_text("kept")
    home.chitty("git-hook", "install", str(repo), status=CONFLICT)
    home.chitty("git-hook", "install", str(world.folder), status=NOTFOUND)


# --- the page

@test
def open_hands_the_address_to_the_browser(world):
    home = world.home("a").init().run()
    folder = world.folder / "bin"
    folder.mkdir()
    (folder / "xdg-open").write_text(f'#!/bin/sh\nprintf %s "$1" > {world.folder}/opened\n')
    (folder / "xdg-open").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    opened = world.folder / "opened"
    home.chitty("open", "tracker", env=env, status=NOTFOUND)
    home.chitty("open", "tracker", "--set", "javascript:alert(1)", status=USAGE)
    home.chitty("open", "tracker", "--set", "https://example.org/t?a=b")
    home.chitty("open", "tracker", env=env)
    same(opened.read_text(), "https://example.org/t?a=b", "the tracker")
    home.chitty("open", "tracker", env=dict(env, CHITTY_TRACKER="https://example.org/other"))
    same(opened.read_text(), "https://example.org/other", "the environment goes before it")
    repo = home.chitty("repo", "create", "git@github.com:chitty/app.git").out.strip()
    same(home.chitty("open", repo, "--print").out, "https://github.com/chitty/app\n", "a repo")
    home.chitty("open", home.add("plain"), env=env, status=NOTFOUND)


if __name__ == "__main__":
    sys.exit(nodes.main())
