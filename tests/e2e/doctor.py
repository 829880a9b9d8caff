"""`chitty-node doctor` on one home: everything it can find is brought about here, its remedy is
carried out where it is a command, and where all is well nothing is said."""
import fcntl
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading

import nodes
from findings import AROUND, DAY_S, FAILED, Findings, carry_out, doctor, shim, well
from nodes import Skip, converge, expect, pair, same, test, until


# --- all is well

@test
def a_home_where_all_is_well_is_silent(world):
    home = world.home("a").init().run()
    home.add("x")
    found = well(home, env=shim(kept=1))
    same(found.checks("note") - AROUND, set(), "notes")
    looked = {"home", "keys", "disk.room", "chains", "database", "clock", "node", "member", "port",
              "peers"}
    same(looked - found.checks("ok"), set(), "what was looked at")
    home.stop()
    before = {p: p.stat().st_mtime_ns for p in home.folder.rglob("*.*") if p.is_file()}
    found = well(home, env=shim(kept=1))
    same(found.checks("note") - AROUND, {"node"}, "notes without a node")
    after = {p: p.stat().st_mtime_ns for p in home.folder.rglob("*.*") if p.is_file()}
    same(set(after), set(before), "files: nothing is left behind")


@test
def a_person_reads_the_worst_first_and_only_what_is_not_well(world):
    home = world.home("a").init()
    (home.folder / "device.key").chmod(0o644)
    done = home.chitty_node("doctor", status=FAILED)
    lines = done.out.splitlines()
    expect(lines[0].startswith("problem  others may read the keys"), f"first line: {lines[0]}")
    expect(lines[1].startswith("         chmod 600"), f"its remedy: {lines[1]}")
    expect(not any(line.startswith("ok") for line in lines), done.out)
    same(done.err, "", "stderr: what is found is no error of the command")
    everything = home.chitty_node("doctor", "--all", status=FAILED).out
    expect("\nok       " in everything, everything)


# --- home, keys

@test
def no_home_is_one_problem(world):
    home = world.home("a")
    found = doctor(home)
    same(found.checks("problem"), {"home.none"}, "problems")
    expect("chitty-node init" in found.one("home.none", "problem")["remedy"], "remedy")
    expect(not home.folder.exists(), "nothing was made")
    home.folder.write_text("a file")
    found.one("home.none", "problem")
    doctor(home).one("home.folder", "problem")


@test
def a_home_that_others_may_enter_is_named_and_its_remedy_closes_it(world):
    home = world.home("a").init()
    for mode, severity in ((0o755, "warning"), (0o770, "problem")):
        home.folder.chmod(mode)
        carry_out(home, doctor(home).one("home.mode", severity))
        same(home.folder.stat().st_mode & 0o777, 0o700, "mode after the remedy")
        well(home)
    if os.geteuid() == 0:
        os.chown(home.folder, 12345, 12345)
        finding = doctor(home).one("home.owner", "problem")
        carry_out(home, dict(finding, remedy=finding["remedy"].removeprefix("sudo ")))
        well(home)
        for file in (home.folder / "device.key", home.database()):  # as a command of root's does
            os.chown(file, 12345, 12345)
            finding = doctor(home).one("home.owner", "problem")
            expect(file.name in finding["text"], f"which file: {finding}")
            carry_out(home, dict(finding, remedy=finding["remedy"].removeprefix("sudo ")))
            well(home)


@test
def keys_that_are_open_missing_or_damaged_are_named(world):
    home = world.home("a").init()
    path = home.folder / "device.key"
    path.chmod(0o640)
    found = doctor(home)
    same(found.checks("problem"), {"keys.mode"}, "problems")
    carry_out(home, found.one("keys.mode", "problem"))
    well(home)
    keys = path.read_bytes()
    for at in (20, len(keys) - 100):  # a secret, the certificate
        path.write_bytes(keys[:at] + bytes([keys[at] ^ 1]) + keys[at + 1:])
        same(doctor(home).checks("problem"), {"keys.damaged"}, f"problems with byte {at} turned")
    path.write_bytes(keys[:100])
    doctor(home).one("keys.damaged", "problem")
    path.unlink()
    same(doctor(home).checks("problem"), {"keys.none"}, "problems without keys")
    path.write_bytes(keys)
    path.chmod(0o600)
    well(home)


@test
def a_node_with_other_keys_than_the_file_is_named(world):
    home, other = world.home("a").init().run(), world.home("b").init()
    shutil.copy(other.folder / "device.key", home.folder / "device.key")
    found = doctor(home)
    same(found.checks("problem"), {"keys.other"}, "problems")
    home.stop()
    same(doctor(home).checks("problem"), {"member.none"}, "the other device is no member here")


# --- disk

def mounted(home, options, script):
    """Findings of a shell in mounts of its own, the home's copy on a tmpfs in front."""
    text = (f"set -e; cp -a '{home.folder}' '{home.folder}.copy'; "
            f"mount -t tmpfs -o {options},mode=700 none '{home.folder}'; "
            f"cp -a '{home.folder}.copy'/. '{home.folder}'; {script}")
    for how in (["unshare", "-m"], ["unshare", "-Urm"]):
        if subprocess.run([*how, "true"], check=False, capture_output=True).returncode == 0:
            return home.call(*how, "sh", "-c", text, status=None)
    raise Skip("no mount namespaces: sysctl kernel.unprivileged_userns_clone=1")


