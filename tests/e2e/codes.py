"""Two devices become one space by a code that is read aloud (PROTOCOL 7.12), and what strangers who
guess, spoof and race get out of it.

    codes.py [--whole-time]     also wait until a code's two minutes are over"""
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import nodes
from nodes import (CHITTY_NODE, CONFLICT, DENIED, OFFLINE, OK, UNREACHABLE, USAGE, Failure, Skip,
                   converge, expect, same, test, until, verified)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import pair_peer  # noqa: E402


class Invite:
    """A running `chitty-node invite --json`; each stage is a document."""

    def __init__(self, home, *arguments):
        self.home, self.text, self.stages = home, b"", []
        self.process = subprocess.Popen([CHITTY_NODE, "invite", "--json", *arguments],
                                        env=home.env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        home.world.watches.append(self)
        first = self.next()
        if first is None:
            raise Failure(f"no code is shown: {self.process.stderr.read()}")
        same(first["stage"], "waiting", "first stage")
        self.code, self.addresses = first["code"], first["addresses"]
        self.at, self.expires = self.addresses[0], first["expires"]
        self.port = int(self.at.rsplit(":", 1)[1])
        self.selector, self.secret = pair_peer.code_selector(self.code)

    def next(self):
        """The next stage; None at the end."""
        end = time.monotonic() + nodes.DEADLINE_S
        fd = self.process.stdout.fileno()
        while b"\n" not in self.text:
            ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise Failure("no stage of the invitation within the deadline")
            got = os.read(fd, 65536)
            if not got:
                return None
            self.text += got
        line, self.text = self.text.split(b"\n", 1)
        self.stages.append(json.loads(line)["data"])
        return self.stages[-1]

    def wait(self):
        """Its end: exit status and the error, if there is one."""
        while self.next() is not None:
            pass
        text = self.process.stderr.read()
        status = self.process.wait(nodes.DEADLINE_S)
        return status, json.loads(text)["error"] if text else None

    def stage(self, name):
        """The first stage of that name so far."""
        return next((s for s in self.stages if s.get("stage") == name), None)

    def wrong(self):
        """A well-formed code with the same selector and another secret."""
        other = f"{(int(self.secret) + 1) % 10_000_000:07d}"
        return pair_peer.code_text(self.selector[:3].decode(), other)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def two(world):
    return world.home("a").init().run(), world.home("b").init().run()


def speaker():
    if pair_peer.NACL is None:
        raise Skip("Python does not find libsodium")


def connect(invite, whence="127.0.0.1"):
    host, port = invite.at.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), nodes.DEADLINE_S, (whence, 0))
    connection.settimeout(nodes.DEADLINE_S)
    return connection


def frame(connection):
    """The next frame; None when the other side is gone."""
    return next(pair_peer.frames_of(connection), None)


def guesser(invite, secret, whence="127.0.0.1"):
    """Connected, with the inviter's share in hand and its own proof not yet sent."""
    side = pair_peer.Joiner(pair_peer.Device(), "guesser", pair_peer.CODE, invite.selector, secret)
    connection = connect(invite, whence)
    connection.sendall(side.hello())
    kind, content = frame(connection)
    same(kind, pair_peer.SHARE, "what a listener answers to a hello that names its code")
    side.pending = side.answer(kind, content)
    return connection, side


def begins_pairing(connection):
    """Is it a joiner? What other tests run may still call at a port that was theirs."""
    try:
        start = connection.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
    except OSError:
        return False
    return start[4:] == bytes([pair_peer.HELLO])


class Listener:
    """A spoofed listener: it announces what it likes, and speaks pairing with a guess."""

    def __init__(self, selector, secret, device=None, talk=None):
        self.side = lambda: pair_peer.Inviter(self.device, "spoof", pair_peer.CODE, selector,
                                              secret)
        self.device = device or pair_peer.Device()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.came, self.tried, self.talk = 0, 0, talk
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(nodes.DEADLINE_S)
            with connection:
                if not begins_pairing(connection):
                    continue
                self.came += 1
                if self.talk is not None:
                    connection.sendall(self.talk)
                    continue
                side = self.side()
                pair_peer.talk(connection, side)
                self.tried += side.tried

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(nodes.DEADLINE_S)


def devices(home):
    return [p["device"] for p in home.read("status")["peers"]]


# --- as it should be

