"""Two nodes on hosts of their own (tests/support/netns.py) that find each other, and that are cut
off for a while. Prints a line a figure, name and value, for `chitty-bench discover`.

discover_first_sync_ms   both nodes are started at once, at addresses that neither remembers, with a
                         change on one: until the other has it
wake_resync_stop_ms      a node is stopped (SIGSTOP) while the other changes something, and goes on
wake_resync_cable_ms     the cable is pulled, both change something, and it is put back: until both
                         have both
The figures are medians; wake_resync_ms is the worse of the two, _worst the slowest round."""
import os
import pathlib
import signal
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]
import netns  # noqa: E402
import nodes  # noqa: E402

ROUNDS = int(os.environ.get("CHITTY_BENCH_ROUNDS", "5"))
AWAY_S = 8.0
ANYWHERE = "0.0.0.0:0"


def ms_until(condition, start):
    """From `start` on; asked again every few milliseconds."""
    while not condition():
        if time.monotonic() - start > 60:
            raise nodes.Failure("not within a minute")
        time.sleep(0.005)
    return (time.monotonic() - start) * 1000


def holds(home, todo):
    return home.chitty("todo", "get", todo, status=None).status == nodes.OK


def in_sync(*homes):
    return all(p["state"] == "in sync" for h in homes for p in h.read("peers")["peers"])


def first_sync(a, b, number):
    """Changed, stopped, moved, started together."""
    b.stop()
    todo = a.add("made while the other did not run")
    a.stop()
    a.host.move(50 + 2 * number)
    b.host.move(51 + 2 * number)
    start = time.monotonic()
    for home in (a, b):
        home.node = home.start(listen=ANYWHERE)
    for home in (a, b):
        home.node.wait_ready()
    took = ms_until(lambda: holds(b, todo), start)
    nodes.until(lambda: in_sync(a, b), "in sync")
    return took


def stopped(a, b):
    b.node.signal(signal.SIGSTOP)
    todo = a.add("while the other was stopped")
    time.sleep(AWAY_S)
    start = time.monotonic()
    b.node.signal(signal.SIGCONT)
    return ms_until(lambda: holds(b, todo), start)


def unplugged(a, b):
    b.host.cable(False)
    one, two = a.add("without a cable"), b.add("without one here")
    time.sleep(AWAY_S)
    start = time.monotonic()
    b.host.cable(True)
    return ms_until(lambda: holds(b, one) and holds(a, two), start)


def measure(world):
    world.env.pop("CHITTY_NO_DISCOVERY")
    a, b = world.home("a"), world.home("b")
    for home in (a, b):
        home.host = netns.Host(world.folder)
        home.init().run(listen=ANYWHERE)
    b.join(a)
    nodes.until(lambda: in_sync(a, b), "in sync")
    found = [first_sync(a, b, n) for n in range(ROUNDS)]
    woken, plugged = [], []
    for _ in range(ROUNDS):
        time.sleep(2.1)  # what is younger counts as dialled at once (PROTOCOL 8.4)
        woken.append(stopped(a, b))
        plugged.append(unplugged(a, b))
        nodes.until(lambda: in_sync(a, b), "in sync")
    print("discover_first_sync_ms", statistics.median(found))
    print("discover_first_sync_worst_ms", max(found))
    print("wake_resync_stop_ms", statistics.median(woken))
    print("wake_resync_cable_ms", statistics.median(plugged))
    print("wake_resync_ms", max(statistics.median(woken), statistics.median(plugged)))
    print("wake_resync_worst_ms", max(woken + plugged))


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        sys.exit(f"hosts in namespaces: {why}")
    with nodes.World() as lan:
        measure(lan)
