"""Every field of every type: set, read, replicated and edited on two devices apart.

Generated from docs/SCHEMA.md, which the test schema-doc holds equal to the table in crdt/schema.c:
a field that is added there is tried here, or fails there. What is to be shown of concurrent values
is said here by rules of its own (PROTOCOL 5.4)."""
import json
import pathlib
import sys

import nodes
from nodes import NOTFOUND, USAGE, converge, expect, same, test

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from root_schema import read_schema  # noqa: E402

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "SCHEMA.md"
BASE, HERE, THERE = range(3)  # values: at first, then on one device, then on the other
TYPE_OF = {"TOPIC": "topic", "PROJ": "project", "SESSION": "session", "TODO": "todo",
           "CONTEXT": "context", "REPO": "repo", "SERVICE": "service", "MESSAGE": "message",
           "CHECKPOINT": "checkpoint", "DEVICE": "device"}
NAMES = {1: "TOPIC", 2: "PROJ", 3: "SESSION", 4: "TODO", 5: "CONTEXT", 6: "REPO", 7: "SERVICE",
         8: "MESSAGE", 9: "CHECKPOINT", 10: "DEVICE"}
# fields that the node holds to a form of their own (LOCAL 3): these texts are good
UNWRITTEN = ("deleted", "alias_of")  # by commands of their own (LOCAL 3.2, 9)
SPECIAL = {"recurrence": ["daily", "weekly", "every 3 days"],
           "url": ["github.com/a/b", "github.com/a/c", "github.com/a/d"]}


