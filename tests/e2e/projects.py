"""Which project a folder is, on two machines; what sessions are told, and what they wait for."""
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

import nodes
from nodes import CONFLICT, NOTFOUND, USAGE, expect, main, pair, same, test, until
from repository import GIT, git

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from trace_end import natural_id  # noqa: E402

SESSION = os.environ["CHITTY_SESSION_TOOL"]


def repository(folder, what="one", empty=False):
    """A clone with one commit and no remote."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    if not empty:
        (folder / "file").write_text(what)
        git(folder, "add", "file")
        git(folder, "commit", "-q", "-m", what)
    return folder


def clone(source, folder, *flags):
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(folder.parent, "clone", "-q", *flags, str(source), str(folder))
    return folder


class Agent:
    """A session of an agent on a home: tests/e2e/session.c."""

    def __init__(self, home, key, folder, **env):
        self.process = subprocess.Popen(
            [SESSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env=dict(home.env, CHITTY_SESSION=key, CLAUDE_PROJECT_DIR=str(folder), **GIT, **env))
        home.world.watches.append(self)
        self.text = b""

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def hear(self, err="ok"):
        end = time.monotonic() + nodes.DEADLINE_S
        fd = self.process.stdout.fileno()
        while b"\n" not in self.text:
            left = end - time.monotonic()
            expect(left > 0 and select.select([fd], [], [], max(left, 0))[0], "it answers in time")
            got = os.read(fd, 65536)
            expect(got, "the session goes on")
            self.text += got
        line, self.text = self.text.split(b"\n", 1)
        answer = json.loads(line)
        same(answer["err"], err, f"how it went ({answer})")
        return answer

    def ask(self, line, err="ok"):
        self.tell(line)
        return self.hear(err)

    def silent(self):
        """It has not answered by now."""
        return not self.text and not select.select([self.process.stdout], [], [], 0)[0]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def here(home, folder):
    return home.call(nodes.CHITTY, "project", "here", str(folder), "--json", env=GIT).document()


def init(home, *words, status=nodes.OK):
    done = home.call(nodes.CHITTY, "init", "--json", *map(str, words), env=GIT, status=status)
    return done.document() if status == nodes.OK else done.error()


def projects(home):
    return home.read("project", "list")


@test
def all_clones_and_worktrees_of_a_repository_are_one_project(world):
    home = world.home("laptop").init().run()
    seed = repository(world.folder / "seed")
    bare = clone(seed, world.folder / "bare.git", "--bare")
    one, two = clone(bare, world.folder / "one"), clone(bare, world.folder / "deep" / "two")
    agent = Agent(home, "s1", one)
    made = agent.ask(f"find {one}")
    same((made["how"], made["name"], made["folder"], made["address"]),
         ("made", "one", str(one), ""), "the first; a path is no address")
    same(made["root"], git(seed, "rev-parse", "HEAD"), "its first commit")
    same(agent.ask(f"find {two}")["how"], "root", "the second clone")
    (one / "packages" / "a").mkdir(parents=True)
    deep = agent.ask(f"find {one / 'packages' / 'a'}")
    same((deep["how"], deep["found"], deep["folder"], deep["changed"]),
         ("place", made["found"], str(one), False), "a folder of a monorepo")
    git(one, "worktree", "add", "-q", str(world.folder / "tree"), "-b", "topic")
    tree = agent.ask(f"find {world.folder / 'tree'}")
    same((tree["how"], tree["found"]), ("place", made["found"]), "a worktree, by the main one")
    ways = ("git@github.com:Acme/App.git", "https://user:pw@github.com/acme/app",
            "ssh://git@github.com:22/acme/app.git/")
    for number, way in enumerate(ways):
        other = clone(bare, world.folder / f"way{number}")
        git(other, "remote", "set-url", "origin", way)
        found = agent.ask(f"find {other}")
        same((found["address"], found["found"], found["how"]),
             ("github.com/acme/app", made["found"], "root" if number == 0 else "address"), way)
    (seed / "file").write_text("two")
    git(seed, "commit", "-q", "-a", "-m", "two")
    shallow = clone(f"file://{seed}", world.folder / "shallow", "--depth", "1")
    agent.ask(f"find {shallow}", err="not_found")
    git(shallow, "remote", "set-url", "origin", ways[0])
    found = agent.ask(f"find {shallow}")
    same((found["found"], found["root"]), (made["found"], ""), "a shallow clone, by its address")
    fork = clone(bare, world.folder / "fork")
    git(fork, "remote", "set-url", "origin", "https://github.com/other/app")
    found = agent.ask(f"find {fork}")
    same((found["how"], found["name"], found["found"]),
         ("made", "app", natural_id(2, "PROJ", f"github.com/other/app\n{made['root']}", "git")),
         "a fork, and the id that any machine gives it")
    same(len(projects(home)), 2, "the repository and its fork")
    record = home.call(nodes.CHITTY, "project", "get", made["found"], "--json").document()
    same(len(record["data"]["places"]), 7, "places: five clones, a worktree, a shallow clone")
    same((record["data"]["repos"], record["data"]["root_commits"]),
         (["github.com/acme/app"], [made["root"]]), "what it is known by")


@test
def without_an_address_the_first_commit_tells(world):
    home = world.home("laptop").init().run()
    one = repository(world.folder / "one", "one")
    agent = Agent(home, "s1", one)
    made = agent.ask(f"find {one}")
    same((made["how"], made["address"], made["name"]), ("made", "", "one"), "no remote")
    same(made["found"], natural_id(2, "PROJ", made["root"], "git"), "the id that any gives it")
    shutil.copytree(one, world.folder / "copy")
    same(agent.ask(f"find {world.folder / 'copy'}")["how"], "root", "a copy of the folder")
    other = repository(world.folder / "other", "other")
    expect(agent.ask(f"find {other}")["found"] != made["found"], "another history is another one")
    empty = repository(world.folder / "empty", empty=True)
    agent.ask(f"find {empty}", err="not_found")
    plain = world.folder / "plain"
    plain.mkdir()
    agent.ask(f"find {plain}", err="not_found")
    agent.ask(f"known {repository(world.folder / 'unknown', 'unknown')}", err="not_found")
    same(agent.ask(f"find {clone(one, world.folder / 'clone')}")["how"], "root",
         "a clone of one without an address")
    same(len(projects(home)), 2, "what is only asked about makes nothing")


@test
def a_repository_that_got_an_old_ones_address_is_another_project(world):
    home = world.home("laptop").init().run()
    first = repository(world.folder / "first", "first")
    second = repository(world.folder / "second", "second")
    for folder in (first, second):
        git(folder, "remote", "add", "origin", "https://example.org/app.git")
    agent = Agent(home, "s1", first)
    made = agent.ask(f"find {first}")
    expect(agent.ask(f"find {second}")["found"] != made["found"], "another first commit")
    again = agent.ask(f"find {first}")
    same((again["how"], again["found"], again["changed"]), ("place", made["found"], False),
         "asked again, nothing is written")


@test
def clones_made_while_apart_become_one_project(world):
    seed = repository(world.folder / "seed")
    bare = clone(seed, world.folder / "bare.git", "--bare")
    homes = [world.home(name).init().run() for name in ("laptop", "desktop")]
    found = []
    for number, home in enumerate(homes):
        folder = clone(bare, world.folder / f"{home.name}-app")
        agent = Agent(home, f"s{number}", folder)
        agent.ask("ensure")
        found.append(agent.ask(f"find {folder}"))
        home.add("--project", found[-1]["found"], f"todo of {home.name}")
        agent.close()
    same(found[0]["found"], found[1]["found"], "the natural id")
    homes[1].join(homes[0], "--bring")
    until(lambda: all(len(h.read("todo", "list", f"project:{found[0]['found']}")) == 2
                      for h in homes), "both have both todos in one project")
    for home in homes:
        same([p["chittyId"] for p in projects(home)], [found[0]["found"]], f"on {home.name}")
        same(len(projects(home)[0]["data"]["places"]), 2, "the places of both")


@test
def init_makes_any_folder_a_project(world):
    home = world.home("laptop").init().run()
    thesis, other = world.folder / "thesis", world.folder / "other"
    for folder in (thesis, other):
        (folder / "sub").mkdir(parents=True)
    made = init(home, thesis)
    same((made["how"], made["name"], made["folder"], made["changed"]),
         ("made", "thesis", str(thesis), True), "a new one")
    again = init(home, thesis)
    same((again["project"], again["how"], again["changed"]), (made["project"], "place", False),
         "once more")
    same(here(home, thesis / "sub")["project"], made["project"], "below it")
    same(init(home, "--name", "Thesis 2", thesis)["project"], made["project"], "renamed")
    same([p["data"]["name"] for p in projects(home)], ["Thesis 2"], "its name")
    told = init(home, "--project", "Thesis 2", other)
    same((told["how"], told["project"]), ("told", made["project"]), "another folder of it")
    error = init(home, "--name", "Thesis 2", other / "sub", status=CONFLICT)
    same(error["code"], "exists", "no two of one name")
    sub = init(home, "--name", "part", other / "sub")
    same((here(home, other / "sub")["name"], here(home, other)["name"]), ("part", "Thesis 2"),
         "a project inside of another one's folder")
    moved = init(home, "--project", "part", other)
    same(moved["project"], sub["project"], "a folder moves to another project")
    same(sorted(p["data"]["name"] + str(len(p["data"]["places"])) for p in projects(home)),
         ["Thesis 21", "part2"], "and is a place of one only")
    init(home, "--name", "a", "--project", "b", other, status=USAGE)
    init(home, world.folder / "nowhere", status=NOTFOUND)
    home.call(nodes.CHITTY, "project", "here", str(world.folder), status=NOTFOUND, env=GIT)


@test
def in_the_folder_of_a_project_what_is_added_and_taken_is_of_it(world):
    home = world.home("laptop").init().run()
    thesis = world.folder / "thesis"
    (thesis / "sub").mkdir(parents=True)
    project = init(home, thesis)["project"]
    other = home.chitty("project", "create", "Other").out.strip()

    def chitty(*words, status=nodes.OK, session=""):
        return home.call("env", "-C", str(thesis / "sub"), nodes.CHITTY, *words, status=status,
                         env={"CHITTY_SESSION": session}).out.strip()

    home.add("elsewhere", "--priority", "critical")
    foreign = chitty("add", "of another", "--project", "Other", "--priority", "high")
    own = chitty("add", "of it")
    todos = home.todos()
    same([todos[t].get("project") for t in (own, foreign)], [project, other], "projects")
    expect("of it" in chitty("next", "--claim", session="s1"), "not what matters more elsewhere")
    chitty("next", "--claim", session="s1", status=NOTFOUND)
    expect("of another" in chitty("next", "--claim", "project:Other", session="s1"), "named")
    same({r["title"]: r["holderName"] for r in home.read("claims")},
         {"of it": "s1", "of another": "s1"}, "by a session that has a record now")


@test
def what_a_person_or_a_session_adds_in_a_folder_is_of_its_project(world):
    home = world.home("laptop").init().run()
    folder = world.folder / "thesis"
    (folder / "sub").mkdir(parents=True)
    project = init(home, folder)["project"]

    def of(*words, at=folder / "sub", **env):
        got = home.call(nodes.CHITTY, *words, "--json", env=dict(GIT, **env), cwd=at).document()
        got = got["results"][0] if "results" in got else got
        data = home.read("show", got["chittyId"])["cells"]
        return [cell["values"][0]["value"] for name in ("project", "session")
                for cell in data if cell["field"] == name]

    session = natural_id(3, "SESSION", "claude-code\nkey-1", "session")
    same(of("add", "a"), [project], "a person's")
    same(of("add", "b", CLAUDE_CODE_SESSION_ID="key-1"), [project, session], "a session's")
    same(of("checkpoint", "c", CLAUDE_CODE_SESSION_ID="key-1"), [project, session], "a note")
    same(of("claude", "todos", "add", "d"), [project], "by the longer word")
    same(of("add", "e", "--project", "none"), [], "of none")
    same(of("add", "f", at=world.folder), [], "elsewhere")
    same(of("topic", "create", "g"), [], "a record of another type")
    other = init(home, "--name", "other", folder.parent / "thesis" / "sub")["project"]
    same(of("add", "h", "--project", "thesis"), [project], "of the project that is said")
    same(of("add", "i"), [other], "of the nearest")
    would = home.call(nodes.CHITTY, "add", "j", "--dry-run", "--json", env=GIT, cwd=folder)
    same(would.document()["would"]["project"]["to"], project, "what would be")


@test
def init_of_a_clone_tells_its_project(world):
    home = world.home("laptop").init().run()
    one = repository(world.folder / "mono")
    (one / "packages" / "web").mkdir(parents=True)
    made = init(home, one / "packages")
    same((made["how"], made["folder"], made["name"]), ("made", str(one), "mono"), "the whole clone")
    web = init(home, "--name", "web", one / "packages" / "web")
    same((web["how"], web["folder"]), ("made", str(one / "packages" / "web")), "a part of its own")
    same((here(home, one / "packages" / "web")["name"], here(home, one / "packages")["name"]),
         ("web", "mono"), "the nearest place counts")
    agent = Agent(home, "s1", one / "packages" / "web")
    same(agent.ask("ensure")["project"], web["project"], "of a session there")
    inside = repository(one / "vendor" / "lib", "lib")
    expect(agent.ask(f"find {inside}")["found"] != made["project"],
           "a clone inside of it is a project of its own")


@test
def a_session_is_told_what_others_did_once(world):
    home = world.home("laptop").init().run()
    folder = repository(world.folder / "app")
    one, two = Agent(home, "one", folder), Agent(home, "two", folder)
    project = one.ask("ensure")["project"]
    same(two.ask("ensure")["project"], project, "both work on one project")
    todo = home.add("--project", project, "Write the parser")
    text = one.ask("news start")["text"]
    for part in ("This session holds no todo.", "Write the parser", "1 todo is ready: TODO-"):
        expect(part in text, f"{part!r} in {text!r}")
    same(one.ask("news prompt")["text"], "", "told once")
    same(two.ask("claim")["chittyId"], todo, "the next one that is ready")
    text = one.ask("news prompt")["text"]
    expect("on laptop claimed " in text and "No todo is ready." in text, f"{text!r}")
    expect("This session holds TODO-" in two.ask("news start")["text"], "what it holds")
    home.call(nodes.CHITTY, "done", todo, env=dict(CHITTY_ACTOR=two.ask("ensure")["session"]))
    home.add("in no project")
    text = one.ask("news prompt keep")["text"]
    expect("on laptop completed TODO-" in text and "no project" not in text, f"{text!r}")
    expect("completed" in one.ask("news prompt")["text"], "the look that did not count")
    same(one.ask("news prompt")["text"], "", "now it did")
    same(two.ask("news prompt")["events"] > 1, False, "its own deeds are no news")
    record = home.call(nodes.CHITTY, "session", "get", one.ask("ensure")["session"],
                       "--json").document()
    data = record["data"]
    same((data["status"], data["session_id"], data["platform"], data["branch"], data["project"]),
         ("active", "one", "claude-code", "main", project), "the record")
    git(folder, "checkout", "-q", "--detach")
    one.ask("ensure")
    record = home.call(nodes.CHITTY, "session", "get", "one", "--json").document()
    same(record["data"].get("branch"), None, "of no branch any more")
    before = home.read("status")["counts"]["entries"]
    one.ask("ensure")
    same(home.read("status")["counts"]["entries"], before, "nothing new, nothing written")
    one.ask("end")
    record = home.call(nodes.CHITTY, "session", "get", data["session_id"], "--json").document()
    same(record["data"]["status"], "ended", "ended")


@test
def a_claim_that_another_takes_is_told_once_and_ends_the_waiting(world):
    home = world.home("laptop").init().run()
    folder = repository(world.folder / "app")
    one, two = Agent(home, "one", folder), Agent(home, "two", folder)
    project = one.ask("ensure")["project"]
    two.ask("ensure")
    todo, other = (home.add("--project", project, title) for title in ("Parser", "Lexer"))
    one.ask(f"claim {todo}")
    one.ask("news start")
    refused = two.ask(f"claim {todo}", err="conflict")
    expect("one" in refused["message"], f"the holder is named: {refused['message']!r}")
    one.tell("wait")
    two.ask(f"claim {other}")
    two.ask(f"take {todo}")
    text = one.hear()["text"]
    expect('"Parser" is no longer held by this session: ' in text and
           " on laptop claimed it just now" in text, f"{text!r}")
    same(one.ask("news prompt")["lost"], 0, "told once")
    two.ask("end")
    text = one.ask("news start")["text"]
    expect("2 todos are ready" in text, f"what an ended session held is free: {text!r}")


@test
def concurrent_beginnings_are_one_session(world):
    home = world.home("laptop").init().run()
    folder = repository(world.folder / "app")
    agents = [Agent(home, "same", folder) for _ in range(6)]
    for agent in agents:
        agent.tell("ensure")
    answers = [agent.hear() for agent in agents]
    same(len({(a["session"], a["project"]) for a in answers}), 1, "one session in one project")
    same((len(home.read("session", "list")), len(projects(home))), (1, 1), "records")


@test
def another_machines_completion_ends_the_waiting(world):
    laptop, desktop = pair(world, "laptop", "desktop")
    folder = repository(world.folder / "app")
    waiter = Agent(laptop, "idle", folder)
    project = waiter.ask("ensure")["project"]
    first = laptop.add("--project", project, "Write the parser")
    laptop.add("--project", project, "--dependency", first, "Test the parser")
    until(lambda: len(desktop.read("todo", "list", f"project:{project}")) == 2, "carried")
    waiter.ask("news start")
    waiter.tell("wait")
    laptop.add("--project", project, "Something else")
    desktop.chitty("todo", "update", first, "--notes", "under way")
    until(lambda: laptop.call(nodes.CHITTY, "todo", "get", first, "--json").document()["data"]
          .get("notes"), "the note is here")
    expect(waiter.silent(), "what it does not wait for does not wake it")
    desktop.chitty("done", first)
    text = waiter.hear()["text"]
    expect("Test the parser" in text and "is ready now" in text and "desktop" in text, f"{text!r}")
    same(waiter.ask("news prompt")["text"], "", "what it was told is no news")
    waiter.tell("wait")
    laptop.chitty("comment", "idle", "look at the log")
    expect("look at the log" in waiter.hear()["text"], "a message for it")


@test
def waiting_outlives_the_node_and_ends_with_its_reader(world):
    home = world.home("laptop").init().run()
    folder = repository(world.folder / "app")
    waiter = Agent(home, "idle", folder)
    project = waiter.ask("ensure")["project"]
    first = home.add("--project", project, "First")
    home.add("--project", project, "--dependency", first, "Second")
    waiter.ask("news start")
    waiter.tell("wait")
    home.stop()
    home.chitty_node("verify")
    home.run()
    home.chitty("done", first)
    text = waiter.hear()["text"]
    expect("Second" in text and "is ready now" in text, f"{text!r}")
    waiter.tell("wait")
    expect(waiter.silent(), "nothing has happened")
    waiter.process.stdin.close()
    same(waiter.hear(err="expired")["text"], "", "its reader has gone")
    same(waiter.process.wait(nodes.DEADLINE_S), 0, "it ends")
    other = Agent(home, "other", folder)
    other.ask("ensure")
    other.ask("news start")
    other.tell("wait")
    home.chitty("session", "update", "other", "--status", "ended")
    other.hear(err="expired")
    other.ask("wait", err="expired")  # it had ended before


if __name__ == "__main__":
    sys.exit(main())
