"""`chitty hook` where several sessions work: what another one holds, lost or edited, what happened
meanwhile, and waking an idle session on another machine."""
import sys

import local
import nodes
from hooked import CONTEXT_BYTES, WAKES, Session, clone, denied, waits
from nodes import DEADLINE_S, OK, expect, pair, same, test, until


def claims(home):
    """Who holds what: content to the holder's own id."""
    sessions = {s["chittyId"]: s["data"]["session_id"]
                for s in home.read("session", "list", "--all")}
    return {t["content"]: sessions.get(t["claim"]["holder"]) for t in home.todos().values()
            if "holder" in t.get("claim", {})}


def take_over(session, todo):
    """The session claims what another one holds."""
    with local.Client(session.home) as client:
        client.command("claim", todo=todo, session=session.record_id(), force=True)


@test
def an_update_of_what_another_session_holds_is_denied_with_its_name(world):
    home = world.home("laptop-a").init().run()
    folder = clone(world, "proj")
    named = {"CLAUDE_CODE_TASK_LIST_ID": "shared"}
    one, two = (Session(home, key, folder, **named) for key in ("s-one", "s-two"))
    for session, title in ((one, "auth-refactor"), (two, "parser")):
        session.hook("session-start", "session-start-startup", session_title=title)
    one.hook("post-task", "post-task-create")
    same(one.hook("pre-task", "pre-task-update-begin"), None, "the first one begins")
    same(one.hook("post-task", "post-task-update-begin"), None, "and has begun")
    same(claims(home), {"Write parser": "s-one"}, "who holds it")
    for name in ("pre-task-update-begin", "pre-task-update-done"):
        why = denied(two.hook("pre-task", name))
        for word in ("Write parser", "auth-refactor", "laptop-a", " ago"):
            expect(word in why, f"{word} in {why}")
    # another id, another holder, another event: other answers
    same(two.hook("pre-task", "pre-task-update-begin", tool_input={"taskId": "77"}), None,
         "of a task that nobody holds")
    same(two.hook("pre-task", "pre-task-create"), None, "of a tool that makes one")
    take_over(two, next(iter(home.todos())))
    why = denied(one.hook("pre-task", "pre-task-update-begin", tool_use_id="toolu_again"))
    expect("\"parser\"" in why and "auth-refactor" not in why, why)
    # carried out all the same (no hook before it): told, nothing written over it
    told = one.hook("post-task", "post-task-update-begin", tool_use_id="toolu_late")
    expect("\"parser\"" in told["additionalContext"], told)
    same(claims(home), {"Write parser": "s-two"}, "who holds it")
    # what holds it ends: it is free
    two.hook("session-end", "session-end-other")
    same(claims(home), {}, "nobody holds it")
    same(one.hook("pre-task", "pre-task-update-begin", tool_use_id="toolu_free"), None, "begun")
    same(claims(home), {"Write parser": "s-one"}, "who holds it now")


@test
def an_item_of_a_list_that_another_session_holds_is_denied(world):
    home = world.home("laptop-a").init().run()
    one, two = (Session(home, key) for key in ("s-one", "s-two"))
    one.hook("post-task", "post-todo-write")
    two.hook("session-start", "session-start-startup", session_title="parser")
    todo = one.todos()["A"]["id"]
    take_over(two, todo)
    why = denied(one.hook("pre-task", "pre-todo-write", tool_use_id="toolu_n", tool_input={
        "todos": [{"content": "A", "status": "completed", "activeForm": "Doing A"}]}))
    expect("\"A\"" in why and "parser" in why, why)
    same(one.hook("pre-task", "pre-todo-write", tool_use_id="toolu_m", tool_input={
        "todos": [{"content": "B", "status": "in_progress", "activeForm": "Doing B"}]}), None,
        "of another item")


@test
def who_lost_a_todo_is_told_once_before_its_next_edit(world):
    home = world.home("laptop-a").init().run()
    folder = clone(world, "proj")
    one, two = (Session(home, key, folder) for key in ("s-one", "s-two"))
    one.hook("session-start", "session-start-startup")
    two.hook("session-start", "session-start-startup", session_title="parser")
    one.hook("post-task", "post-task-create")
    one.hook("post-task", "post-task-update-begin")
    same(one.hook("pre-edit", "pre-edit"), None, "an edit while it holds it")
    todo = one.todos()["Write parser"]["id"]
    take_over(two, todo)
    two.hook("post-task", "post-task-update-words",
             tool_input={"taskId": todo, "subject": "Write parser", "activeForm": ""})
    same(one.hook("pre-edit", "pre-edit", tool_name="Read"), None, "a tool that edits nothing")
    why = denied(one.hook("pre-edit", "pre-edit"))
    for word in ("Write parser", "\"parser\"", "laptop-a", "description \"All of it\""):
        expect(word in why, f"{word} in {why}")
    same(one.hook("pre-edit", "pre-edit"), None, "the next edit")
    same(two.hook("pre-edit", "pre-write"), None, "an edit of who holds it")