@test
def a_home_in_memory_is_named(world):
    home = world.home("a").init()
    found = Findings(mounted(home, "size=600m", f"'{nodes.CHITTY_NODE}' doctor --json"))
    expect("tmpfs" in found.one("disk.memory", "warning")["text"], found)
    same(found.checks("problem"), set(), "problems")


@test
def a_disk_with_little_room_none_or_without_inodes_is_named(world):
    home = world.home("a").init()
    run = f"'{nodes.CHITTY_NODE}' doctor --json"
    found = Findings(mounted(home, "size=100m", run))
    found.one("disk.room", "warning")
    shutil.rmtree(f"{home.folder}.copy")
    found = Findings(mounted(home, "size=10m", run))
    found.one("disk.room", "problem")
    shutil.rmtree(f"{home.folder}.copy")
    fill = f"head -c 20m /dev/zero >'{home.folder}/fill' 2>/dev/null || true; "
    found = Findings(mounted(home, "size=10m", fill + run))
    expect("disk.full" in found.checks("problem"), found)
    shutil.rmtree(f"{home.folder}.copy")
    found = Findings(mounted(home, "size=600m,nr_inodes=18", run))
    found.one("disk.inodes", "problem")
    shutil.rmtree(f"{home.folder}.copy")
    closed = f"mount -n -o remount,ro none '{home.folder}'; "
    found = Findings(mounted(home, "size=600m", closed + run))
    expect({"home.access", "disk.write"} <= found.checks("problem"), found)


@test
def an_fsync_that_lies_lags_or_fails_is_named(world):
    home = world.home("a").init().run()
    if "disk.memory" in doctor(home).checks("warning"):
        raise Skip("the temporary folder is in memory")
    doctor(home, env=shim(fsync="lie")).one("disk.fsync", "warning")
    doctor(home, env=shim(fsync="slow")).one("disk.slow", "warning")
    doctor(home, env=shim(fsync="fail")).one("disk.write", "problem")
    well(home)


# --- database and chains

@test
def a_database_that_is_missing_newer_or_damaged_is_named(world):
    home = world.home("a").init().run()
    home.add("x")
    home.stop()
    path = home.database()
    whole = path.read_bytes()
    space = (home.folder / "space").read_bytes()
    (home.folder / "space").write_text("none\n")
    doctor(home).one("database.space", "problem")
    (home.folder / "space").write_bytes(space)
    path.unlink()
    same(doctor(home).checks("problem"), {"database.none"}, "problems without a file")
    path.write_bytes(whole)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = x'63' WHERE key = 'format'")
    db.close()
    same(doctor(home).checks("problem"), {"database.format"}, "problems with a newer file")
    path.write_bytes(whole)
    with sqlite3.connect(path) as db:
        page, = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'todo'").fetchone()
        size, = db.execute("PRAGMA page_size").fetchone()
    db.close()
    path.write_bytes(whole[:(page - 1) * size] + bytes([7]) * size + whole[page * size:])
    expect("database.damaged" in doctor(home).checks("problem"), "a page of sevens")
    path.write_bytes(bytes(len(whole)))
    doctor(home).one("database.damaged", "problem")
    path.write_bytes(whole)
    well(home)


@test
def a_long_wal_and_an_empty_file_are_named(world):
    home = world.home("a").init().run()
    home.add("x")
    with open(f"{home.database()}-wal", "ab") as wal:
        wal.truncate(200 << 20)
    doctor(home).one("database.wal", "warning")
    home.stop()
    well(home)
    db = sqlite3.connect(home.database())
    db.execute("CREATE TABLE much(x)")
    db.execute("INSERT INTO much VALUES(zeroblob(80000000))")
    db.commit()
    db.execute("DROP TABLE much")
    db.commit()
    db.close()
    doctor(home).one("database.unused", "note")


@test
def entries_missing_in_the_middle_of_a_chain_are_named(world):
    home = world.home("a").init().run()
    for i in range(5):
        home.add(f"t{i}")
    home.stop()
    with sqlite3.connect(home.database()) as db:
        ids = [n for n, in db.execute("SELECT id FROM log ORDER BY id")]
        expect(len(ids) > 2, f"several rows: {ids}")
        db.execute("DELETE FROM log WHERE id = ?", (ids[1],))
    db.close()
    expect("entries 2 to 2" in doctor(home).one("chains.gap", "problem")["text"], "which")


def branched(world):
    """A home put back from a backup that wrote before it met anybody."""
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.stop()
    backup = world.folder / "backup"
    shutil.copytree(a.folder, backup)
    a.run("--peer", b.node.address)
    a.add("one way")
    converge(a, b, entries=2)
    a.stop()
    shutil.rmtree(a.folder)
    shutil.copytree(backup, a.folder)
    b.stop()
    a.run()
    a.add("another")
    b.run("--peer", a.node.address)
    converge(a, b, entries=3)
    return a, b


