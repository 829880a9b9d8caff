"""Two devices become one space by a ticket (PROTOCOL 7.7 to 7.11)."""
import hashlib
import sqlite3
import struct
import subprocess
import sys
import time

import nodes
from nodes import (CHITTY_NODE, CONFLICT, DENIED, OFFLINE, OK, USAGE, converge, expect, pair, same,
                   test, verified)

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ticket_until(ticket, expires_ms):
    """The same ticket with another end of its time (PROTOCOL 7.7)."""
    text = ticket.removeprefix("chitty1-")
    bits = "".join(f"{DIGITS.index(c):05b}" for c in text)
    raw = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))
    at = 1 + 16 + 32 + 32 + 16
    raw = raw[:at] + struct.pack("<Q", expires_ms) + raw[at + 8:-4]
    raw += hashlib.blake2b(b"chitty-ticket-1" + raw, digest_size=16).digest()[:4]
    bits = "".join(f"{byte:08b}" for byte in raw)
    bits += "0" * (-len(bits) % 5)
    return "chitty1-" + "".join(DIGITS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def now_ms():
    return int(time.time() * 1000)


@test
def a_home_without_entries_takes_the_other_space_over(world):
    a = world.home("a").init().run()
    milk = a.add("Buy milk", "--priority", "high")
    b = world.home("b").init().run()
    ticket = a.ticket()
    done = b.chitty_node("join", ticket, "--json").document()
    same(done["space"], a.read("status")["space"], "space joined")
    same(done["device"], a.read("status")["device"], "device joined")
    same(done["peer"], "a", "name of the inviter")
    converge(a, b, entries=1)
    same(b.todos()[milk]["priority"], "high", "what the inviter wrote")
    verified(a)
    verified(b)


@test
def a_home_with_entries_asks_before_anything_happens(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    a.add("from a")
    b.add("from b")
    space, ticket = b.read("status")["space"], a.ticket()
    done = b.chitty_node("join", ticket, status=CONFLICT)
    expect("--bring" in done.err and "--keep-both" in done.err, f"both ways are named: {done!r}")
    same(b.read("status")["space"], space, "space after the refusal")
    same(len(b.todos()), 1, "todos after the refusal")
    same(len(a.read("status")["peers"]), 0, "devices admitted")
    b.chitty_node("join", ticket, "--bring")  # the ticket is still good
    converge(a, b, entries=2)


@test
def what_a_home_brings_keeps_its_ids(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    mine = a.add("from a", "--label", "x")
    theirs = b.add("from b", "--label", "y", "--description", "two\nlines")
    gone = b.add("deleted before")
    b.chitty("todo", "delete", gone)
    old = b.database()
    b.join(a, "--bring")
    converge(a, b, entries=3)
    todos = a.todos()
    same(sorted(todos), sorted([mine, theirs]), "todos shown")
    same(todos[theirs]["labels"], ["y"], "a set brought along")
    same(a.read("todo", "get", theirs)["data"]["description"], "two\nlines", "a text brought along")
    expect(a.read("todo", "get", gone)["deleted"], "what was deleted stays so")
    expect(old.exists() and old.stat().st_mode & 0o222 == 0, "the old file is kept, read-only")
    verified(a)
    verified(b)


@test
def a_home_may_keep_both_spaces(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    a.add("from a")
    b.add("from b")
    old = b.database()
    b.join(a, "--keep-both")
    converge(a, b, entries=1)
    same([t["content"] for t in b.todos().values()], ["from a"], "todos of the space joined")
    expect(old.exists() and old != b.database(), "the old space's file is kept")


@test
def join_starts_a_node_and_makes_a_home_where_there_is_none(world):
    a, b = world.home("a").init().run(), world.home("b")
    todo = a.add("from a")
    b.chitty_node("join", a.ticket(), status=nodes.UNREACHABLE)
    try:
        b.chitty_node("join", a.ticket(), env={"CHITTY_NO_AUTOSTART": "0"})
        converge(a, b, entries=1)
        same(list(b.todos()), [todo], "todos of the new machine")
    finally:
        b.chitty_node("stop", status=None)


@test
def a_spent_ticket_is_refused_to_another_device_and_good_for_the_same(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    c = world.home("c").init().run()
    own_space = b.read("status")["space"]
    ticket = a.ticket()
    b.chitty_node("join", ticket)
    space = b.read("status")["space"]
    done = c.chitty_node("join", ticket, status=DENIED)
    expect("expired or was used" in done.err, f"clear words: {done!r}")
    expect(c.read("status")["space"] != space, "the other device stays outside")
    # the same joiner asks again, as after a lost answer
    b.stop()
    (b.folder / "space").write_text(own_space + "\n")
    b.run()
    b.chitty_node("join", ticket)
    same(b.read("status")["space"], space, "space after the same ticket again")
    b.add("after the second time")
    converge(a, b, entries=1)
    same(len(a.read("status")["peers"]), 1, "devices admitted")


@test
def a_ticket_that_cannot_be_good_is_refused_with_words(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    ticket = a.ticket()
    at = len(ticket) // 2
    other = "Z" if ticket[at] != "Z" else "Y"
    mistyped = ticket[:at] + other + ticket[at + 1:]
    for text in (mistyped, ticket[:-3], "chitty1-", "nonsense", ticket + "00"):
        done = b.chitty_node("join", text, status=USAGE)
        expect("ticket" in done.err, f"the words name the ticket: {done!r}")
        same(len(a.read("status")["peers"]), 0, "devices admitted")
    b.chitty_node("join", ticket)


@test
def joining_ones_own_space_again_is_refused(world):
    a, b = pair(world, "a", "b")
    done = b.chitty_node("join", a.ticket(), "--json", status=None)
    same((done.status, done.error()["code"]), (CONFLICT, "exists"), "status and code of the error")
    a.chitty_node("join", a.ticket(), status=CONFLICT)


@test
def an_address_by_hand_replaces_those_of_the_ticket(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    ticket = a.ticket()
    done = b.chitty_node("join", ticket, "--at", "127.0.0.1:9", status=OFFLINE)
    expect("--at" in done.err, f"clear words: {done!r}")
    for wrong in ("no address", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x", "[::1", ":7"):
        done = b.chitty_node("join", ticket, "--at", wrong, status=USAGE)
        expect(wrong in done.err and "HOST:PORT" in done.err, f"clear words: {done!r}")
    # a ticket that names nobody's address is good with the inviter's
    invitation = a.chitty_node("invite", "--ticket", "--address", "127.0.0.9:9",
                               "--json").document()
    same(invitation["addresses"], ["127.0.0.9:9"], "where the ticket says that the inviter is")
    port = a.chitty_node("invite", "--ticket", "--json").document()["addresses"][0]
    b.chitty_node("join", invitation["ticket"], status=OFFLINE)
    b.chitty_node("join", invitation["ticket"], "--at", port)
    a.add("x")
    converge(a, b, entries=1)
    a.chitty_node("invite", "--ticket", "--address", "no address", status=USAGE)


@test
def a_ticket_has_its_time(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    ticket = a.ticket()
    same(ticket_until(ticket, now_ms() - 1).count("-"), 1, "a ticket of the same form")
    done = b.chitty_node("join", ticket_until(ticket, now_ms() - 1), status=DENIED)
    expect("expired" in done.err and "invite" in done.err, f"clear words: {done!r}")
    # the inviter looks at its own clock too
    invitation = a.chitty_node("invite", "--ticket", "--json").document()
    expect(3500_000 < invitation["expires"] - now_ms() <= 3600_000, "an hour from now")
    a.stop()
    with sqlite3.connect(a.database()) as db:
        db.execute("UPDATE ticket SET expiry_ms = ?", (now_ms() - 1,))
    db.close()
    a.run()
    done = b.chitty_node("join", invitation["ticket"], status=OFFLINE)
    a.ticket()  # and now it listens again
    done = b.chitty_node("join", invitation["ticket"], status=None)
    expect(done.status in (DENIED, OFFLINE), f"refused: {done!r}")
    same(a.read("status")["peers"], [], "devices admitted")


@test
def of_two_who_come_at_once_with_one_ticket_one_gets_in(world):
    a = world.home("a").init().run()
    others = [world.home(f"j{i}").init().run() for i in range(4)]
    for _ in range(3):
        before = len(a.read("status")["peers"])
        ticket = a.ticket()
        joins = [subprocess.Popen([CHITTY_NODE, "join", ticket, "--keep-both"], env=o.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                 for o in others]
        status = [j.wait(nodes.DEADLINE_S) for j in joins]
        words = [j.communicate()[1] for j in joins]
        same(status.count(OK), 1, f"joiners who got in ({words})")
        same(len(a.read("status")["peers"]), before + 1, "devices admitted")
        others = [o for o, s in zip(others, status) if s != OK]


@test
def a_ticket_outlives_a_restart_of_its_node(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    ticket = a.ticket()
    a.stop()
    b.chitty_node("join", ticket, status=OFFLINE)
    a.run()
    b.chitty_node("join", ticket)
    a.add("x")
    converge(a, b, entries=1)


@test
def an_inviter_killed_between_admitting_and_answering_gives_the_same_answer_later(world):
    a, b = world.home("a").init(), world.home("b").init().run()
    a.run()
    ticket = a.ticket()
    a.stop()
    # the turns that go by before the one that admits are few: die in each of them, then later
    for n in (*range(1, 30), 50, 100, 1000):
        a.node = a.start(env={"CHITTY_KILL_AT": f"committed:{n}"})
        try:
            a.node.wait_ready()
        except nodes.Failure:
            continue  # too early
        done = b.chitty_node("join", ticket, status=None)
        a.node.process.kill()
        a.node.wait()
        if done.status == OK:
            break
        same(done.status, OFFLINE, f"exit status of one cut off ({done!r})")
    same(done.status, OK, "the joiner gets in, in the end")
    a.run("--peer", b.node.address)
    a.add("x")
    converge(a, b, entries=1)
    same(len(a.read("status")["peers"]), 1, "devices admitted")


@test
def a_joiner_killed_at_any_moment_is_outside_or_inside_and_brings_everything_once(world):
    a, count = world.home("a").init().run(), 0
    a.add("from a")
    for arrow, n in [(x, n) for x in ("collected", "flushed") for n in (3, 4, 5, 6, 8)]:
        b = world.home(f"{arrow}-{n}").init().run()
        own = [b.add(f"brought {i}") for i in range(3)]
        b.stop()
        ticket, count = a.ticket(), count + 3
        b.node = b.start("--peer", a.node.address, env={"CHITTY_KILL_AT": f"{arrow}:{n}"})
        try:
            b.node.wait_ready()
            b.chitty_node("join", ticket, "--bring", status=None)
        except nodes.Failure:
            pass  # it died before it was asked
        b.node.process.kill()
        b.node.wait()
        b.run("--peer", a.node.address)
        if b.read("status")["space"] != a.read("status")["space"]:
            same(sorted(b.todos()), sorted(own), "todos of one who is outside")
            b.chitty_node("join", ticket, "--bring")  # the same ticket, if it was spent on it
        converge(a, b, entries=1 + count)
        expect(set(own) <= set(a.todos()), "what was brought")
        same(a.read("status")["counts"]["entries"], 1 + count, "entries: each thing came once")
        b.stop()
    same(len(a.read("status")["peers"]), 10, "devices admitted")
    verified(a)


if __name__ == "__main__":
    sys.exit(nodes.main())
