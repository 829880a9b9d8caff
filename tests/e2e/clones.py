"""Backups, homes copied while they run, and devices that speak with two voices: nothing is lost, no
number is used twice, no fork is seen where there is none, and `status` says what happened."""
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import nodes
from nodes import (CONFLICT, DENIED, FAILED, NOTFOUND, USAGE, Skip, converge, expect, pair, same,
                   test, until, verified)

TWINS = os.environ.get("CHITTY_TWINS", "twins")
sys.path.insert(0, str(pathlib.Path(nodes.READER).parent))
import root  # noqa: E402  the independent reader

SHIM = os.environ.get("CHITTY_SHIM", "")


def copy_running(home, name):
    """The folder of a home whose node runs, copied as it lies there."""
    skip = shutil.ignore_patterns("*.sock", "lock")
    shutil.copytree(home.folder, home.world.folder / name, ignore=skip)
    return home.world.home(name)


def dots(*homes):
    """Every entry of these homes by its number; one number has one hash."""
    seen = {}
    for home in homes:
        database = sqlite3.connect(f"file:{home.database()}?mode=ro", uri=True)
        problems = []
        log = root.Log(database, problems)
        database.close()
        same(problems, [], f"the log of {home.name}")
        for chain in log.chains:
            for entry, _ in chain.entries:
                number = (log.devices[chain.device].hex(), entry.epoch.hex(), entry.seq)
                same(seen.setdefault(number, entry.hash), entry.hash, f"{number} in {home.name}")
    return seen


def clones(home):
    return home.read("status")["clones"]


def stored(home):
    """The todos of a home without a node, by id."""
    database = sqlite3.connect(f"file:{home.database()}?mode=ro", uri=True)
    ids = sorted(row[0] for row in database.execute("SELECT id FROM todo"))
    database.close()
    return ids


def doctor(home):
    """What the doctor finds, by the name of the check."""
    found = home.chitty_node("doctor", "--json", status=None).document()["findings"]
    return {f["check"]: f["severity"] for f in found}


def no_forks(*homes):
    for home in homes:
        same(home.read("status")["forks"], [], f"forks seen by {home.name}")


def meet(home, *others):
    """Run it until it holds what the others do, and stop it."""
    home.run(*[a for o in others for a in ("--peer", o.node.address)])
    until(lambda: all(home.todos() == o.todos() for o in others), f"{home.name} met the others")


def all_meet(world, a, copy, peers):
    """Original and copy one after the other with a peer that both know, twice."""
    for home in (a, copy, a, copy):
        meet(home, peers[0])
        home.stop()


def in_order(world, first):
    """A home is copied while it runs; both go on; they meet the peer in some order."""
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    copy = copy_running(a, "copy")
    b.stop()
    ids = [a.add("of the original")]
    copy.run()
    ids.append(copy.add("of the copy"))
    a.stop()
    copy.stop()
    b.run()
    for home in first(a, copy):
        meet(home, b)
        ids.append(home.add(f"of {home.name} when it met b"))
        until(lambda: home.todos() == b.todos(), f"b has what {home.name} wrote")
        home.stop()
    all_meet(world, a, copy, [b])
    todos = b.todos()
    expect(set(ids) <= set(todos), "b has all that was written")
    a.run("--peer", b.node.address)
    converge(a, b)
    a.stop()
    copy.run("--peer", b.node.address)
    converge(copy, b)
    copy.stop()
    no_forks(a, b, copy)
    return a, b, copy


@test
def a_running_home_is_copied_and_the_original_meets_the_peer_first(world):
    a, b, copy = in_order(world, lambda a, copy: (a, copy))
    dots(a, b, copy)
    for home in (a, b, copy):
        verified(home)
    told = clones(a)
    expect(told["elsewhere"] + told["reclaimed"] > 0, "a heard of entries it did not write")
    same([c["name"] for c in clones(b)["branches"]], ["a"], "b sees whose chain branches")
    same(clones(b)["branches"][0]["tips"] <= 2, True, "tips")


