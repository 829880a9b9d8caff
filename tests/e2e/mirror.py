"""`chitty claude mirror`: files of Claude Code's own tasks and todos, while both sides change. The
native side writes as Claude Code does: in place, piece by piece, under locks that are folders; it
removes what is done without a word, and what a session deletes it tells by the hook. Random, with
its seed printed; `--rounds N` for more of it."""
import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time

import nodes
from nodes import CHITTY, DEADLINE_S, Failure, converged, expect, pair, same, seed, test, until
from repository import git

LIST = "work"
ROUNDS = 40
RANK = {"pending": 0, "blocked": 0, "in_progress": 1, "completed": 2, "cancelled": 2}


class Desk:
    """A clone, Claude Code's files and a mirror of one list, on one device."""

    def __init__(self, world, home, name="work", clone_of=None):
        self.home, self.world = home, world
        self.project = world.folder / f"proj-{home.name}"
        if clone_of is None:
            self.project.mkdir()
            git(self.project, "init", "-q")
            git(self.project, "commit", "-q", "--allow-empty", "-m", "first")
        else:
            git(world.folder, "clone", "-q", str(clone_of), str(self.project))
        self.config = world.folder / f"claude-{home.name}"
        self.folder = self.config / "tasks" / name
        self.env = dict(home.env, CLAUDE_CONFIG_DIR=str(self.config),
                        CLAUDE_PROJECT_DIR=str(self.project))
        for variable in ("CLAUDE_CODE_SESSION_ID", "CHITTY_SESSION", "CLAUDE_PID",
                         "CLAUDE_CODE_TASK_LIST_ID"):
            self.env.pop(variable, None)
        if name == LIST:
            self.env["CLAUDE_CODE_TASK_LIST_ID"] = LIST
        self.mirror = None

    def chitty(self, *arguments, stdin=None, status=0):
        done = subprocess.run([CHITTY, *arguments], env=self.env, cwd=self.project, input=stdin,
                              capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
        if status is not None:
            same(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}; exit status")
        return done.stdout

    def start(self):
        self.errors = self.world.folder / f"mirror-{self.home.name}.stderr"
        with open(self.errors, "ab") as errors:
            self.mirror = subprocess.Popen([CHITTY, "claude", "mirror"], env=self.env,
                                           cwd=self.project, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=errors)
        return self

    def stop(self):
        """Nothing is left locked by it."""
        self.mirror.terminate()
        same(self.mirror.wait(DEADLINE_S), 0, f"the mirror ({self.errors.read_text()})")
        self.mirror = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None and self.errors.exists():
            for line in self.errors.read_text().splitlines():
                print(f"# mirror: {line}")
        if self.mirror is not None and kind is not None:
            self.mirror.kill()
            self.mirror.wait()
        elif self.mirror is not None:
            self.stop()

    def todos(self):
        """Those that are not deleted, by their token, the first word."""
        found = {}
        for record in json.loads(self.chitty("todo", "list", "--all", "--json"))["data"]:
            data = record["data"]
            same_token = found.setdefault(data["content"].split()[0], [])
            same_token.append(dict(data, id=record["chittyId"]))
        return found

    def tasks(self):
        """Whole files by name; None while one is half written."""
        found = {}
        for path in self.folder.glob("*.json"):
            try:
                found[path.stem] = json.loads(path.read_text())
            except (ValueError, FileNotFoundError):
                return None
        return found

    def hook(self, word, **members):
        payload = {"session_id": "a-session", "transcript_path": "/x.jsonl",
                   "cwd": str(self.project), **members}
        self.chitty("hook", word, stdin=json.dumps(payload))

    def task_hook(self, use, tool, given, answer):
        self.hook("post-task", hook_event_name="PostToolUse", tool_name=tool, tool_input=given,
                  tool_response=answer, tool_use_id=f"toolu_{use}")


class Native:
    """Claude Code's way with the folder."""

    def __init__(self, desk, rng):
        self.desk, self.folder, self.rng = desk, desk.folder, rng
        self.folder.mkdir(parents=True, exist_ok=True)

    def lock(self, name):
        path = self.folder / name
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                path.mkdir()
                return path
            except FileExistsError:
                expect(time.monotonic() < end, f"the lock {name} is not given back")
                time.sleep(0.001)  # as its own library does

    def names(self):
        return [p.stem for p in self.folder.glob("*.json") if p.stem.isdigit()]

    def watermark(self):
        try:
            return int((self.folder / ".highwatermark").read_text() or 0)
        except FileNotFoundError:
            return 0

    def write(self, name, task):
        """In place, in pieces: who reads meanwhile finds half of it, or nothing."""
        text = json.dumps(task, indent=2, ensure_ascii=False)
        with open(self.folder / f"{name}.json", "w", encoding="utf-8") as f:
            cut = self.rng.randrange(len(text))
            f.write(text[:cut])
            f.flush()
            f.write(text[cut:])

    def read(self, name):
        try:
            return json.loads((self.folder / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None  # gone, or another session is making it

    def create(self, subject, announce=None, **more):
        (self.folder / ".lock").touch()
        held = self.lock(".lock.lock")
        try:
            name = str(max([int(n) for n in self.names()] + [self.watermark()]) + 1)
            if announce is not None:
                announce(name)
            self.write(name, {"id": name, "subject": subject, "description": "",
                              "status": "pending", "blocks": [], "blockedBy": [], **more})
        finally:
            held.rmdir()
        return name

    def update(self, name, change):
        """`change` is given the task; False: it is gone."""
        held = self.lock(f"{name}.json.lock")
        try:
            task = self.read(name)
            if task is None:
                return None
            change(task)
            self.write(name, task)
            return task
        finally:
            held.rmdir()

    def delete(self, name):
        """As TaskUpdate with status deleted: neighbours forget it."""
        held = self.lock(f"{name}.json.lock")
        try:
            task = self.read(name)
            if task is None:
                return None
            whole = self.lock(".lock.lock")
            (self.folder / f"{name}.json").unlink()
            (self.folder / ".highwatermark").write_text(str(max(self.watermark(), int(name))))
            whole.rmdir()
        finally:
            held.rmdir()
        for other in self.names():
            def forget(one):
                for key in ("blocks", "blockedBy"):
                    one[key] = [n for n in one[key] if n != name]
            self.update(other, forget)
        return task

    def purge(self, reuse=False, hidden=()):
        """What is done goes without a word to anybody. `reuse`: its number may be given again."""
        if not reuse:
            held = self.lock(".lock.lock")
            top = max([int(n) for n in self.names()] + [self.watermark()])
            (self.folder / ".highwatermark").write_text(str(top))
            held.rmdir()
        for name in set(self.names()) - set(hidden):
            held = self.lock(f"{name}.json.lock")
            try:
                task = self.read(name)
                if task is not None and task["status"] == "completed":
                    (self.folder / f"{name}.json").unlink()
            finally:
                held.rmdir()


class Storm:
    """Random writers on both sides, and what has to be true afterwards."""

    def __init__(self, desk, number, rounds):
        self.desk, self.rounds = desk, rounds
        self.made, self.deleted, self.guard = set(), set(), threading.Lock()
        self.failures, self.number = [], number
        self.young = set()  # made, and its session has not told of it yet: others do not know it

    def native(self, index):
        rng = random.Random(self.number * 31 + index)
        native = Native(self.desk, rng)
        for i in range(self.rounds):
            use, act = f"{index}-{i}", rng.random()
            with self.guard:
                names = [n for n in native.names() if n not in self.young]
            if act < 0.35 or not names:
                token = f"N{use}"
                with self.guard:
                    self.made.add(token)
                more = {"activeForm": "Doing it", "unknown": {"kept": [use]}} if i % 3 else {}
                name = native.create(f"{token} näh 🎉", self.young.add, **more)
                given = {"subject": f"{token} näh 🎉", "description": ""}
                self.desk.task_hook(use, "TaskCreate", given, {"task": {"id": name, **given}})
                with self.guard:
                    self.young.discard(name)
            elif act < 0.80:
                native.update(rng.choice(names), lambda task: self.change(rng, task, names, use))
            elif act < 0.90:
                name = rng.choice(names)
                task = native.delete(name)
                if task is not None:
                    with self.guard:
                        self.deleted.add(task["subject"].split()[0])
                    self.desk.task_hook(use, "TaskUpdate", {"taskId": name, "status": "deleted"},
                                        {"success": True, "taskId": name,
                                         "updatedFields": ["deleted"]})
            else:
                with self.guard:
                    hidden = set(self.young)
                native.purge(hidden=hidden)

    @staticmethod
    def change(rng, task, names, use):
        token = task["subject"].split()[0]
        kind = rng.randrange(5)
        if kind == 0:
            task["subject"] = f"{token} in words of {use}"
        elif kind == 1:
            task["description"] = f"line {use}\nand another"
        elif kind == 2:
            task["status"] = rng.choice(["pending", "in_progress", "completed", "completed"])
        elif kind == 3:
            task["owner"] = f"agent {use}"
        else:
            other = rng.choice(names)
            if other != task["id"] and other not in task["blockedBy"]:
                task["blockedBy"].append(other)

    def people(self):
        rng = random.Random(self.number * 31 + 7)
        for i in range(self.rounds // 2):
            todos = [t for many in self.desk.todos().values() for t in many]
            act = rng.random()
            if act < 0.4 or not todos:
                token = f"C{i}"
                with self.guard:
                    self.made.add(token)
                self.desk.chitty("add", f"{token} of the list", "--project", self.place)
                continue
            todo = rng.choice(todos)
            if act < 0.6:
                self.desk.chitty("todo", "update", todo["id"], "--content",
                                 f"{todo['content'].split()[0]} said by people {i}", status=None)
            elif act < 0.75:
                self.desk.chitty("done", todo["id"], status=None)
            elif act < 0.85:
                self.desk.chitty("reopen", todo["id"], status=None)
            else:
                with self.guard:
                    self.deleted.add(todo["content"].split()[0])
                self.desk.chitty("delete", todo["id"], status=None)

    def guarded(self, function, *arguments):
        try:
            function(*arguments)
        except Exception as wrong:  # noqa: BLE001, told by the main thread
            self.failures.append(wrong)

    def run(self):
        self.desk.hook("session-start", hook_event_name="SessionStart", source="startup")
        found = json.loads(self.desk.chitty("project", "list", "--json"))["data"]
        self.place = found[0]["chittyId"]
        threads = [threading.Thread(target=self.guarded, args=(self.native, i)) for i in range(2)]
        threads.append(threading.Thread(target=self.guarded, args=(self.people,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


def differences(desk):
    """What is not equal yet between files and todos."""
    tasks, todos = desk.tasks(), desk.todos()
    if tasks is None:
        return ["a file is half written"]
    wrong = []
    token_of = {name: task["subject"].split()[0] for name, task in tasks.items()}
    if len(set(token_of.values())) != len(token_of):
        wrong.append(f"two files of one task: {sorted(token_of.values())}")
    for name, task in tasks.items():
        token = token_of[name]
        if len(todos.get(token, [])) != 1:
            wrong.append(f"{token}: file {name}, {len(todos.get(token, []))} todos")
            continue
        todo = todos[token][0]
        links = {c for t in todos.values() for c in [t[0]["content"].split()[0]]
                 if t[0]["id"] in todo.get("dependencies", [])}
        pairs = (("subject", task["subject"], todo["content"]),
                 ("description", task["description"], todo.get("description", "")),
                 ("owner", task.get("owner", ""), todo.get("owner", "")),
                 ("status", RANK[task["status"]], RANK[todo["status"]]),
                 ("blockedBy", {token_of[n] for n in task["blockedBy"] if n in token_of},
                  links & set(token_of.values())))
        wrong += [f"{token}: {what} {a!r} in file {name}, {b!r} in the todo"
                  for what, a, b in pairs if a != b]
    for token, many in todos.items():
        if RANK[many[0]["status"]] < 2 and token not in token_of.values():
            wrong.append(f"{token} is open and has no file")
    return wrong


def settle(desk):
    last = []

    def equal():
        last[:] = differences(desk)
        return not last
    try:
        until(equal, "files and todos are equal", 4 * DEADLINE_S)
    except Failure:
        raise Failure(f"not equal: {last[:10]}") from None


def storm(world, rounds):
    desk = Desk(world, world.home("a").init().run())
    Native(desk, random.Random(0))
    with desk:
        run = Storm(desk, seed(), rounds)
        run.run()
        settle(desk)
        todos, tasks = desk.todos(), desk.tasks()
        for token in run.made:
            same(len(todos.get(token, [])), 0 if token in run.deleted else 1,
                 f"todos of {token} ({'' if token in run.deleted else 'not '}deleted)")
        same(sorted(set(todos) - run.made), [], "todos that nobody made")
        back = {t["subject"].split()[0] for t in tasks.values()} & run.deleted
        same(sorted(back), [], "deleted tasks with a file")
        kept = [t for t in tasks.values() if "unknown" in t]
        expect(all(t["unknown"]["kept"] for t in kept), "keys that are not ours")
    same([p.name for p in desk.folder.iterdir() if p.is_dir()], [], "locks that are left")
    same([p.name for p in desk.folder.iterdir() if p.name.startswith(".chitty")], [], "own files")
    print(f"# {len(run.made)} made, {len(run.deleted)} deleted, {len(tasks)} files")


@test
def no_todo_is_lost_or_comes_back_while_both_sides_write(world):
    storm(world, ROUNDS)


@test
def a_number_that_is_given_again_is_another_task(world):
    desk = Desk(world, world.home("a").init().run())
    native = Native(desk, random.Random(5))
    with desk:
        first = native.create("T1 is done soon")
        native.update(first, lambda task: task.update(status="completed"))
        until(lambda: RANK[desk.todos().get("T1", [{"status": "pending"}])[0]["status"]] == 2,
              "the todo is done")
        native.purge(reuse=True)
        native.create("T2 comes in its place")
        until(lambda: sorted(desk.todos()) == ["T1", "T2"], "both todos")
        settle(desk)
        same([t["subject"] for t in desk.tasks().values()], ["T2 comes in its place"], "files")
        same(desk.todos()["T1"][0]["status"], "completed", "the first")


@test
def what_is_deleted_by_a_session_stays_deleted(world):
    desk = Desk(world, world.home("a").init().run())
    native = Native(desk, random.Random(6))
    desk.hook("session-start", hook_event_name="SessionStart", source="startup")
    place = json.loads(desk.chitty("project", "list", "--json"))["data"][0]["chittyId"]
    with desk:
        for token in ("T1", "T2"):
            desk.chitty("add", f"{token} by people", "--project", place)
        until(lambda: len(desk.tasks() or {}) == 2, "the files")
        name = next(n for n, t in desk.tasks().items() if t["subject"].startswith("T1"))
        native.delete(name)
        desk.task_hook("x", "TaskUpdate", {"taskId": name, "status": "deleted"},
                       {"success": True, "taskId": name, "updatedFields": ["deleted"]})
        same(sorted(desk.todos()), ["T2"], "todos")
        native.delete(next(iter(desk.tasks())))  # nobody is told: that deletes nothing
        until(lambda: len(desk.tasks() or {}) == 1, "the file of what nobody deleted is back")
        same(sorted(desk.todos()), ["T2"], "todos")


@test
def a_list_with_a_name_is_the_same_on_two_devices(world):
    a, b = pair(world, "a", "b")
    one = Desk(world, a)
    two = Desk(world, b, clone_of=one.project)
    git(two.project, "remote", "set-url", "origin", "https://example.org/p.git")
    git(one.project, "remote", "add", "origin", "https://example.org/p.git")
    with one, two:
        native = Native(one, random.Random(1))
        first = native.create("T1 write the parser")
        native.create("T2 test the parser", blockedBy=[first])
        there = until(lambda: len(two.tasks() or {}) == 2 and two.tasks(), "both on the other")
        by = {t["subject"].split()[0]: t for t in there.values()}
        same(by["T2"]["blockedBy"], [by["T1"]["id"]], "what waits for what")
        expect(by["T1"]["metadata"]["chitty"].startswith("CHITTY-TODO-"), "our id")
        Native(two, random.Random(2)).update(by["T1"]["id"],
                                             lambda t: t.update(status="completed"))
        until(lambda: (one.tasks() or {}).get(first, {}).get("status") == "completed",
              "done on the first")
        until(lambda: converged(a, b), "both hold the same")


@test
def a_session_has_its_own_list(world):
    home = world.home("a").init().run()
    desk = Desk(world, home, name="a-session")
    desk.env["CLAUDE_CODE_SESSION_ID"] = "a-session"
    desk.hook("session-start", hook_event_name="SessionStart", source="startup")
    with desk:
        native = Native(desk, random.Random(3))
        native.create("T1 of the session")
        until(lambda: "T1" in desk.todos(), "the todo")
        session = desk.todos()["T1"][0]["session"]
        desk.chitty("add", "T2 for the session", "--session", session)
        key = desk.env.pop("CLAUDE_CODE_SESSION_ID")
        desk.chitty("add", "T3 for nobody")
        desk.env["CLAUDE_CODE_SESSION_ID"] = key
        until(lambda: len(desk.tasks() or {}) == 2, "the file of the session's todo")
        same(sorted(t["subject"].split()[0] for t in desk.tasks().values()), ["T1", "T2"], "files")


@test
def a_hook_starts_the_mirror_and_it_ends_with_the_session(world):
    home = world.home("a").init().run()
    desk = Desk(world, home, name="a-session")
    native = Native(desk, random.Random(7))
    with subprocess.Popen(["sleep", "600"]) as life:
        try:
            desk.env["CLAUDE_PID"] = str(life.pid)
            native.create("T1 of the session")
            desk.hook("session-start", hook_event_name="SessionStart", source="startup")
            until(lambda: "T1" in desk.todos(), "the todo, by the mirror")
            desk.hook("session-start", hook_event_name="SessionStart", source="resume")
            native.create("T2 of the session")
            until(lambda: "T2" in desk.todos(), "the next todo")
        finally:
            life.kill()
    lock = next((desk.home.folder).rglob("mirrors/*.lock"))

    def is_free():
        with open(lock, encoding="utf-8") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
    until(is_free, "the mirror has ended")


@test
def a_lock_that_nobody_holds_any_more_is_broken_and_told(world):
    home = world.home("a").init().run()
    desk = Desk(world, home)
    native = Native(desk, random.Random(4))
    name = native.create("T1 locked")
    lock = desk.folder / f"{name}.json.lock"
    lock.mkdir()
    with desk:
        until(lambda: desk.chitty("project", "list").strip(), "the mirror is at work")
        same(desk.todos(), {}, "todos while the task is locked")
        old = time.time() - 3600
        os.utime(lock, (old, old))
        (desk.folder / "2.json").write_text('{"id":"2","subject":"T2 wakes it","description":"",'
                                            '"status":"pending","blocks":[],"blockedBy":[]}')
        until(lambda: sorted(desk.todos()) == ["T1", "T2"], "both todos")
        until(lambda: "broke a lock" in desk.errors.read_text(), "it is told")
        second = subprocess.run([CHITTY, "claude", "mirror"], env=desk.env, cwd=desk.project,
                                capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        expect("mirrored already" in second.stderr, second.stderr)


if __name__ == "__main__":
    if "--rounds" in sys.argv:
        at = sys.argv.index("--rounds")
        ROUNDS = int(sys.argv[at + 1])
        sys.exit(nodes.main(["no_todo_is_lost_or_comes_back_while_both_sides_write"]))
    sys.exit(nodes.main())
