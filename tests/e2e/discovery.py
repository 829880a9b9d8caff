"""Nodes that find each other: hosts on one bridge, each with an avahi-daemon of its own, and no
address given by hand; see tests/support/netns.py."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import netns  # noqa: E402
import nodes  # noqa: E402
from nodes import converge, expect, same, test, until, verified  # noqa: E402

ANYWHERE = "0.0.0.0:0"
FLOOD = str(pathlib.Path(netns.__file__).with_name("mdns_flood.py"))
LONG = ("sixteen_devices_are_all_connected_with_all",)  # by name only
RACE_S = 2.1  # two connections within this are taken for dialled at once (PROTOCOL 8.4)


class Lan:
    """Hosts of one test with a home each; gone with it."""

    def __init__(self, world, *names, **options):
        self.world, self.homes, self.options = world, [], options
        world.env.pop("CHITTY_NO_DISCOVERY")
        for name in names:
            self.homes.append(world.home(name))

    def __enter__(self):
        for home in self.homes:
            home.host = netns.Host(self.world.folder, **self.options)
        return self.homes

    def __exit__(self, *_):
        for node in self.world.nodes:
            if node.running():
                node.kill()
        for home in self.homes:
            if home.host is not None:
                home.host.close()
        return False


def start(home):
    return home.run(listen=ANYWHERE)


def peer(home, of):
    """What `peers` says of another."""
    device = of.read("status")["device"]
    return next(p for p in home.read("peers")["peers"] if p["device"] == device)


def in_sync(*homes):
    """Each is in sync with each."""
    return all(p["state"] == "in sync" for home in homes for p in home.read("peers")["peers"])


def away(*homes):
    return all(p["state"] != "in sync" for home in homes for p in home.read("peers")["peers"])


def pair_all(first, *others):
    start(first.init())
    for other in others:
        start(other.init())
        other.join(first)
    until(lambda: in_sync(first, *others), "all are in sync with all")


def helper(home):
    """The pid of the node's discovery helper."""
    pid = home.node.process.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        name = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
        if name == "chitty-discover":
            return int(child)
    return 0


def discovery(home):
    return home.read("status")["discovery"]


@test
def three_hosts_find_each_other_and_agree_after_edits_while_cut_off(world):
    with Lan(world, "a", "b", "c") as (a, b, c):
        pair_all(a, b, c)
        ids = [home.add(f"before, {home.name}") for home in (a, b, c)]
        converge(a, b, c, entries=3)
        for home in (a, b, c):
            home.host.cable(False)
        for home in (a, b, c):
            ids += [home.add(f"alone {n}, {home.name}") for n in range(5)]
            home.chitty("todo", "update", ids[0], "--content", f"changed by {home.name}")
        for home in (a, b, c):
            home.host.cable(True)
        converge(a, b, c, entries=21)
        same(sorted(a.todos()), sorted(ids), "every todo of every host")
        listed = a.chitty_node("conflicts").out
        for home in (a, b, c):
            expect(f"changed by {home.name}" in listed or
                   a.todos()[ids[0]]["content"] == f"changed by {home.name}",
                   f"the text of {home.name} is readable: {listed}")
            verified(home)


def mesh(world, count):
    with Lan(world, "first") as (first,):
        start(first.init())
        others = [world.home(f"n{n}") for n in range(1, count)]
        for other in others:
            other.host = first.host  # which ends with the first
            start(other.init())
            other.join(first)
        until(lambda: in_sync(first, *others), "all are in sync with all", 4 * nodes.DEADLINE_S)


@test
def a_switch_that_fails_and_a_process_that_is_stopped_lose_nothing(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        netns.switch(False)  # no host sees a link change
        ids = [a.add("while the switch was off"), b.add("there too")]
        time.sleep(1)
        netns.switch(True)
        converge(a, b, entries=2)
        time.sleep(RACE_S)
        b.node.signal(signal.SIGSTOP)
        ids.append(a.add("while the other was stopped"))
        b.node.signal(signal.SIGCONT)
        until(lambda: ids[-1] in b.todos(), "it arrives soon", 5 * nodes.SLOW)
        same(sorted(a.todos()), sorted(ids), "every todo")


@test
def five_devices_are_all_connected_with_all(world):
    mesh(world, 5)


@test
def sixteen_devices_are_all_connected_with_all(world):
    mesh(world, 16)


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(x.split()[1] for x in status.splitlines() if x.startswith("VmHWM")))


def flood(host, count, kind):
    sent = host.start(sys.executable, FLOOD, host.address, str(count), kind)
    same(sent.wait(nodes.DEADLINE_S), 0, "the stranger")


