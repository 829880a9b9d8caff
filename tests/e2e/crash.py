"""Nodes killed in the middle of everything: what was acknowledged is there, on both, once.

A round kills one node or both between two arrows of a turn (CHITTY_KILL_AT, node/daemon/arrows.c)
while a client writes to each as fast as it is answered and they exchange what is written. A client
notes each acknowledged write before it takes the next answer; what was under way when its node
went it sends again, with the same idempotency keys, to the node that comes back.

    crash.py [--rounds N] [--seed S] [--minutes M] [--writes W]"""
import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from random import Random

import nodes
from nodes import World, converge, expect, pair, same, test, until, verified

WRITER = os.environ.get("CHITTY_WRITER", "writer")
ARROWS = ("collected", "folded", "committed", "told", "flushed")
SHARED = 8


class Side:
    """A node, its client, and what the client knows."""

    def __init__(self, home):
        self.home, self.acked, self.pending, self.next = home, set(), [], 0
        self.acks = home.world.folder / f"{home.name}.acks"
        self.acks.touch()
        self.client, self.arrow = None, ""

    def write(self, count, flight, shared):
        """Start the client."""
        again = ["+", *map(str, self.pending)] if self.pending else []
        self.client = subprocess.Popen(
            [WRITER, str(self.acks), self.home.name, str(self.next), str(count), str(flight),
             *shared, *again], env=self.home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)

    def wait(self):
        """The client has ended: note what it knows; true when all was acknowledged."""
        out, err = self.client.communicate(timeout=4 * nodes.DEADLINE_S)
        expect(self.client.returncode in (0, 3), f"client of {self.home.name}: {err}")
        self.pending = [int(n) for n in out.split()]
        self.acked = {int(n) for n in self.acks.read_text().split()}
        self.next = max([self.next - 1, *self.acked, *self.pending]) + 1
        return self.client.returncode == 0

    def alive(self):
        return self.home.node is not None and self.home.node.running()


class Crash:
    """Two sides, rounds, and the checks after them."""

    def __init__(self, world, rng, writes):
        self.rng, self.writes = rng, writes
        a, b = pair(world, "a", "b")
        self.sides = [Side(a), Side(b)]
        self.shared = [a.add(f"shared {i}") for i in range(SHARED)]
        converge(a, b, entries=SHARED)
        self.numbers = {}  # (device, epoch, seq) -> hash, of every check
        self.kills = Counter()

    def start(self, side, env):
        other = self.sides[1 - self.sides.index(side)]
        peer = ["--peer", other.home.node.address] if other.alive() else []
        side.home.run(*peer, env=env)

    def round(self):
        rng = self.rng
        kinds = ((0,), (1,), (0, 1))
        victims = [self.sides[i] for i in rng.choices(kinds, weights=(45, 45, 10))[0]]
        for side in self.sides:
            env = {}
            if side in victims:
                arrow = rng.choice(ARROWS)
                env = {"CHITTY_KILL_AT": f"{arrow}:{int(2 ** rng.uniform(0, 6))}"}
                side.arrow = arrow
                if side.alive():
                    side.home.stop() if rng.random() < 0.5 else side.home.kill()
            if not side.alive():
                self.start(side, env)
        for side in self.sides:
            side.write(rng.randint(1, 2 * self.writes), 2 ** rng.randint(0, 7), self.shared)
        for side in self.sides:
            whole = side.wait()
            expect(whole or side in victims, f"the client of {side.home.name} was cut off")
        for side in victims:
            self.kills[side.arrow if not side.alive() else "from outside"] += 1
            if side.alive():
                side.home.kill()
            same(side.home.node.wait(), -9, "how the node ended")

    def check(self):
        """Both run again: everything acknowledged is on both, exactly once."""
        for side in self.sides:
            if not side.alive():
                self.start(side, {})
        for side in self.sides:
            if side.pending:
                side.write(0, 64, self.shared)
                expect(side.wait(), "what was under way is written in the end")
        homes = [s.home for s in self.sides]
        converge(*homes)
        for home in homes:
            self.check_home(home)
            verified(home)

    def check_home(self, home):
        values = Counter()
        for entry in home.read("log", "--limit", "1000000"):
            number = (entry["device"], entry["epoch"], entry["seq"])
            same(self.numbers.setdefault(number, entry["entry"]), entry["entry"],
                 f"hash of entry {number} in {home.name}")
            for op in entry["ops"]:
                if op["field"] in ("content", "labels"):
                    values[op.get("value") or op.get("key")] += 1
        todos = home.todos()
        contents = {t["content"] for t in todos.values()}
        labels = {label for t in todos.values() for label in t.get("labels", [])}
        for side in self.sides:
            for n in side.acked:
                value = f"{side.home.name}-{n}"
                same(values[value], 1, f"entries in {home.name} that write {value}")
                if n % 20 < 12:
                    expect(value in contents, f"todo {value} in {home.name}")
                elif n % 20 >= 17:
                    expect(value in labels, f"label {value} in {home.name}")
        status = home.read("status")
        same(status["counts"]["chains"], 2, "chains: no number was used twice")
        same(status["quarantined"], 0, "void ops")

    def acknowledged(self):
        return sum(len(s.acked) for s in self.sides)


def run(world, rounds, seed, writes=40, minutes=None, each=10):
    crash = Crash(world, Random(seed), writes)
    end = None if minutes is None else time.monotonic() + 60 * minutes
    done = 0
    while done < rounds and (end is None or time.monotonic() < end):
        crash.round()
        done += 1
        if done % each == 0:
            crash.check()
            print(f"# {done} rounds, {crash.acknowledged()} acknowledged writes", flush=True)
    crash.check()
    print(f"# {done} rounds, {crash.acknowledged()} acknowledged writes, kills "
          f"{dict(sorted(crash.kills.items()))}", flush=True)
    return crash


@test
def nothing_acknowledged_is_lost_by_kills_at_any_arrow(world):
    crash = run(world, ARGS.rounds, SEED, ARGS.writes, ARGS.minutes)
    enough = 5000 if ARGS.rounds >= 100 else 10 * ARGS.rounds
    expect(crash.acknowledged() >= enough or ARGS.minutes, f"acknowledged writes: {enough}")


@test
def a_joiner_killed_while_it_brings_its_things_brings_the_rest_later(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    side = Side(b)
    side.write(1000, 256, [b.add("shared")])
    expect(side.wait(), "all was acknowledged")
    todos = b.todos()
    b.stop()
    ticket = a.ticket()
    b.run(env={"CHITTY_KILL_AT": "brought:1"})
    b.chitty_node("join", ticket, "--bring", status=None)
    same(b.node.wait(), -9, "exit status of the node that brings")
    for _ in range(2):  # 601 things come in three parts of 256
        b.node = b.start("--peer", a.node.address, env={"CHITTY_KILL_AT": "brought:1"})
        same(b.node.wait(), -9, "exit status of the node that brings more")
    b.run("--peer", a.node.address)
    converge(a, b, entries=len(todos))
    same(a.todos().keys(), todos.keys(), "what was brought")
    same(a.read("status")["counts"]["entries"], len(todos), "entries: each thing came once")
    verified(a)
    verified(b)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=lambda text: int(text, 0), default=None)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--writes", type=int, default=60, help="in a round, by each client")
    parser.add_argument("only", nargs="*")
    return parser.parse_args()


if __name__ == "__main__":
    ARGS = arguments()
    if ARGS.minutes is not None and ARGS.rounds == 4:
        ARGS.rounds = 10 ** 9
    SEED = nodes.seed(ARGS.seed)
    sys.exit(nodes.main(ARGS.only))
