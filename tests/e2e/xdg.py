"""Two homes on one machine by the folders of the XDG specification alone, as two users have."""
import fcntl
import os
import pathlib
import socket
import stat
import sys

import nodes
from findings import AROUND
from nodes import CONFLICT, OK, UNREACHABLE, XdgHome, converge, expect, same, test, until, verified

FAILED = 1


def made_in(home):
    """What is in a home's folder now, without the databases' companions."""
    return {str(p.relative_to(home.folder)) for p in home.folder.rglob("*")
            if p.is_file() or p.is_socket()} - {".local/share/chitty/lock"}


def pauses(node):
    """How often the node has waited for something so far."""
    text = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    return int(text.split("nonvoluntary")[0].split("voluntary_ctxt_switches:")[1])


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@test
def two_homes_live_side_by_side_pair_and_sync(world):
    a, b = XdgHome(world, "a").init().run(), XdgHome(world, "b").init().run()
    milk = a.add("Buy milk")
    bread = b.add("Buy bread")
    same((list(a.todos()), list(b.todos())), ([milk], [bread]), "each has its own")
    b.chitty_node("join", a.ticket(), "--bring")
    converge(a, b, entries=2)
    same(sorted(a.todos()), sorted([milk, bread]), "both have both")
    for home in (a, b):
        verified(home)
        found = home.chitty_node("doctor", "--json", status=OK).document()
        same([f for f in found["findings"] if f["severity"] == "warning" and
              f["check"] not in AROUND], [], f"warnings of {home.name}")
    b.stop()
    a.chitty("done", bread)
    same(b.read("status")["counts"]["entries"], 2, "b, asked without a node, has what it had")
    b.run("--peer", a.node.address)
    converge(a, b, entries=3)


@test
def files_are_where_the_specification_says_and_nobody_elses(world):
    home = XdgHome(world, "a").init().run()
    home.add("x")
    space = home.read("status")["space"]
    database = f".local/share/chitty/spaces/{space}.db"
    same(made_in(home), {".local/share/chitty/device.key", ".local/share/chitty/device.name",
                         ".local/share/chitty/space", database, database + "-wal",
                         database + "-shm", "run/chitty/node.sock"}, "files")
    for folder in (home.data, home.data / "spaces", home.runtime / "chitty"):
        same(mode_of(folder), 0o700, f"mode of {folder}")
    same(mode_of(home.data / "device.key"), 0o600, "mode of the keys")
    home.stop()
    expect("run/chitty/node.sock" not in made_in(home), "the socket goes with the node")


@test
def every_variable_moves_its_folder_and_a_relative_one_is_ignored(world):
    home = XdgHome(world, "a")
    places = {n: world.folder / n.lower() for n in ("XDG_DATA_HOME", "XDG_STATE_HOME")}
    home.env.update({n: str(p) for n, p in places.items()})
    home.init().run()
    home.add("x")
    expect((home.data / "device.key").exists(), "keys are in XDG_DATA_HOME")
    same(made_in(home), {"run/chitty/node.sock"}, "HOME has no more than the socket")
    home.stop()
    home.env["XDG_DATA_HOME"] = "relative/folder"
    home.chitty_node("status", status=nodes.NOTFOUND)
    home.env["XDG_DATA_HOME"] = str(places["XDG_DATA_HOME"])
    auto = {"CHITTY_NO_AUTOSTART": "0"}
    try:
        home.chitty("ls", env=auto)
        until(lambda: (places["XDG_STATE_HOME"] / "chitty" / "node.log").exists(), "the log")
    finally:
        home.chitty_node("stop")


@test
def two_homes_with_one_runtime_folder_are_told_apart(world):
    a, b = XdgHome(world, "a").init().run(), XdgHome(world, "b").init()
    b.env["XDG_RUNTIME_DIR"] = a.env["XDG_RUNTIME_DIR"]
    node = b.start()
    same(node.wait(), CONFLICT, "the second node gives up")
    expect("another node answers on the local socket" in node.stderr() and
           "XDG_RUNTIME_DIR" in node.stderr(), f"and says what helps: {node.stderr()}")
    done = b.chitty_node("doctor", "--json", status=FAILED).document()
    finding = [f for f in done["findings"] if f["severity"] == "problem"]
    same([f["check"] for f in finding], ["node.elsewhere"], f"problems: {finding}")
    expect(str(a.database()) in finding[0]["text"] and "XDG_RUNTIME_DIR" in finding[0]["remedy"],
           f"whose node it is: {finding}")
    expect(a.node.running(), "the first one runs on")
    b.env["XDG_RUNTIME_DIR"] = str(b.runtime)
    b.run()
    b.chitty_node("doctor", status=OK)


@test
def a_command_that_looks_into_the_home_is_waited_for(world):
    home = XdgHome(world, "a").init()
    with open(home.data / "lock", "r+", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a command has it that works without a node
        node = home.start()
        until(lambda: pauses(node) > 10, "the node waits")
    node.wait_ready()
    node.stop()


@test
def a_stale_socket_is_in_nobodys_way(world):
    home = XdgHome(world, "a").init()
    (home.runtime / "chitty").mkdir(mode=0o700)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(home.runtime / "chitty" / "node.sock"))
    stale.close()
    home.chitty("ls", status=UNREACHABLE)
    same(home.read("status")["counts"]["entries"], 0, "asked without a node")
    home.chitty_node("doctor", status=OK)
    home.run()
    home.add("x")
    home.kill()
    home.run()
    same(len(home.todos()), 1, "after a kill, too")


sys.exit(nodes.main())
