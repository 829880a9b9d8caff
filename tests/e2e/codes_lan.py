"""Pairing by a code without any address: hosts in namespaces, each with an avahi-daemon of its own
(PROTOCOL 7.12, 11), and those who announce another's selector."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import nodes
from nodes import CONFLICT, OFFLINE, OK, converge, expect, same, test, until, verified
from codes import Invite, devices
from discovery import Lan, in_sync, start
import netns  # found by discovery.py

SPOOFS = 100


class Spoofers:
    """Listeners that another host announces: files of its avahi-daemon."""

    def __init__(self, host, selectors, port):
        self.host, self.port = host, port
        host.run("mount", "-t", "tmpfs", "tmpfs", "/etc/avahi/services")
        self.folder = pathlib.Path(f"/proc/{host.holder.pid}/root/etc/avahi/services")
        self.announce(selectors)

    def announce(self, selectors):
        """These from now on."""
        for file in self.folder.iterdir():
            file.unlink()
        for selector in selectors:
            name = os.urandom(8).hex()
            (self.folder / f"{name}.service").write_text(
                '<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">\n'
                f"<service-group><name>{name}</name><service><type>_chitty._tcp</type>"
                f"<port>{self.port}</port><txt-record>v=1</txt-record>"
                f"<txt-record>s={selector}</txt-record></service></service-group>\n")
        self.host.avahi.send_signal(signal.SIGHUP)


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
        Spoofers(c.host, [invite.code[:3]], 7000)
        until(lambda: heard(a) >= 1, "it is announced")
        done = b.chitty_node("join", invite.code, status=CONFLICT)
        expect("--at" in done.err and invite.at in done.err and f"{c.host.address}:7000"
               in done.err, f"both are named: {done!r}")
        same(invite.stages[1:], [], "what the inviter saw")
        b.chitty_node("join", invite.code, "--at", invite.at)  # it was not spent
        same(invite.wait()[0], OK, "end of the invitation")
        same(came.count(), 0, "connections to the other listener")
        converge(a, b)


def heard(home):
    """How many announcements its node was told of."""
    found = home.read("status")["discovery"]
    return found["found"] + found["dropped"]


@test
def a_hundred_spoofed_listeners_get_no_try(world):
    with Lan(world, "a", "b", "c") as (a, b, c):
        start(a.init())
        start(b.init())
        invite, came = Invite(a), Came(c.host)
        others = [f"{n:03d}" for n in range(SPOOFS + 1) if f"{n:03d}" != invite.code[:3]]
        spoofs = Spoofers(c.host, others[:SPOOFS], 7000)
        until(lambda: heard(a) >= SPOOFS, "all are announced")
        b.chitty_node("join", invite.code)  # of other selectors: they are not in the way
        same(invite.wait()[0], OK, "end of the invitation")
        b.stop()
        stopped, n = False, 0
        while not stopped and n < 5:  # who comes before they are announced finds the right one
            late, invite = world.home(f"late{n}").init(), Invite(a)
            late.host = b.host
            spoofs.announce([invite.code[:3]] * SPOOFS)
            time.sleep(2 * nodes.SLOW)  # nothing tells when the network has heard of them
            start(late)
            done = late.chitty_node("join", invite.code, status=None)
            stopped = done.status == CONFLICT
            if not stopped:
                same(done.status, OK, f"one who was alone with the inviter: {done!r}")
                late.stop()
                n += 1
        expect(stopped and "announce this code" in done.err, f"clear words: {done!r}")
        same(came.count(), 0, "connections to any of them")
        late.chitty_node("join", invite.code, "--at", invite.at)
        same(invite.wait()[0], OK, "end of the last invitation")
        same(len(devices(a)), 2 + n, "devices admitted")


def cpu_s(home):
    """The processor time that its node has used."""
    stat = pathlib.Path(f"/proc/{home.node.process.pid}/stat").read_text()
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@test
def a_listener_that_comes_and_goes_is_waited_for_quietly(world):
    with Lan(world, "a", "c") as (a, c):
        start(a.init())
        spoofs = Spoofers(c.host, [], 7000)
        joining = subprocess.Popen([nodes.CHITTY_NODE, "join", "1234-5678-9092"], env=a.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        spoofs.announce(["123"])
        until(lambda: heard(a) >= 1, "it is announced")
        spoofs.announce([])
        until(lambda: a.read("status")["discovery"]["found"] == 0, "it is withdrawn")
        time.sleep(2)
        before = cpu_s(a)
        time.sleep(3)
        used = cpu_s(a) - before
        errors = joining.communicate(timeout=2 * nodes.DEADLINE_S)[1]
        same(joining.returncode, OFFLINE, f"nobody is there any more: {errors}")
        expect(used < 0.2, f"while it waits it rests: {used} s of 3")


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