@test
def a_code_makes_two_one_and_both_screens_show_the_same_words(world):
    a, b = two(world)
    milk = a.add("Buy milk")
    invite = Invite(a)
    expect(100_000 < invite.expires - time.time() * 1000 <= 120_000, "two minutes from now")
    done = b.chitty_node("join", invite.code, "--at", invite.at, "--json").document()
    status, error = invite.wait()
    same((status, error), (OK, None), "end of the invitation")
    same([s.get("stage") for s in invite.stages], ["waiting", "came", "words", None], "its stages")
    last = invite.stages[-1]
    same((last["name"], last["role"]), ("b", "admin"), "who was admitted, as what")
    same(last["device"], b.read("status")["device"], "which device")
    same(len(set(done["words"])) > 3 and len(done["words"]), 7, "check words")
    same(invite.stage("words")["words"], done["words"], "words on both screens")
    same(last["words"], done["words"], "words in the result")
    same(done["space"], a.read("status")["space"], "space joined")
    same((done["device"], done["peer"]), (a.read("status")["device"], "a"), "the inviter")
    converge(a, b, entries=1)
    same(list(b.todos()), [milk], "what the inviter wrote")
    verified(a)
    verified(b)


@test
def the_screens_of_both_are_plain(world):
    a, b = two(world)
    invite = subprocess.Popen([CHITTY_NODE, "invite"], env=a.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = []
    while not lines or not lines[-1].startswith("  --at "):
        lines.append(invite.stdout.readline())
        expect(lines[-1] != "", f"the code is shown: {lines}")
    code, at = lines[0].split()[1], lines[-1].split()[1]
    expect(f"  chitty-node join {code}\n" in lines, f"what to type there: {lines}")
    done = b.chitty_node("join", *code.split("-"), "--at", at)  # in three words
    rest, errors = invite.communicate(timeout=nodes.DEADLINE_S)
    same((invite.returncode, errors), (OK, ""), "end of the invitation")
    expect("b has joined this space: admin, device " in rest, f"the result: {rest!r}")
    words = done.out.splitlines()[1]
    same(done.out.splitlines()[0], "Check words, the same on both screens:", "first line")
    expect(words in rest.splitlines(), f"the same words on both screens: {words!r}, {rest!r}")
    converge(a, b)


@test
def what_the_joiner_has_is_brought_along(world):
    a, b = two(world)
    a.add("from a")
    mine = b.add("from b")
    invite = Invite(a)
    done = b.chitty_node("join", invite.code, "--at", invite.at, status=CONFLICT)
    expect("--bring" in done.err, f"it asks first: {done!r}")
    b.chitty_node("join", invite.code, "--at", invite.at, "--bring")
    same(invite.wait()[0], OK, "end of the invitation")
    converge(a, b, entries=2)
    expect(mine in a.todos(), "what the joiner brought")


@test
def a_slip_of_the_finger_costs_nothing(world):
    a, b = two(world)
    invite = Invite(a)
    digits = [c for c in invite.code if c.isdigit()]
    for i, digit in enumerate(digits):
        other = digits[:i] + [str((int(digit) + 1) % 10)] + digits[i + 1:]
        done = b.chitty_node("join", "".join(other), "--at", invite.at, status=USAGE)
        expect("mistyped" in done.err, f"clear words: {done!r}")
    for text in (invite.code[:-1], invite.code + "1", invite.code + "x"):
        done = b.chitty_node("join", text, "--at", invite.at, status=USAGE)
        expect("digits" in done.err, f"clear words: {done!r}")
    done = b.chitty_node("join", invite.code, "--at", "127.0.0.1", status=USAGE)
    expect("HOST:PORT" in done.err, f"a code says no port: {done!r}")
    b.chitty_node("join", invite.code, "--at", "127.0.0.1:9", status=OFFLINE)  # nobody is there
    b.chitty_node("join", invite.code, "--at", invite.at)  # and it is still good
    same(invite.wait()[0], OK, "end of the invitation")
    same([s.get("stage") for s in invite.stages], ["waiting", "came", "words", None], "its stages")


@test
def one_code_at_a_time_and_it_ends_with_its_command(world):
    a, b = two(world)
    invite = Invite(a)
    done = a.chitty_node("invite", status=CONFLICT)
    expect("out already" in done.err, f"clear words: {done!r}")
    done = a.chitty_node("join", invite.code, "--at", invite.at, status=CONFLICT)
    invite.process.send_signal(signal.SIGINT)
    invite.process.wait(nodes.DEADLINE_S)
    until(lambda: socket.socket().connect_ex(("127.0.0.1", invite.port)) != 0,
          "the listener is closed")
    b.chitty_node("join", invite.code, "--at", invite.at, status=OFFLINE)
    same(devices(a), [], "devices admitted")
    second = Invite(a)
    expect(second.code != invite.code, "the next code is another one")
    b.chitty_node("join", second.code, "--at", second.at)
    same(second.wait()[0], OK, "end of the second invitation")


@test
def a_node_that_stops_takes_its_code_with_it(world):
    a, b = two(world)
    invite = Invite(a)
    a.stop()
    status, error = invite.wait()
    same(status, UNREACHABLE, f"end of the invitation ({error})")
    a.run()
    b.chitty_node("join", invite.code, "--at", invite.at, status=OFFLINE)
    same(devices(a), [], "devices admitted")


@test
def a_member_is_not_let_in_twice(world):
    a, b = nodes.pair(world, "a", "b")
    invite = Invite(a)
    done = b.chitty_node("join", invite.code, "--at", invite.at, status=CONFLICT)
    expect("in that space already" in done.err, f"clear words: {done!r}")
    invite.close()
    same(len(devices(a)), 1, "devices admitted")
    converge(a, b)


def role_of(home, device):
    return next(m["role"] for m in home.read("members")["members"] if m["device"] == device)


@test
def an_invitation_says_what_the_newcomer_may_do(world):
    a, b = two(world)
    c = world.home("c").init().run()
    a.add("from a")
    b.add("from b")
    a.chitty_node("invite", "--role", "king", status=USAGE)
    invite = Invite(a, "--role", "reader")
    done = b.chitty_node("join", invite.code, "--at", invite.at, "--bring", status=DENIED)
    expect("bring nothing along" in done.err, f"a reader brings nothing: {done!r}")
    same(len(b.todos()), 1, "todos after the refusal")
    b.chitty_node("join", invite.code, "--at", invite.at, "--keep-both")  # the same device again
    same(invite.wait()[0], OK, "end of the invitation")
    same(invite.stages[-1]["role"], "reader", "role that is shown")
    ticket = a.chitty_node("invite", "--ticket", "--role", "writer").out.splitlines()[-1]
    c.chitty_node("join", ticket)
    converge(a, b, c, entries=1)
    for home in (a, b, c):
        same([role_of(home, h.read("status")["device"]) for h in (a, b, c)],
             ["admin", "reader", "writer"], f"roles as {home.name} sees them")
    b.chitty("add", "from a reader", status=DENIED)
    c.add("from a writer")
    converge(a, b, c, entries=2)
    for home in (b, c):
        done = home.chitty_node("invite", status=DENIED)
        expect("no admin" in done.err, f"clear words: {done!r}")
        home.chitty_node("invite", "--ticket", status=DENIED)


@test
def a_device_that_was_revoked_is_let_in_again_by_a_code(world):
    a, b = nodes.pair(world, "a", "b")
    device, space = b.read("status")["device"], b.read("status")["space"]
    a.chitty_node("revoke", "b", "--lost")
    same(role_of(a, device), "none", "role after the revocation")
    c = world.home("c").init()
    c.run()
    b.stop()
    (b.folder / "space").write_text(c.read("status")["space"] + "\n")
    for file in (c.folder / "spaces").iterdir():
        (b.folder / "spaces" / file.name).write_bytes(file.read_bytes())
    c.stop()
    b.run()  # in another space meanwhile
    invite = Invite(a, "--role", "writer")
    b.chitty_node("join", invite.code, "--at", invite.at, "--keep-both")
    same(invite.wait()[0], OK, "end of the invitation")
    same(b.read("status")["space"], space, "space in use")
    same(role_of(a, device), "writer", "role after the readmission")
    a.add("after it")
    converge(a, b, entries=1)


# --- guessers

@test
def a_wrong_code_burns_it_and_the_inviter_is_told(world):
    a, b = two(world)
    c = world.home("c").init().run()
    a.ticket()  # so that the listener stays open
    invite = Invite(a)
    done = c.chitty_node("join", invite.wrong(), "--at", invite.at, status=DENIED)
    expect("another secret" in done.err and "new code" in done.err,
           f"clear words, and what to do, at the guesser: {done!r}")
    status, error = invite.wait()
    same((status, error["code"]), (DENIED, "signature"), "end of the invitation")
    expect("burnt" in error["message"] and "127.0.0.1" in error["message"], f"clear words: {error}")
    expect("--ticket" in error["hint"], f"what to do where somebody guesses each: {error}")
    expect(invite.stage("burnt") is not None, "the stage is shown")
    done = b.chitty_node("join", invite.code, "--at", invite.at, status=DENIED)
    expect("expired or was used" in done.err, f"the right code is burnt too: {done!r}")
    same(devices(a), [], "devices admitted")
    second = Invite(a)
    b.chitty_node("join", second.code, "--at", second.at)
    same(second.wait()[0], OK, "end of the next invitation")


@test
def guessers_at_once_have_one_try_together(world):
    speaker()
    a, b = two(world)
    a.ticket()
    invite = Invite(a)
    right = invite.secret
    wrong = [f"{(int(right) + i) % 10_000_000:07d}".encode() for i in range(1, 12)]
    sides = [guesser(invite, secret) for secret in wrong]
    knowing = guesser(invite, right)  # knows the code, but is slower than the first guess
    sides[0][0].sendall(sides[0][1].pending)
    same(frame(sides[0][0]), (pair_peer.ABORT, b"\x02"), "answer to the first guess")
    for connection, side in sides[1:] + [knowing]:
        try:
            connection.sendall(side.pending)
        except ConnectionError:
            pass
        answer = frame(connection)
        expect(answer in (None, (pair_peer.ABORT, b"\x03")), f"answer to the others: {answer!r}")
    status, error = invite.wait()
    same((status, error["code"]), (DENIED, "signature"), "end of the invitation")
    late = pair_peer.Joiner(pair_peer.Device(), "late", pair_peer.CODE, invite.selector, right)
    with connect(invite) as connection:
        connection.sendall(late.hello())
        same(frame(connection), (pair_peer.ABORT, b"\x03"), "answer to a hello after it")
    for connection, _ in sides + [knowing]:
        connection.close()
    same(devices(a), [], "devices admitted")
    same(invite.stage("words"), None, "nobody proved it")


@test
def of_two_who_know_the_code_one_gets_in(world):
    a, b = two(world)
    c = world.home("c").init().run()
    invite = Invite(a)
    joins = [subprocess.Popen([CHITTY_NODE, "join", invite.code, "--at", invite.at], env=o.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for o in (b, c)]
    words = [j.communicate(timeout=nodes.DEADLINE_S)[1] for j in joins]
    status = [j.returncode for j in joins]
    same(status.count(OK), 1, f"joiners who got in ({words})")
    same(invite.wait()[0], OK, "end of the invitation")
    same(len(devices(a)), 1, "devices admitted")


def strangers(home):
    return home.read("peers")["strangers"]


@test
def what_strangers_try_is_counted(world):
    speaker()
    a, b = two(world)
    same(strangers(a), {"keys": 0, "invitations": 0, "proofs": 0}, "at first")
    ticket = a.ticket()
    b.chitty_node("join", ticket)
    c = world.home("c").init().run()
    a.ticket()
    c.chitty_node("join", ticket, status=DENIED)  # spent on another: known, and refused
    same(strangers(a)["proofs"], 0, "the secret was right")
    invite = Invite(a)
    c.chitty_node("join", pair_peer.code_text("%03d" % ((int(invite.code[:3]) + 1) % 1000),
                                              invite.secret.decode()), "--at", invite.at,
                  status=DENIED)
    c.chitty_node("join", invite.wrong(), "--at", invite.at, status=DENIED)
    invite.wait()
    same(strangers(a), {"keys": 0, "invitations": 1, "proofs": 1}, "refused")


@test
def a_key_that_nobody_admitted_gets_no_further_than_the_handshake_and_is_counted(world):
    a, b = nodes.pair(world, "a", "b")
    c = world.home("c").init().run()
    a.stop()
    c.join(b)  # a never hears of it, so its key, which is a valid one, is a stranger's there
    b.stop()
    todo = c.add("from a stranger")
    a.run()
    count = a.read("status")["counts"]["entries"]
    c.stop()
    c.run("--peer", a.node.address)
    until(lambda: strangers(a)["keys"] >= 2, "it is refused, and comes again")
    same((a.read("status")["counts"]["entries"], len(devices(a))), (count, 1), "what a took of it")
    same({p["state"] for p in c.read("peers")["peers"]} & {"in sync", "connected"}, set(),
         "states of its peers")
    b.run("--peer", a.node.address)
    until(lambda: todo in a.todos(), "introduced by b, it is heard")


# --- spoofed listeners

@test
def a_code_is_spent_on_one_of_a_hundred_spoofed_listeners(world):
    speaker()
    a, b = two(world)
    a.ticket()
    invite = Invite(a)
    spoofs = [Listener(invite.selector, b"%07d" % i) for i in range(100)]
    try:
        for i, spoof in enumerate(spoofs):
            done = b.chitty_node("join", invite.code, "--at", spoof.at, status=DENIED)
            if i > 0:
                expect("tried already" in done.err, f"clear words: {done!r}")
        same(sum(s.tried for s in spoofs), 1, "proofs that the spoofed listeners got")
        same([s.came for s in spoofs], [1] + [0] * 99, "connections to them")
        done = b.chitty_node("join", invite.code, "--at", invite.at, status=DENIED)
        expect("tried already" in done.err, f"not even where it is good: {done!r}")
    finally:
        for spoof in spoofs:
            spoof.close()
    invite.close()
    second = Invite(a)
    b.chitty_node("join", second.code, "--at", second.at)
    same(second.wait()[0], OK, "end of the next invitation")


@test
def who_does_not_speak_pairing_gets_no_proof_and_costs_no_try(world):
    speaker()
    a, b = two(world)
    invite = Invite(a)
    others = [Listener(b"000\0\0\0\0\0", b"0000000"),  # of another selector
              Listener(invite.selector, b"0000000", talk=b"SSH-2.0-OpenSSH_9.2p1\r\n"),
              Listener(invite.selector, b"0000000", talk=b""),
              Listener(invite.selector, b"0000000",
                       talk=b"\x61\0\0\0\x02" + bytes(96))]  # a share that is the identity
    try:
        for other in others:
            b.chitty_node("join", invite.code, "--at", other.at, status=None)
        same(sum(o.tried for o in others), 0, "proofs that they got")
        same([o.came for o in others], [1] * len(others), "connections to them")
        b.chitty_node("join", invite.code, "--at", invite.at)
    finally:
        for other in others:
            other.close()
    same(invite.wait()[0], OK, "end of the invitation")


@test
def a_listener_that_knows_the_code_and_founds_nothing_is_not_believed(world):
    speaker()
    b = world.home("b").init().run()
    before = b.read("status")["space"]
    laptop, other = pair_peer.Device(), pair_peer.Device()
    first = pair_peer.found(laptop, "laptop", 1 << 16, bytes(16))
    space = pair_peer.ident("chitty-space-1", first)

    def admits(role, by, parents=None):
        return lambda cert: [first, pair_peer.admit(
            by, space, 2 << 16, parents or [pair_peer.hash256(first)], role, cert, "b")]

    cases = {"no records of a space": lambda cert: [pair_peer.admit(
                 laptop, bytes(16), 2 << 16, [bytes(32)], 1, cert, "b")],
             "a space that does not admit it": lambda cert: [first],
             "admitted by a stranger": admits(1, other),
             "admitted with unknown parents": admits(1, laptop, [bytes(32)])}
    for name, records in cases.items():
        number = f"{abs(hash(name)) % 10_000_000:07d}"
        spoof = Listener(b"123\0\0\0\0\0", number.encode(), device=laptop)
        make = spoof.side

        def side(make=make, records=records):
            inviter = make()
            inviter.admitted = records
            return inviter

        spoof.side = side
        done = b.chitty_node("join", pair_peer.code_text("123", number), "--at", spoof.at,
                             status=None)
        spoof.close()
        expect(done.status not in (OK, OFFLINE), f"{name}: refused: {done!r}")
        same(b.read("status")["space"], before, f"{name}: space in use")
        same(len(list((b.folder / "spaces").glob("*.db"))), 1, f"{name}: files of spaces")


def a_code_has_its_two_minutes(world):
    a, b = two(world)
    invite, began = Invite(a), time.monotonic()
    first, _ = connect(invite), connect(invite)  # who only connects does not hold it open
    status, error = invite.process.wait(150), None
    error = json.loads(invite.process.stderr.read())["error"]
    expect(118 < time.monotonic() - began < 125, "after two minutes, and with signs of life")
    same((status, error["code"]), (OFFLINE, "timeout"), "end of the invitation")
    expect("nobody has come" in error["message"], f"clear words: {error}")
    first.close()
    b.chitty_node("join", invite.code, "--at", invite.at, status=OFFLINE)
    same(devices(a), [], "devices admitted")


if __name__ == "__main__":
    if "--whole-time" in sys.argv:
        nodes.TESTS[:] = [a_code_has_its_two_minutes]
    sys.exit(nodes.main([a for a in sys.argv[1:] if a != "--whole-time"]))