@test
def a_stranger_who_announces_hundreds_of_services_costs_little_and_hides_nobody(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        stranger = netns.Host(world.folder, bus=False, avahi=False)
        before = resident_kib(a.node.process.pid), resident_kib(helper(a))
        for count, kind, in_all in ((30, "elsewhere", 30), (20, "unreadable", 50)):
            flood(stranger, count, kind)
            until(lambda: discovery(a)["malformed"] == in_all, f"{kind}: {count} are counted")
        flood(stranger, 400, "good")
        until(lambda: discovery(a)["dropped"] >= 300, "what is too much is dropped")
        said = discovery(a)
        print(f"# {said}")
        expect(said["found"] <= 64, f"what is kept is bounded: {said}")
        until(lambda: discovery(a)["members"] == 1, "b is among what is kept")
        expect(said["state"] == "on" and said["helperStarts"] == 1, f"it still runs: {said}")
        after = resident_kib(a.node.process.pid), resident_kib(helper(a))
        if nodes.SLOW == 1:
            expect(after[0] < before[0] + 4096 and after[1] < before[1] + 4096,
                   f"KiB of node and helper: {before}, then {after}")
        one = a.add("meanwhile")
        until(lambda: one in b.todos(), "what is connected stays so")
        b.stop()
        b.host.move(77)
        start(b)
        until(lambda: in_sync(a, b), "a member is found among all the strangers")
        stranger.close()


@test
def names_that_nobody_answers_for_keep_no_member_waiting(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        stranger = netns.Host(world.folder, bus=False, avahi=False)
        for home in (a, b):
            home.stop()
        flood(stranger, 600, "hollow")
        begin = time.monotonic()
        for home in (a, b):
            start(home)
        until(lambda: all(discovery(x)["members"] == 1 for x in (a, b)), "they find each other",
              30 * nodes.SLOW)
        print(f"# found after {time.monotonic() - begin:.1f} s", flush=True)
        stranger.close()


@test
def devices_whose_addresses_all_changed_find_each_other(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        for home in (a, b):
            home.stop()
            home.host.move(100 + home.host.number)
        for home in (a, b):
            start(home)
        until(lambda: in_sync(a, b), "found again")
        ways = [peer(a, b)["how"], peer(b, a)["how"]]
        expect("found on the network" in ways, f"ways: {ways}")


@test
def a_device_that_moves_while_it_runs_is_connected_again(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        time.sleep(RACE_S)
        a.host.move(200)
        one = a.add("from another address")
        until(lambda: one in b.todos(), "it arrives", 5 * nodes.SLOW)
        until(lambda: in_sync(a, b), "in sync")
        expect(a.host.address in peer(b, a)["address"] or
               any(a.host.address in x["address"] for x in peer(b, a)["addresses"]),
               f"b knows the new address: {peer(b, a)}")


@test
def an_avahi_daemon_that_is_killed_and_started_again_is_used_again(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        until(lambda: discovery(a)["state"] == "on" and discovery(a)["members"] >= 1,
              "a has found b")
        a.host.kill_avahi()
        until(lambda: discovery(a)["state"].startswith("no avahi-daemon"), "status says so")
        first = a.add("without avahi")
        until(lambda: first in b.todos(), "what is connected stays so")
        a.host.start_avahi()
        until(lambda: discovery(a)["state"] == "on", "it is used again")
        for home in (a, b):
            home.stop()
        a.host.move(150)
        for home in (a, b):
            start(home)
        until(lambda: in_sync(a, b), "b finds a, which announces again")


@test
def a_helper_that_is_killed_comes_back(world):
    with Lan(world, "a", "b") as (a, b):
        pair_all(a, b)
        first = until(lambda: helper(a), "the helper runs")
        nodes.os.kill(first, signal.SIGKILL)
        second = until(lambda: helper(a) not in (0, first) and helper(a), "another helper")
        expect(second != first, "it is another process")
        until(lambda: discovery(a)["state"] == "on" and discovery(a)["members"] >= 1, "it finds b")
        same(discovery(a)["helperStarts"], 2, "starts of the helper")
        a.stop()
        expect(not pathlib.Path(f"/proc/{second}").exists(), "it ends with the node")
        expect("Sanitizer" not in a.node.stderr(), a.node.stderr()[-3000:])


@test
def where_there_is_ipv6_of_the_link_alone_they_find_each_other(world):
    if not pathlib.Path("/proc/sys/net/ipv6").exists():
        raise nodes.Skip("this kernel has no IPv6")
    with Lan(world, "a", "b", six=True) as (a, b):
        for home in (a, b):
            home.init().run(listen="*:0")
        same(a.read("status")["addresses"], [], "addresses to tell: none that others could use")
        a.host.run("ip", "addr", "add", "fd00::7/64", "dev", "e0", "nodad")
        same([x[:15] for x in a.read("status")["addresses"]], ["tcp://[fd00::7]"], "one that is")
        b.host.run("ip", "addr", "add", "fd00::8/64", "dev", "e0", "nodad")
        b.join(a)
        for home in (a, b):
            home.host.run("ip", "addr", "flush", "dev", "e0", "scope", "global")
            home.stop()
        for home in (a, b):
            home.run(listen="*:0")
        until(lambda: in_sync(a, b), "found by the addresses of the link")
        used = peer(a, b)["address"] + peer(b, a)["address"]
        expect("fe80::" in used, f"addresses: {used}")


@test
def without_an_avahi_daemon_remembered_addresses_do(world):
    with Lan(world, "a", "b", avahi=False) as (a, b):
        pair_all(a, b)
        until(lambda: discovery(a)["state"].startswith("no avahi-daemon"), "status says so")
        b.stop()
        one = a.add("while b was away")
        b.run(listen=ANYWHERE)
        until(lambda: one in b.todos(), "b knows where a is")


@test
def a_device_that_cannot_be_dialled_is_served_over_its_own_connection(world):
    with Lan(world, "a", "b") as (a, b):
        start(a.init())
        b.init().run(listen="127.0.0.1:0").join(a)
        until(lambda: in_sync(a, b), "in sync")
        same(peer(a, b)["how"], "it dialled", "how a came to b")
        one = a.add("from the one that is dialled")
        until(lambda: one in b.todos(), "it goes over the inbound connection")


if __name__ == "__main__":
    try:
        netns.enter()
    except netns.Unavailable as why:
        print(f"1..1\nnot ok 1 - hosts in namespaces\n# {why}")
        sys.exit(1)
    named = sys.argv[1:] or [t.__name__ for t in nodes.TESTS if t.__name__ not in LONG]
    sys.exit(nodes.main(named))
