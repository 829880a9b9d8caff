"""The observer: clones, services, sessions and reminders of one machine, seen from another. Two
nodes, each with an observer; real git, a real HTTP server, processes that really die."""
import http.server
import os
import pathlib
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time

import nodes
from nodes import NOTFOUND, converge, expect, pair, same, test, until
from repository import git

DAY_S = 24 * 3600


def observed(world):
    """From now on nodes of this world start their observer."""
    world.env.pop("CHITTY_NO_OBSERVE")
    world.env.update(no_proxy="*", NO_PROXY="*")
    return world


def device(home):
    return home.read("status")["device"]


def observer(home):
    """The pid of the node's observer, or None."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text()
        except (OSError, NotADirectoryError):
            continue
        name, rest = stat.split("(", 1)[1].rsplit(")", 1)
        state, parent = rest.split()[:2]
        if name == "chitty-observe" and state != "Z" and int(parent) == home.node.process.pid:
            return int(entry.name)
    return None


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def asleep(pid):
    """Its threads do not run for a second: idleness is seen by nothing else than time."""
    def runs():
        return sum(int(line.split()[1])
                   for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                   for line in (task / "status").read_text().splitlines() if "ctxt_sw" in line)
    before = runs()
    time.sleep(1.0)
    return runs() == before


# --- the process

@test
def the_node_keeps_an_observer_and_takes_it_along(world):
    home = observed(world).home("a").init().run()
    pid = until(lambda: observer(home), "the node starts its observer")
    same(home.read("status")["observer"], {"state": "on", "starts": 1}, "what status says")
    until(lambda: asleep(pid), "with nothing to look after it sleeps")
    os.kill(pid, signal.SIGKILL)
    again = until(lambda: observer(home) not in (None, 0, pid) and observer(home),
                  "it is started again: another process")
    same(home.read("status")["observer"]["starts"], 2, "starts")
    by_hand = home.call(str(pathlib.Path(nodes.CHITTY_NODE).with_name("chitty-observe")),
                        status=None)
    same(by_hand.status, nodes.CONFLICT, f"a second observer of a home: {by_hand!r}")
    home.stop()
    until(lambda: gone(again), "it ends with the node")
    home.run()
    pid = until(lambda: observer(home), "a later node has one too")
    home.kill()
    until(lambda: gone(pid), "it ends when the node is killed")
    home.run("--no-observe")
    same(home.read("status")["observer"]["state"], "off", "without")
    same(observer(home), None, "no process")


# --- clones

def commit(folder, text):
    git(folder, "commit", "-q", "--allow-empty", "-m", text)


def clones(home):
    """Path to the state of every clone, as it is written."""
    rows = home.chitty("repo", "status", "--as-written", "--json").document()
    return {row["path"]: row for row in rows}


def settle(homes, what, **wanted):
    """Until every node shows these states of the clones named by their folders' names."""
    def shown():
        for home in homes:
            rows = {pathlib.Path(path).name: row for path, row in clones(home).items()}
            if any(name not in rows or rows[name]["state"] != state
                   for name, state in wanted.items()):
                return False
        return True
    until(shown, what)


@test
def clones_on_two_machines_are_seen_side_by_side(world):
    a, b = both = pair(observed(world), "a", "b")
    origin, left, right = (world.folder / n for n in ("origin.git", "left", "right"))
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    git(world.folder, "clone", "-q", str(origin), str(left))
    git(left, "checkout", "-q", "-B", "main")
    commit(left, "first")
    git(left, "push", "-q", "-u", "origin", "main")
    git(world.folder, "clone", "-q", str(origin), str(right))
    repo = a.chitty("repo", "add", str(left)).out.strip()
    same(b.chitty("repo", "add", str(right / ".")).out.strip(), repo, "one repository")
    settle(both, "both are synced", left="synced", right="synced")
    record = next(r for r in b.chitty("repo", "list", "--json").document())
    same(record["data"]["url"], f"file:{origin}".removesuffix(".git"), "its address")
    same(record["data"]["root_commits"], [git(left, "rev-list", "--max-parents=0", "HEAD")],
         "its first commit")
    commit(left, "second")
    settle(both, "one of them is ahead", left="ahead", right="synced")
    git(left, "push", "-q")
    b.chitty("repo", "fetch")
    settle(both, "the other is behind", left="synced", right="behind")
    commit(right, "third")
    settle(both, "they have diverged", left="synced", right="diverged")
    row = clones(a)[str(right)]
    same((row["ahead"], row["behind"], row["branch"], row["deviceName"], row["dirty"]),
         (1, 1, "main", "b", False), "what else is told of it on the other node")
    same(row["commit"], git(right, "rev-parse", "HEAD"), "its commit")
    (right / "new").write_text("x")
    git(right, "add", "new")
    until(lambda: clones(a)[str(right)]["dirty"] is True, "changed files are told")
    git(left, "checkout", "-q", "-b", "topic/one")
    git(right, "checkout", "-q", "--detach")
    settle(both, "neither has an upstream", left="no-upstream", right="detached")
    shutil.rmtree(right)
    settle(both, "a clone that is gone is told", left="no-upstream", right="missing")
    b.chitty("repo", "forget", str(right))
    until(lambda: list(clones(a)) == [str(left)], "a clone that is forgotten is told no more")
    b.chitty("repo", "forget", str(right), status=NOTFOUND)


