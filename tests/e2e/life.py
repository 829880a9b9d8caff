"""A node's life: started, killed, refused, out of room, idle; and what its home says then."""
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import nodes
from nodes import (CHITTY_NODE, CONFLICT, DENIED, FAILED, NOTFOUND, OK, UNREACHABLE, Watch,
                   converge, expect, pair, same, test, until, verified)


@test
def what_was_acknowledged_is_there_after_a_kill(world):
    home = world.home("a").init()
    ids = []
    for n in range(5):
        home.run()
        ids += [home.add(f"{n} {i}") for i in range(10)]
        home.kill()
    home.run()
    same(sorted(home.todos()), sorted(ids), "todos after five kills")
    root = home.root()
    home.stop()
    same(home.root(), root, "root without a node")
    verified(home)
    log = home.read("log", "--limit", "100")
    same([e["seq"] for e in log], list(range(50, 0, -1)), "numbers of the entries")
    same(len({e["epoch"] for e in log}), 5, "epochs: one for each run that wrote")


@test
def a_second_node_is_told_who_has_the_home(world):
    home = world.home("a").init().run()
    done = home.chitty_node("run", "--listen", "127.0.0.1:0", status=CONFLICT)
    expect(re.search(rf"\b{home.node.process.pid}\b", done.err), f"the pid is named: {done!r}")
    done = home.chitty_node("init", status=CONFLICT)
    expect(str(home.node.process.pid) in done.err, f"the pid is named: {done!r}")
    home.add("the first one goes on")


@test
def after_a_kill_the_home_is_free_and_the_next_one_is_named(world):
    home = world.home("a").init().run()
    killed = home.node.process.pid
    home.kill()
    expect(str(killed) in (home.folder / "lock").read_text(), "the file names the one that is gone")
    # of several that start at once one has the home, and the others name that one
    several = [home.start() for _ in range(4)]
    first = until(lambda: [n for n in several if not n.running()][:3], "the others end")
    until(lambda: sum(n.running() for n in several) == 1, "one is left")
    left = next(n for n in several if n.running()).wait_ready()
    expect(len(first) >= 1, "some were refused")
    for node in several:
        if node is not left:
            same(node.wait(), CONFLICT, f"exit status ({node.stderr()})")
            expect(re.search(rf"\b{left.process.pid}\b", node.stderr()),
                   f"the pid {left.process.pid} is named: {node.stderr()}")
    home.add("it works")
    # a lock file that nobody holds says nothing, whatever is in it
    left.kill()
    (home.folder / "lock").write_text("1\n")
    home.run().add("and again")
    same(len(home.todos()), 2, "todos")


@test
def a_node_ends_in_order_by_each_way_to_end_it(world):
    home = world.home("a").init()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        home.run()
        home.add("x")
        home.node.signal(number)
        same(home.node.wait(), 0, f"exit status after signal {number}")
        same(home.node.stderr(), "", "what it says")
    home.run()
    home.chitty_node("stop")
    same(home.node.wait(), 0, "exit status after the command")
    same(len(home.run().todos()), 3, "todos")
    expect(not list(home.folder.glob("spaces/*-wal")) or home.node.running(), "files")
    home.stop()
    same([p.name for p in home.folder.glob("spaces/*")], [home.database().name],
         "a node that ended leaves the database alone")


@test
def a_home_that_is_not_made_or_made_twice_is_said_so(world):
    home = world.home("a")
    for command in ("run", "status", "verify"):
        done = home.chitty_node(command, status=NOTFOUND)
        expect("chitty-node init" in done.err, f"what to do: {done!r}")
    home.chitty("ls", status=UNREACHABLE)
    expect(not (home.folder / "device.key").exists(), "looking makes no home")
    home.init()
    done = home.chitty_node("init", status=CONFLICT)
    expect("already" in done.err, f"clear words: {done!r}")


@test
def an_address_in_use_is_named(world):
    home = world.home("a").init()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = home.chitty_node("run", "--listen", address, status=CONFLICT)
        expect(address in done.err, f"the address is named: {done!r}")
    home.chitty_node("run", "--listen", "no address", status=nodes.USAGE)


@test
def a_node_listens_on_each_address_it_is_given(world):
    a, b = world.home("a").init(), world.home("b").init().run()
    second = "[::1]:0" if has_ipv6() else "127.0.0.1:*"
    a.run("--listen", f"tcp://{second}")
    addresses = a.read("status")["addresses"]
    same(len(addresses), 2, "addresses")
    same([line.split()[1] for line in a.node.greeting if "address" in line], addresses,
         "addresses in the greeting")
    b.join(a)
    for address in addresses:  # it is found at either
        b.stop()
        b.run("--peer", address)
        a.add("x")
        converge(a, b)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


@test
def keys_that_others_may_read_are_not_used(world):
    home = world.home("a").init()
    key = home.folder / "device.key"
    key.chmod(0o644)
    done = home.chitty_node("run", status=DENIED)
    expect("device.key" in done.err and "chmod 600" in done.err, f"what to do: {done!r}")
    home.chitty_node("status", status=DENIED)
    key.chmod(0o600)
    raw = key.read_bytes()
    key.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    done = home.chitty_node("run", status=FAILED)
    expect("damaged" in done.err, f"clear words: {done!r}")
    key.write_bytes(raw)
    home.run().add("x")


