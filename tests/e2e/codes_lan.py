"""Pairing by a code without any address: hosts in namespaces, each with an avahi-daemon of its own
(PROTOCOL 7.12, 11), and those who announce another's selector."""
import os
import socket
import struct
import subprocess
import sys
import time

import nodes
from nodes import CONFLICT, OFFLINE, OK, converge, expect, same, test, until, verified
from codes import Invite, devices
from discovery import Lan, in_sync, start
import netns  # found by discovery.py

SPOOFS = 100


class Spoofer:
    """Announces a pairing listener through chitty-discover, as a node does."""

    def __init__(self, host, selector, port):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = os.path.join(os.path.dirname(nodes.CHITTY_NODE), "chitty-discover")
        self.process = host.start(program, stdin=theirs, stderr=subprocess.DEVNULL)
        theirs.close()
        self.socket = ours
        txt = b"".join(bytes([len(s)]) + s for s in (b"v=1", b"s=" + selector))
        name = os.urandom(8).hex().encode()
        ours.send(bytes([1, 1, len(name)]) + name + struct.pack("<H", port) +
                  struct.pack("<H", len(txt)) + txt)

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()


LISTENER = """
import socket, sys
s = socket.create_server(("0.0.0.0", 7000))
count = 0
while True:
    c, _ = s.accept()
    print("came", flush=True)
    c.close()
"""


class Came:
    """A listener on another host that says when someone comes."""

    def __init__(self, host):
        self.process = host.start(sys.executable, "-c", LISTENER, stdout=subprocess.PIPE)

    def count(self):
        self.process.kill()
        return len(self.process.communicate()[0].splitlines())


@test
def three_hosts_pair_by_code_and_agree_after_edits_while_cut_off(world):
    with Lan(world, "a", "b", "c") as (a, b, c):
        start(a.init())
        for other in (b, c):
            start(other.init())
            invite = Invite(a)
            began = time.monotonic()
            done = other.chitty_node("join", invite.code, "--json").document()
            print(f"# joined in {time.monotonic() - began:.2f} s", flush=True)
            same(invite.wait()[0], OK, "end of the invitation")
            same(invite.stages[-1]["words"], done["words"], "words on both screens")
        until(lambda: in_sync(a, b, c), "all are in sync with all")
        first = a.add("before")
        converge(a, b, c, entries=1)
        for home in (a, b, c):
            home.host.cable(False)
        ids = [first]
        for home in (a, b, c):
            ids += [home.add(f"alone {n}, {home.name}") for n in range(5)]
            home.chitty("todo", "update", first, "--notes", f"noted by {home.name}")
        for home in (a, b, c):
            home.host.cable(True)
        converge(a, b, c, entries=19)
        same(sorted(a.todos()), sorted(ids), "every todo of every host")
        roots = {verified(home)["root"] for home in (a, b, c)}  # root.py among others
        same(len(roots), 1, "roots")


@test
def two_who_announce_one_selector_stop_the_join(world):
    with Lan(world, "a", "b", "c") as (a, b, c):
        start(a.init())
        start(b.init())
        invite, came = Invite(a), Came(c.host)
        spoof = Spoofer(c.host, invite.code[:3].encode(), 7000)
        try:
            time.sleep(2)  # it was there first, and for a while
            done = b.chitty_node("join", invite.code, status=CONFLICT)
            expect("--at" in done.err and invite.at in done.err and f"{c.host.address}:7000"
                   in done.err, f"both are named: {done!r}")
            same(invite.stages[1:], [], "what the inviter saw")
            b.chitty_node("join", invite.code, "--at", invite.at)  # it was not spent
            same(invite.wait()[0], OK, "end of the invitation")
            same(came.count(), 0, "connections to the other listener")
        finally:
            spoof.close()
        converge(a, b)


@test
def a_hundred_spoofed_listeners_get_no_try(world):
    with Lan(world, "a", "b", "c") as (a, b, c):
        start(a.init())
        start(b.init())
        invite, came = Invite(a), Came(c.host)
        own = invite.code[:3]
        others = [f"{n:03d}" for n in range(SPOOFS) if f"{n:03d}" != own]
        spoofs = [Spoofer(c.host, s.encode(), 7000) for s in others[:SPOOFS // 2]]
        try:
            time.sleep(4)
            b.chitty_node("join", invite.code)  # all of another selector: they are not in the way
            same(invite.wait()[0], OK, "end of the invitation")
            b.stop()
            second = Invite(a)
            spoofs += [Spoofer(c.host, second.code[:3].encode(), 7000) for _ in range(SPOOFS // 2)]
            d = world.home("d").init()
            d.host = b.host
            time.sleep(4)
            start(d)
            done = d.chitty_node("join", second.code, status=CONFLICT)
            expect("announce this code" in done.err, f"clear words: {done!r}")
            same(came.count(), 0, "connections to any of them")
            d.chitty_node("join", second.code, "--at", second.at)
            same(second.wait()[0], OK, "end of the second invitation")
        finally:
            for spoof in spoofs:
                spoof.close()
        same(len(devices(a)), 2, "devices admitted")


@test
def where_nobody_can_be_found_the_words_say_what_to_do(world):
    with Lan(world, "a", "b", avahi=False) as (a, b):
        start(a.init())
        start(b.init())
        invite = Invite(a)
        done = b.chitty_node("join", invite.code, status=OFFLINE)
        expect("no avahi-daemon" in done.err and "--at" in done.err, f"clear words: {done!r}")
        b.chitty_node("join", invite.code, "--at", invite.at)
        same(invite.wait()[0], OK, "end of the invitation")
        converge(a, b)


@test
def a_code_that_nobody_shows_is_looked_for_in_vain(world):
    with Lan(world, "a", "b") as (a, b):
        start(a.init())
        start(b.init())
        invite = Invite(a)
        invite.close()
        done = b.chitty_node("join", invite.code, status=OFFLINE)
        expect("still shown" in done.err and "--at" in done.err, f"clear words: {done!r}")


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        print(f"1..1\nnot ok 1 - hosts in namespaces\n# {why}")
        sys.exit(1)
    nodes.TESTS[:] = [t for t in nodes.TESTS if t.__module__ == "__main__"]
    sys.exit(nodes.main())
