"""`chitty hook`: every payload that Claude Code sends, in the shapes of all versions, one after the
other and in any order; what becomes of it at the node, and that each answer has the published
shape (hooked.py)."""
import json
import pathlib
import random
import sys
import time

import nodes
from hooked import PAYLOADS, WORDS, Session, root
from nodes import DEADLINE_S, OK, SLOW, expect, pair, same, test


# --- shapes

@test
def every_payload_is_answered_in_the_published_shape(world):
    home = world.home("a").init().run()
    session = Session(home, "s-all")
    seen = set()
    for name, payload in PAYLOADS.items():
        session.hook(None, name)
        for word, events in WORDS.items():
            event = payload["hook_event_name"]
            if event in events and (word, event) not in seen:
                seen.add((word, event))
                session.hook(word, name)
    same(len(seen), sum(map(len, WORDS.values())), "words called for each of their events")
    expect(session.record()["session_id"] == "s-all", "the session is known")


@test
def another_event_a_new_one_and_a_new_word_are_nothing_to_it(world):
    home = world.home("a").init().run()
    session = Session(home, "s-none")
    before = root(home)
    for word, events in WORDS.items():
        wrong = "session-end-other" if "SessionEnd" not in events else "prompt"
        same(session.hook(word, wrong), None, f"{word} of another event")
    for name in (n for n in PAYLOADS if n.startswith("other-")):
        same(session.hook(None, name), None, name)
    same(session.call("of-tomorrow", session.payload("stop")).out, "", "a word of another version")
    same(session.call("--of-tomorrow", session.payload("stop"), status=1).out, "", "a flag of one")
    same(root(home), before, "nothing was written")


@test
def what_is_no_payload_blocks_nothing(world):
    home = world.home("a").init().run()
    session = Session(home, "s-bad")
    before = root(home)
    good = json.dumps(session.payload("pre-task-update-begin"))
    bad = ["", "{", "[]", "null", '"x"', "{}", '{"hook_event_name":7}', good[:-1], good + "x",
           "\x00" * 100, "[" * 100000, '{"hook_event_name":"' + "x" * 1000 + '"}']
    for word in (None, "pre-task", "session-start", "wait"):
        for text in bad:
            done = session.call(word, text, status=1)
            same(done.out, "", f"{word} of {text[:20]!r}")
            same(done.err.count("\n"), 1, f"lines of standard error of {text[:20]!r}")
            expect("payload" in done.err, done.err)
    same(session.call("activity", "x" * (17 << 20), status=1).out, "", "of too long a one")
    same(root(home), before, "nothing was written")


@test
def without_a_node_nothing_is_blocked(world):
    home = world.home("a").init()
    session = Session(home, "s-off")
    for word, name in (("session-start", "session-start-startup"), ("prompt", "prompt"),
                       ("pre-task", "pre-task-update-begin"), ("pre-edit", "pre-edit"),
                       ("post-task", "post-task-create"), ("session-end", "session-end-other")):
        done = session.call(word, session.payload(name))
        same(done.out, "", f"{word} without a node")
        expect("no node answers" in done.err, done.err)


@test
def a_node_that_hangs_is_not_waited_for(world):
    home = world.home("a").init().run()
    session = Session(home, "s-hang")
    session.hook("session-start", "session-start-startup")
    home.node.signal(19)  # SIGSTOP
    begin = time.monotonic()
    running = [(word, limit_s, session.start(word, session.payload(name)))
               for word, name, limit_s in (("session-end", "session-end-other", 1.5),
                                           ("pre-task", "pre-task-update-begin", 2.0),
                                           ("pre-edit", "pre-edit", 2.0))]
    for word, limit_s, process in running:
        out, _ = process.communicate(timeout=DEADLINE_S)
        same((process.returncode, out), (OK, ""), f"{word} on a node that hangs")
        took = time.monotonic() - begin
        expect(took < limit_s * SLOW, f"{word} took {took:.2f} s")
    home.node.signal(18)  # SIGCONT


