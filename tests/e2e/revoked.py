"""Devices that are revoked, readmitted, or not introduced yet: one outcome everywhere."""
import shutil
import sys
import time

import nodes
from nodes import OK, Watch, converge, expect, pair, same, test, until, verified

DENIED, CONFLICT, NOT_FOUND, USAGE = 4, 5, 7, 2
ARROWS = ("collected", "folded", "committed", "told", "flushed")


def again(home, *peers):
    """Run on the address that it had, and connect to those."""
    arguments = [word for peer in peers for word in ("--peer", peer.address)]
    home.run(*arguments, listen=home.address)
    return home


def keep_addresses(*homes):
    for home in homes:
        home.address = home.node.address


def member(home, name):
    found = [m for m in home.read("members")["members"] if m["name"] == name]
    return found[0] if found else {"state": "unknown", "role": "unknown"}


def equal_roots(*homes):
    """… and records, as the vectors of who was cut off may differ."""
    return len({h.root() for h in homes}) == 1


def quarantined(home):
    return home.read("quarantined")


def three(world):
    a, b, c = pair(world, "a", "b", "c")
    keep_addresses(a, b, c)
    b.stop()
    again(b, a, c)
    until(lambda: all(p["state"] == "in sync" for h in (a, b, c)
                      for p in h.read("status")["peers"]), "all three are connected")
    return a, b, c


@test
def what_a_revoked_device_wrote_beyond_the_cut_off_is_void_everywhere_and_comes_back(world):
    a, b, c = three(world)
    shared = c.add("seen by all", "--notes", "the first notes")
    converge(a, b, c, entries=1)
    a.stop()
    c.chitty("todo", "update", shared, "--notes", "notes that a never saw")
    beyond = c.add("beyond the cut-off", "--description", "a text\nof two lines")
    converge(b, c, entries=3)
    b.chitty("todo", "update", beyond, "--notes", "built upon by b")
    b.chitty("todo", "update", shared, "--content", "renamed by b")
    converge(b, c, entries=5)
    full = b.todos()
    b.stop()
    c.stop()

    again(a)
    a.chitty_node("revoke", "c", "--lost")
    limit = member(a, "c")
    same((limit["role"], limit["state"], limit["how"], limit["limitedByName"]),
         ("none", "revoked", "lost", "a"), "c as a shows it")
    again(b, a)
    until(lambda: a.read("status")["counts"]["entries"] == 5 and equal_roots(a, b),
          "a has the entries of c from b, and b the record")
    for home in (a, b):
        found = quarantined(home)
        same((found["entryCount"], {(e["deviceName"], e["why"], e["byName"])
                                    for e in found["entries"]}),
             (2, {("c", "lost", "a")}), f"what is void in {home.name}")
        same(home.read("status")["quarantined"], 2, "what status counts")
        todos = home.todos()
        same((todos[shared]["notes"], todos[shared]["content"]),
             ("the first notes", "renamed by b"), "what stands")
        same({k: v for k, v in todos[beyond].items() if k in ("notes", "content", "description")},
             {"notes": "built upon by b"}, "what b built stands alone")
        verified(home)
    same([e.get("void") for e in a.read("log")].count("revoked"), 2, "void entries in the log")

    again(c, a, b)
    until(lambda: c.read("status")["membership"].get("how") == "lost", "c was told")
    until(lambda: equal_roots(a, b, c), "c holds what the others do")
    refused = c.chitty("add", "never", "--json", status=DENIED).error()
    expect("by a" in refused["message"] and "readmit c" in refused["hint"], f"{refused}")
    verified(c)
    same(a.chitty_node("revoke", "c", "--lost", "--json", status=CONFLICT).error()["field"],
         "device", "revoked already")
    a.chitty_node("revoke", "c", "--lost", "--raise")
    until(lambda: equal_roots(a, b) and quarantined(b)["entryCount"] == 0, "the cut-off is raised")
    for home in (a, b):
        same(home.todos(), full, f"what is there again in {home.name}")
        same(home.read("status")["quarantined"], 0, "nothing is void")
        verified(home)

    a.chitty_node("readmit", "c")
    until(lambda: c.read("status")["membership"] == {"role": "admin"}, "c was readmitted")
    new = c.add("by c, once more")
    converge(a, b, c, entries=6)
    expect(new in a.todos(), "what c wrote since")
    for home in (a, b, c):
        same((member(home, "c")["role"], quarantined(home)["entryCount"]), ("admin", 0), "c again")
        verified(home)


