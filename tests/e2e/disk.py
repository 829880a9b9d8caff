"""A disk that is full, or fails: the node goes on read-only, says so, and writes again by itself.

In most tests a preloaded library fails the node's writes (fail_disk.c, named by CHITTY_FAIL_DISK);
where the machine allows it one test fills a file system of its own up."""
import json
import os
import subprocess
import sys
import time

import nodes
from nodes import FAILED, converge, expect, pair, same, test, until, verified

LIBRARY = os.environ.get("CHITTY_FAIL_DISK", "")


class Disk:
    """The disk of one home."""

    def __init__(self, world, name):
        self.path = world.folder / f"{name}.fail"
        self.path.write_text("")
        self.env = {"LD_PRELOAD": LIBRARY, "CHITTY_FAIL": str(self.path),
                    "ASAN_OPTIONS": ":".join(["verify_asan_link_order=0",
                                              os.environ.get("ASAN_OPTIONS", "")])}

    def fail(self, how):
        self.path.write_text(how)

    def work(self):
        self.path.write_text("")


def read_only(home):
    return home.read("status")["readOnly"]


def refused(home, *arguments):
    """A change is refused in words, with what to do; the error object."""
    done = home.chitty(*arguments, "--json", status=FAILED)
    error = done.error()
    expect(error["retryable"] and "kept" in error["message"] and "disk of" in error["hint"],
           f"words: {error}")
    return error


def writes_again(home):
    return until(lambda: read_only(home) is None, f"{home.name} writes again")


def two(world):
    """Two homes in sync, the first on a disk that can fail."""
    a, b = pair(world, "a", "b")
    disk = Disk(world, "a")
    a.stop()
    a.run("--peer", b.node.address, env=disk.env)
    until(lambda: a.read("status")["peers"][0]["state"] == "in sync", "in sync")
    return a, b, disk


def full_and_room_again(world, how, code):
    a, b, disk = two(world)
    ids = [a.add(f"before {i}") for i in range(5)]
    converge(a, b, entries=5)
    disk.fail(how)
    same(refused(a, "add", "no room")["code"], code, "code")
    for i in range(3):  # and again, without a try
        same(refused(a, "todo", "update", ids[0], "--content", f"x{i}")["code"], code, "code")
    state = read_only(a)
    same(state["code"], code, "what status says")
    expect("disk of" in state["hint"] and state["since"] > 0, f"what to do: {state}")
    # reads go on, each kind of them
    same(len(a.todos()), 5, "todos")
    same(len(a.read("log")), 5, "entries of the log")
    a.chitty("todo", "get", ids[0])
    same(a.chitty_node("invite", "--ticket", status=None).status, FAILED, "no ticket is made")
    # what a peer sends is not taken in, and nothing of it is there
    late = b.add("while a is full")
    until(lambda: b.read("status")["peers"][0]["state"] == "cannot store", "b is told that")
    expect(late not in a.todos(), "nothing half-applied")
    expect(a.node.running(), "the node is up")
    disk.work()
    writes_again(a)
    ids.append(a.add("room again"))
    converge(a, b, entries=7)
    same(set(ids) | {late}, set(a.todos()), "all that was acknowledged, and nothing else")
    log = a.node.stderr()
    expect("read-only" in log and "can be written again" in log, f"what the log says: {log}")
    verified(a)
    verified(b)
    return a, disk


@test
def a_full_disk_makes_the_node_read_only_until_there_is_room(world):
    full_and_room_again(world, "full", "full")


@test
def a_quota_is_a_full_disk(world):
    full_and_room_again(world, "quota", "full")


@test
def a_disk_that_refuses_writes_makes_it_read_only_too(world):
    full_and_room_again(world, "write", "io")


def write_until_a_sync_fails(home, disk, how="sync"):
    """What was acknowledged meanwhile: the sync that fails may be one of another kind."""
    ids = []
    while True:
        disk.fail(how)
        done = home.chitty("add", "lost by the disk, or not", status=None)
        if done.status == FAILED:
            expect("kept" in done.err, f"words: {done!r}")
            return ids
        same(done.status, nodes.OK, f"exit status ({done!r})")
        ids.append(done.out.strip())


