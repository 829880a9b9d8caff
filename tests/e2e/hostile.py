"""A hostile member with a valid key: each thing it does is counted by its name, costs bounded
memory, and changes nothing for honest nodes (PROTOCOL 8.14). The attacks: hostile.c.

    hostile.py [--minute] [TEST…]     --minute: also attacks that take one, and a longer flood"""
import json
import os
import re
import subprocess
import sys
import time

import nodes
from nodes import converge, converged, expect, pair, recomputed, same, test, until

HOSTILE = os.environ.get("CHITTY_HOSTILE", "hostile")
RSS_KIB = 64 * 1024
ALSO = {"knocks": {"credit": 1}}  # what an attack does before
LEFT = {  # of what was refused in the end: what was taken before
    ("waits-without-end", "waiting"): 2 * 4096 + 256, ("waits-without-end", "branches"): 2}
MAYBE = ("back-off", "replay")
WRITTEN = ("waiting", "void", "branches", "known")


def three(world):
    """Two honest nodes in sync, and the home of a member whose node does not run."""
    a, b, mallory = pair(world, "a", "b", "mallory")
    for i in range(20):
        a.add(f"honest {i}", "--notes", "n" * 20000)
    converge(a, b, mallory, entries=20)
    mallory.stop()
    return a, b, mallory


def removed_attachment(home):
    """The hash of a thousand bytes that the node has and no record names any more."""
    todo = home.add("with a file")
    file = home.world.folder / "removed"
    file.write_bytes(os.urandom(1000))
    home.chitty("attach", todo, str(file))
    blob = home.read("blobs")["blobs"][0]["blob"]
    home.chitty("attachment", "rm", todo, "removed")
    same(home.read("blobs")["unnamed"], 1, "it is there still")
    return blob


def attack(victim, mallory, *arguments, blob=""):
    """Run attacks on a node; what they say they did."""
    device = victim.read("status")["device"]
    done = subprocess.run([HOSTILE, victim.node.address, device, *arguments],
                          env=dict(mallory.env, CHITTY_HOSTILE_BLOB=blob), capture_output=True,
                          text=True, timeout=8 * nodes.DEADLINE_S,
                          check=False)
    same(done.returncode, 0, f"exit status of {arguments}: {done.stdout} {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def peers(home):
    return {p["device"]: p for p in home.read("peers")["peers"]}


def memory_kib(home):
    """The most that the node ever had, where nothing instruments it."""
    with open(f"/proc/{home.node.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))


def count_of(peer, counter):
    return peer[counter] if counter in WRITTEN else peer["refused"].get(counter, 0)


def check_counters(victim, did):
    """Each counter of each device is what it did, and nothing else was counted."""
    def missing():
        found = peers(victim)
        return [(d, found[d["device"]]) for d in did
                if d["counter"] and count_of(found[d["device"]], d["counter"]) < d["sent"]]
    try:
        until(lambda: not missing(), "all is counted")
    except nodes.Failure as late:
        raise nodes.Failure(f"{late}: {missing()}") from late
    found = peers(victim)
    for d in did:
        peer = found[d["device"]]
        same(peer["name"], d["attack"], "the culprit's name")
        want = dict(ALSO.get(d["attack"], {}))
        if d["counter"] and d["counter"] not in WRITTEN:
            want[d["counter"]] = d["sent"]
        have = dict(peer["refused"])
        for counter in MAYBE:  # it may have come again by itself, and said what was left to say
            if counter not in want:
                have.pop(counter, None)
        same(have, want, f"what was refused to {d['attack']}")
        for counter in WRITTEN:
            count = d["sent"] if d["counter"] == counter else 0
            count = LEFT.get((d["attack"], counter), count)
            same(peer[counter], count, f"{counter} of {d['attack']}")


def check_memory(home):
    if nodes.SLOW == 1:
        most = memory_kib(home)
        print(f"# {home.name}: {most} KiB at most")
        expect(most <= RSS_KIB, f"memory of {home.name}: {most} KiB")


def honest_are_equal(a, b):
    """They agree, an independent reader too, and go on working."""
    for home in (a, b):
        home.add(f"{home.name} goes on")
    until(lambda: a.root() == b.root() and a.read("status")["vector"] == b.read("status")["vector"],
          "equal roots")
    same(a.todos(), b.todos(), "todos")
    for home in (a, b):
        done = home.chitty_node("verify", "--json")
        recomputed(home, done.document())


def named(home, did):
    """The log names each device that was to blame, by name."""
    log = home.node.stderr()
    for d in did:
        if d["counter"] in ("malformed", "order", "identity", "credit", "signature", "range",
                            "stripped", "rights", "record", "flood"):
            expect(f"({d['attack']}) is to blame" in log, f"{d['attack']} is named in the log")


@test
def what_a_hostile_member_does_is_counted_by_reason_and_changes_nothing(world):
    a, b, mallory = three(world)
    a.read("blobs", "--keep", "on")
    did = attack(a, mallory, *(["--slow"] if MINUTE else []), blob=removed_attachment(a))
    expect(len(did) >= 35, f"attacks: {did}")
    check_counters(a, did)
    named(a, did)
    table = a.chitty_node("peers").out
    expect("flood" in table and "65 flood" in table, f"the table: {table}")
    check_memory(a)
    honest_are_equal(a, b)
    kept = [t["content"] for t in a.todos().values() if t.get("content") == "kept"]
    same(len(kept), 16, "entries whose keeps name nothing stand")


@test
def a_flood_leaves_the_honest_their_turn(world):
    a, b, mallory = three(world)
    seconds = 60 if MINUTE else 3
    device = a.read("status")["device"]
    flood = subprocess.Popen([HOSTILE, a.node.address, device, "--flood", str(seconds)],
                             env=mallory.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    end, waits = time.monotonic() + seconds, []
    while time.monotonic() < end:
        start = time.monotonic()
        todo = a.add("during the flood")
        until(lambda: todo in b.todos(), "it comes to the other honest node")
        waits.append(time.monotonic() - start)
    out, err = flood.communicate(timeout=4 * nodes.DEADLINE_S)
    same(flood.returncode, 0, f"exit status of the flood: {err}")
    waits.sort()
    print(f"# {len(waits)} todos crossed, the slowest in {waits[-1] * 1000:.0f} ms, "
          f"half of them in {waits[len(waits) // 2] * 1000:.0f} ms; {out.split()}")
    check_memory(a)
    refused = [p["refused"] for p in peers(a).values() if p["name"] == "flooder"]
    expect(sum(1 for r in refused if r.get("flood")) >= 1, f"the floods are counted: {refused}")
    until(lambda: converged_but_waiting(a, b), "both hold the same in the end")
    honest_are_equal(a, b)


def converged_but_waiting(a, b):
    return converged(a, b) or a.root() == b.root()


if __name__ == "__main__":
    MINUTE = "--minute" in sys.argv
    sys.exit(nodes.main([a for a in sys.argv[1:] if a != "--minute"]))
