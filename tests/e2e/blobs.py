"""Attachments: their contents on the device that has them, on the one that asks for them, and what
becomes of them when the disk, the quota or a peer fails (PROTOCOL 12, LOCAL 7)."""
import os
import random
import resource
import signal
import stat
import subprocess
import time

import nodes
from findings import carry_out, doctor, shim, well
from nodes import (CONFLICT, FAILED, NOTFOUND, OFFLINE, USAGE, converge, expect, main, pair, same,
                   test, until, verified)

MIB = 1024 * 1024
RSS_KIB = 96 * 1024  # of a node through whose hands a hundred megabytes went
SANITIZED = nodes.SLOW > 1


def made(world, name, size):
    """A file of that size that no other run has; its content."""
    content = random.Random(f"{world.folder}{name}").randbytes(size)
    (world.folder / name).write_bytes(content)
    return content


def attach(home, entity, name):
    home.chitty("attach", entity, str(home.world.folder / name))


def get(home, entity, name, *arguments, **options):
    """The content that a device gets, or what the command said."""
    path = home.folder / "got"
    path.unlink(missing_ok=True)
    done = home.chitty("attachment", "get", entity, name, "--to", str(path), *arguments, **options)
    return path.read_bytes() if done.status == 0 else done


def blob_files(home):
    """Every file below blobs/ with its size, by its path there."""
    root = home.folder / "blobs"
    return {str(p.relative_to(root)): p.stat().st_size for p in root.rglob("*") if p.is_file()}


def whole(home):
    return [p for p in blob_files(home) if "." not in p and len(p) == 65]


def states(home):
    return sorted(b["state"] for b in home.read("blobs")["blobs"])


def metric(home, name):
    for line in home.chitty_node("metrics").out.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise nodes.Failure(f"no figure {name}")


