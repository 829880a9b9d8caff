"""`chitty mcp` with a real node: both eras on stdio, claims between sessions, changes that are
told, requests that are repeated, a node that goes and comes."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mcp_client import LEGACY, MODERN, PREFIX, Client, Wire
from nodes import DEADLINE_S, expect, main, same, test, until


def running(world, name="a"):
    return world.home(name).init().run()


@test
def what_claude_code_sends_to_a_modern_server_is_answered(world):
    c = Client(running(world), key="one")
    found = c.result("server/discover")
    same(found["supportedVersions"], ["2026-07-28"], "revisions")
    expect({"tools", "prompts", "resources"} <= set(found["capabilities"]), f"{found}")
    listen = c.request("subscriptions/listen", {"notifications": {
        "toolsListChanged": True, "resourcesListChanged": True}})
    c.request("server/discover")
    first = c.line()
    same(first["method"], "notifications/subscriptions/acknowledged", "first of the listen")
    same(first["params"]["_meta"][PREFIX + "subscriptionId"], listen, "its id")
    same(first["params"]["notifications"], {"resourcesListChanged": True},
         "what is served of it: tools never change")
    expect("result" in c.line(), "the second discover")
    same(len(c.result("prompts/list")["prompts"]), 3, "prompts")
    same([r["uri"] for r in c.result("resources/list")["resources"]], ["chitty://ready"],
         "resources of an empty node")
    tools = {t["name"]: t for t in c.result("tools/list")["tools"]}
    same(sorted(n for n, t in tools.items() if t.get("_meta")), ["todo_update", "todos"],
         "tools that are always loaded")
    same(c.call("todos"), {"todos": []}, "nothing yet")
    todo = c.call("todo_add", title="Write the parser", use="toolu_1")["todo"]
    c.note("notifications/resources/list_changed")
    same([r["title"] for r in c.result("resources/list")["resources"]][1:],
         ["Write the parser"], "what is ready can be picked")
    same(c.call("todos")["todos"][0]["id"], todo["id"], "it is in the list")
    c.send({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": listen}})
    c.end()


@test
def the_legacy_handshake_and_what_follows_it_is_answered(world):
    home = running(world)
    c = Client(home, key="one", modern=False)
    same(c.ask("tools/list")["error"]["code"], -32602, "before initialize")
    same(c.ask("what/ever")["error"]["code"], -32601, "an unknown method before initialize")
    same(c.initialize()["protocolVersion"], "2025-11-25", "revision")
    same(c.result("ping"), {}, "ping")
    same(len(c.result("tools/list")["tools"]), 9, "tools")
    todo = c.call("todo_add", title="Write the parser")["todo"]["id"]
    uri = f"chitty://todo/{todo}"
    same(c.result("resources/subscribe", {"uri": uri}), {}, "subscribe")
    home.chitty("done", todo)
    c.note("notifications/resources/updated", uri=uri)
    text = c.result("resources/read", {"uri": uri})["contents"][0]["text"]
    expect("completed" in text, f"what is read after it: {text}")
    same(c.result("resources/unsubscribe", {"uri": uri}), {}, "unsubscribe")
    same(c.ask("resources/read", {"uri": "chitty://todo/none"})["error"]["code"], -32002,
         "a todo there is not")
    same(c.ask("server/discover")["error"]["code"], -32601, "nothing modern without _meta")
    c.end()


@test
def a_tool_use_that_is_repeated_is_done_once(world):
    home = running(world)
    c = Client(home, key="one")
    first = c.call("todo_add", title="Write the parser", use="toolu_1")
    same(c.call("todo_add", title="Write the parser", use="toolu_1"), first, "the same again")
    again = Client(home, key="one")
    same(again.call("todo_add", title="Write the parser", use="toolu_1"), first,
         "after the server was started anew")
    other = Client(home, key="two").call("todo_add", title="Write the parser", use="toolu_1")
    expect(other["todo"]["id"] != first["todo"]["id"], "another session's is another")
    c.call("todo_update", id=first["todo"]["id"], note="half", use="toolu_2")
    c.call("todo_update", id=first["todo"]["id"], note="half", use="toolu_2")
    same(c.call("todos", id=first["todo"]["id"])["todos"][0]["notes"], "half", "one note")
    same(len(home.todos()), 2, "todos in all")


@test
def a_todo_is_one_sessions_at_a_time(world):
    home = running(world)
    one, two = Client(home, key="one"), Client(home, key="two")
    low = one.call("todo_add", title="Paint", priority="low")["todo"]["id"]
    top = one.call("todo_add", title="Build", priority="critical")["todo"]["id"]
    after = one.call("todo_add", title="Move in", depends=[top])["todo"]["id"]
    got = one.call("todo_claim", use="toolu_1")["todo"]
    same((got["id"], got["status"], got["holder"]["mine"]), (top, "in_progress", True),
         "the next one is that of the highest priority")
    same(one.call("todo_claim", use="toolu_1")["todo"]["id"], top, "the same use again")
    refused = two.call("todo_claim", id=top, error=True)
    expect("one" in refused, f"who holds it: {refused}")
    expect("one" in two.call("todo_update", id=top, status="in_progress", error=True),
           "in_progress claims it too")
    same([t["id"] for t in two.call("todos", show="ready")["todos"]], [low], "ready for two")
    same([t["id"] for t in one.call("todos", show="mine")["todos"]], [top], "mine of one")
    two.call("todo_update", id=top, note="I saw this")
    expect("although" in two.said and "one" in two.said, f"a write is told: {two.said}")
    one.call("todo_update", id=top, status="completed")
    expect("holder" not in one.call("todos", id=top)["todos"][0], "an end ends the claim")
    same(two.call("todo_update", id=after, status="in_progress")["todo"]["holder"]["mine"],
         True, "what waited for it can be taken")
    same(two.call("todo_release")["released"], [after], "and given back")
    same(two.call("todos", id=after)["todos"][0]["status"], "pending", "it waits again")
    same(two.call("todo_release")["released"], [], "there is no more")
    sessions = {s["sessionId"]: s for s in one.call("sessions")["sessions"]}
    same(sorted(sessions), ["one", "two"], "both are known")
    one.end()
    two.end()


@test
def a_claim_that_is_taken_away_is_told_once(world):
    home = running(world)
    one, two = Client(home, key="one"), Client(home, key="two")
    todo = one.call("todo_add", title="Build")["todo"]["id"]
    one.call("todo_claim", id=todo)
    same(two.call("todo_claim", id=todo, force=True)["todo"]["holder"]["mine"], True, "by force")
    until(lambda: len(one.ask("tools/call", {"name": "todos"})["result"]["content"]) == 2,
          "the one that lost it is told beside its next answer")
    same(len(one.ask("tools/call", {"name": "todos"})["result"]["content"]), 1, "once")
    text = one.result("resources/read", {"uri": f"chitty://todo/{todo}"})["contents"][0]["text"]
    expect('held by "two"' in text, f"who holds it: {text}")


@test
def a_session_that_is_watched_is_told_of(world):
    home = running(world)
    one, two = Client(home, key="one"), Client(home, key="two")
    one.call("todos")
    ident = one.call("sessions")["sessions"][0]["id"]
    uri = f"chitty://session/{ident}"
    two.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})
    two.note("notifications/subscriptions/acknowledged")
    home.chitty("session", "update", ident, "--title", "builds the parser")
    two.note("notifications/resources/updated", uri=uri)
    text = two.result("resources/read", {"uri": uri})["contents"][0]["text"]
    expect('"builds the parser"' in text, f"what it is now: {text}")


@test
def what_another_process_changes_is_told_also_across_a_restart_of_the_node(world):
    home = running(world)
    c = Client(home, key="one")
    todo = home.add("Write the parser")
    uri = f"chitty://todo/{todo}"
    listen = c.request("subscriptions/listen", {"notifications": {
        "resourceSubscriptions": [uri, "chitty://ready"]}})
    same(c.note("notifications/subscriptions/acknowledged")["params"]["notifications"],
         {"resourceSubscriptions": [uri, "chitty://ready"]}, "what is watched")
    home.chitty("todo", "update", todo, "--notes", "one")
    told = c.note("notifications/resources/updated", uri=uri)
    same(told["params"]["_meta"][PREFIX + "subscriptionId"], listen, "of which listen")
    c.note("notifications/resources/updated", uri="chitty://ready")
    c.notes.clear()
    home.stop()
    expect("node" in c.call("todos", error=True), "without a node it is said so")
    late = Client(home, key="late")
    late.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})
    late.note("notifications/subscriptions/acknowledged")
    home.run()
    until(lambda: c.ask("tools/call", {"name": "todos", "arguments": {}})["result"]
          .get("isError") is None, "the new node is found")
    c.notes.clear()
    home.chitty("todo", "update", todo, "--notes", "two")
    c.note("notifications/resources/updated", uri=uri)
    text = c.result("resources/read", {"uri": uri})["contents"][0]["text"]
    expect("two" in text, f"what it is now: {text}")
    late.call("todos")  # its watch has begun by then
    home.chitty("todo", "update", todo, "--notes", "three")
    late.note("notifications/resources/updated", uri=uri)
    c.end()


@test
def notes_sessions_and_prompts_are_facts_of_the_node(world):
    home = running(world)
    c = Client(home, key="one")
    todo = c.call("todo_add", title='Say "hello"\u2028 and go', description="line\nline")
    expect("\n" not in c.said.splitlines()[0], "a title is one line")
    c.call("todo_claim", id=todo["todo"]["id"])
    written = c.call("checkpoint", title="Halfway", summary="the rest is open", use="t1")
    same(written["checkpoints"][0]["title"], "Halfway", "the checkpoint that was written")
    same(c.call("checkpoint")["checkpoints"][0]["summary"], "the rest is open", "read again")
    c.call("context", title="style", text="tabs", points=["no tabs"])
    same(c.call("context", title="style")["contexts"][0]["points"], ["no tabs"], "a context")
    same(len(c.call("search", text="hello")["found"]), 1, "found")
    expect("need `text`" in c.call("search", error=True), "what is missing is said")
    for prompt in ("standup", "handoff", "claim-next"):
        text = c.result("prompts/get", {"name": prompt})["messages"][0]["content"]["text"]
        expect(todo["todo"]["id"] in text, f"{prompt} names what this session holds: {text}")
    values = c.result("completion/complete", {
        "ref": {"type": "ref/resource", "uri": "chitty://todo/{id}"},
        "argument": {"name": "id", "value": "say"}})["completion"]["values"]
    same(values, [todo["todo"]["id"]], "ids by the beginning of a title")
    if c.wire.schema:
        print(f"# {c.wire.checked} lines against the specification's schema")
    c.end()


@test
def lines_that_are_no_requests_do_not_stop_it(world):
    c = Client(running(world), key="one", modern=False)
    c.process.stdin.write(b"nonsense\n\n\r\n[]\n" + b'"' + b"x" * (1 << 20) + b'"\n')
    same([c.line()["error"]["code"] for _ in range(3)], [-32700, -32600, -32600],
         "what is no JSON, a batch, and a line of a mebibyte")
    c.initialize()
    for _ in range(40):  # more than both pipes hold: what is not read waits, nothing grows
        c.request("tools/list")
    same([len(c.line()["result"]["tools"]) for _ in range(40)], [9] * 40, "answers in order")
    c.modern = True  # the other era in the same process: each request says its own
    c.wire = Wire(MODERN)
    same(c.result("server/discover")["supportedVersions"], [MODERN], "modern beside legacy")
    c.process.stdin.write(b'{"jsonrpc":"2.0","id":"last","method":"ping"}')
    c.asked["last"] = "ping"
    c.wire = Wire(LEGACY)
    c.process.stdin.close()
    same(c.line()["id"], "last", "a last line without its end")
    same(c.line(), None, "then it ends")
    same(c.process.wait(DEADLINE_S), 0, "exit status")


if __name__ == "__main__":
    sys.exit(main())