@test
def a_running_home_is_copied_and_the_copy_meets_the_peer_first(world):
    a, b, copy = in_order(world, lambda a, copy: (copy, a))
    dots(a, b, copy)
    for home in (a, b, copy):
        verified(home)


@test
def original_and_copy_run_at_once_and_are_both_heard(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    copy = copy_running(a, "copy")
    a.stop()
    a.run("--peer", b.node.address)
    copy.run("--peer", b.node.address)
    ids = [home.add(f"{home.name} {n}") for n in range(5) for home in (a, copy)]
    until(lambda: set(ids) <= set(b.todos()), "b has what each of them wrote")
    until(lambda: set(ids) <= set(a.todos()) or set(ids) <= set(copy.todos()), "and one of them")
    for home in (a, copy):
        home.stop()
    for home in (a, copy):
        home.run("--peer", b.node.address)
        converge(home, b, entries=11)
        home.stop()
    dots(a, b, copy)
    no_forks(a, b, copy)
    expect(clones(a)["elsewhere"] + clones(copy)["elsewhere"] > 0,
           "one of them saw that the other writes now")
    expect("warning" in (doctor(a).get("clones.elsewhere"), doctor(copy).get("clones.elsewhere")),
           "and its doctor says so")
    for home in (a, b, copy):
        verified(home)


@test
def original_and_copy_meet_through_a_third_and_a_fourth(world):
    a, b, c = pair(world, "a", "b", "c")
    a.add("before")
    for home in (b, c):
        until(lambda: home.todos() == a.todos(), f"{home.name} has it")
    copy = copy_running(a, "copy")
    for home in (a, b, c):
        home.stop()
    ids = []
    b.run()
    a.run("--peer", b.node.address)
    ids += [a.add(f"to b {n}") for n in range(3)]
    until(lambda: set(ids) <= set(b.todos()), "b has what the original wrote")
    a.stop()
    b.stop()
    c.run()
    copy.run("--peer", c.node.address)
    ids += [copy.add(f"to c {n}") for n in range(3)]
    until(lambda: set(ids[3:]) <= set(c.todos()), "c has what the copy wrote")
    copy.stop()
    b.run("--peer", c.node.address)
    until(lambda: b.todos() == c.todos() and set(ids) <= set(b.todos()), "b and c have both")
    for home in (a, copy):
        home.run("--peer", b.node.address)
        converge(home, b, entries=7)
        home.stop()
    dots(a, b, c, copy)
    no_forks(a, b, c, copy)
    for home in (a, b, c, copy):
        verified(home)


@test
def a_process_duplicated_with_its_memory_is_proved_to_everyone(world):
    a, b, c = pair(world, "a", "b", "c")
    old = a.add("before")
    for home in (b, c):
        until(lambda: home.todos() == a.todos(), f"{home.name} has it")
    for home in (a, b, c):
        home.stop()
    copy = copy_running(a, "copy")
    done = a.call(TWINS, str(a.folder), str(copy.folder), "3")
    ids = [line.split()[1] for line in done.out.splitlines()]
    # one branch to b, the other to c; then these two meet
    for home, peer in ((a, b), (copy, c)):
        peer.run()
        home.run("--peer", peer.node.address)
        until(lambda: len(peer.todos()) == 4, f"{peer.name} has what {home.name} wrote")
        home.stop()
        peer.stop()
    no_forks(b, c)
    b.run()
    c.run("--peer", b.node.address)
    until(lambda: len(b.todos()) == 7 and b.todos() == c.todos(), "b and c have both branches")
    for home in (b, c):
        (fork,) = home.read("status")["forks"]
        same((fork["name"], fork["seq"], fork["own"]), ("a", 2, False), f"the fork {home.name} saw")
        expect(doctor(home).get("chains.fork"), "and its doctor tells")
    for home in (a, copy, a):
        home.run("--peer", b.node.address)
        until(lambda: set(ids) <= set(home.todos()), f"{home.name} has both branches")
        (fork,) = home.read("status")["forks"]
        same(fork["own"], True, f"{home.name} knows of itself")
        same(doctor(home).get("chains.fork"), "warning", f"what the doctor of {home.name} says")
        ids.append(home.add(f"{home.name} goes on"))
        until(lambda: home.todos() == b.todos(), f"b has what {home.name} wrote")
        home.stop()
    until(lambda: b.todos() == c.todos(), "and c")
    same(sorted(b.todos()), sorted([old, *ids]), "nothing is lost")
    for home in (a, copy, b, c):
        same(len(home.read("status")["forks"]), 1, f"no second fork at {home.name}")
        verified(home)


@test
def a_backup_is_made_while_the_node_runs_and_put_back_loses_nothing(world):
    a, b = pair(world, "a", "b")
    old = a.add("before the backup")
    converge(a, b, entries=1)
    file = str(world.folder / "monday.db")
    made = a.read("backup", file)
    same((made["path"], made["entries"]), (file, 1), "the backup")
    same([p.name for p in world.folder.glob("monday.db*")], ["monday.db"], "one file")
    lost = [a.add(f"after the backup {n}") for n in range(5)]
    converge(a, b, entries=6)
    a.chitty_node("restore", file, status=None)
    expect(a.node.running(), "a running node is not disturbed")
    a.stop()
    refused = a.chitty_node("restore", file, "--json", status=CONFLICT).error()
    same(refused["code"], "exists", "a home that has the space already is not replaced unasked")
    back = a.read("restore", "--replace", file)
    same((back["entries"], back["writes"], back["made"]), (1, True, False), "what came back")
    expect(sqlite3.connect(back["kept"]).execute("SELECT count(*) FROM todo").fetchone() == (6,),
           "the old file is kept whole")
    a.run("--peer", b.node.address)
    converge(a, b, entries=6)
    new = a.add("after the restore")
    converge(a, b, entries=7)
    same(sorted(a.todos()), sorted([old, *lost, new]), "todos")
    told = clones(a)
    same((told["reclaimed"], told["elsewhere"], told["branches"]), (5, 0, []), "what a says of it")
    expect(told["backupAt"] and told["restoredAt"] >= told["backupAt"] and told["reclaimedAt"],
           "and when")
    said = doctor(a)
    same((said.get("clones.restored"), said.get("clones.reclaimed"), said.get("clones.elsewhere")),
         ("note", "note", None), "what its doctor says of it")
    no_forks(a, b)
    dots(a, b)
    for home in (a, b):
        verified(home)


@test
def a_restored_home_that_writes_before_it_meets_anybody_branches(world):
    a, b = pair(world, "a", "b")
    todo = a.add("shared")
    converge(a, b, entries=1)
    file = str(world.folder / "old.db")
    a.chitty_node("backup", file)
    a.chitty("todo", "update", todo, "--content", "by branch one")
    converge(a, b, entries=2)
    a.stop()
    b.stop()
    a.chitty_node("restore", "--replace", file)
    a.run()
    second = a.add("branch two")
    b.run("--peer", a.node.address)
    converge(a, b, entries=3)
    after = a.add("behind both")
    converge(a, b, entries=4)
    same(sorted(b.todos()), sorted([todo, second, after]), "todos")
    same(b.todos()[todo]["content"], "by branch one", "what was lost is back")
    same([(c["branches"], c["tips"]) for c in clones(b)["branches"]], [(2, 1)],
         "two branches, and one entry behind both")
    no_forks(a, b)
    dots(a, b)
    for home in (a, b):
        verified(home)


@test
def a_backup_on_another_machine_reads_and_writes_when_it_is_admitted(world):
    a, b = pair(world, "a", "b")
    old = a.add("in the backup")
    converge(a, b, entries=1)
    file = str(world.folder / "away.db")
    a.chitty_node("backup", file)
    tickets = sqlite3.connect(file).execute("SELECT count(*) FROM ticket").fetchone()
    same(tickets, (0,), "no ticket is in it")
    c = world.home("c")
    got = c.read("restore", file, "--name", "c")
    same((got["made"], got["writes"]), (True, False), "a new device that only reads")
    verified(c)
    c.run()
    same(list(c.todos()), [old], "it reads")
    c.chitty("add", "not allowed", status=DENIED)
    c.join(b)
    until(lambda: len(b.read("status")["peers"]) == 2, "b has admitted it")
    new = c.add("of the new device")
    until(lambda: sorted(b.todos()) == sorted([old, new]), "b has what it wrote")
    until(lambda: c.root() == b.root(), "one state")
    for home in (b, c):
        verified(home)


@test
def a_backup_older_than_the_admission_of_its_user_is_made_whole_by_the_peers(world):
    a, b = pair(world, "a", "b")
    old = a.add("in the backup")
    file = str(world.folder / "early.db")
    a.chitty_node("backup", file)
    c = world.home("c").init().run().join(a)
    until(lambda: c.todos() == a.todos(), "c is in")
    ids = [c.add(f"of c {n}") for n in range(3)]
    until(lambda: set(ids) <= set(b.todos()), "b has what c wrote")
    c.stop()
    got = c.read("restore", "--replace", file)
    same((got["made"], got["writes"]), (False, False), "in that backup c is nobody yet")
    c.run("--peer", b.node.address)
    until(lambda: sorted(c.todos()) == sorted([old, *ids]), "its place and entries are back")
    new = c.add("and it writes again")
    until(lambda: new in b.todos() and new in a.todos(), "everybody has it")
    same(clones(c)["reclaimed"], 3, "what was taken back")
    no_forks(a, b, c)
    dots(a, b, c)
    for home in (a, b, c):
        verified(home)


@test
def a_damaged_home_is_restored_and_the_damaged_file_kept(world):
    a, b = pair(world, "a", "b")
    ids = [a.add(f"todo {n}") for n in range(3)]
    converge(a, b, entries=3)
    file = str(world.folder / "good.db")
    a.chitty_node("backup", file)
    ids.append(a.add("after the backup"))
    converge(a, b, entries=4)
    a.stop()
    damaged = b"\0" * 4096 + a.database().read_bytes()[4096:]
    a.database().write_bytes(damaged)
    a.chitty_node("status", status=FAILED)
    got = a.read("restore", "--replace", file)
    same(pathlib.Path(got["kept"]).read_bytes(), damaged, "the damaged file")
    a.run("--peer", b.node.address)
    converge(a, b, entries=4)
    same(sorted(a.todos()), sorted(ids), "todos")
    for home in (a, b):
        verified(home)


@test
def with_no_member_left_a_backup_goes_into_a_new_space(world):
    a = world.home("a").init().run()
    ids = [a.add(f"todo {n}") for n in range(3)]
    file = str(world.folder / "last.db")
    a.chitty_node("backup", file)
    a.stop()
    c = world.home("c")
    got = c.read("restore", "--new-space", file)
    same(got["writes"], True, "its own space")
    c.run()
    same(sorted(c.todos()), sorted(ids), "the same ids")
    c.add("and it writes")
    c.stop()
    verified(c)


@test
def backups_under_load_hold_whole_states(world):
    a = world.home("a").init().run()
    for n in range(20):
        a.add(f"before {n}", "--notes", "x" * 2000)
    ended, ids = threading.Event(), []

    def write():
        while not ended.is_set():
            ids.append(a.add("while it is copied", "--notes", "y" * 2000))

    writer = threading.Thread(target=write)
    writer.start()
    files = []
    try:
        for n in range(5):
            known = len(ids)
            files.append((world.folder / f"{n}.db", known))
            a.chitty_node("backup", str(files[-1][0]))
    finally:
        ended.set()
        writer.join()
    for number, (file, known) in enumerate(files):
        c = world.home(f"c{number}")
        c.chitty_node("restore", str(file))
        verified(c)
        expect(set(ids[:known]) <= set(stored(c)), "what was acknowledged before it began is in it")
    same(sorted(p.name for p in world.folder.glob("*.db*")), [f"{n}.db" for n in range(5)],
         "files")


@test
def a_command_killed_while_it_works_leaves_the_old_or_the_new(world):
    a = world.home("a").init().run()
    for n in range(30):
        a.add(f"todo {n}", "--notes", "z" * 3000)
    file = world.folder / "good.db"
    a.chitty_node("backup", str(file))
    good = file.read_bytes()
    a.add("after the backup")
    a.stop()
    old = stored(a)
    generator = random.Random(nodes.seed())
    outcomes = set()
    for _ in range(8):
        backup = subprocess.Popen([nodes.CHITTY_NODE, "backup", "--force", str(file)], env=a.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.05)
        backup.kill()
        backup.wait()
        check = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        same(check.execute("PRAGMA integrity_check").fetchone(), ("ok",), "the backup is whole")
        check.close()
        file.write_bytes(good)
        restore = subprocess.Popen([nodes.CHITTY_NODE, "restore", "--replace", str(file)],
                                   env=a.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.3)
        restore.kill()
        restore.wait()
        have = stored(a)
        expect(have in (old, [i for i in old if i in have]) and len(have) in (30, 31),
               "the old state or the backup's")
        outcomes.add(len(have))
        verified(a)
        if len(have) == 30:  # bring the newer one back
            kept = max(a.folder.glob("spaces/*.before-*"), key=lambda p: p.stat().st_mtime)
            shutil.copy(kept, a.database())
    print(f"# outcomes {sorted(outcomes)}")


@test
def a_restore_on_a_disk_that_dies_leaves_the_old_state_or_the_new(world):
    if not SHIM:
        raise Skip("CHITTY_SHIM is not set")
    a = world.home("a").init().run()
    a.add("before")
    file, armed = world.folder / "b.db", world.folder / "armed"
    a.chitty_node("backup", str(file))
    a.add("after")
    a.stop()
    times, met = 0, True
    while met and times < 50:
        times += 1
        b = world.home(f"b{times}")
        shutil.copytree(a.folder, b.folder)
        armed.touch()
        b.chitty_node("restore", "--replace", str(file), status=None, env=dict(
            LD_PRELOAD=SHIM, CHITTY_SHIM_FSYNC="dead", CHITTY_SHIM_NTH=str(times),
            CHITTY_SHIM_ARMED=str(armed), ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0"))
        met = not armed.exists()
        database = sqlite3.connect(f"file:{b.database()}?mode=ro", uri=True)
        marks = database.execute("SELECT count(*) FROM meta WHERE key = 'restored'").fetchone()[0]
        database.close()
        same(len(stored(b)), 1 if marks else 2, f"todos, when it died at sync {times}")
        verified(b)
    expect(5 < times < 50, f"it died at {times} syncs, and they come to an end")


@test
def what_is_no_backup_or_damaged_is_not_put_in_place(world):
    a = world.home("a").init().run()
    todo = a.add("kept")
    file = world.folder / "b.db"
    a.chitty_node("backup", str(file))
    a.chitty_node("backup", str(file), status=CONFLICT)
    before = file.read_bytes()
    a.add("another")
    a.chitty_node("backup", "--force", str(file))
    os.mkfifo(a.folder / "pipe")
    a.chitty_node("backup", "--force", str(a.folder / "pipe"), status=USAGE)
    expect(file.read_bytes() != before, "with --force it is another one")
    a.chitty_node("backup", str(world.folder / "nowhere" / "b.db"), status=None)
    a.stop()
    junk = world.folder / "junk"
    junk.write_bytes(b"x" * 10000)
    c = world.home("c")
    c.chitty_node("restore", str(junk), status=USAGE)
    c.chitty_node("restore", str(world.folder / "none"), status=NOTFOUND)
    c.chitty_node("restore", str(a.database()), status=USAGE)
    damaged = sqlite3.connect(file)
    damaged.execute("UPDATE log SET payload = zeroblob(length(payload))")
    damaged.commit()
    damaged.close()
    c.chitty_node("restore", str(file), status=FAILED)
    expect(not list(c.folder.glob("spaces/*")), "nothing is left of it")
    file.write_bytes(before)
    c.chitty_node("restore", str(file))
    same(list(c.run().todos()), [todo], "the whole one is taken")


if __name__ == "__main__":
    sys.exit(nodes.main())