def peak_kib(home):
    for line in open(f"/proc/{home.node.process.pid}/status", encoding="ascii"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise nodes.Failure("no VmHWM")


def into_a_pipe(home, content, command, flag):
    """What stands where the file is to be and is no file stays what it is."""
    pipe = home.folder / "pipe"
    os.mkfifo(pipe)
    with open(home.folder / "came", "wb") as came, subprocess.Popen(["cat", pipe], stdout=came):
        home.call(*command, flag, str(pipe), "--force", status=0)
    same((home.folder / "came").read_bytes(), content, "what came through the pipe")
    expect(stat.S_ISFIFO(os.stat(pipe).st_mode), "the pipe is a pipe")


@test
def a_file_attached_on_one_device_is_read_on_the_other_when_it_is_asked_for(world):
    laptop, desk = pair(world, "laptop", "desk")
    todo = laptop.add("look at it")
    content = made(world, "shot.png", 3 * MIB + 17)
    empty = made(world, "empty", 0)
    attach(laptop, todo, "shot.png")
    attach(laptop, todo, "empty")
    listed = {a["name"]: a for a in laptop.call(nodes.CHITTY, "attachments", todo,
                                                "--json").document()}
    same(sorted(listed), ["empty", "shot.png"], "names")
    same((listed["shot.png"]["value"]["size"], listed["shot.png"]["value"]["type"],
          listed["shot.png"]["by"]), (len(content), "image/png", "laptop"), "what is told of it")
    same(get(laptop, todo, "shot.png"), content, "content where it was attached")
    for path in whole(laptop):
        same((laptop.folder / "blobs" / path).stat().st_mode & 0o777, 0o600, "mode of its file")
    converge(laptop, desk)
    same(states(desk), ["elsewhere", "elsewhere"], "nothing goes unasked")
    same(get(desk, todo, "shot.png"), content, "content on the other device")
    same(get(desk, todo, "empty"), empty, "of nothing")
    same(states(desk), ["here", "here"], "after it was asked for")
    desk.chitty_node("rebuild")
    same(states(desk), ["here", "here"], "after a rebuild")
    (desk.folder / "old").write_bytes(b"old")
    desk.chitty("attachment", "get", todo, "shot.png", "--to", str(desk.folder / "old"), "--force")
    same((desk.folder / "old").read_bytes(), content, "over another file")
    into_a_pipe(desk, content, [nodes.CHITTY, "attachment", "get", todo, "shot.png"], "--to")
    taken = desk.chitty("attachment", "get", todo, "shot.png", "--to", str(desk.folder / "got"),
                        status=CONFLICT)
    expect("--force" in taken.err, taken.err)
    desk.chitty("attachment", "get", todo, "nothing", status=NOTFOUND)
    desk.chitty("attachment", "get", todo, "../shot.png", status=USAGE)
    laptop.chitty("attach", todo, str(world.folder / "not-there"), status=NOTFOUND)
    desk.chitty("attachment", "rm", todo, "shot.png")
    converge(laptop, desk)
    laptop.chitty("attachment", "get", todo, "shot.png", status=NOTFOUND)
    same(laptop.read("blobs")["unnamed"], 1, "it stays for a while")
    same(len(whole(laptop)), 2, "files")
    backup = laptop.chitty_node("backup", str(world.folder / "backup.db"))
    expect("2 attachments are not in it" in backup.err, backup.err)
    same(laptop.read("blobs", "--prune")["removed"], 1, "what a prune removes")
    same(len(whole(laptop)), 1, "files after it")
    verified(laptop)


@test
def two_files_of_one_name_are_a_conflict_and_both_stay(world):
    laptop, desk = pair(world, "laptop", "desk")
    todo = laptop.add("look at it")
    converge(laptop, desk)
    address = laptop.node.address
    desk.stop()
    one = made(world, "notes.txt", 1000)
    attach(laptop, todo, "notes.txt")
    laptop.stop()
    desk.run()
    other = made(world, "notes.txt", 2000)[:1999] + b"!"
    (world.folder / "notes.txt").write_bytes(other)
    attach(desk, todo, "notes.txt")
    laptop.run(listen=address)
    converge(laptop, desk)
    for home in (laptop, desk):
        listed = home.call(nodes.CHITTY, "attachments", todo, "--json").document()
        same([a.get("conflict") for a in listed], [True, True], "both are listed")
        same({get(home, todo, "notes.txt", "--pick", n) for n in "12"}, {one, other},
             f"contents on {home.name}")
        same([c["field"] for c in home.read("conflicts")], ["attachments"], "conflicts")


@test
def a_device_that_is_away_is_named_and_a_revoked_one_gets_nothing(world):
    laptop, desk = pair(world, "laptop", "desk")
    todo = laptop.add("look at it")
    first, second = made(world, "a", 5000), made(world, "b", 5000)
    attach(laptop, todo, "a")
    attach(laptop, todo, "b")
    converge(laptop, desk)
    same(get(desk, todo, "b"), second, "while it is there")
    laptop.stop()
    done = get(desk, todo, "a", status=OFFLINE)
    expect("peer offline: laptop has it" in done.err, done.err)
    same(get(desk, todo, "b"), second, "what was fetched stays")
    laptop.run()
    until(lambda: desk.read("status")["peers"][0]["state"] == "in sync", "they are connected")
    same(get(desk, todo, "a"), first, "when it is back")
    third = made(world, "c", 5000)
    attach(laptop, todo, "c")
    converge(laptop, desk)
    laptop.chitty_node("revoke", "desk", "--lost")
    until(lambda: desk.read("status")["membership"]["role"] == "none", "it knows")
    get(desk, todo, "c", status=OFFLINE)
    same(get(laptop, todo, "c"), third, "who attached it still has it")
    same(metric(laptop, "chitty_blob_sent_bytes_total"), 5000, "sent since the start")


@test
def a_hundred_megabytes_go_on_after_a_kill_fill_no_memory_and_hold_up_no_change(world):
    laptop, desk = pair(world, "laptop", "desk")
    size = (20 if SANITIZED else 100) * MIB
    todo = laptop.add("look at it")
    content = made(world, "disk.img", size)
    attach(laptop, todo, "disk.img")
    converge(laptop, desk)
    asking = subprocess.Popen([nodes.CHITTY, "attachment", "get", todo, "disk.img", "--to", "-"],
                              env=desk.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: [s for p, s in blob_files(desk).items() if p.startswith("part/")] > [3 * MIB],
          "some of it came")
    desk.kill()
    expect(asking.wait(nodes.DEADLINE_S) != 0, "who asked is told")
    part = max(s for p, s in blob_files(desk).items() if p.startswith("part/"))
    same(whole(desk), [], "half of it is no file")
    desk.run()
    same(states(desk), ["elsewhere"], "half of it is not here")
    until(lambda: desk.read("status")["peers"][0]["state"] == "in sync", "they are connected")
    watch = nodes.Watch(desk)
    watch.begun()
    asking = subprocess.Popen([nodes.CHITTY, "attachment", "get", todo, "disk.img", "--to",
                               str(desk.folder / "got")], env=desk.env,
                              stdout=subprocess.DEVNULL)
    delays = []
    while asking.poll() is None and len(delays) < 400:
        mark = f"while it goes {len(delays)}"
        laptop.add(mark)
        told = time.monotonic()  # from the acknowledgement here to the event there
        while watch.next()["entity"]["data"].get("content") != mark:
            pass
        delays.append(time.monotonic() - told)
    same(asking.wait(4 * nodes.DEADLINE_S), 0, "the rest comes")
    same((desk.folder / "got").read_bytes() == content, True, "content")
    received = metric(desk, "chitty_blob_received_bytes_total")
    expect(received <= size - part + MIB, f"gone on with: {received} of {size} came, {part} had")
    delays.sort()
    print(f"# {len(delays)} changes while {received / MIB:.0f} MiB came: median "
          f"{1000 * delays[len(delays) // 2]:.1f} ms, p99 "
          f"{1000 * delays[len(delays) * 99 // 100]:.1f} ms, most {1000 * delays[-1]:.1f} ms")
    expect(len(delays) >= 5 and delays[len(delays) * 99 // 100] < 0.5 * nodes.SLOW,
           f"changes go beside it: {delays[-5:]}")
    for home in (laptop, desk):
        print(f"# peak memory of {home.name}: {peak_kib(home)} KiB")
        expect(SANITIZED or peak_kib(home) < RSS_KIB, f"memory of {home.name}")
    converge(laptop, desk)


@test
def a_quota_drops_what_was_fetched_and_never_what_is_nowhere_else(world):
    laptop, desk, server = pair(world, "laptop", "desk", "server")
    todo = laptop.add("look at it")
    contents = {name: made(world, name, 2 * MIB) for name in "abc"}
    for name in "ab":
        attach(laptop, todo, name)
    converge(laptop, desk, server)
    desk.read("blobs", "--quota", "3M")
    same(get(desk, todo, "a"), contents["a"], "the first")
    same(get(desk, todo, "b"), contents["b"], "the second, in place of the first")
    same(states(desk), ["elsewhere", "here"], "one of them is here")
    same(get(desk, todo, "a"), contents["a"], "the first again")
    laptop.read("blobs", "--quota", "5M")
    full = laptop.chitty("attach", todo, str(world.folder / "c"), "--json", status=FAILED)
    same(full.error()["code"], "full", "why it is refused")
    expect("quota" in full.error()["message"], full.err)
    same(states(laptop), ["here", "here"], "nothing was dropped for it")
    server.read("blobs", "--keep", "on")
    until(lambda: states(server) == ["here", "here"], "a server fetches all")
    until(lambda: sum(p.endswith(".kept") for p in blob_files(laptop)) == 2, "and says so")
    attach(laptop, todo, "c")
    same(states(laptop).count("here"), 2, "room was made")
    same(laptop.read("blobs")["missing"], 0, "what another keeps is not missing")
    until(lambda: states(server) == ["here"] * 3, "a server fetches the new one too")
    for name, content in contents.items():
        same(get(laptop, todo, name), content, f"content of {name}")
    desk.read("blobs", "--quota", "1G", "--fetch-below", "1K")
    converge(laptop, desk)
    made(world, "small", 1000)
    attach(laptop, todo, "small")
    until(lambda: desk.read("blobs")["here"] == 2, "a small one goes unasked")


@test
def what_the_disk_spoils_is_set_aside_and_fetched_again(world):
    laptop, desk = pair(world, "laptop", "desk")
    todo = laptop.add("look at it")
    content = made(world, "a", 300000)
    attach(laptop, todo, "a")
    converge(laptop, desk)
    same(get(desk, todo, "a"), content, "content")
    for home, spoilt in ((desk, lambda b: b[:1000] + b"?" + b[1001:]), (laptop, lambda b: b[:-1])):
        home.stop()
        path = home.folder / "blobs" / whole(home)[0]
        path.write_bytes(spoilt(path.read_bytes()))
        home.run()
        until(lambda: home.read("status")["peers"][0]["state"] == "in sync", "they are connected")
        same(get(home, todo, "a"), content, f"content on {home.name}, fetched again")
        carry_out(home, doctor(home, env=shim(kept=1)).one("blobs.damaged", "warning"))
        well(home, env=shim(kept=1))
    desk.stop()
    (laptop.folder / "blobs" / whole(laptop)[0]).unlink()
    get(laptop, todo, "a", status=OFFLINE)
    doctor(laptop, env=shim(kept=1)).one("blobs.missing", "warning")
    desk.run()
    until(lambda: laptop.read("status")["peers"][0]["state"] == "in sync", "they are connected")
    same(get(laptop, todo, "a"), content, "from the device that had fetched it")
    well(laptop, env=shim(kept=1))


@test
def a_disk_that_is_full_keeps_nothing_of_an_attachment_and_all_of_the_rest(world):
    home = world.home("laptop").init()
    home.node = home.start(no_signal=True).wait_ready()
    todo = home.add("look at it")
    made(world, "large", 12 * MIB)
    small = made(world, "small", MIB)
    resource.prlimit(home.node.process.pid, resource.RLIMIT_FSIZE, (8 * MIB, 8 * MIB))
    full = home.chitty("attach", todo, str(world.folder / "large"), "--json", status=FAILED)
    same(full.error()["code"], "full", "why it is refused")
    same(blob_files(home), {}, "nothing is left of it")
    attach(home, todo, "small")
    same(get(home, todo, "small"), small, "one for which there is room")
    same([a["name"] for a in home.call(nodes.CHITTY, "attachments", todo, "--json").document()],
         ["small"], "attachments")
    home.node.signal(signal.SIGKILL)
    home.node.wait()
    home.run()
    same(get(home, todo, "small"), small, "what was acknowledged is there after a kill")
    expect(os.listdir(home.folder / "blobs" / "part") == [], "nothing half written")


if __name__ == "__main__":
    raise SystemExit(main())
