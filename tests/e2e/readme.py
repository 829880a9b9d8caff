"""What README.md shows is what happens: every command that follows a prompt in it is run, in order,
on a terminal, on the machine that the prompt names (none: the laptop).

What is printed is compared loosely: ids, keys, codes, hashes, times and addresses are others.
`./run` is the making of a home and a node here; what people do between two blocks, in the text,
is in BETWEEN."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import nodes
from nodes import Home, converge, expect, same, test, until

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
PROMPT = re.compile(r"^(?:(\w+))?\$ +(.*)$")
ID = re.compile(r"CHITTY-[A-Z]+-[0-9A-HJKMNP-TV-Z]{26}")
CODE = re.compile(r"\b\d{4}-\d{4}-\d{4}\b")
AT = re.compile(r"--at ([\d.]+:\d+)")
LOOSE = (
    (CODE, "CODE"),
    (AT, "--at HOST:PORT"),
    (re.compile(r"^  ([a-z]+ ){6}[a-z]+$"), "WORDS"),
    (re.compile(r"^[0-9a-f]{8}\b"), "DEVICE"),
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|^[0-9a-f]{10}\b"), "HEX"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "WHEN"),
    (re.compile(r"tcp://[\d.]+:\d+"), "tcp://HOST:PORT"),
    (re.compile(r"(home +)\S+"), r"\1HOME"),
    (re.compile(r"(path: +|bytes: +)\S+"), r"\1SOME"),
    (re.compile(r"^ +\S+/cli/chitty"), " chitty"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "WHEN"),
    (re.compile(r"undoes [0-9a-f]{10}"), "undoes HEX"),
    (re.compile(r"\b\d+ (ms|s|min)\b"), "AGE"),
    (re.compile(r"comes again as TODO-\w{8}"), "comes again as SOME"),
    (re.compile(r" +"), " "),
    (re.compile(r"[─┬┼┴┌┐└┘├┤]+"), "─"),
)


class Machine(Home):
    """A home in the usual folders of a user of its own."""

    def __init__(self, world, name):
        super().__init__(world, name)
        user, runtime = world.folder / name, world.folder / f"{name}.run"
        user.mkdir()
        runtime.mkdir(mode=0o700)
        del self.env["CHITTY_HOME"]
        self.env.update(HOME=str(user), XDG_RUNTIME_DIR=str(runtime), NO_COLOR="1", COLUMNS="100")
        self.folder = user / ".local" / "share" / "chitty"


def apart(laptop, desktop, session):
    """Both machines changed the same field while they were apart."""
    first = session.order[0]
    laptop.stop()
    desktop.stop()
    laptop.run()
    laptop.chitty("todo", "update", first, "--content", "Call the notary on Monday")
    laptop.stop()
    desktop.run()
    desktop.chitty("todo", "update", first, "--content", "Write to the notary")
    laptop.run("--peer", desktop.node.address)
    converge(laptop, desktop)


BETWEEN = {
    "chitty claims": lambda laptop, desktop, session: converge(laptop, desktop),
    "chitty-node join": lambda laptop, desktop, session: desktop.add("Mend the gate"),
    "chitty conflicts": apart,
}


def commands():
    """(machine, command, lines below it) of each prompt in a block of code."""
    for block in re.findall(r"^```\w*\n(.*?)^```", README.read_text(), re.M | re.S):
        found = []
        for line in block.splitlines():
            prompt = PROMPT.match(line)
            if prompt:
                found.append((prompt[1] or "laptop", prompt[2], []))
            elif found:
                found[-1][2].append(line)
        yield from found


def on_terminal(command, env):
    """Exit status and output of a command line whose output is a terminal."""
    main, end = nodes.terminal()
    with subprocess.Popen(["sh", "-c", command], env=env, cwd=env["HOME"],
                          stdin=subprocess.DEVNULL, stdout=end, stderr=end) as process:
        os.close(end)
        text = b""
        try:
            while got := os.read(main, 65536):
                text += got
        except OSError:
            pass  # a terminal's way to end
        process.wait(nodes.DEADLINE_S)
    os.close(main)
    return process.returncode, text.decode().replace("\r\n", "\n")


class Session:
    """The ids and the code of this session that stand for those shown."""

    def __init__(self):
        self.ids, self.order, self.code, self.at = {}, [], "", ""
        self.inviting = None  # the process that shows the code, and waits

    def learn(self, shown, printed):
        for theirs, own in zip(ID.findall(shown), ID.findall(printed)):
            if theirs not in self.ids:
                self.order.append(own)
            same(self.ids.setdefault(theirs, own), own, f"the id that stands for {theirs}")
        self.code = (CODE.findall(printed) or [self.code])[0]
        self.at = (AT.findall(printed) or [self.at])[0]

    def actual(self, text):
        """A command or an output with this session's ids for those shown, cut as they are cut."""
        text = ID.sub(lambda m: self.ids.get(m[0], m[0]), text)
        for shown, own in self.ids.items():
            for length in range(26, 3, -1):
                digits = [i.rsplit("-", 1)[1][:length] for i in (shown, own)]
                text = re.sub(rf"(?<![0-9A-Z]){digits[0]}(?![0-9A-Z])", digits[1], text)
        return text

    def command(self, text):
        """A command: a beginning of an id may be short in the text and ambiguous here."""
        for shown, own in self.ids.items():
            digits = shown.rsplit("-", 1)[1]
            text = re.sub(rf"\b{digits[:4]}\b", own.rsplit("-", 1)[1][:12], text)
        # nobody is found here: the nodes of a test do not look
        return CODE.sub(f"{self.code} --at {self.at}", self.actual(text))