@test
def a_restored_home_is_told_from_two_copies_that_ran_at_once(world):
    a, b = branched(world)
    for home in (a, b):
        found = well(home)
        found.one("chains.branch", "note")
        same(found.checks("note") & {"chains.fork"}, set(), "no fork")
    a.stop()
    with sqlite3.connect(a.database()) as db:  # as if both had gone on in one run
        db.execute("UPDATE epoch SET epoch = x'0102030405060708'")
    db.close()
    doctor(a).one("chains.fork", "warning")


@test
def a_restored_home_says_what_happened(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.chitty_node("backup", str(world.folder / "backup"))
    a.add("after")
    converge(a, b, entries=2)
    a.stop()
    a.chitty_node("restore", "--replace", str(world.folder / "backup"))
    a.run("--peer", b.node.address)
    converge(a, b, entries=2)
    found = well(a)
    expect("from a backup of" in found.one("clones.restored", "note")["text"], found)
    expect("1 entry of this device" in found.one("clones.reclaimed", "note")["text"], found)
    later = doctor(a, env=shim(clock_s=40 * DAY_S))
    same({f["check"] for f in later if f["check"].startswith("clones")}, set(), "in a month or so")


@test
def a_home_that_runs_twice_says_so(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    copy = world.home("copy")
    shutil.copytree(a.folder, copy.folder, ignore=shutil.ignore_patterns("*.sock", "lock"))
    a.stop()
    a.run("--peer", b.node.address)
    copy.run("--peer", b.node.address)
    ids = [home.add(f"{home.name} {n}") for n in range(5) for home in (a, copy)]
    until(lambda: set(ids) <= set(b.todos()), "b has what each of them wrote")
    until(lambda: any("clones.elsewhere" in doctor(h).checks("warning") for h in (a, copy)),
          "one of them is told")


# --- clocks

@test
def changes_from_the_future_are_listed_at_both_ends(world):
    a, b = pair(world, "a", "b")
    todo = a.add("now")
    converge(a, b, entries=1)
    b.stop()
    ahead = shim(clock_s=400 * DAY_S)
    b.run("--peer", a.node.address, env=ahead)
    b.chitty("todo", "update", todo, "--content", "from the future")
    converge(a, b, entries=2)
    finding = doctor(a).one("clock.ahead", "warning")
    expect(b.read("status")["device"] in finding["text"] and "entries 1 to 1" in finding["text"],
           finding)
    same(doctor(a).checks("problem"), set(), "problems: the entry is applied like any other")
    found = doctor(b)
    found.one("clock.own", "warning")
    expect("clock.own" not in doctor(b, env=ahead).checks("warning"), "as its own clock sees it")
    a.chitty("todo", "update", todo, "--content", "seen and replaced")
    converge(a, b, entries=3)
    same(b.todos()[todo]["content"], "seen and replaced", "the next that saw it replaces it")


@test
def a_clock_that_stands_in_the_past_or_runs_freely_is_named(world):
    home = world.home("a").init()
    doctor(home, env=shim(clock_s=-40 * 365 * DAY_S)).one("clock.past", "problem")
    doctor(home, env=shim(kept=0)).one("clock.free", "note")
    doctor(home, env=shim(kept=1)).one("clock", "ok")


# --- the node

@test
def a_process_that_holds_the_home_and_is_silent_is_named(world):
    home = world.home("a").init()
    with open(home.folder / "lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        finding = doctor(home).one("node.held", "problem")
        expect(f"process {os.getpid()} " in finding["text"], f"its pid: {finding}")
    well(home)


@test
def a_stopped_node_is_named_and_runs_on(world):
    home = world.home("a").init().run()
    home.node.signal(signal.SIGSTOP)
    try:
        doctor(home).one("node.silent", "problem")
    finally:
        home.node.signal(signal.SIGCONT)
    well(home)


@test
def a_node_that_does_not_know_the_question_is_older(world):
    home = world.home("a").init()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(home.folder / "node.sock"))
    listener.listen()

    def answer():
        client, _ = listener.accept()
        size, = struct.unpack("<I", client.recv(4, socket.MSG_WAITALL))
        request = client.recv(size, socket.MSG_WAITALL)
        at = request.index(b"\xa2id") + 3
        number = request[at:at + 2 + request[at + 1] if request[at] == 0xd9
                         else at + 1 + (request[at] & 31)]

        def word(text):
            return bytes([0xd9, len(text)]) + text
        error = (b"\x83" + word(b"code") + word(b"unsupported") + word(b"message") +
                 word(b"this node does not know the command \"health\"") + word(b"retryable") +
                 b"\xc2")
        message = (b"\x83\xa2id" + number + word(b"type") + word(b"ack") + word(b"payload") +
                   b"\x81" + word(b"error") + error)
        client.sendall(struct.pack("<I", len(message)) + message)
        client.close()

    thread = threading.Thread(target=answer)
    thread.start()
    doctor(home).one("node.older", "warning")
    thread.join()
    listener.close()


sys.exit(nodes.main())
