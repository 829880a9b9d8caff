"""`chitty-node doctor` where there is a network with avahi, and where there is none of it: hosts of
tests/support/netns.py."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import netns  # noqa: E402
import nodes  # noqa: E402
from findings import AROUND, Findings  # noqa: E402
from nodes import expect, same, test, until  # noqa: E402

ANYWHERE = "0.0.0.0:0"


def on_host(world, name, **options):
    """A home on a host of its own."""
    home = world.home(name)
    home.host = netns.Host(world.folder, **options)
    return home.init()


def doctor(home):
    """On the home's host: what is looked at is that machine."""
    return Findings(home.call(*home.host.words, nodes.CHITTY_NODE, "doctor", "--json", status=None))


def leave(*homes):
    for home in homes:
        if home.node is not None and home.node.running():
            home.node.kill()
        home.host.close()


@test
def where_avahi_runs_nothing_is_said_of_discovery(world):
    world.env.pop("CHITTY_NO_DISCOVERY")
    a, b = on_host(world, "a"), on_host(world, "b")
    try:
        a.run(listen=ANYWHERE)
        b.run(listen=ANYWHERE).join(a)
        until(lambda: b.read("status")["discovery"]["state"] == "on", "discovery is on")
        found = doctor(b)
        same(found.checks("problem", "warning") - AROUND, set(), "problems and warnings")
        found.one("discovery", "ok")
        found.one("port", "ok")
        same({c for c in found.checks("note") if c.startswith(("discovery", "port.local"))}, set(),
             "notes of the network")
    finally:
        leave(a, b)


@test
def a_host_without_avahi_or_without_a_bus_says_which(world):
    world.env.pop("CHITTY_NO_DISCOVERY")
    a, b = on_host(world, "a", avahi=False), on_host(world, "b", bus=False, avahi=False)
    try:
        for home, check, package in ((a, "discovery.avahi", "avahi-daemon"),
                                     (b, "discovery.bus", "dbus")):
            home.run(listen=ANYWHERE)
            finding = doctor(home).one(check, "note")
            expect(package in finding["remedy"], f"what is to be installed: {finding}")
    finally:
        leave(a, b)


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        print(f"1..1\nnot ok 1 - hosts in namespaces\n# {why}")
        sys.exit(1)
    sys.exit(nodes.main())