def invite(session, command, machine, lines):
    """It goes on until the other machine has joined: what it shows first."""
    main, end = nodes.terminal()
    session.inviting = subprocess.Popen(["sh", "-c", f"exec {command}"], env=machine.env,
                                        stdin=subprocess.DEVNULL, stdout=end, stderr=end)
    os.close(end)
    text = ""
    while len(text.splitlines()) < len(lines) or not text.endswith("\n"):
        text += os.read(main, 65536).decode().replace("\r\n", "\n")
    session.screen = main  # stays open: it has more to say
    return text


def joined(session):
    """The other machine has come: the invitation ends well."""
    same(session.inviting.wait(nodes.DEADLINE_S), 0, "exit status of the invitation")
    os.close(session.screen)
    session.inviting = None


def loosen(text):
    for pattern, word in LOOSE:
        text = pattern.sub(word, text)
    return text.strip()


def check(session, machine, command, lines):
    if command.startswith("./run"):  # what comes after the building
        lines = lines[next(i for i, line in enumerate(lines) if line.startswith("device ")):]
        printed = machine.made + "\n".join(machine.node.greeting)
    elif command.startswith("export "):
        return
    elif command.startswith("sqlite3") and shutil.which("sqlite3") is None:
        print("# no sqlite3 shell here")
        return
    elif command == "chitty-node invite":
        printed = invite(session, command, machine, lines).rstrip()
    else:
        status, printed = on_terminal(session.command(command), machine.env)
        same(status, 0, f"exit status of `{command}` ({printed})")
    session.learn("\n".join(lines), printed)
    want = [loosen(session.actual(line)) for line in lines]
    have = [loosen(line) for line in printed.splitlines()]
    expect(want == have, f"`{command}` prints\n{printed}\nand README.md says\n" + "\n".join(lines))


@test
def every_command_shown_in_the_readme_does_what_it_shows(world):
    machines = {name: Machine(world, name) for name in ("laptop", "desktop")}
    for name, machine in machines.items():
        machine.made = machine.chitty_node("init", "--name", name).out
        machine.run()
    session, count = Session(), 0
    for name, command, lines in commands():
        for start, happens in BETWEEN.items():
            if command.startswith(start):
                happens(machines["laptop"], machines["desktop"], session)
        if command.startswith("chitty-node peers"):
            until(lambda: machines["desktop"].read("status")["peers"][0]["state"] == "in sync",
                  "in sync")
        check(session, machines[name], command, lines)
        if session.inviting is not None and command.startswith("chitty-node join"):
            joined(session)
        count += 1
    expect(count >= 12, f"commands found in README.md: {count}")
    print(f"# {count} commands")


if __name__ == "__main__":
    sys.exit(nodes.main())
