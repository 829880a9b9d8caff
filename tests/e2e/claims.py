#!/usr/bin/env python3
"""Who works on what, on two machines: together, apart, together again (PROTOCOL 13, LOCAL 8)."""
import json
import subprocess
import time

from nodes import (CHITTY, CONFLICT, NOTFOUND, OK, converge, expect, main, pair, same, test, until,
                   verified)


def claim(home, todo, session, *flags, status=OK):
    """`chitty claim` as a session of that name; the document, or what failed."""
    done = home.chitty("claim", todo, "--json", *flags, status=status,
                       env={"CHITTY_SESSION": session})
    return done.document() if status == OK else done


def claims(home, *flags):
    return home.chitty("claims", "--json", *flags).document()


def holder(home, todo):
    """(state, device) of the claim that is shown."""
    found = [(c["state"], c["deviceName"]) for c in claims(home) if c["chittyId"] == todo]
    return found[0] if found else None


def device(home):
    return home.read("status")["device"]


@test
def the_device_that_made_a_todo_grants_it_to_the_other(world):
    a, b = pair(world, "laptop", "desktop")
    todo = a.add("Write the lexer")
    converge(a, b)
    entries = b.read("status")["counts"]["entries"]
    got = claim(b, todo, "s2")
    same((got["state"], got["token"], got["arbiter"]), ("held", "1.1", device(a)), "the grant")
    # the answer came when this node had the entry, which the other one wrote
    same(holder(b, todo), ("held", "desktop"), "who holds it, here")
    same(b.read("status")["counts"]["entries"], entries + 2, "entries: the session, and the claim")
    written = b.read("log", todo)[0]
    same((written["device"], written["chittyId"]), (device(a), todo), "who wrote it")
    refused = claim(a, todo, "s1", status=CONFLICT)
    error = refused.error()
    same(error["code"], "conflict", "the refusal")
    expect('"Write the lexer" is held by' in error["message"] and
           "on desktop" in error["message"], error["message"])
    again = claim(b, todo, "s2")
    same((again["token"], again["already"]), ("1.1", True), "it has it already")
    taken = claim(a, todo, "s1", "--force")
    same(taken["token"], "1.2", "the token of who took it over")
    until(lambda: holder(b, todo) == ("held", "laptop"), "the other one sees it")
    lost = claims(b, "--session", got["holder"])
    same([(c["state"], c["token"], c["deviceName"]) for c in lost], [("lost", "1.1", "laptop")],
         "what the loser is told")
    a.chitty("done", todo, env={"CHITTY_SESSION": "s1"})
    until(lambda: claims(b) == [], "nobody holds what is done")
    converge(a, b)
    verified(a)
    verified(b)


@test
def without_it_a_claim_is_unconfirmed_until_they_meet(world):
    a, b = pair(world, "laptop", "desktop")
    todo = a.add("Write the parser")
    converge(a, b)
    a.stop()
    until(lambda: b.read("status")["peers"][0]["state"] == "away", "it is away")
    start = time.monotonic()
    got = claim(b, todo, "s2")
    expect(time.monotonic() - start < 20, "it does not wait for who is away")
    same((got["state"], got["token"]), ("unconfirmed", "1.1"), "the claim")
    same(holder(b, todo), ("unconfirmed", "desktop"), "who holds it")
    a.run("--peer", b.node.address)
    until(lambda: holder(b, todo) == ("held", "desktop"), "the arbiter confirms it")
    until(lambda: holder(a, todo) == ("held", "desktop"), "the arbiter shows it")
    converge(a, b)
    same(claims(b, "--session", got["holder"])[0]["state"], "held", "nothing is lost by it")
    same(a.read("conflicts"), [], "conflicts")


@test
def apart_two_claim_and_together_one_of_them_has_it(world):
    a, b = pair(world, "laptop", "desktop")
    todo = a.chitty("add", "Write the tests", env={"CHITTY_SESSION": "s1"}).out.strip()
    other = b.add("Write the docs")
    converge(a, b)
    a.stop()
    b.stop()
    a.run()
    mine = claim(a, todo, "s1")
    same(claim(a, other, "s1")["state"], "unconfirmed", "what the other one grants")
    a.chitty("todo", "update", todo, "--notes", "done by the first", "--status", "completed",
             env={"CHITTY_SESSION": "s1"})
    a.stop()
    b.run()
    theirs = claim(b, todo, "s2")
    same((mine["state"], theirs["state"]), ("held", "unconfirmed"), "the claims")
    same(claim(b, other, "s2")["state"], "held", "what this one grants")
    a.run("--peer", b.node.address)
    converge(a, b)
    # the winner has finished and left: the loser is told all the same, with what was done
    told = until(lambda: [c for c in claims(b, "--session", theirs["holder"])
                          if c["state"] == "lost"], "the loser is told")
    same([c["chittyId"] for c in told], [todo], "what was lost")
    same(told[0]["holder"], mine["holder"], "who won")
    what = {w["field"]: w["value"] for w in told[0]["what"]}
    same((what["status"], what["notes"]), ("completed", "done by the first"), "what was done")
    same(sorted(what), ["completed_at", "notes", "status"], "nothing of what was there before")
    same([(c["chittyId"], c["deviceName"]) for c in claims(a)], [(other, "desktop")], "claims")
    lost = claims(a, "--session", mine["holder"])
    same([(c["state"], c["chittyId"], c["holder"]) for c in lost],
         [("lost", other, theirs["holder"])], "what the first one lost")
    b.stop()
    b.run()
    expect([c for c in claims(b, "--session", theirs["holder"]) if c["state"] == "lost"],
           "it is told after a start, too")


@test
def of_many_who_ask_for_the_next_each_gets_another(world):
    a, b = pair(world, "laptop", "desktop")
    todos = {a.add(f"task {i}") for i in range(6)}
    converge(a, b)
    runs = [subprocess.Popen([CHITTY, "next", "--claim", "--json"],
                             env=dict(home.env, CHITTY_SESSION=f"{home.name}{i}"),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for i in range(4) for home in (a, b)]
    done = [(run.communicate()[0], run.returncode) for run in runs]
    got = [json.loads(out)["data"] for out, status in done if status == OK]
    same(sorted(status for _, status in done), [OK] * 6 + [NOTFOUND] * 2, "exit statuses")
    same({g["chittyId"] for g in got}, todos, "what they got")
    same({g["state"] for g in got}, {"held"}, "all are granted")
    converge(a, b)
    same(len(claims(b)), 6, "claims")


@test
def a_claim_lapses_and_a_session_that_ends_gives_back(world):
    home = world.home("laptop").init().run("--lease", "1")
    todo = home.add("Write the linker")
    first = claim(home, todo, "s1")
    until(lambda: holder(home, todo)[0] == "lapsed", "it lapses")
    same([t["chittyId"] for t in home.read("ready")], [todo], "what is ready")
    second = claim(home, todo, "s2")
    same((first["token"], second["token"]), ("1.1", "1.2"), "tokens")
    same(claim(home, todo, "s1", "--force")["token"], "1.3", "taken back")
    freed = home.chitty("release", "--all", "--json", env={"CHITTY_SESSION": "s1"}).document()
    same(freed["released"], [todo], "what is given back")
    same(home.todos()[todo]["status"], "pending", "its status")
    person = home.chitty("claim", todo, "--json", env={"CHITTY_USER": "ada"}).document()
    same(person["holder"], "ada@laptop", "a person's claim")


if __name__ == "__main__":
    raise SystemExit(main())