@test
def nobody_else_sends_git_into_a_folder(world):
    a, b = pair(observed(world), "a", "b")
    here, there = world.folder / "own", world.folder / "other"
    for folder in (here, there):
        subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
        commit(folder, "first")
    repo = a.chitty("repo", "add", str(here)).out.strip()
    until(lambda: str(here) in clones(b), "the other node has it")
    b.chitty("repo", "update", repo, "--worktree", f'{device(a)}:{there}={{"state":"synced"}}')
    until(lambda: str(there) in clones(a), "what the other wrote is here")
    commit(here, "second")
    tip = git(here, "rev-parse", "HEAD")
    until(lambda: clones(a)[str(here)]["commit"] == tip, "our own one is looked at")
    same(clones(a)[str(there)]["state"], "synced", "the other one is not")
    expect("commit" not in clones(a)[str(there)], "git was not asked about it")


@test
def without_a_remote_a_repository_is_one_machines(world):
    a, b = pair(world, "a", "b")
    folder, second = world.folder / "alone", world.folder / "second"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    commit(folder, "first")
    git(folder, "worktree", "add", "-q", str(second), "-b", "other")
    repo = a.chitty("repo", "add", str(folder)).out
    same(a.chitty("repo", "add", str(folder)).out, repo, "the same again")
    same(a.chitty("repo", "add", str(second)).out, repo, "a second worktree of it")
    expect(b.chitty("repo", "add", str(folder)).out != repo, "the same path elsewhere is another")
    git(folder, "remote", "add", "origin", "https://me:secret@GitHub.com/A/B.git")
    named = a.chitty("repo", "add", str(folder)).out
    expect(named != repo, "with a remote it is what the remote says")
    same(b.chitty("repo", "add", str(folder)).out, named, "on every machine")
    urls = {r["chittyId"]: r["data"]["url"] for r in a.chitty("repo", "list", "--json").document()}
    same(urls[named.strip()], "github.com/a/b", "its address")
    same(a.chitty("repo", "status", "--json").document()[0]["state"], "no-upstream",
         "looked at without an observer")


# --- services

class Server:
    """An HTTP server whose path says how it answers."""

    def __init__(self):
        release = self.release = threading.Event()
        outer, self.hung_up = self, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                word = self.path.strip("/")
                if word == "hang":
                    release.wait(60)
                    return
                if word == "slow":
                    release.wait(0.8)
                self.send_response(int(word) if word.isdigit() else 302 if "-" in word else 200)
                if word == "to-here":
                    self.send_header("Location", "/200")
                if word == "to-there":
                    self.send_header("Location", "http://localhost:1/")
                size = 0 if word != "big" else 1 << 30
                self.send_header("Content-Length", str(size))
                self.end_headers()
                try:
                    for _ in range(size >> 20):
                        self.wfile.write(bytes(1 << 20))
                except OSError:
                    outer.hung_up += 1

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

        class Junk(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(b"220 I speak something else\r\n" * 100)

        self.junk = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Junk)
        self.junk.daemon_threads = True
        threading.Thread(target=self.junk.serve_forever, daemon=True).start()

    def url(self, word):
        return f"http://127.0.0.1:{self.server.server_port}/{word}"

    def close(self):
        self.release.set()
        for server in (self.server, self.junk):
            server.shutdown()
            server.server_close()


def health(home):
    """(service, device's name) to how it looks."""
    return {(row["name"], row.get("deviceName")): row
            for row in home.chitty("service", "health", "--json").document()}


def add_service(home, name, url):
    home.chitty("service", "add", name, "--check-url", url, "--check-every", "5",
                "--check-timeout", "1500")


@test
def a_service_that_dies_is_seen_from_the_other_node(world):
    a, b = both = pair(observed(world), "a", "b")
    server = Server()
    try:
        wanted = {"200": "healthy", "503": "down", "hang": "down", "slow": "degraded",
                  "404": "degraded", "429": "degraded", "to-here": "healthy",
                  "to-there": "degraded", "204": "healthy", "big": "healthy", "junk": "down"}
        for word in wanted:
            add_service(a, word, server.url(word))
        add_service(a, "junk", f"http://127.0.0.1:{server.junk.server_address[1]}/")
        add_service(a, "odd", "gopher://localhost/")
        for home in both:
            until(lambda h=home: {k: r["health"] for k, r in health(h).items() if k[0] != "odd"} ==
                  {(word, d): w for word, w in wanted.items() for d in "ab"},
                  "every service is seen from both machines, on both nodes")
        seen = health(b)
        same(seen["503", "a"]["status"], 503, "the status that was answered")
        expect(seen["hang", "a"]["error"], "why there was no answer")
        until(lambda: server.hung_up >= 2, "who sends without end is not read to the end")
        expect(all(row["health"] == "unknown" and row["error"] for key, row in seen.items()
                   if key[0] == "odd"), "what is no address of HTTP is not asked")
    finally:
        server.close()
    until(lambda: health(b)["200", "a"]["health"] == "down", "down, as the other machine says")
    until(lambda: health(a)["200", "b"]["health"] == "down", "and as this one says")
    a.chitty("service", "deploy", "200", "--version", "1.4", "--env", "staging", "--commit", "4f2a")
    converge(a, b)
    record = next(r["data"] for r in b.chitty("service", "list", "--json").document()
                  if r["data"]["name"] == "200")
    same((record["version"], record["deployments"]["staging"]["commit"]), ("1.4", "4f2a"),
         "what was deployed")


