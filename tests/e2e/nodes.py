"""What the end-to-end tests share: homes in a folder of their own, nodes that really run, and TAP.

Nothing here sleeps for a fixed time to let something happen: a test waits for a line, for the end
of a process, or asks again until a condition holds or a deadline is over. The programs under test
are named by CHITTY and CHITTY_NODE; CHITTY_SLOW multiplies the deadlines."""
import json
import os
import pathlib
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

CHITTY = os.environ.get("CHITTY", "chitty")
CHITTY_NODE = os.environ.get("CHITTY_NODE", "chitty-node")
SLOW = float(os.environ.get("CHITTY_SLOW", "1"))
DEADLINE_S = SLOW * float(os.environ.get("CHITTY_DEADLINE", "30"))
LOOPBACK = "127.0.0.1:0"
READER = str(pathlib.Path(__file__).resolve().parents[1] / "support" / "root.py")

OK, FAILED, USAGE, UNREACHABLE, DENIED, CONFLICT, OFFLINE, NOTFOUND = range(8)  # exit status


class Failure(AssertionError):
    """What a test found to be otherwise."""


class Skip(Exception):
    """Why a test cannot be run on this machine."""


def terminal():
    """Both ends of a new terminal; a bare chroot has none."""
    try:
        return os.openpty()
    except OSError as wrong:
        raise Skip(f"no terminals here: {wrong}") from wrong


def expect(condition, sentence):
    if not condition:
        raise Failure(sentence)


def same(have, want, what):
    if have != want:
        raise Failure(f"{what}: have {have!r}, want {want!r}")


