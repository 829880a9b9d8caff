"""Pairing cut off in the middle: a node killed between any two arrows of a turn, killed at any
fsync, or told by one that the disk failed. Each side has the old state or the new one, never half
of it, and the joiner who comes again gets the same answer (PROTOCOL 7.10, 7.12).

    halfway.py [--all]     at every moment and not at one in five"""
import os
import sys

import nodes
from nodes import OK, Failure, Skip, converge, expect, recomputed, same, test, verified
from codes import Invite

SHIM = os.environ.get("CHITTY_SHIM", "")
ARROWS = ("collected", "folded", "committed", "told", "flushed")
STEP = 5


def faulty(world, how, nth):
    """What makes the n-th fsync after the arming fail, or the node's last."""
    if not SHIM:
        raise Skip("CHITTY_SHIM is not set")
    return dict(CHITTY_SHIM_FSYNC=how, CHITTY_SHIM_NTH=str(nth),
                CHITTY_SHIM_ARMED=str(armed(world)), LD_PRELOAD=SHIM,
                ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")


def armed(world):
    return world.folder / "armed"


class Halfway:
    """An inviter, and joiners each of whose pairing is cut off somewhere."""

    def __init__(self, world):
        self.world, self.a = world, world.home("a").init().run()
        self.a.add("from a")
        self.count, self.joined = 1, 0

    def joiner(self, name):
        b = self.world.home(name).init().run()
        self.own = [b.add(f"{name} brings {i}") for i in range(2)]
        self.old = b.read("status")["space"]
        b.stop()
        return b

    def start(self, home, env):
        """It may die before it is ready."""
        others = [self.b, self.a]
        others.remove(home)
        peer = ["--peer", others[0].node.address] if others[0].node.running() else []
        home.node = home.start(*peer, env=env)
        try:
            home.node.wait_ready()
            return True
        except Failure:
            return False

    def attempt(self, name, inviting=None, joining=None, ticket=False):
        """One pairing, with a fault at either side; True when that was met."""
        self.b = b = self.joiner(name)
        if inviting:
            self.a.stop()
        ready = (not inviting or self.start(self.a, inviting)) and self.start(b, joining or {})
        asked = None
        if ready:
            asked = self.ask(ticket)
        if asked is not None:
            armed(self.world).touch()
            b.chitty_node("join", *asked, "--bring", status=None)
        met = not armed(self.world).exists() or not (self.a.node.running() and b.node.running())
        armed(self.world).unlink(missing_ok=True)
        for invite in self.world.watches:
            invite.close()
        self.world.watches.clear()
        self.restart(inviting is not None, joining is not None)
        self.check(ticket and asked)
        return met

    def ask(self, ticket):
        """An invitation; None when the node died of being asked."""
        try:
            if ticket:
                return [self.a.ticket()]
            invite = Invite(self.a)
            return [invite.code, "--at", invite.at]
        except Failure:
            return None

    def restart(self, a, b):
        """Both as they should be from now on."""
        for home, wanted in ((self.a, a), (self.b, b)):
            if wanted or not home.node.running():
                home.node.process.kill()
                home.node.wait()
                home.run()
        self.b.stop()
        self.b.run("--peer", self.a.node.address)

    def check(self, ticket):
        """Old or new on each side, and the joiner gets in."""
        a, b = self.a, self.b
        members = len(a.read("status")["peers"])
        expect(members in (self.joined, self.joined + 1), f"devices admitted: {members}")
        space = b.read("status")["space"]
        if space == self.old:
            same(sorted(b.todos()), sorted(self.own), "todos of one who is outside")
            recomputed(b, b.chitty_node("verify", "--json").document())
            if ticket:
                again = ticket
            else:
                invite = Invite(a)
                again = [invite.code, "--at", invite.at]
            b.chitty_node("join", *again, "--bring")
            if not ticket:
                same(invite.wait()[0], OK, "end of the second invitation")
        else:
            same(members, self.joined + 1, "devices admitted when the joiner is inside")
        self.joined += 1
        self.count += len(self.own)
        converge(a, b, entries=self.count)
        same(a.read("status")["counts"]["entries"], self.count, "entries: each thing came once")
        same(len(a.read("status")["peers"]), self.joined, "devices admitted, each once")
        expect(set(self.own) <= set(a.todos()), "what was brought")
        b.stop()

    def each(self, name, side, fault, ticket=False, moments=range(1, 60)):
        """Cut off at one moment after the other until one is later than the pairing."""
        count = 0
        for n in moments:
            if not self.attempt(f"{name}{n}", **{side: fault(n)}, ticket=ticket):
                break
            count += 1
        expect(n < 55, f"{name}: the moments come to an end")
        print(f"# {name}: cut off {count} times", flush=True)
        return count


def at_fsyncs(world, how, side, **options):
    scene = Halfway(world)
    count = scene.each(how, side, lambda n: faulty(world, how, n), **options)
    expect(count > 0, f"{how}: it was cut off")
    if side == "inviting":
        scene.each(how + "-ticket", side, lambda n: faulty(world, how, n), ticket=True)
    verified(scene.a)


def at_arrows(world, side):
    scene = Halfway(world)
    count = 0
    for i, arrow in enumerate(ARROWS):  # a pairing has few turns: the first is always tried
        count += scene.each(arrow, side, lambda n, arrow=arrow: {"CHITTY_KILL_AT": f"{arrow}:{n}"},
                            moments=[1, *range(2 + i % STEP, 60, STEP)])
    expect(count > 0, "it was cut off at some arrow")
    verified(scene.a)


@test
def an_inviter_whose_fsync_fails_has_the_old_state_or_the_new(world):
    at_fsyncs(world, "fail", "inviting")


@test
def an_inviter_killed_at_an_fsync_has_the_old_state_or_the_new(world):
    at_fsyncs(world, "kill", "inviting")


@test
def a_joiner_whose_fsync_fails_has_the_old_state_or_the_new(world):
    at_fsyncs(world, "fail", "joining", moments=range(1, 60, STEP))


@test
def a_joiner_killed_at_an_fsync_has_the_old_state_or_the_new(world):
    at_fsyncs(world, "kill", "joining", moments=range(min(2, STEP), 60, STEP))


@test
def an_inviter_killed_at_any_arrow_has_the_old_state_or_the_new(world):
    at_arrows(world, "inviting")


@test
def a_joiner_killed_at_any_arrow_has_the_old_state_or_the_new(world):
    at_arrows(world, "joining")


RULINGS = (("revoke", "b", "--lost"), ("readmit", "b"), ("role", "b", "reader"),
           ("role", "b", "writer"), ("role", "b", "admin"))


def role_of_b(home):
    return next(m["role"] for m in home.read("members")["members"] if m["name"] == "b")


def rulings_cut_off(world, how):
    """Each ruling, at each fsync of it; what was asked for is there or not, and can be asked for
    again."""
    a, b = nodes.pair(world, "a", "b")
    todo = b.add("of the one who is ruled upon")
    converge(a, b, entries=1)
    b.stop()
    for ruling in RULINGS:
        before = role_of_b(a)
        met, n = True, 0
        while met and n < 20:
            n += 1
            a.stop()
            a.run(env=faulty(world, how, n))
            armed(world).touch()
            done = a.chitty_node(*ruling, status=None)
            met = not armed(world).exists()
            armed(world).unlink(missing_ok=True)
            expect(done.status == OK or met, f"{ruling}: {done!r}")
            if a.node.running():
                a.node.kill()
            a.node.wait()
            a.run()
            after = role_of_b(a)
            if done.status == OK or after != before:
                expect(after != before, f"{ruling}, {n}: what was acknowledged is there")
                break
            verified(a)
        expect(n > 1 or met, f"{ruling} was cut off at least once")
        if role_of_b(a) == before:
            a.chitty_node(*ruling)
        expect(role_of_b(a) != before, f"{ruling} is in force in the end")
        verified(a)
    b.run("--peer", a.node.address)
    converge(a, b, entries=1)
    same((role_of_b(a), role_of_b(b)), ("admin", "admin"), "roles in the end")
    expect(todo in a.todos(), "what b wrote is in force")


@test
def a_ruling_whose_fsync_fails_is_there_or_not(world):
    rulings_cut_off(world, "fail")


@test
def a_ruling_killed_at_an_fsync_is_there_or_not(world):
    rulings_cut_off(world, "kill")


if __name__ == "__main__":
    if "--all" in sys.argv:
        STEP = 1
    nodes.TESTS[:] = [t for t in nodes.TESTS if t.__module__ == "__main__"]
    sys.exit(nodes.main([a for a in sys.argv[1:] if a != "--all"]))