# --- sessions

def session(home, name, *words):
    return home.chitty("session", "create", "--session-id", name, "--platform", "cli",
                       "--status", "active", *words).out.strip()


def statuses(home):
    return {r["data"]["session_id"]: r["data"]["status"]
            for r in home.chitty("session", "list", "--all", "--json").document()}


def minutes_ago(count):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 60 * count))


@test
def a_process_that_is_killed_makes_its_session_crashed(world):
    a, b = pair(observed(world), "a", "b")
    killed, living = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    try:
        for name, process in (("killed", killed), ("living", living)):
            a.chitty("session", "attach", session(a, name), "--pid", str(process.pid))
        session(a, "earlier", "--process", f'{device(a)}={{"pid":{living.pid},"started":1,'
                '"ticks":7,"boot":"another"}')
        session(a, "silent", "--last-active", minutes_ago(60))
        session(a, "leased", "--last-active", minutes_ago(60), "--state", "lease=7200")
        session(a, "paused", "--last-active", minutes_ago(60), "--status", "paused")
        session(a, "plain")
        ended = session(a, "ended")
        a.chitty("session", "update", ended, "--status", "ended")
        killed.kill()
        killed.wait()
        want = {"killed": "crashed", "living": "active", "earlier": "crashed", "silent": "crashed",
                "leased": "active", "paused": "paused", "plain": "active", "ended": "ended"}
        until(lambda: statuses(b) == want, "the other node sees which have crashed")
        crashed = next(r["data"] for r in b.chitty("session", "list", "--all", "--json").document()
                       if r["data"]["session_id"] == "killed")
        expect(crashed["ended"] and not crashed.get("process"), f"when it ended: {crashed}")
        living.kill()
        living.wait()
        until(lambda: statuses(b)["living"] == "crashed", "so it does later")
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()


# --- reminders

def recorder(world):
    """A program for CHITTY_NOTIFY that writes down what it is told; and what it has written."""
    told, program = world.folder / "told", world.folder / "notify"
    program.write_text(f"#!/bin/sh\nprintf '%s|%s\\n' \"$1\" \"$2\" >> '{told}'\n")
    program.chmod(0o755)
    world.env["CHITTY_NOTIFY"] = str(program)
    return lambda: told.read_text().splitlines() if told.exists() else []


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


def remind(home, title, at, note, *words):
    return home.add(title, "--reminder", f"{at}={note}", *words)


def reminded(home, todo, at):
    return home.todos()[todo].get("reminded", {}).get(at)


@test
def a_reminder_is_announced_once_among_connected_machines(world):
    told = recorder(observed(world))
    a, b = pair(world, "a", "b")
    at, old = moment(1), moment(-2 * DAY_S)
    first = remind(a, "Call the court", at, "about\nthe <hearing>")
    missed = remind(a, "Long ago", old, "x")
    done = a.add("Done already")
    a.chitty("done", done)
    a.chitty("todo", "update", done, "--reminder", f"{at}=x")
    remind(a, "Not yet back", at, "x", "--defer", moment(DAY_S))
    for home in (a, b):
        until(lambda h=home: first in h.todos() and reminded(h, first, at), "it was announced")
        until(lambda h=home: reminded(h, missed, old), "what is a day old is marked")
    same(told(), ["Call the court|about the <hearing>"], "what was announced")
    same(reminded(b, first, at)["device"], min(device(a), device(b)), "whose turn it was")
    same(reminded(b, missed, old)["missed"], True, "the old one")
    for home in (a, b):
        home.stop()
    a.run()
    b.run("--peer", a.node.address)
    until(lambda: [p["state"] for p in a.read("status")["peers"]] == ["in sync"], "they meet again")
    at = moment(0)
    second = remind(b, "Water the plants", at, "true")
    for home in (a, b):
        until(lambda h=home: second in h.todos() and reminded(h, second, at), "the next one")
    same(told(), ["Call the court|about the <hearing>", "Water the plants|" + told()[-1][17:]],
         "each was announced once")


if __name__ == "__main__":
    sys.exit(nodes.main())