def until(condition, what, deadline_s=None):
    """Ask until the condition gives something true, and return that."""
    end = time.monotonic() + (deadline_s or DEADLINE_S)
    pause = 0.005
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Failure(f"not within the deadline: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def seed(value=None):
    """The seed of a random test, printed before anything else is done with it."""
    if value is None:
        text = os.environ.get("CHITTY_SEED") or str(random.SystemRandom().getrandbits(32))
        value = int(text, 0)
    print(f"# CHITTY_SEED={value:#x}", flush=True)
    return value


class Node:
    """A running chitty-node."""

    def __init__(self, home, process, stderr_path):
        self.home, self.process, self.stderr_path = home, process, stderr_path
        self.greeting = []
        self.address = ""

    def wait_ready(self):
        """Read what it says on its first lines; the last one tells that it is ready."""
        end = time.monotonic() + DEADLINE_S
        text = b""
        fd = self.process.stdout.fileno()
        while b"Ctrl-C" not in text:
            left = end - time.monotonic()
            ready, _, _ = select.select([fd], [], [], max(left, 0))
            got = os.read(fd, 4096) if ready else b""
            if not got:
                status = self.process.poll()
                raise Failure(f"the node is not ready (exit {status}): {self.stderr()}")
            text += got
        self.greeting = text.decode().splitlines()
        for line in self.greeting:
            if line.strip().startswith("address"):
                self.address = self.address or line.split("tcp://")[1].strip()
        return self

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit status (minus the signal that ended it)."""
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Failure("the node does not end") from None
        self.process.stdout.close()
        return status

    def stop(self):
        """End it in an orderly way and see that it was one."""
        self.process.terminate()
        same(self.wait(), 0, f"exit status of the node ({self.stderr()[-2000:]})")

    def kill(self):
        self.process.kill()
        self.wait()


class Done:
    """A command that has ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"exit {self.status}, stdout {self.out!r}, stderr {self.err!r}"

    def document(self):
        """The one JSON document on stdout, whose envelope is checked."""
        try:
            whole = json.loads(self.out)
        except ValueError:
            raise Failure(f"no single JSON document: {self!r}") from None
        same(whole.get("schemaVersion"), 1, "schemaVersion")
        expect(isinstance(whole.get("kind"), str), "the envelope names a kind")
        return whole["data"]

    def error(self):
        """The error object on stderr."""
        return json.loads(self.err)["error"]


class Home:
    """A home of its own: everything of one device in one folder."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.folder = world.folder / name
        self.node = None
        self.host = None  # a Host of tests/support/netns.py: then with discovery
        self.env = dict(world.env, CHITTY_HOME=str(self.folder))

    @property
    def data(self):
        """The folder of keys and databases."""
        return self.folder

    # --- commands

    def call(self, *arguments, status=OK, stdin=None, env=None, cwd=None):
        """Run a program; its exit status has to be as said (None: any)."""
        done = subprocess.run(arguments, env=dict(self.env, **(env or {})), input=stdin, cwd=cwd,
                              capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
        result = Done(done.returncode, done.stdout, done.stderr)
        if status is not None and done.returncode != status:
            raise Failure(f"{' '.join(arguments)} in {self.name}: want exit {status}, {result!r}")
        return result

    def chitty(self, *arguments, **options):
        return self.call(CHITTY, *arguments, **options)

    def chitty_node(self, *arguments, **options):
        return self.call(CHITTY_NODE, *arguments, **options)

    def read(self, *arguments):
        """The data of a read's JSON document; `status`, `verify` and their like by chitty-node."""
        program = CHITTY if arguments[0] in OF_CHITTY else CHITTY_NODE
        return self.call(program, *arguments, "--json").document()

    def init(self):
        self.chitty_node("init", "--name", self.name)
        return self

    def add(self, *arguments):
        """Add a todo; its id."""
        return self.chitty("add", *arguments).out.strip()

    def todos(self):
        """Every todo by its id: the shown values."""
        return {r["chittyId"]: r["data"] for r in self.read("todo", "list", "--all")}

    def root(self):
        return self.read("status")["root"]

    def ticket(self):
        return self.chitty_node("invite", "--ticket").out.splitlines()[-1]

    def join(self, inviter, *arguments):
        self.chitty_node("join", inviter.ticket(), *arguments)
        return self

    def database(self):
        """The file of the space in use."""
        space = (self.data / "space").read_text().strip()
        return self.data / "spaces" / f"{space}.db"

    # --- the node

    def start(self, *arguments, listen=LOOPBACK, env=None, no_signal=False):
        """Start a node without waiting until it is ready. `no_signal`: a write beyond a file's
        limit fails instead of ending it."""
        self.world.count += 1
        path = self.world.folder / f"{self.name}.{self.world.count}.stderr"
        listening = ["--listen", listen] if listen else []
        place, quiet = (self.host.words, []) if self.host else ([], ["--no-discovery"])
        with open(path, "wb") as errors:
            process = subprocess.Popen(
                [*place, CHITTY_NODE, "run", *quiet, *listening, *arguments],
                env=dict(self.env, **(env or {})), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, restore_signals=not no_signal)
        node = Node(self, process, path)
        self.world.nodes.append(node)
        return node

    def run(self, *arguments, **options):
        """Start a node and wait until it is ready."""
        self.node = self.start(*arguments, **options).wait_ready()
        return self

    def stop(self):
        self.node.stop()

    def kill(self):
        self.node.kill()


class XdgHome(Home):
    """A home where a user's is: by HOME and the folders of the XDG specification."""

    def __init__(self, world, name):
        super().__init__(world, name)
        self.folder.mkdir()
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o700)
        del self.env["CHITTY_HOME"]
        self.env.update(HOME=str(self.folder), XDG_RUNTIME_DIR=str(self.runtime))

    @property
    def data(self):
        base = self.env.get("XDG_DATA_HOME", "")
        return (pathlib.Path(base) if base.startswith("/") else
                self.folder / ".local" / "share") / "chitty"


OF_CHITTY = ("todo", "topic", "project", "session", "checkpoint", "ls", "add", "done", "watch",
             "claims", "next", "ready", "blocked", "search", "cycles")