@test
def who_began_apart_and_lost_is_told_before_its_next_edit(world):
    a, b = pair(world, "laptop-a", "laptop-b")
    one = Session(a, "s-one", clone(world, "proj-a"))
    two = Session(b, "s-two", clone(world, "proj-b"))
    for session, title in ((one, "auth"), (two, "parser")):
        session.hook("session-start", "session-start-startup", session_title=title)
    one.hook("post-task", "post-task-create")
    nodes.converge(a, b)
    todo = {"taskId": one.todos()["Write parser"]["id"]}
    a.stop()
    same(two.hook("pre-task", "pre-task-update-begin", tool_input=todo), None, "begun on b")
    two.hook("post-task", "post-task-update-begin", tool_input=todo)
    same(two.hook("pre-edit", "pre-edit"), None, "nobody else is known of")
    b.stop()
    a.run()
    same(one.hook("pre-task", "pre-task-update-begin", tool_input=todo), None, "begun on a")
    one.hook("post-task", "post-task-update-words",
             tool_input=dict(todo, subject="Write parser", activeForm=""))
    a.stop()
    b.run()
    a.run("--peer", b.node.address)
    nodes.converge(a, b)
    same(claims(a), {"Write parser": "s-one"}, "who holds it: who asked the device that decides")
    why = denied(two.hook("pre-edit", "pre-edit"))
    for word in ("Write parser", "\"auth\"", "laptop-a", "All of it"):
        expect(word in why, f"{word} in {why}")
    same(two.hook("pre-edit", "pre-edit"), None, "the next edit")
    same(one.hook("pre-edit", "pre-write"), None, "an edit of who holds it")


@test
def who_else_edited_a_file_is_told_before_an_edit(world):
    one_home, two_home = pair(world, "laptop-a", "laptop-b")
    one = Session(one_home, "s-one", clone(world, "proj-a"))
    two = Session(two_home, "s-two", clone(world, "proj-b"))
    one.hook("session-start", "session-start-startup")
    two.hook("session-start", "session-start-startup", session_title="parser")
    two.hook("activity", "post-edit")
    nodes.converge(one_home, two_home)
    same(one_home.read("session", "list", "--all")[0]["data"]["project"],
         two_home.read("session", "list", "--all")[1]["data"]["project"], "one project")
    told = one.hook("pre-edit", "pre-edit")
    expect("permissionDecision" not in told, f"a word, no denial: {told}")
    for word in ("src/parse.c", "\"parser\"", "laptop-b", " s ago"):
        expect(word in told["additionalContext"], f"{word} in {told}")
    same(one.hook("pre-edit", "pre-write"), None, "another file")
    one.hook("activity", "post-edit")
    same(one.hook("pre-edit", "pre-edit"), None, "after its own edit it is no news")


# --- two machines

@test
def where_nothing_can_be_noted_nobody_is_woken(world):
    home = world.home("laptop-a").init().run()
    one = Session(home, "s-one", clone(world, "proj"))
    two = Session(home, "s-two", one.folder)
    one.hook("session-start", "session-start-startup")
    two.hook("session-start", "session-start-startup")
    two.hook("post-task", "post-task-create")
    two.hook("post-task", "post-task-create-second")
    two.hook("post-task", "post-task-update-links")
    one.hook("session-start", "session-start-resume")
    waiter = one.start("wait", one.payload("session-start-startup"))
    until(lambda: waits(one), "the lock of the waiter")
    seen = home.folder / "sessions" / one.record_id()
    seen.unlink()
    seen.mkdir()
    (seen / "in the way").touch()
    two.hook("post-task", "post-task-update-done")
    out, err = waiter.communicate(timeout=2 * DEADLINE_S)
    same((waiter.returncode, out), (OK, ""), f"the waiter ended ({err!r})")


@test
def a_session_hears_what_happened_and_is_woken_by_what_it_waits_for(world):
    one_home, two_home = pair(world, "laptop-a", "laptop-b")
    one = Session(one_home, "s-one", clone(world, "proj-a"))
    two = Session(two_home, "s-two", clone(world, "proj-b"))
    one.hook("session-start", "session-start-startup", session_title="tests")
    nodes.converge(one_home, two_home)
    two.hook("session-start", "session-start-startup", session_title="parser")
    two.hook("post-task", "post-task-create")
    two.hook("post-task", "post-task-create-second")
    two.hook("post-task", "post-task-update-links")
    two.hook("post-task", "post-task-update-begin")
    nodes.converge(one_home, two_home)
    told = one.hook("prompt", "prompt")["additionalContext"]
    expect("Write parser" in told and "laptop-b" in told, told)
    same(one.hook("prompt", "prompt"), None, "told once")
    two.hook("post-task", "post-task-create", tool_use_id="toolu_c9", tool_response={
        "task": {"id": "9", "subject": "Buy milk"}}, tool_input={"subject": "Buy milk"})
    for use, change in (("toolu_u8", {"addBlocks": ["10"]}), ("toolu_u9", {"status": "completed"})):
        two.hook("post-task", "post-task-update-done", tool_use_id=use,
                 tool_input=dict({"taskId": "9", "status": "pending"}, **change))
    nodes.converge(one_home, two_home)
    # what happened before is told by session-start: it does not wake at once
    told = one.hook("session-start", "session-start-resume")["additionalContext"]
    expect("Buy milk" in told, told)
    waiter = one.start("wait", one.payload("session-start-startup"))
    until(lambda: waits(one), "the lock of the waiter")
    same(one.hook("wait", "stop"), None, "a second waiter ends at once, with nothing to say")
    same(waiter.poll(), None, "the first one waits")
    two.hook("post-task", "post-task-update-done")
    out, err = waiter.communicate(timeout=2 * DEADLINE_S)
    same((waiter.returncode, out), (WAKES, ""), f"the waiter ended ({err!r})")
    expect("Test parser" in err and len(err.encode()) <= CONTEXT_BYTES, err)
    # the next one waits for the next thing, and ends with its session
    waiter = one.start("wait", one.payload("stop"))
    until(lambda: waits(one), "it waits again")
    one.hook("session-end", "session-end-other")
    out, err = waiter.communicate(timeout=2 * DEADLINE_S)
    same((waiter.returncode, out, err), (OK, "", ""), "the waiter of a session that ended")


if __name__ == "__main__":
    sys.exit(nodes.main())
