"""A storm of claims: many sessions on two hosts take todos, hold them for a moment and give them
back, while the cable between the hosts is pulled and put back. Each writes down when it held what;
that is looked through afterwards (PROTOCOL 13).

    storm.py [--sessions N] [--rounds N]    on each host; 6 and 2 without"""
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import netns  # noqa: E402
import nodes  # noqa: E402
from discovery import Lan, away, in_sync, pair_all  # noqa: E402
from nodes import (CONFLICT, NOTFOUND, OK, converge, expect, same, test, until,  # noqa: E402
                   verified)

SESSIONS, ROUNDS = 6, 2
CLAIMS = 3  # of each session, in each half of a round


class Holding:
    """A todo that a session held, by its own account: from the answer to just before it let go."""

    def __init__(self, session, answer):
        self.session, self.todo = session, answer["chittyId"]
        self.state, self.token = answer["state"], answer["token"]
        self.begun, self.ended = time.monotonic(), None

    def overlaps(self, other):
        end, others = self.ended or time.monotonic(), other.ended or time.monotonic()
        return self.begun < others and other.begun < end

    def __repr__(self):
        return (f"{self.session.name} {self.state} {self.token} of {self.todo[-6:]} "
                f"{self.begun:.4f} to {self.ended and round(self.ended, 4)}")


class Session(threading.Thread):
    """Takes the next todo or one it likes, holds it for a moment, gives it back; the last stays."""

    def __init__(self, home, number, random_seed, todos):
        super().__init__(daemon=True)
        self.home, self.name = home, f"{home.name}{number}"
        self.dice, self.todos = random.Random(random_seed), todos
        self.log, self.wrong = [], None

    def chitty(self, *words, status=OK):
        return self.home.chitty(*words, status=status, env={"CHITTY_SESSION": self.name})

    def claim(self):
        words = (["next", "--claim"] if self.dice.random() < 0.5 else
                 ["claim", self.dice.choice(self.todos)])
        done = self.chitty(*words, "--json", status=None)
        expect(done.status in (OK, CONFLICT, NOTFOUND), f"{self.name} {words}: {done!r}")
        if done.status == OK:
            answer = done.document()
            if any(h.todo == answer["chittyId"] and h.ended is None for h in self.log):
                return  # it was its already
            self.log.append(Holding(self, answer))

    def release(self, holding):
        holding.ended = time.monotonic()
        self.chitty("release", holding.todo, status=None)  # it may have been lost

    def run(self):
        try:
            for _ in range(CLAIMS):
                self.claim()
                if self.log and self.log[-1].ended is None:
                    time.sleep(self.dice.random() * 0.01)
                    self.release(self.log[-1])
            self.claim()
        except Exception as wrong:  # told by the test, in its own thread
            self.wrong = wrong


def storm(homes, sessions, todos, dice, known):
    """Everybody at once; what each held is added to its log."""
    workers = [Session(home, n, dice.random(), todos) for home in homes for n in range(sessions)]
    for worker in workers:
        worker.log = known.setdefault(worker.name, [])
        worker.start()
    for worker in workers:
        worker.join()
        if worker.wrong is not None:
            raise worker.wrong
    return workers


def claims(home):
    return {r["chittyId"]: r for r in home.read("claims") if r["state"] != "lapsed"}


def look_through(known):
    """What may never be, connected or not. How many held, and how many doubly while apart."""
    doubles, count = 0, 0
    by_todo = {}
    for log in known.values():
        for holding in log:
            by_todo.setdefault(holding.todo, []).append(holding)
            count += 1
    for list_of in by_todo.values():
        for i, one in enumerate(list_of):
            for other in list_of[:i]:
                if one.session is other.session or one.session.name == other.session.name or \
                        not one.overlaps(other):
                    continue
                expect(one.session.home is not other.session.home,
                       f"two on one host at a time: {one!r}, {other!r}")
                expect("unconfirmed" in (one.state, other.state),
                       f"two with the arbiter's word at a time: {one!r}, {other!r}")
                doubles += 1
    return count, doubles


def settle(homes, known, workers):
    """After the healing: one holder of each todo on both hosts, and each other one is told."""
    converge(*homes)
    until(lambda: {t: r["holder"] for t, r in claims(homes[0]).items()} ==
          {t: r["holder"] for t, r in claims(homes[1]).items()}, "both name the same holders")
    holders = claims(homes[0])
    lost = 0
    for worker in workers:
        told = json.loads(worker.chitty("claims", "--session", worker.name, "--json").out)["data"]
        for holding in known[worker.name]:
            if holding.ended is not None:
                continue
            record = holders.get(holding.todo)
            mine = record is not None and record["holderName"] == worker.name
            states = [r["state"] for r in told if r["chittyId"] == holding.todo]
            same(states, ["held" if mine and record["state"] == "held" else "unconfirmed" if mine
                          else "lost"], f"what {holding!r} is told; the holder is {record}")
            lost += not mine
            worker.release(holding)
    return lost


@test
def of_all_who_take_a_todo_one_has_it_and_every_loser_is_told(world):
    dice = random.Random(nodes.seed())
    with Lan(world, "a", "b") as homes:
        a, b = homes
        pair_all(a, b)
        for home in homes:
            for n in range(SESSIONS):
                home.chitty("session", "create", "--session-id", f"{home.name}{n}",
                            "--platform", "claude-code", "--status", "active")
        todos = [home.add(f"todo {n} of {home.name}") for n in range(3) for home in homes]
        converge(a, b)
        known, lost, apart = {}, 0, 0
        for _ in range(ROUNDS):
            workers = storm(homes, SESSIONS, todos, dice, known)
            lost += settle(homes, known, workers)
            for home in homes:
                home.host.cable(False)
            until(lambda: away(a, b), "apart")
            workers = storm(homes, SESSIONS, todos, dice, known)
            for home in homes:
                home.host.cable(True)
            until(lambda: in_sync(a, b), "together")
            lost += settle(homes, known, workers)
        count, doubles = look_through(known)
        print(f"# {count} times held, {doubles} times by two while apart, {lost} losers told",
              flush=True)
        expect(count > 0 and doubles > 0, "the storm was one")
        for home in homes:
            verified(home)


def number(word, usual):
    """A number of the command line."""
    if word not in sys.argv:
        return usual
    at = sys.argv.index(word)
    value = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        print(f"1..1\nnot ok 1 - hosts in namespaces\n# {why}")
        sys.exit(1)
    SESSIONS, ROUNDS = number("--sessions", SESSIONS), number("--rounds", ROUNDS)
    nodes.TESTS[:] = [t for t in nodes.TESTS if t.__module__ == "__main__"]
    sys.exit(nodes.main())
