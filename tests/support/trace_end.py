"""What a replayed trace left in a node's database, held against the issues that there are to be.

    trace_end.py DATABASE --end END.json.gz             the state given in a file
    trace_end.py DATABASE --trace TRACE.gz --limit N    the first N commits, folded here

Written from docs/TRACE.md alone. The state is read from the tables: typed columns, and `raw` for
what they cannot say; where both speak they have to agree. Each difference is a line; exit status 1.
"""
import argparse
import datetime
import gzip
import hashlib
import json
import pathlib
import re
import sqlite3
import struct
import sys

PLAIN = {"title": "content", "description": "description", "design": "design", "notes": "notes",
         "acceptance_criteria": "acceptance", "close_reason": "close_reason", "issue_type": "kind",
         "owner": "owner", "created_by": "author", "external_ref": "external_ref"}
TIMES = {"created_at": "created", "closed_at": "completed_at"}
STATUS = {"in_progress": "in_progress", "hooked": "in_progress", "blocked": "blocked",
          "closed": "completed", "done": "completed"}
PRIORITY = ["critical", "high", "medium", "low"]
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "SCHEMA.md"
ABSENT = (None, "", [])
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def natural_id(type_number, type_name, key, source="beads"):
    """PROTOCOL 1.8, as text (PROTOCOL 1.6)."""
    parts = [b"chitty-natural-1", bytes([type_number])]
    for text in (source.encode(), key.encode()):
        parts += [struct.pack("<I", len(text)), text]
    number = int.from_bytes(hashlib.blake2b(b"".join(parts), digest_size=16).digest(), "big")
    digits = (DIGITS[number >> (5 * i) & 31] for i in range(25, -1, -1))
    return f"CHITTY-{type_name}-" + "".join(digits)


