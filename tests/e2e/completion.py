"""Completion in real shells on a terminal: what the key makes of a line, and what is listed.

A stand-in for `chitty` in front of PATH passes completions on to the real one and prints every
other command line word by word, so that a test sees the very words the shell would have run."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import nodes
from nodes import CHITTY, CHITTY_NODE, DEADLINE_S, Failure, expect, same, test, until
from terminals import Terminal

PROMPT = "READY> "
STAND_IN = """#!/bin/sh
case $1 in
__complete | completion) exec "{real}" "$@" ;;
esac
printf 'RAN'
for word; do printf '<%s>' "$word"; done
printf 'END\\n'
"""


class Shell(Terminal):
    """An interactive shell on a terminal of its own."""

    kill_line = "\x15"  # Ctrl-U

    def __init__(self, home, *words, env=None):
        folder = home.world.folder / "bin"
        folder.mkdir(exist_ok=True)
        for name, real in (("chitty", CHITTY), ("chitty-node", CHITTY_NODE)):
            (folder / name).write_text(STAND_IN.format(real=real))
            (folder / name).chmod(0o755)
        user = home.world.folder / "user"
        user.mkdir(exist_ok=True)
        path = f"{folder}:{os.environ['PATH']}"
        super().__init__(words, dict(home.env, PATH=path, HOME=str(user), TERM="xterm",
                                     LC_ALL="C.UTF-8", **(env or {})), user)

    def ran(self, keys):
        """The words that the shell runs after these keys and Enter."""
        since = len(self.text)
        self.send(keys + "\r")
        words = self.wait(r"RAN((?:<[^>]*>)*)END", since).group(1)
        self.wait(re.escape(PROMPT.strip()), self.text.rindex("END"))
        return re.findall(r"<([^>]*)>", words)

    def lists(self, keys, pattern):
        """Do the keys make the shell list it? The line is thrown away. A node that was slow for
        once had no candidates."""
        since = len(self.text)
        self.send(keys)
        try:
            return self.wait(pattern, since, DEADLINE_S / 10)
        except Failure:
            return None
        finally:
            self.send(self.kill_line)


class Bash(Shell):
    name = "bash"

    def __init__(self, home):
        super().__init__(home, "bash", "--norc", "--noprofile", "-i", env={"PS1": PROMPT})
        self.wait(re.escape(PROMPT))
        self.send("bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; "
                  "bind 'set enable-bracketed-paste off'; bind 'set page-completions off'; "
                  "eval \"$(chitty completion bash)\"; eval \"$(chitty-node completion bash)\"; "
                  "echo SET''UP\r")
        self.wait(r"SETUP[\s\S]*" + re.escape(PROMPT))


class Zsh(Shell):
    name = "zsh"

    def __init__(self, home):
        super().__init__(home, "zsh", "-f", "-i", env={"PS1": PROMPT})
        self.wait(re.escape(PROMPT.strip()))
        self.send("PROMPT='READY> '; LISTMAX=1000; setopt no_beep; autoload -Uz compinit; "
                  "compinit -u -D; eval \"$(chitty completion zsh)\"; "
                  "eval \"$(chitty-node completion zsh)\"; echo SET''UP\r")
        self.wait(r"SETUP[\s\S]*" + re.escape(PROMPT.strip()))


class InstalledZsh(Shell):
    """With the script where meson installs it, in a folder of fpath."""
    name = "zsh"

    def __init__(self, home):
        super().__init__(home, "zsh", "-f", "-i", env={"PS1": PROMPT})
        folder = home.world.folder / "site-functions"
        folder.mkdir()
        (folder / "_chitty").write_text(home.chitty("completion", "zsh").out)
        self.wait(re.escape(PROMPT.strip()))
        self.send(f"PROMPT='READY> '; fpath=({folder} $fpath); autoload -Uz compinit; "
                  "compinit -u -D; echo SET''UP\r")
        self.wait(r"SETUP[\s\S]*" + re.escape(PROMPT.strip()))


class Fish(Shell):
    name = "fish"

    kill_line = "\x03"

    def __init__(self, home):
        super().__init__(home, "fish", "--no-config", "--init-command",
                         "function fish_prompt; printf 'READY> '; end; set -g fish_greeting; "
                         "set -g fish_autosuggestion_enabled 0; "
                         "chitty completion fish | source; chitty-node completion fish | source")
        self.wait(re.escape(PROMPT.strip()))


def scene(world):
    """A node with a few things in it."""
    home = world.home("a").init().run()
    todos = [home.add("Buy milk", "--label", "dairy"),
             home.add("Call the court", "--label", "legal")]
    while short(todos[0])[0] == short(todos[1])[0]:  # zsh would insert it, and list nothing
        home.chitty("todo", "delete", todos.pop())
        todos.append(home.add("Call the court", "--label", "legal"))
    project = home.chitty("project", "create", "Chronicle").out.strip()
    return home, todos, project


def short(chitty_id):
    return chitty_id.split("-")[-1][:8]


def completes(shell_class, world):
    if shutil.which(shell_class.name) is None:
        raise Failure(f"{shell_class.name} is not installed: ./run test installs it")
    home, todos, project = scene(world)
    first = short(todos[0])
    shell = shell_class(home)
    try:
        for keys, words in (
                ("chitty wat\t", ["watch"]),
                ("chitty proj\tli\t", ["project", "list"]),
                ("chitty ls --prio\tcri\t", ["ls", "--priority", "critical"]),
                ("chitty ls --status=blo\t", ["ls", "--status=blocked"]),
                ("chitty ls --json id,conte\t", ["ls", "--json", "id,content"]),
                ("chitty ls --sort -dead\t", ["ls", "--sort", "-deadline"]),
                ("chitty ls status:blo\t", ["ls", "status:blocked"]),
                ("chitty ls deadl\t.bef\ttomo\t", ["ls", "deadline.before:tomorrow"]),
                ("chitty help exit\t", ["help", "exit-codes"]),
                ("chitty-node service ins\t", ["service", "install"]),
                ("chitty-node doc\t", ["doctor"])):
            same(shell.ran(keys), words, f"{shell.name}: {keys!r}")
        # what the node knows; one that is slow for once has no candidates
        for keys, words in (
                (f"chitty done {first[:5]}\t", ["done", first]),
                (f"chitty done TODO-{first[:5].lower()}\t", ["done", f"TODO-{first}"]),
                ("chitty ls --label da\t", ["ls", "--label", "dairy"]),
                ("chitty ls +da\t", ["ls", "+dairy"]),
                ("chitty ls project:Chro\t", ["ls", "project:Chronicle"]),
                ("chitty todo update 0 --label +le\t",
                 ["todo", "update", "0", "--label", "+legal"]),
                (f"chitty add x --project {short(project)[:4]}\t",
                 ["add", "x", "--project", short(project)]),
                ("chitty-node revoke a\t", ["revoke", "a"])):
            until(lambda: shell.ran(keys) == words, f"{shell.name}: {keys!r} becomes {words}")
        until(lambda: shell.lists("chitty done \t", r"Buy milk|Call the court"),
              "titles are listed")
    finally:
        shell.close()


@test
def bash_completes_commands_words_and_what_the_node_knows(world):
    completes(Bash, world)


@test
def zsh_completes_commands_words_and_what_the_node_knows(world):
    completes(Zsh, world)


@test
def zsh_loads_the_script_when_it_is_needed(world):
    shell = InstalledZsh(world.home("a").init())
    try:
        for keys, words in (("chitty wat\t", ["watch"]), ("chitty hel\tdat\t", ["help", "dates"])):
            same(shell.ran(keys), words, repr(keys))
    finally:
        shell.close()


@test
def fish_completes_commands_words_and_what_the_node_knows(world):
    completes(Fish, world)


def candidates(home, *words):
    return home.chitty("__complete", "--", *words).out.splitlines()


@test
def candidates_say_what_they_are(world):
    home, todos, project = scene(world)
    found = until(lambda: candidates(home, "done", "")[1:], "the node's todos")
    same(sorted(found), sorted([f"{short(todos[0])}\tBuy milk",
                                f"{short(todos[1])}\tCall the court"]), "candidates of done")
    home.chitty("done", todos[0])
    until(lambda: candidates(home, "done", "") == [":words", f"{short(todos[1])}\tCall the court"],
          "one that is done is not offered to be done")
    until(lambda: f"{short(todos[0])}\tBuy milk" in candidates(home, "todo", "get", ""),
          "but to be looked at")
    same(candidates(home, "todo", "create", "--description", "@"), [":files"], "a document")
    same(candidates(home, "--space", "work", "spa"),
         [":words", *candidates(home, "spa")[1:]], "behind --space")
    expect(candidates(home, "add", "--")[0] == ":words", "flags")
    flags = [line.split("\t")[0] for line in candidates(home, "add", "--")[1:]]
    expect({"--label", "--labels", "--priority", "--json", "--space"} <= set(flags), f"{flags}")
    expect(not any(line.startswith("__") for line in candidates(home, "")), "nothing hidden")
    hostile = home.add("tab\there\nand \x1b[31mred")
    lines = until(lambda: [x for x in candidates(home, "done", "") if x.startswith(short(hostile))],
                  "a title with characters for the terminal")
    expect("\x1b" not in lines[0] and lines[0].count("\t") == 1, f"{lines}")


@test
def without_a_node_it_is_silent_and_starts_none(world):
    home = world.home("a").init()
    for words in (("done", ""), ("ls", "--label", ""), ("add", "x", "--project", "")):
        done = home.chitty("__complete", "--", *words, env={"CHITTY_NO_AUTOSTART": "0"})
        same((done.out, done.err), (":words\n", ""), f"candidates of {words}")
    done = home.chitty_node("__complete", "--", "revoke", "", env={"CHITTY_NO_AUTOSTART": "0"})
    same((done.out, done.err), (":words\n", ""), "devices")
    expect(not (home.folder / "node.sock").exists(), "no node was started")


@test
def a_node_that_hangs_is_not_waited_for(world):
    home, _, _ = scene(world)
    home.node.signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        done = home.chitty("__complete", "--", "done", "")
        took = time.monotonic() - start
        same((done.out, done.err), (":words\n", ""), "candidates")
        expect(took < 2 * nodes.SLOW, f"a prompt would hang for {took:.2f} s")
    finally:
        home.node.signal(signal.SIGCONT)


@test
def the_scripts_are_well_formed(world):
    home = world.home("a").init()
    for shell in ("bash", "zsh", "fish"):
        for program in (CHITTY, CHITTY_NODE):
            path = world.folder / f"script.{shell}"
            path.write_text(home.call(program, "completion", shell).out)
            done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True,
                                  check=False)
            same((done.returncode, done.stderr), (0, ""), f"{shell} of {program}")
    home.chitty("completion", "ksh", status=nodes.USAGE)


if __name__ == "__main__":
    sys.exit(nodes.main())