# --- tasks

CREATED = ("pre-task-create", "task-created", "post-task-create", "post-task-create-second")
CHANGED = ("post-task-update-links", "pre-task-update-begin", "post-task-update-begin",
           "post-task-update-done", "task-completed")


def word_of(name):
    return "pre-task" if name.startswith("pre-") else "post-task"


def shape(session):
    """What matters of the todos of the tasks, without what tells when."""
    todos = session.todos()
    name = {t["id"]: content for content, t in todos.items()}
    return {content: (t["status"], t.get("description"), t.get("active_form"), t.get("owner"),
                      sorted(name.get(d, d) for d in t.get("dependencies", [])),
                      t.get("origin"), sorted(t.get("raw", {}).items()))
            for content, t in todos.items()}


WANTED = {
    "Write parser": ("completed", "Parse the thing", "Writing parser", None, []),
    "Test parser": ("pending", "Test the thing", None, "me", ["Write parser"]),
}


@test
def tasks_become_the_same_todos_in_any_order(world):
    home = world.home("a").init().run()
    rng = random.Random(nodes.seed())
    first = None
    for number in range(5):
        session = Session(home, f"s-order-{number}")
        names = list(CREATED + CHANGED)
        if number > 0:
            names += rng.sample(names, 4)  # some come twice
            rng.shuffle(names)
        for name in names:
            session.hook(word_of(name), name)
        have = shape(session)
        same({c: v[:5] for c, v in have.items()}, WANTED, f"todos after {names}")
        for content, use in (("Write parser", "toolu_c1"), ("Test parser", "toolu_c2")):
            same(have[content][5], {"prompt": PAYLOADS["prompt"]["prompt_id"], "tool": "TaskCreate",
                                    "toolUse": use}, f"origin of {content}")
        plain = json.loads(json.dumps(have).replace(session.key, ""))
        first = first or plain
        same(plain, first, f"todos after {names}")


@test
def the_same_payload_again_changes_nothing(world):
    home = world.home("a").init().run()
    session = Session(home, "s-again")
    session.hook("session-start", "session-start-startup")
    names = [*CREATED, *CHANGED, "post-task-update-words", "post-task-update-blocks",
             "post-todo-write", "post-todo-write-moved", "post-todo-write-shorter",
             "post-tool-batch", "older-post-task-create-text", "older-post-task-update-id",
             "older-post-todo-write-text", "post-edit", "pre-compact-auto", "post-compact"]
    word = {"post-edit": "activity", "pre-compact-auto": "pre-compact",
            "post-compact": "post-compact"}
    for name in names:
        session.hook(word.get(name, word_of(name)), name)
    before = root(home)
    for name in names:
        if name != "pre-compact-auto":  # it begins another compaction
            session.hook(word.get(name, word_of(name)), name)
            same(root(home), before, f"after {name} came again")
    # beside each other
    running = [session.start("post-task", session.payload(n)) for n in names if "post-t" in n]
    for process in running:
        out, err = process.communicate(timeout=2 * DEADLINE_S)
        same((process.returncode, out, err), (OK, "", ""), "a replay beside others")
    same(root(home), before, "after all of them beside each other")


@test
def another_task_is_another_todo(world):
    home = world.home("a").init().run()
    session = Session(home, "s-mutated")
    session.hook("post-task", "post-task-create")
    made = session.payload("post-task-create", tool_use_id="toolu_x", tool_response={
        "task": {"id": "41", "subject": "Write lexer"}}, tool_input={"subject": "Write lexer"})
    same(session.call("post-task", made).out, "", "answer")
    other = Session(home, "s-mutated-2")
    other.hook("post-task", "post-task-create")
    same(sorted(session.todos()), ["Write lexer", "Write parser"], "todos of the first session")
    same(sorted(other.todos()), ["Write parser"], "todos of the second")
    session.hook("post-task", "post-task-update-done", tool_input={"taskId": "41"})
    same({c: t["status"] for c, t in session.todos().items()},
         {"Write lexer": "completed", "Write parser": "pending"}, "status of each")
    same(other.todos()["Write parser"]["status"], "pending", "status of the other session's")
    session.hook("post-task", "post-task-update-refused", tool_input={"taskId": "1"})
    same(session.todos()["Write parser"]["status"], "pending", "after an update that failed")
    session.hook("post-task", "post-task-update-deleted", tool_input={"taskId": "1"})
    same(sorted(session.todos()), ["Write lexer"], "after one was deleted")
    session.hook("post-task", "task-created")
    same(sorted(session.todos()), ["Write lexer"], "it stays deleted")