def ids():
    """A whole id of each type; nothing bears them: links may dangle (SCHEMA: a link is an id)."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return {number: [f"CHITTY-{name}-7{digits[number]}{digits[20 + n]}" + "0" * 23
                     for n in range(3)] for number, name in NAMES.items()}


IDS = ids()


def value(field, which):
    """What to write, as JSON has it."""
    if field.name in SPECIAL:
        return SPECIAL[field.name][which]
    if field.value == "bool":
        return which != BASE
    if field.value == "int":
        return [10, 30, 20][which]
    if field.value in ("float", "share"):
        return [0.25, 0.75, 0.5][which]
    if field.value == "time":
        return ["2026-01-01T00:00:00.000Z", "2026-03-01T10:30:00.000Z",
                "2026-02-01T00:00:00.250Z"][which]
    if field.value == "enum":
        return field.words[[0, -1, 1][which]]
    if field.value == "word":
        return [field.words[0], "a word of its own", field.words[1]][which]
    if field.value == "id":
        return IDS[field.id_type or 4][which]
    if field.value == "any":
        return [{"n": 1}, ["two", 2, None, True], {"n": {"deep": "x"}}][which]
    return [f"{field.name} at first", f"{field.name} here: ä \"quoted\"",
            f"{field.name} there"][which]


def flag(field, element):
    """The flag as `--help` names it."""
    name = field.name.replace("_", "-")
    if element:
        name = name[:-3] + "y" if name.endswith("ies") else \
            name[:-1] if name.endswith("s") and not name.endswith("ss") else name
    return "--" + name


def text_of(v):
    return v if isinstance(v, str) else json.dumps(v)


def flags_of(fields, which):
    """The command line that writes every field."""
    words = []
    for f in fields.values():
        v = value(f, which)
        if f.name in UNWRITTEN:
            continue
        if f.kind == "set":
            words += [flag(f, True) + "=" + ("" if which == BASE else "+") + text_of(v)]
        elif f.kind == "map":
            shared, own = "shared", ["first", "here", "there"][which]
            words += [f"{flag(f, True)}={key(f, shared)}={text_of(v)}",
                      f"{flag(f, True)}={key(f, own)}={text_of(v)}"]
        else:
            words += [f"{flag(f, False)}={text_of(v)}"]
    return words


def key(field, name):
    """The key of a map; reminders have moments."""
    moments = {"shared": "2027-01-01T00:00:00Z", "first": "2027-01-02T00:00:00Z",
               "here": "2027-01-03T00:00:00Z", "there": "2027-01-04T00:00:00Z"}
    return moments[name] if field.name in ("reminders", "reminded") else name


def shown(field, a, b):
    """Which of two concurrent values is shown; b was written later by the clock."""
    if field.kind == "register" and field.policy in ("first", "token"):  # no value here is a claim
        return a
    if field.kind == "register" and field.policy == "max":
        return max(a, b)
    if field.kind == "register" and field.policy == "rank":
        return max(a, b, key=field.words.index)
    return b


def title(fields, table):
    required = {"topic": "title", "project": "name", "session": "session_id", "todo": "content",
                "context": "title", "repo": "url", "service": "name", "message": "content",
                "checkpoint": "title", "device": "name"}[table]
    expect(any(f.name == required for f in fields.values()), f"{table} has {required}")
    return required


def create(home, table, fields):
    return home.chitty(table, "create", *flags_of(fields, BASE)).out.split()[0]


def data(home, table, entity):
    return json.loads(home.chitty(table, "get", entity, "--json").out)["data"]["data"]


def wanted(field, name):
    v = value(field, BASE)
    if field.kind == "set":
        return [v]
    if field.kind == "map":
        return {key(field, "shared"): v, key(field, "first"): v}
    return v


@test
def every_field_is_set_read_replicated_and_edited_apart(world):
    schema = read_schema(DOCS)
    same(sorted(schema), sorted(NAMES), "types of the documentation")
    a, b = world.home("a").init().run(), world.home("b").init().run()
    b.chitty_node("join", a.ticket())
    converge(a, b)
    entities = {}
    for number, (table, fields) in schema.items():
        same(table, TYPE_OF[NAMES[number]], "table")
        title(fields, table)
        entities[number] = create(a, table, fields)
    converge(a, b)
    for number, (table, fields) in schema.items():
        for home in (a, b):
            got = data(home, table, entities[number])
            for f in fields.values():
                if f.name not in UNWRITTEN:
                    same(got.get(f.name), wanted(f, f.name), f"{table}.{f.name} on {home.name}")
    # apart: a writes, then b, and neither has the other's
    b.stop()
    for number, (table, fields) in schema.items():
        a.chitty(table, "update", entities[number], *flags_of(fields, HERE))
    a.stop()
    b.run()
    for number, (table, fields) in schema.items():
        b.chitty(table, "update", entities[number], *flags_of(fields, THERE))
    a.run("--peer", b.node.address)
    converge(a, b)
    for number, (table, fields) in schema.items():
        merged(a, b, table, fields, entities[number])


def merged(a, b, table, fields, entity):
    """What both show, and what both list as concurrent."""
    got = data(a, table, entity)
    same(data(b, table, entity), got, f"{table} on both")
    listed = {}
    for c in json.loads(a.chitty("conflicts", entity, "--json").out)["data"]:
        listed.setdefault(c["field"], set()).add(c.get("key"))
    for f in fields.values():
        one, two = value(f, HERE), value(f, THERE)
        what = f"{table}.{f.name}"
        if f.name in UNWRITTEN:
            continue
        if f.kind == "set":
            same(sorted(got[f.name]), sorted({value(f, n) for n in range(3)}), what)
        elif f.kind == "map":
            same(got[f.name], {key(f, "shared"): two, key(f, "first"): value(f, BASE),
                               key(f, "here"): one, key(f, "there"): two}, what)
            same(listed.pop(f.name, None), {key(f, "shared")}, f"conflicts of {what}")
        else:
            same(got[f.name], shown(f, one, two), what)
            both = f.kind == "text" or f.policy in ("lww", "rank")
            same(listed.pop(f.name, None), {None} if both else None, f"conflicts of {what}")
    same(listed, {}, f"other conflicts of {table}")


@test
def words_and_numbers_that_a_field_does_not_know_are_refused_by_name(world):
    home = world.home("alone").init().run()
    for table, fields in read_schema(DOCS).values():
        needed = title(fields, table)
        for f in fields.values():
            wrong = {"enum": "nonsense", "share": "1.5", "int": "many", "time": "the day after",
                     "bool": "perhaps", "id": "CHITTY-TODO-U"}.get(f.value)
            if wrong is None or f.kind != "register" or f.name == "deleted":
                continue
            done = home.chitty(table, "create", f"--{needed.replace('_', '-')}=x",
                               f"{flag(f, False)}={wrong}", status=None)
            named = wrong if f.value == "id" else f.name.replace("_", "-")
            # what is no id may be a name, which nothing here has
            same(done.status, NOTFOUND if f.value == "id" else USAGE,
                 f"exit status of {table}.{f.name} = {wrong}")
            expect(named in done.err.replace("_", "-"), f"{table}.{f.name} = {wrong}: {done!r}")
            if f.value == "enum":
                expect(all(w in done.err for w in f.words), f"words of {table}.{f.name}: {done!r}")
    same(home.read("status")["counts"]["entries"], 0, "entries written")


if __name__ == "__main__":
    sys.exit(nodes.main())