class Watch:
    """A running `chitty watch --json`; each event is a document."""

    def __init__(self, home, *arguments):
        self.process = subprocess.Popen([CHITTY, "watch", "--json", *arguments], env=home.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.home, self.text = home, b""
        home.world.watches.append(self)

    def begun(self, *flags):
        """Wait until the node has taken the watch, by changing something, made with these flags,
        until that is told; the last event of it."""
        probe, count = self.home.add("probe", *flags), 0
        while not select.select([self.process.stdout], [], [], 0.05)[0]:
            self.home.chitty("todo", "update", probe, "--notes", str(count))
            count += 1
        self.home.chitty("todo", "update", probe, "--content", "last probe")
        while True:
            event = self.next()
            if event["entity"]["data"].get("content") == "last probe":
                return event

    def next(self):
        """The next event's data; None when the watch has ended."""
        end = time.monotonic() + DEADLINE_S
        fd = self.process.stdout.fileno()
        while b"\n" not in self.text:
            ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise Failure("no event within the deadline")
            got = os.read(fd, 65536)
            if not got:
                return None
            self.text += got
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)["data"]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class World:
    """The homes of one test, and what runs in them; all of it ends with the test."""

    def __init__(self):
        # a short path: a socket's may have 107 bytes
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chitty-e2e-"))
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("CHITTY_", "CLAUDE", "XDG_")) or k == "CHITTY_SLOW"}
        self.env.update(CHITTY_NO_AUTOSTART="1", CHITTY_NO_DISCOVERY="1",
                        CHITTY_NO_OBSERVE="1", TZ="UTC",
                        HOME=str(self.folder / "nobody"))
        programs = pathlib.Path(CHITTY_NODE).resolve().parent
        self.env["PATH"] = f"{programs}:{self.env.get('PATH', '/usr/bin:/bin')}"
        self.nodes, self.watches, self.count = [], [], 0

    def home(self, name):
        return Home(self, name)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for watch in self.watches:
            watch.close()
        for node in self.nodes:
            if node.running():
                node.kill()
        if kind is not None:
            for path in sorted(self.folder.glob("*.stderr")):
                for line in path.read_text(errors="replace").splitlines()[-40:]:
                    print(f"# {path.stem}: {line}")
        if kind is None or "CHITTY_KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"# kept: {self.folder}")


# --- conditions over several homes

def converged(*homes, entries=None):
    """All hold the same: one root and one vector, nothing waiting."""
    states = [h.read("status") for h in homes]
    if entries is not None and any(s["counts"]["entries"] < entries for s in states):
        return False
    return all(s["root"] == states[0]["root"] and s["vector"] == states[0]["vector"] and
               s["waiting"] == 0 for s in states)


def converge(*homes, entries=None):
    """Wait until all hold the same, and see that the tables say so too."""
    until(lambda: converged(*homes, entries=entries), "all replicas hold the same")
    first = homes[0].todos()
    for other in homes[1:]:
        same(other.todos(), first, f"todos of {other.name} and {homes[0].name}")


def verified(home):
    """verify finds no problem."""
    done = home.chitty_node("verify", "--json", status=None)
    found = done.document()
    expect(done.status == OK and found["ok"] is True and not found["problems"],
           f"verify in {home.name}: {found}")
    same(found["root"], home.root(), f"root that verify folded in {home.name}")
    recomputed(home, found)
    return found


def recomputed(home, found):
    """The independent reader finds in the file what verify did: root, entries, chains."""
    done = subprocess.run([sys.executable, READER, str(home.database())], capture_output=True,
                          text=True, timeout=4 * DEADLINE_S, check=False)
    same(done.returncode, 0, f"root.py on {home.name}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    read = json.loads(done.stdout)
    same((read["root"], read["entries"], len(read["chains"])),
         (found["root"], found["entries"], found["chains"]), f"what root.py reads in {home.name}")
    expect(read["behind"] or read["rows_root"] == read["root"], f"rows of {home.name}: {read}")


def pair(world, *names):
    """Homes that run and share the space of the first one."""
    first = world.home(names[0]).init().run()
    homes = [first]
    for name in names[1:]:
        homes.append(world.home(name).init().run().join(first))
    until(lambda: all(p["state"] == "in sync" for p in first.read("status")["peers"]),
          "all are connected with the first")
    return homes


# --- TAP

TESTS = []


def test(function):
    """A test of this file; its sentence is its name."""
    TESTS.append(function)
    return function


def main(only=None):
    only = sys.argv[1:] if only is None else only
    tests = [t for t in TESTS if not only or t.__name__ in only]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, function in enumerate(tests, 1):
        name = function.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            with World() as world:
                function(world)
            print(f"ok {number} - {name}")
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}")
        except Exception as wrong:  # noqa: BLE001, a test that breaks fails alone
            failed += 1
            for frame in traceback.extract_tb(wrong.__traceback__):
                if isinstance(wrong, Failure) and frame.filename == __file__:
                    continue
                print(f"# {pathlib.Path(frame.filename).name}:{frame.lineno}: {frame.line}")
            for line in f"{type(wrong).__name__}: {wrong}".splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {name}")
        print(f"# {time.monotonic() - start:.2f} s", flush=True)
    return 1 if failed else 0