@test
def a_number_that_is_given_again_is_another_todo(world):
    home = world.home("a").init().run()
    session = Session(home, "s-number")
    session.hook("post-task", "post-task-create")
    again = {"tool_use_id": "toolu_later", "tool_input": {"subject": "Write docs"},
             "tool_response": {"task": {"id": "1", "subject": "Write docs"}}}
    session.hook("post-task", "post-task-create", **again)
    before = root(home)
    session.hook("post-task", "post-task-create", **again)
    session.hook("post-task", "post-task-create")
    same(root(home), before, "after both came again")
    session.hook("post-task", "post-task-update-done")
    same({c: t["status"] for c, t in session.todos().items()},
         {"Write parser": "pending", "Write docs": "completed"}, "todos")


@test
def older_shapes_mean_the_same(world):
    home = world.home("a").init().run()
    for number, create in enumerate(("older-post-task-create-text", "older-post-task-create-bare",
                                     "older-post-task-create-no-use")):
        session = Session(home, f"s-older-{number}")
        for name in (create, "older-post-task-update-id", "older-post-task-update-task-id"):
            session.hook("post-task", name)
        todos = session.todos()
        same({c: (t["status"], t["description"]) for c, t in todos.items()},
             {"Write parser": ("completed", "Parse the thing")}, f"todos after {create}")
    session = Session(home, "s-older-list")
    session.hook("post-task", "older-post-todo-write-text")
    session.hook("post-task", "older-post-todo-write-priority", tool_use_id="toolu_t9")
    same({c: t["status"] for c, t in session.todos().items()}, {"A": "pending"}, "todos")


@test
def a_list_that_gets_shorter_deletes_nothing(world):
    home = world.home("a").init().run()
    session = Session(home, "s-list")
    for name in ("pre-todo-write", "post-todo-write", "post-todo-write-moved",
                 "post-todo-write-shorter"):
        session.hook(word_of(name), name)
    todos = session.todos()
    same({c: (t["status"], t["active_form"]) for c, t in todos.items()},
         {"A": ("completed", "Doing A"), "B": ("completed", "Doing B"),
          "C": ("pending", "Doing C")}, "todos")
    same(todos["A"]["origin"]["toolUse"], "toolu_t1", "what made A")
    # said with other blanks and letters it is the same one; what others did is not undone
    home.chitty("todo", "update", todos["C"]["id"], "--status", "completed")
    again = [{"content": " a ", "status": "completed", "activeForm": "Doing A"},
             {"content": "c", "status": "pending", "activeForm": "Doing C"}]
    before = [{"content": "A", "status": "completed", "activeForm": "Doing A"},
              {"content": "C", "status": "pending", "activeForm": "Doing C"}]
    session.hook("post-task", "post-todo-write", tool_use_id="toolu_t8",
                 tool_input={"todos": again},
                 tool_response={"oldTodos": before, "newTodos": again})
    same({c: t["status"] for c, t in session.todos().items()},
         {"A": "completed", "B": "completed", "C": "completed"}, "todos")