@test
def a_connected_device_that_is_revoked_is_told_and_not_heard_any_more(world):
    a, b, c = three(world)
    a.chitty_node("revoke", "c", "--compromised")
    until(lambda: c.read("status")["membership"].get("how") == "compromised", "c was told")
    until(lambda: all(next(p["state"] for p in h.read("peers")["peers"] if p["name"] == "c") ==
                      "revoked" for h in (a, b)), "nobody is connected with c")
    same(c.read("status")["membership"]["byName"], "a", "who says so")
    expect((c.folder / "device.key").exists(), "its keys are there")
    todo = a.add("after c")
    converge(a, b, entries=1)
    same(c.todos(), {}, "what c hears")
    again_told = c.chitty_node("members").out
    expect("compromised" in again_told, again_told)
    a.chitty_node("readmit", "c", "--role", "reader")
    until(lambda: todo in c.todos(), "a reader is sent everything")
    same(c.chitty("add", "no", "--json", status=DENIED).error()["code"], "denied", "a reader")
    a.chitty_node("role", "c", "writer")
    until(lambda: c.read("status")["membership"] == {"role": "writer"}, "a writer")
    c.add("a writer's")
    converge(a, b, c, entries=2)
    verified(c)


@test
def a_watch_hears_what_a_ruling_gives_back(world):
    home, _ = void_at(world)
    home.run()
    watch = Watch(home)
    watch.begun()
    home.chitty_node("revoke", "c", "--lost", "--raise")
    event = watch.next()
    data = event["entity"]["data"]
    same((event["operation"], data["content"]), ("update", "beyond"), "the event")
    verified(home)


@test
def a_compromised_device_keeps_only_what_it_wrote_before_a_time(world):
    a, b = pair(world, "a", "b")
    first = b.add("before")
    converge(a, b, entries=1)
    time.sleep(1.1)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    second = b.add("after")
    converge(a, b, entries=2)
    same(a.chitty_node("revoke", "b", "--compromised", "--before", "soon", "--json",
                       status=USAGE).error()["field"], "before", "no date")
    a.chitty_node("revoke", "b", "--compromised", "--before", moment)
    same(set(a.todos()), {first}, "what stands")
    until(lambda: set(b.todos()) == {first} and equal_roots(a, b), "b holds the same")
    same([e["why"] for e in quarantined(a)["entries"]], ["compromised"], "why it is void")
    a.chitty_node("revoke", "b", "--compromised", "--before", "2001-01-01")
    same(a.todos(), {}, "the cut-off moved down")
    a.chitty_node("revoke", "b", "--compromised", "--raise")
    same(set(a.todos()), {first, second}, "and up")
    verified(a)


@test
def two_admins_who_revoke_each_other_come_to_one_outcome(world):
    a, b = pair(world, "a", "b")
    keep_addresses(a, b)
    a.add("before")
    converge(a, b, entries=1)
    a.stop()
    b.stop()
    b.chitty_node("revoke", "a", "--lost")
    a.chitty_node("revoke", "b", "--compromised")
    again(b)  # before it hears of a
    b.add("by one who believes to be the last")
    b.stop()
    again(a)
    again(b, a)
    until(lambda: b.read("status")["membership"].get("how") == "compromised",
          "b hears that a, who is senior, stays")
    until(lambda: len(a.read("members")["members"]) == 2 and equal_roots(a, b), "equal roots")
    same((a.read("status")["membership"], member(a, "b")["role"], member(b, "a")["role"]),
         ({"role": "admin"}, "none", "admin"), "who is left")
    same(quarantined(b)["entryCount"], 1, "what b wrote meanwhile")
    verified(a)
    verified(b)