@test
def after_a_failed_fsync_nothing_that_it_was_about_is_believed(world):
    a, b, disk = two(world)
    ids = [a.add(f"before {i}") for i in range(3)]
    for i in range(3):
        ids += write_until_a_sync_fails(a, disk)
        writes_again(a)
        ids.append(a.add(f"after {i}"))
        a.kill()  # what is on the disk alone counts now
        a.run("--peer", b.node.address, env=disk.env)
        same(set(a.todos()), set(ids), "all that was acknowledged, and nothing else")
    converge(a, b, entries=len(ids))
    same(a.read("status")["counts"]["chains"], 1, "chains: no number was used twice")
    verified(a)
    verified(b)


@test
def what_is_only_in_the_cache_after_a_failed_fsync_is_not_taken_for_kept(world):
    a, b, disk = two(world)
    ids = [a.add(f"before {i}") for i in range(3)]
    # no list was asked for yet: no other connection holds the index of the WAL
    ids += write_until_a_sync_fails(a, disk, "cache always")
    same(set(a.todos()), set(ids), "what was refused is not there while no sync succeeds")
    disk.work()
    writes_again(a)
    for i in range(3):
        ids += write_until_a_sync_fails(a, disk, "cache")
        same(set(a.todos()), set(ids), "what was refused is not there")
        writes_again(a)
        ids.append(a.add(f"after {i}"))
        same(set(a.todos()), set(ids), "nor later")
    a.kill()
    a.run("--peer", b.node.address, env=disk.env)
    same(set(a.todos()), set(ids), "all that was acknowledged, and nothing else")
    converge(a, b, entries=len(ids))
    same(a.read("status")["counts"]["chains"], 1, "chains: no number was used twice")
    verified(a)
    verified(b)


@test
def a_write_under_way_when_the_node_is_killed_on_a_full_disk_is_not_there_after(world):
    a, _, disk = two(world)
    kept = a.add("kept")
    disk.fail("full")
    refused(a, "add", "no room")
    a.kill()
    disk.work()
    a.run(env=disk.env)
    same(list(a.todos()), [kept], "todos")
    same(read_only(a), None, "it writes")
    verified(a)


@test
def a_full_disk_costs_an_idle_node_nothing(world):
    a, _, disk = two(world)
    a.add("x")
    disk.fail("full")
    refused(a, "add", "no room")
    before = cpu_s(a.node.process.pid)
    time.sleep(3)
    expect(cpu_s(a.node.process.pid) - before < 1.0 * nodes.SLOW, "it does not spin")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


MOUNTED = """
mount -t tmpfs -o size=4m tmpfs "$0" || exit 77
exec "$@"
"""


@test
def a_file_system_that_is_really_full_is_left_whole(world):
    """Runs itself in a namespace with a small file system below the home."""
    if "CHITTY_SMALL" in os.environ:
        raise nodes.Skip("in the small one already")
    place = world.folder / "small"
    place.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNTED, str(place), sys.executable, __file__, "small"],
        env=dict(os.environ, CHITTY_SMALL=str(place)), capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        raise nodes.Skip(f"no file system of one's own here: {done.stderr.strip()}")
    print("".join(f"# {line}\n" for line in done.stdout.splitlines()), end="")
    same(done.returncode, 0, f"the run in it ({done.stderr[-2000:]})")


def small():
    """The inner run: fill up by todos, make room, go on."""
    place = os.environ["CHITTY_SMALL"]
    with nodes.World() as world:
        home = world.home("full")
        home.env["CHITTY_HOME"] = f"{place}/home"
        home.folder = type(home.folder)(f"{place}/home")
        home.init().run()
        with open(f"{place}/ballast", "wb") as ballast:
            ballast.write(b"x" * 1500000)
        ids, status = [], 0
        for i in range(400):
            done = home.chitty("add", f"todo {i}", "--notes", "n" * 30000, status=None)
            status = done.status
            if status != 0:
                break
            ids.append(done.out.strip())
        same(status, FAILED, "the disk is full in the end")
        expect("full" in done.err, f"words: {done!r}")
        same(set(home.todos()), set(ids), "todos while it is full")
        same(read_only(home)["code"], "full", "status")
        os.remove(f"{place}/ballast")
        writes_again(home)
        ids.append(home.add("room again"))
        same(set(home.todos()), set(ids), "todos")
        verified(home)
        home.stop()
        print(json.dumps({"todos": len(ids)}))


if __name__ == "__main__":
    if sys.argv[1:] == ["small"]:
        small()
        sys.exit(0)
    sys.exit(nodes.main())