@test
def a_task_of_a_named_list_is_of_its_device(world):
    one, two = pair(world, "a", "b")
    for home in (one, two):
        session = Session(home, f"s-{home.name}", CLAUDE_CODE_TASK_LIST_ID="shared")
        session.hook("post-task", "post-task-create",
                     tool_input={"subject": f"Of {home.name}"},
                     tool_response={"task": {"id": "1"}})
    nodes.converge(one, two)
    same(sorted(t["content"] for t in one.todos().values()), ["Of a", "Of b"], "todos of both")


@test
def a_task_whose_file_names_a_todo_is_that_todo(world):
    home = world.home("a").init().run()
    session = Session(home, "s-file")
    todo = home.add("Shared by all")
    folder = pathlib.Path(session.env["CLAUDE_CONFIG_DIR"]) / "tasks" / session.key
    folder.mkdir(parents=True)
    (folder / "5.json").write_text(json.dumps({
        "id": "5", "subject": "Shared by all", "status": "pending", "metadata": {"chitty": todo}}))
    (folder / "6.json").write_text(json.dumps({"id": "6", "subject": "From the file"}))
    for task in ("5", "6"):
        session.hook("post-task", "post-task-update-done", tool_use_id=f"toolu_{task}",
                     tool_input={"taskId": task})
    same(home.todos()[todo]["status"], "completed", "status of the todo")
    same({c: t["status"] for c, t in session.todos().items()}, {"From the file": "completed"},
         "the todo of a task that nobody told of before")


# --- sessions

@test
def a_session_begins_lives_and_ends(world):
    home = world.home("a").init().run()
    session = Session(home, "s-life")
    session.hook("session-start", "session-start-startup")
    record = session.record()
    same((record["status"], record["platform"], record["cwd"], record["model"]),
         ("active", "claude-code", str(session.folder), "claude-opus-4-6"), "the record")
    session.hook("prompt", "prompt-user")
    same(session.record()["title"], "Parser", "title")
    session.hook("activity", "post-edit")
    files = session.record()["files"]
    same({f: e["action"] for f, e in files.items()}, {"src/parse.c": "edit"}, "files")
    before = root(home)
    session.hook("activity", "post-edit")
    session.hook("activity", "post-bash")
    same(root(home), before, "a sign of life within a minute writes nothing")
    session.hook("session-end", "session-end-other")
    same(session.record()["status"], "ended", "status")
    session.hook("activity", "post-bash")
    same(session.record()["status"], "ended", "a late sign of life does not wake it")
    session.hook("session-start", "session-start-resume")
    same(session.record()["status"], "active", "resumed")


@test
def where_a_conversation_is_compacted_there_is_a_checkpoint(world):
    home = world.home("a").init().run()
    session = Session(home, "s-compact")
    session.hook("session-start", "session-start-startup")

    def checkpoints():
        done = home.chitty("checkpoint", "list", "--json")
        return [(c["data"]["kind"], c["data"].get("summary")) for c in done.document()]

    summary = PAYLOADS["post-compact"]["compact_summary"]
    session.hook("pre-compact", "pre-compact-auto")
    same(checkpoints(), [("compaction", None)], "before")
    session.hook("post-compact", "post-compact")
    session.hook("post-compact", "post-compact")
    same(checkpoints(), [("compaction", summary)], "after")
    session.hook("post-compact", "post-compact", compact_summary="Another one.")
    same(sorted(checkpoints()), [("compaction", "Another one."), ("compaction", summary)],
         "another one, without a word before it")


@test
def what_a_person_does_not_want_is_not_written(world):
    home = world.home("a").init().run()
    session = Session(home, "s-off")
    home.chitty("claude", "track", "disable")
    for word, name in (("post-task", "post-task-create"), ("post-task", "post-todo-write"),
                       ("pre-compact", "pre-compact-auto"), ("post-compact", "post-compact")):
        same(session.hook(word, name), None, name)
    same(session.todos(), {}, "todos")
    same(home.chitty("checkpoint", "list", "--json").document(), [], "checkpoints")
    same(session.record()["status"], "active", "the session is known all the same")


if __name__ == "__main__":
    sys.exit(nodes.main())