def void_at(world):
    """A stopped home with one void entry, which a raised cut-off would give back; its root."""
    a, b, c = three(world)
    todo = c.add("seen by all")
    converge(a, b, c, entries=1)
    a.stop()
    c.chitty("todo", "update", todo, "--content", "beyond")
    converge(b, c, entries=2)
    b.stop()
    c.stop()
    again(a)
    a.chitty_node("revoke", "c", "--lost")
    again(b, a)
    until(lambda: equal_roots(a, b), "b has the record")
    a.stop()
    b.stop()
    return b, b.root()


def raise_under(home, name, env):
    """Raise the cut-off in a copy of the home, under a fault. Whether the node lived through it,
    the void entries left and the root; None where it was dead before it was asked."""
    copy = home.world.home(name)
    shutil.copytree(home.folder, copy.folder)
    node = copy.start(env=env)
    try:
        node.wait_ready()
    except nodes.Failure:
        return None
    done = copy.chitty_node("revoke", "c", "--lost", "--raise", status=None)
    lived = node.running()
    node.kill()
    count, root = quarantined(copy)["entryCount"], copy.root()
    expect(count in (0, 1), f"void entries after {name}: {count}")
    expect(done.status != OK or count == 0, f"what was acknowledged before {name}")
    verified(copy)
    return lived, count, root


def raise_at(home, arrow):
    """Killed at each passing of the arrow, until one is later than the command; the states seen."""
    states = set()
    for passing in range(1, 60):
        found = raise_under(home, f"{arrow}{passing}", {"CHITTY_KILL_AT": f"{arrow}:{passing}"})
        if found is None:
            continue
        states.add(found[1:])
        if found[0]:
            return states
    raise nodes.Failure(f"the node was killed at each passing of {arrow}")


@test
def a_revocation_killed_at_any_arrow_is_there_whole_or_not_at_all(world):
    home, before = void_at(world)
    states = {state for arrow in ARROWS for state in raise_at(home, arrow)}
    same(len(states), 2, f"the old state and the new one were seen: {states}")
    expect((1, before) in states, f"the old state is as it was: {states}")


@test
def a_device_that_is_not_known_there_yet_waits_to_be_introduced(world):
    a, b = pair(world, "a", "b")
    keep_addresses(a, b)
    a.stop()
    d = world.home("d").init().run().join(b)
    d.stop()
    b.stop()
    again(a)
    d.address = nodes.LOOPBACK
    again(d, a)
    until(lambda: member(d, "a")["state"] == "waiting to be introduced", "d waits")
    again(b, a)
    until(lambda: member(a, "d")["state"] == "in sync", "a was told of d, and d came within 5 s")
    verified(d)


@test
def refusals_name_the_field_and_what_to_do(world):
    a = world.home("a").init()

    def error(*words, status):
        return a.chitty_node(*words, "--json", status=status).error()

    same(error("revoke", "nobody", "--lost", status=NOT_FOUND)["field"], "device", "who is meant")
    expect("members" in error("readmit", "nobody", status=NOT_FOUND)["hint"], "where to look")
    same(error("revoke", "a", status=USAGE)["field"], "why", "how it is revoked")
    same(error("role", "a", "king", status=USAGE)["field"], "role", "which role")
    expect("--yes" in error("revoke", "a", "--lost", status=CONFLICT)["message"], "oneself")
    only = error("revoke", "a", "--lost", "--yes", status=CONFLICT)
    expect("only admin" in only["message"] and "role" in only["hint"], f"the last admin: {only}")
    same(a.read("members")["members"][0]["role"], "admin", "nothing was changed")
    same(error("readmit", "a", status=CONFLICT)["code"], "exists", "a member")


if __name__ == "__main__":
    sys.exit(nodes.main())
