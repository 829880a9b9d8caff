"""Strangers who connect where a code is waited for, and say nothing, hang up or do not answer: they
hold up nobody, and leave nothing behind (PROTOCOL 7.12)."""
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

import nodes
from codes import Invite, connect, devices, frame, guesser, pair_peer, speaker, two
from nodes import CHITTY_NODE, OFFLINE, OK, expect, same, test, until

nodes.TESTS.clear()


@test
def hellos_without_a_proof_learn_nothing_and_cost_no_try(world):
    speaker()
    a, b = two(world)
    invite = Invite(a)
    for i in range(40):  # more than are served at once, each cut off or silent
        connection, _ = guesser(invite, b"%07d" % i)
        connection.close()
    quiet = [connect(invite) for _ in range(60)]
    b.chitty_node("join", invite.code, "--at", invite.at)
    same(invite.wait()[0], OK, "end of the invitation")
    for connection in quiet:
        connection.close()
    same(len(devices(a)), 1, "devices admitted")


@test
def who_hangs_up_before_the_answer_leaves_nothing_behind(world):
    speaker()
    a, b = two(world)
    invite = Invite(a)
    files = pathlib.Path(f"/proc/{a.node.process.pid}/fd")
    before = len(list(files.iterdir()))
    for _ in range(4):
        side = pair_peer.Joiner(pair_peer.Device(), "x", pair_peer.CODE, invite.selector,
                                b"0000000")
        a.node.signal(signal.SIGSTOP)  # so that the hello can still be read when all is over
        connection = connect(invite)
        connection.sendall(side.hello())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        a.node.signal(signal.SIGCONT)
        until(lambda: len(list(files.iterdir())) <= before, "its connection is closed")
    b.chitty_node("join", invite.code, "--at", invite.at)
    same(invite.wait()[0], OK, "end of the invitation")


@test
def strangers_who_wait_hold_up_nobody(world):
    speaker()
    a, b = two(world)
    invite = Invite(a)
    one, first = guesser(invite, invite.secret)
    one.sendall(first.pending)
    join = first.answer(*frame(one))
    other, second = guesser(invite, invite.secret, "127.0.0.2")
    quiet = [connect(invite) for _ in range(60)]
    begin = time.monotonic()
    one.sendall(join)  # it has proved the code already
    same(frame(one)[0], pair_peer.SEALED, "answer to who was there before them")
    other.sendall(second.pending)
    same(frame(other)[0], pair_peer.PROOF, "answer to who comes from another host than they")
    expect(time.monotonic() - begin < 10 * nodes.SLOW, "before the strangers' time is over")
    for connection in [one, other] + quiet:
        connection.close()


def connecting(listener):
    """How many connections to it wait for an answer."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    port = ":%04X" % listener.getsockname()[1]
    return sum(line.split()[2].endswith(port) and line.split()[3] == "02" for line in lines)


def name_of_here():
    """A name with two addresses, ::1 and 127.0.0.1; a bare system has none."""
    try:
        socket.getaddrinfo("localhost", None)
        return "localhost"
    except socket.gaierror:
        return "127.0.0.1"


@test
def a_listener_that_does_not_answer_is_given_up(world):
    a, b = two(world)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        at = "127.0.0.1:%d" % deaf.getsockname()[1]
        full = [socket.socket() for _ in range(4)]  # from then on it drops what comes
        for connection in full:
            connection.setblocking(False)
            connection.connect_ex(deaf.getsockname())
        invite = Invite(a)
        before = connecting(deaf)
        gone = subprocess.Popen([CHITTY_NODE, "join", invite.code, "--at", at], env=b.env)
        until(lambda: connecting(deaf) > before, "a join is under way")
        gone.kill()  # its join ends with it
        gone.wait()
        done = b.chitty_node("join", invite.code, "--at", at, status=OFFLINE)
        expect("cannot be reached" in done.err, f"clear words: {done!r}")
        for connection in full:
            connection.close()
    b.chitty_node("join", invite.code, "--at", f"{name_of_here()}:{invite.port}")
    same(invite.wait()[0], OK, "end of the invitation")


if __name__ == "__main__":
    sys.exit(nodes.main())