def fields_of(table):
    """The columns that are fields of a type (docs/SCHEMA.md); derived ones stand beside them."""
    text = SCHEMA.read_text(encoding="utf-8")
    section = text.split(f"\nTable `{table}`", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| \d+ \| `(\w+)`", section, re.M)) - {"deleted"}


def todo_id(issue):
    return natural_id(4, "TODO", issue)


def comment_id(issue, text):
    return natural_id(8, "MESSAGE", f"{issue}\n{text}")


def instant(text):
    """Milliseconds since 1970, what is finer cut off; None where the typed field cannot say it."""
    try:
        when, fraction = text, ""
        if "." in text:
            head, tail = text.split(".", 1)
            fraction = tail[:len(tail) - len(tail.lstrip("0123456789"))]
            when = head + tail[len(fraction):]
        parsed = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return None
    if parsed.tzinfo is None:
        return None
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    ms = (parsed - epoch) // datetime.timedelta(seconds=1) * 1000 + int((fraction + "000")[:3])
    return ms if ms >= 0 else None


# --- what there is to be -----------------------------------------------------------------------


def fold(path, limit):
    """The issues after the first commits of a trace."""
    issues = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= limit:
                break
            for op in json.loads(line)["ops"]:
                if op.get("del"):
                    issues.pop(op["i"], None)
                    continue
                fields = issues.setdefault(op["i"], {})
                if "v" in op:
                    fields[op["f"]] = op["v"]
                else:
                    have = [x for x in fields.get(op["f"], []) if x not in op.get("rm", [])]
                    fields[op["f"]] = have + [x for x in op.get("add", []) if x not in have]
    return issues


def wanted(issues):
    """The same with sets sorted, ties by ids, and nothing that counts as absent."""
    result = {}
    for issue, fields in issues.items():
        one = {f: v for f, v in fields.items() if v not in ABSENT}
        for field, value in one.items():
            if field == "dependencies":
                value = [f"{kind} {todo_id(other)}" for kind, other in
                         (text.split(" ", 1) for text in value)]
            one[field] = sorted(value) if isinstance(value, list) else value
        result[issue] = one
    return result


# --- what there is -----------------------------------------------------------------------------


class Reader:
    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.problems = []
        self.todo, self.message = fields_of("todo"), fields_of("message")

    def problem(self, where, text):
        self.problems.append(f"{where}: {text}")

    def issues(self):
        """Issue to its fields, from the rows of TODOs and the MESSAGEs about them."""
        result, by_id = {}, {}
        for row in self.db.execute("SELECT * FROM todo"):
            raw = json.loads(row["raw"] or "{}")
            issue = raw.pop("beads.id", None)
            if issue is None:
                self.gone(row, self.todo)
                continue
            if row["id"] != todo_id(issue):
                self.problem(issue, f"its record is {row['id']}")
            by_id[row["id"]] = issue
            result[issue] = self.fields(issue, dict(row), raw)
        for row in self.db.execute("SELECT * FROM message"):
            if row["deleted"]:
                self.gone(row, self.message)
                continue
            issue = by_id.get(row["about"])
            if issue is None or row["id"] != comment_id(issue, row["content"]):
                self.problem(row["id"], "a comment on no issue")
                continue
            result[issue].setdefault("comments", []).append(row["content"])
        for fields in result.values():
            for value in fields.values():
                if isinstance(value, list):
                    value.sort()
        return result

    def gone(self, row, columns):
        """What is deleted has nothing left."""
        left = [k for k in sorted(columns) if not self.empty(row[k])]
        if not row["deleted"] or left:
            self.problem(row["id"], f"it is no issue, and has {left}, deleted {row['deleted']}")

    @staticmethod
    def empty(value):
        return value is None or value in ("[]", "{}", "")

    def fields(self, issue, row, raw):
        if row["conflicts"] and not row["deleted"]:
            self.problem(issue, f"{row['conflicts']} conflicts")
        used = {"labels", "dependencies", "relations", "assignees", "status", "priority", "parent"}
        one = {}
        for field, column in PLAIN.items():
            used.add(column)
            one[field] = row[column]
        for field, column in TIMES.items():
            used.add(column)
            one[field] = self.time(issue, row[column], field, raw.pop(f"beads.{field}", None))
        one["status"] = self.status(issue, row, raw.pop("beads.status", None))
        one["priority"] = self.priority(issue, row["priority"], raw.pop("beads.priority", None))
        assignees = json.loads(row["assignees"] or "[]")
        if len(assignees) > 1:
            self.problem(issue, f"assignees {assignees}")
        one["assignee"] = assignees[0] if assignees else None
        one["labels"] = json.loads(row["labels"] or "[]")
        one["dependencies"] = self.ties(issue, row)
        for key, value in raw.items():
            name, _, text = key.removeprefix("beads.").partition("/")
            if text:
                one.setdefault(name, []).append(text)
            elif name in one or not key.startswith("beads."):
                self.problem(issue, f"raw has {key}")
            else:
                one[name] = value
        for column in self.todo - used - {"raw"}:
            if not self.empty(row[column]):
                self.problem(issue, f"{column} is {row[column]!r}")
        return {f: v for f, v in one.items() if v not in ABSENT}

    def time(self, issue, typed, field, text):
        have = None if typed is None else instant(typed)
        if have != (None if text is None else instant(text)):
            self.problem(issue, f"{field}: the column says {typed!r}, raw {text!r}")
        return text

    def status(self, issue, row, word):
        hidden = word == "tombstone"
        if bool(row["deleted"]) != hidden:
            self.problem(issue, f"status {word!r}, deleted {row['deleted']}")
        want = None if word is None else STATUS.get(word, "pending")
        if not hidden and row["status"] != want:
            self.problem(issue, f"status: the column says {row['status']!r}, raw {word!r}")
        return word

    def priority(self, issue, typed, number):
        want = None if number is None else PRIORITY[min(max(number, 0), 3)]
        if typed != want:
            self.problem(issue, f"priority: the column says {typed!r}, raw {number!r}")
        return number

    def ties(self, issue, row):
        """As texts "KIND CHITTY-…"."""
        waits = json.loads(row["dependencies"] or "[]")
        related = json.loads(row["relations"] or "[]")
        parents = [r.split(" ", 1)[1] for r in related if r.startswith("parent-child ")]
        if row["parent"] != (parents[0] if len(parents) == 1 else None):
            self.problem(issue, f"parent {row['parent']!r} of {parents}")
        blocked_by = {r.split(" ", 1)[1] for r in related if r.startswith("blocked-by ")}
        if not blocked_by <= set(waits):
            self.problem(issue, f"waits for {waits}, blocked by {blocked_by}")
        return related + [f"blocks {x}" for x in waits if x not in blocked_by]


def compare(have, want):
    for issue in sorted(set(have) | set(want)):
        if issue not in have:
            yield f"{issue}: missing"
        elif issue not in want:
            yield f"{issue}: not wanted: {json.dumps(have[issue])[:200]}"
        else:
            mine, theirs = have[issue], want[issue]
            for field in sorted(set(mine) | set(theirs)):
                a, b = mine.get(field), theirs.get(field)
                if a != b or type(a) is not type(b):
                    yield f"{issue}.{field}: have {a!r}, want {b!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--end")
    parser.add_argument("--trace")
    parser.add_argument("--limit", type=int, default=1 << 62)
    args = parser.parse_args()
    if (args.end is None) == (args.trace is None):
        parser.error("one of --end and --trace is needed")
    if args.end:
        with gzip.open(args.end, "rt", encoding="utf-8") as text:
            issues = json.load(text)
    else:
        issues = fold(args.trace, args.limit)
    reader = Reader(args.database)
    have, want = reader.issues(), wanted(issues)
    problems = reader.problems + list(compare(have, want))
    for line in problems[:200]:
        print(line)
    if len(problems) > 200:
        print(f"… and {len(problems) - 200} more")
    print(f"{len(have)} issues, {sum(map(len, have.values()))} fields, {len(problems)} differences")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