@test
def a_home_of_another_user_is_not_used(world):
    if os.geteuid() != 0:
        raise nodes.Skip("only root can give a folder away")
    home = world.home("a").init()
    os.chown(home.folder, 12345, 12345)
    done = home.chitty_node("run", "--listen", nodes.LOOPBACK, status=DENIED)
    expect("as the user to whom it belongs" in done.err, f"clear words: {done!r}")
    home.folder.chmod(0o770)
    os.chown(home.folder, 0, 0)
    done = home.chitty_node("run", "--listen", nodes.LOOPBACK, status=DENIED)
    expect("others may write to" in done.err, f"clear words: {done!r}")


@test
def a_file_that_is_no_database_or_a_newer_one_is_refused_and_left_as_it_is(world):
    home = world.home("a").init().run()
    home.add("x")
    home.stop()
    whole = home.database().read_bytes()
    home.database().write_bytes(b"no database" * 1000)
    done = home.chitty_node("run", status=FAILED)
    expect(done.err.count("\n") >= 1, f"words: {done!r}")
    same(home.database().read_bytes(), b"no database" * 1000, "the file")
    home.database().write_bytes(whole)
    db = sqlite3.connect(home.database(), isolation_level=None)
    db.execute("UPDATE meta SET value = x'7f' WHERE key = 'format'")
    db.close()
    done = home.chitty_node("run", status=FAILED)
    expect("newer" in done.err, f"clear words: {done!r}")
    home.database().write_bytes(whole)
    same(len(home.run().todos()), 1, "todos")


@test
def a_watch_goes_on_from_its_vector_after_the_node_was_killed(world):
    home = world.home("a").init().run()
    watch = Watch(home)
    vector = watch.begun()["vector"]
    home.kill()
    while watch.next() is not None:
        pass
    same(watch.process.wait(nodes.DEADLINE_S), UNREACHABLE, "exit status of the watch")
    home.run()
    new = [home.add(f"after {i}") for i in range(3)]
    told = set()
    again = Watch(home, "--from", vector)
    while not set(new) <= told:
        told.add(again.next()["entity"]["chittyId"])
    home.chitty("watch", "--from", "no vector", status=nodes.USAGE)


def limit_files(node, size):
    """No file of the node may grow beyond so many bytes."""
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@test
def a_full_disk_refuses_changes_and_loses_none(world):
    a, b = pair(world, "a", "b")
    ids = [a.add(f"before {i}") for i in range(5)]
    converge(a, b, entries=5)
    # a write beyond the limit fails as one to a full disk does, where the signal is ignored
    a.stop()
    a.node = a.start("--peer", b.node.address, no_signal=True).wait_ready()
    until(lambda: a.read("status")["peers"][0]["state"] == "in sync", "in sync")
    limit_files(a.node, 4096)
    done = a.chitty("add", "no room", status=None)
    expect(done.status not in (OK, UNREACHABLE), f"refused: {done!r}")
    expect("kept" in done.err or "full" in done.err, f"clear words: {done!r}")
    limit_files(a.node, resource.RLIM_INFINITY)
    until(lambda: a.read("status")["readOnly"] is None, "it is noticed that there is room")
    ids.append(a.add("room again"))
    b.add("from b")
    converge(a, b, entries=7)
    same(set(ids) - set(b.todos()), set(), "what was acknowledged")
    same([t for t in a.todos().values() if t["content"] == "no room"], [], "what was refused")
    verified(a)
    verified(b)


def switches(pid):
    """How often the threads of a process have gone to sleep or were made to."""
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
            count += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
    return count


@test
def an_idle_node_is_idle(world):
    a, b = pair(world, "a", "b")
    a.add("x")
    converge(a, b, entries=1)
    # what follows a change is over a few seconds later: HEADS, rows read again, the WAL moved
    until(lambda: all(calm(h.node.process.pid) for h in (a, b)), "both come to rest")


def calm(pid):
    before = switches(pid)
    time.sleep(1.0)  # idleness is seen by nothing else than time
    return switches(pid) - before <= 5


@test
def a_node_started_by_a_client_leaves_when_it_is_told_and_keeps_its_log(world):
    home = world.home("a")
    env = {"CHITTY_NO_AUTOSTART": "0"}
    for i in range(5):  # while one ends the next is asked for
        home.chitty("add", f"x{i}", env=env)
        home.chitty_node("stop")
    same(len(home.read("log")), 5, "entries")
    expect((home.folder / "node.log").exists(), "its log")


@test
def two_homes_of_one_user_do_not_meet(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    a.add("x")
    same(b.todos(), {}, "todos of the other home")
    expect(a.read("status")["device"] != b.read("status")["device"], "two devices")
    same(subprocess.run([CHITTY_NODE, "status"], env=dict(world.env, HOME=str(world.folder / "h")),
                        capture_output=True, check=False).returncode, NOTFOUND,
         "and the usual home is another one")


if __name__ == "__main__":
    sys.exit(nodes.main())
