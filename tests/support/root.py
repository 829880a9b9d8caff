#!/usr/bin/env python3
"""The independent reader: chains and state root of a space, from the database file alone.

Written from docs/PROTOCOL.md (1 to 5 and 10) and docs/SCHEMA.md; it shares nothing with the C code.
It decodes every row of the log, hashes every entry along its path and holds each row's tip against
it; then it folds the entries with its own logic into the state root, sums the rows of the typed
tables to a second one, and makes again what is made of rows (elements, blockers). It has no
Ed25519, so it does not check the heads' signatures; with the tips it does check that every byte
below them is the one that was hashed.

usage: root.py DATABASE
prints {"root", "rows_root", "chains": [{"device", "path", "seq", "hash"}], "entries", "applied",
"waiting", "voids", "ruled", "behind", "problems"}; exits 1 when there are problems. `voids` counts
ops, `ruled` entries that rulings void. `behind`: the typed tables do not show all applied entries
yet, so that rows_root is of an earlier state.
"""
import collections
import json
import os
import sqlite3
import struct
import sys
import zlib

from root_bytes import Bad, Void, Wire, blake, mp_int, mp_peek, mp_sized, read_body, varint
from root_log import Before, read_range, read_vector, signed
from root_rulings import Rulings
from root_schema import DELETED, TYPE_NAMES, TYPE_NUMBERS, check_op, read_schema

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/SCHEMA.md")
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MASK = (1 << 256) - 1


# --- the log (10.2, 10.3) -------------------------------------------------------------------------


class Chain:
    def __init__(self, device, parent, branch_seq):
        self.device, self.parent, self.branch_seq = device, parent, branch_seq
        self.entries = []    # (entry, body), the first at branch_seq + 1
        self.applied = 0     # how many of them
        self.past = {}       # of the applied tip, itself included: chain -> seq
        self.pasts = []      # of each applied entry, without itself
        self.numbers = []    # (device, seq of the entry that mentioned it first)
        self.open = False


class Log:
    """All entries of the file, decoded and hashed."""

    def __init__(self, db, problems):
        self.space = db.execute("SELECT value FROM meta WHERE key = 'space'").fetchone()[0]
        self.devices = [bytes(row[0]) for row in db.execute("SELECT id FROM author ORDER BY n")]
        self.chains = [Chain(*row) for row in
                       db.execute("SELECT device, parent, branch_seq FROM chain ORDER BY n")]
        self.epochs = {}
        for chain, seq, epoch in db.execute("SELECT chain, seq, epoch FROM epoch ORDER BY 1, 2"):
            self.epochs.setdefault(chain, []).append((seq, epoch))
        self.by_hash = {}
        for row in db.execute("SELECT id, count, codec, payload, tip, stamp FROM log ORDER BY id"):
            try:
                self.add_row(*row)
            except (Bad, zlib.error, IndexError, struct.error) as why:
                problems.append("log row %d: %s" % (row[0], why))

    def add_row(self, place, count, codec, payload, tip, stamp):
        number, first = place >> 40, place & (1 << 40) - 1
        chain = self.chains[number]
        if first != chain.branch_seq + len(chain.entries) + 1:
            raise Bad("it does not follow the row before")
        before = Before(self.space, self.devices[chain.device])
        if first > 1:
            e = self.entry(number, first - 1)[0]
            before = Before(self.space, self.devices[chain.device], e.epoch, e.hash, e.stamp, e.seq)
        got = read_range(before, count, codec, payload)
        if got[-1][0].hash != tip:
            raise Bad("its entries do not hash to its tip")
        if signed(got[-1][0].stamp) != stamp:
            raise Bad("its stamp is not its last entry's")
        for e, body in got:
            if self.epoch(number, e.seq) != e.epoch:
                raise Bad("table epoch says another epoch")
            self.by_hash[e.hash] = (number, e.seq)
            chain.entries.append((e, body))

    def on_path(self, number, seq):
        """The chain that holds `seq` on the path of a chain."""
        while seq <= self.chains[number].branch_seq:
            number = self.chains[number].parent
        return number

    def entry(self, number, seq):
        number = self.on_path(number, seq)
        return self.chains[number].entries[seq - self.chains[number].branch_seq - 1]

    def epoch(self, number, seq):
        found = None
        for first, epoch in self.epochs.get(self.on_path(number, seq), []):
            found = epoch if first <= seq else found
        return found


# --- the fold (2.4 to 2.7, 3.5, 3.6, 5) -----------------------------------------------------------


class Fold:
    def __init__(self, log, schema, rulings):
        self.log, self.schema, self.rulings = log, schema, rulings
        self.acts = []     # (place, chain, past, entity, [(index, op)]): in an order of causes
        self.heads = {}    # place -> membership heads in force on its path (2.7)
        self.tips = {}     # what a cut-off may name -> place; of applied entries
        self.cells = {}    # (type, id, field, key) -> {(chain, seq, index): bytes}
        self.spelt = {}    # (chain, seq) -> entity; of applied entries
        self.actors = {}   # the same of actors
        self.voids = 0
        progress = True
        while progress:
            progress = False
            for number, chain in enumerate(log.chains):
                while chain.applied < len(chain.entries) and self.apply(number, chain):
                    progress = True
        self.ruled = {place for place in self.tips.values() if not self.stands(place)}
        for place, chain, past, entity, ops in self.acts:
            for index, op in ops if place not in self.ruled else []:
                self.fold_op(place + (index,), chain, past, entity + (op.field, op.key), op)

    def is_applied(self, place):
        chain = self.log.chains[place[0]]
        return place[1] <= chain.branch_seq + chain.applied

    def past_of(self, place):
        chain = self.log.chains[place[0]]
        return chain.pasts[place[1] - chain.branch_seq - 1]

    def find_deps(self, e):
        """The places of its deps, or None while one is not applied."""
        out = []
        for device, epoch, seq, prefix in e.deps:
            found = self.locate(device, seq, prefix)
            if found is None or not self.is_applied(found) or \
                    self.log.entry(*found)[0].epoch != epoch:
                return None
            out.append(found)
        return out

    def locate(self, device, seq, prefix):
        for number, chain in enumerate(self.log.chains):
            at = seq - chain.branch_seq - 1
            if self.log.devices[chain.device] == device and 0 <= at < len(chain.entries) and \
                    chain.entries[at][0].hash.startswith(prefix):
                return (number, seq)
        return None

    def open_chain(self, chain):
        if chain.open:
            return True
        if chain.parent is not None:
            number = self.log.on_path(chain.parent, chain.branch_seq)
            if not self.is_applied((number, chain.branch_seq)):
                return False
            chain.past = dict(self.past_of((number, chain.branch_seq)))
            chain.past[number] = chain.branch_seq
            chain.numbers = [n for n in self.log.chains[number].numbers
                             if n[1] <= chain.branch_seq]
        chain.open = True
        return True

    def apply(self, number, chain):
        e, body = chain.entries[chain.applied]
        ops = read_body(body) if body is not None else []
        if ops is not None and None in ops:
            return False                        # 3.7: an unknown kind waits
        deps = self.find_deps(e)
        if deps is None or not self.open_chain(chain):
            return False
        past = chain.past
        if deps:
            past = dict(past)
            for dep in deps:
                for c, seq in self.past_of(dep).items():
                    past[c] = max(past.get(c, 0), seq)
                past[dep[0]] = max(past.get(dep[0], 0), dep[1])
                device = self.log.chains[dep[0]].device
                if device != chain.device and device not in [n[0] for n in chain.numbers]:
                    chain.numbers.append((device, e.seq))
        chain.pasts.append(past)
        place = (number, e.seq)
        self.tips[(e.device, e.epoch, e.seq, e.hash)] = place
        before = (self.log.on_path(number, e.seq - 1), e.seq - 1) if e.seq > 1 else None
        self.heads[place] = e.heads or self.heads[before]
        self.read_entry(place, chain, e, ops, past)
        chain.applied += 1
        chain.past = dict(past)
        chain.past[number] = e.seq
        return True

    # names (2.5)

    def in_past(self, past, place):
        return place[1] <= past.get(place[0], 0)

    def only_tip(self, past, device):
        tops = [(c, past[c]) for c, chain in enumerate(self.log.chains)
                if chain.device == device and past.get(c, 0) > chain.branch_seq]
        tips = [t for t in tops if not any(self.in_past(self.past_of(o), t)
                                           for o in tops if o != t)]
        return tips[0] if len(tips) == 1 else None

    def resolve(self, chain, past, name):
        """The place that (number, seq) or (hash) means, or None."""
        if len(name) == 1:
            place = self.log.by_hash.get(name[0])
            return place if place and self.in_past(past, place) else None
        number, seq = name
        if number > len(chain.numbers) or seq == 0:
            return None
        tip = self.only_tip(past, chain.numbers[number - 1][0] if number else chain.device)
        return (self.log.on_path(tip[0], seq), seq) if tip and seq <= tip[1] else None

    def refer(self, place, chain, ref, past, spelt):
        """What an entity or actor reference means, or None."""
        if ref.form == 1:
            spelt[place] = (ref.kind, ref.id)
            return spelt[place]
        name = (ref.hash,) if ref.form == 3 else (ref.number, ref.seq)
        return spelt.get(self.resolve(chain, past, name))

    # ops

    def read_entry(self, place, chain, e, ops, past):
        actor = self.refer(place, chain, e.actor, past, self.actors) if e.actor.form else True
        entity = self.refer(place, chain, e.entity, past, self.spelt) if e.entity.form else None
        if ops is None or actor is None or entity is None:
            self.voids += ops != [] or bool(e.entity.form)
            return
        good = []
        for index, op in enumerate(ops):
            field = self.field(entity[0], op.field)
            try:
                if op.fault:
                    raise Void("form")
                check_op(field, op)
            except Void:
                self.voids += 1
                continue
            good.append((index, op))
        self.acts.append((place, chain, past, entity, good))

    # rulings (2.7, 7.25, 7.26)

    def stands(self, place):
        device = self.log.devices[self.log.chains[place[0]].device]
        def within(record):
            tips = [self.tips.get((device,) + tip) for tip in record.cutoff]
            return any(t == place or self.in_past(self.past_of(t), place) for t in tips if t)
        return self.rulings.entry_stands(device, self.heads[place], within)

    def field(self, kind, number):
        if number == 0:
            return DELETED
        return self.schema.get(kind, (None, {}))[1].get(number)

    def fold_op(self, dot, chain, past, cell, op):
        keeps = {self.resolve(chain, past, keep[:-1]) + keep[-1:] for keep in op.keeps
                 if self.resolve(chain, past, keep[:-1])}
        live = self.cells.setdefault(cell, {})
        for other in list(live):
            kept = other in keeps and self.log.chains[other[0]].device != chain.device
            if self.in_past(past, other[:2]) and not kept:
                del live[other]
        if op.kind == 1:
            live[dot] = op.value


def term(log, field, cell, dot, value):
    """What a live value adds to the root (5.8)."""
    kind, id_, number, key = cell
    chain, seq, index = dot
    written = log.devices[log.chains[chain].device] + log.epoch(chain, seq) + \
        struct.pack("<IH", seq, index)
    parts = [b"chitty-row-1", bytes([kind]), id_, struct.pack("<H", number), key, written, value]
    total = part_hash(parts)
    if field is not None and field.kind == "text":
        total += part_hash([b"chitty-text-1"] + parts[1:-1] + [mp_peek(value).value])
    return total


def part_hash(parts):
    return int.from_bytes(blake(b"".join(varint(len(p)) + p for p in parts)), "little")


# --- the typed tables (10.4) ----------------------------------------------------------------------


def id_bytes(text):
    _, name, digits = text.split("-")
    kind = TYPE_NUMBERS[name] if name in TYPE_NUMBERS else int(name[1:])
    number = 0
    for digit in digits:
        number = number * 32 + DIGITS.index(digit)
    return kind, number.to_bytes(16, "big")


def time_ms(text):
    """YYYY-MM-DDThh:mm:ss.mmmZ, by counting days: datetime's own clock rounds."""
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    leap = lambda y: y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
    days = sum(366 if leap(y) else 365 for y in range(1970, year))
    days += sum((31, 29 if leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30)[:month - 1])
    seconds = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
    return (days + day - 1) * 86400000 + seconds * 1000 + int(text[20:23])


def from_column(field, value):
    """The msgpack that a column stands for."""
    if field.value == "bool":
        return b"\xc3" if value else b"\xc2"
    if field.value == "int":
        return mp_int(value)
    if field.value == "float":
        return b"\xcb" + struct.pack(">d", value)
    if field.value == "time":
        return mp_int(time_ms(value))
    if field.value == "id":
        kind, id_ = id_bytes(value)
        return mp_sized("bin", bytes([kind]) + id_)
    return mp_sized("str", value.encode("utf-8"))


def read_blob(row, kind, fields):
    """{(field, key): {dot: bytes}} of one row."""
    w, cells = Wire(row["crdt"]), {}
    for _ in range(w.varint()):
        number, key, live = w.varint(), w.take(w.varint()), {}
        for _ in range(w.varint()):
            dot = (w.varint(), w.varint(), w.varint())
            w.take(8)
            flags = w.u8()
            field = DELETED if number == 0 else fields.get(number)
            live[dot] = from_column(field, row[field.name]) if flags & 1 else w.take(w.varint())
            if flags & 2:
                extra = Wire(w.take(w.varint()))
                read_vector(extra)
                while extra.left():
                    extra.varint()
        cells[(number, key)] = live
    w.end()
    return cells


def id_text(raw):
    """The text of an id of 17 bytes; None for a type that has no name."""
    if len(raw) != 17 or raw[0] not in TYPE_NAMES:
        return None
    number = int.from_bytes(raw[1:], "big")
    digits = "".join(DIGITS[number >> shift & 31] for shift in range(125, -1, -5))
    return "CHITTY-%s-%s" % (TYPE_NAMES[raw[0]], digits)


def row_elements(row, kind, fields, cells):
    """The rows of `element` that an entity gives: {(field, value, n)}."""
    found = set()
    for number, field in fields.items():
        values = []
        if field.kind == "set" and field.value in ("str", "word", "id"):
            for key in (key for at, key in cells if at == number):
                head = mp_peek(key)
                values.append(head.value.decode() if head.kind == "str" else id_text(head.value))
        elif field.kind == "register" and field.value == "id" and field.name != "project":
            shown = row[field.name]
            values.append(shown if shown and shown.startswith("CHITTY-") else None)
        found |= {(kind << 16 | number, value, row["n"]) for value in values if value is not None}
    return found


def holder_of(claim):
    """What a column of the field `claim` names as holder; of equal keys the first counts."""
    try:
        value = json.loads(claim or "null", object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    except ValueError:
        return None  # some value that is no JSON, as a text is
    return value.get("holder") if isinstance(value, dict) else None


def check_views(db, schema, elements, problems):
    """What is made of the rows for those who look from the other side (10.4)."""
    if elements != set(db.execute("SELECT field, value, n FROM element")):
        problems.append("element is not what the rows give")
    todo = TYPE_NUMBERS["TODO"]
    names = {field.name: number for number, field in schema[todo][1].items()}
    waits = todo << 16 | names["dependencies"]
    rows = list(db.execute("SELECT n, id, deleted, status, blockers, held, claim FROM todo"))
    is_open = {id_ for n, id_, deleted, status, *_ in rows
               if not deleted and status not in ("completed", "cancelled")}
    waiting = collections.Counter(n for field, value, n in elements
                                  if field == waits and value in is_open)
    for n, _, _, _, blockers, held, claim in rows:
        if blockers != waiting[n]:
            problems.append("todo row %d: blockers" % n)
        holder = holder_of(claim)
        if held != (isinstance(holder, str) and holder != ""):
            problems.append("todo row %d: held" % n)


def sum_rows(db, log, schema, problems):
    db.row_factory = sqlite3.Row
    total, elements = 0, set()
    tables = [(kind,) + entry for kind, entry in schema.items()] + [(None, "other", {})]
    for kind, table, fields in tables:
        for row in db.execute('SELECT * FROM "%s" ORDER BY n' % table):
            try:
                of, id_ = id_bytes(row["id"])
                if kind not in (None, of):
                    raise Bad("an id of another type")
                cells = read_blob(row, of, fields)
                elements |= row_elements(row, of, fields, cells)
                for (number, key), live in cells.items():
                    field = DELETED if number == 0 else fields.get(number)
                    for dot, value in live.items():
                        total += term(log, field, (of, id_, number, key), dot, value)
            except (Bad, KeyError, ValueError, TypeError, AttributeError, IndexError) as why:
                problems.append("%s row %s: %r" % (table, row["n"], why))
    db.row_factory = None
    check_views(db, schema, elements, problems)
    return total & MASK


# --- together -------------------------------------------------------------------------------------


def hex_root(total):
    return (total & MASK).to_bytes(32, "little").hex()


def read(path):
    problems = []
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    schema = read_schema(SCHEMA)
    log = Log(db, problems)
    rulings = Rulings(row[0] for row in db.execute("SELECT bytes FROM record ORDER BY n"))
    fold = Fold(log, schema, rulings)
    total = sum(term(log, fold.field(cell[0], cell[2]), cell, dot, value)
                for cell, live in fold.cells.items() for dot, value in live.items())
    rows = sum_rows(db, log, schema, problems)
    positions = dict(db.execute("SELECT chain, seq FROM position"))
    behind = any(c.applied and positions.get(n, 0) != c.branch_seq + c.applied
                 for n, c in enumerate(log.chains))
    kept = db.execute("SELECT value FROM meta WHERE key = 'root'").fetchone()
    if kept and kept[0] != (rows & MASK).to_bytes(32, "little"):
        problems.append("meta row root: the typed tables sum to another root")
    if not behind and rows != total & MASK:
        problems.append("the typed tables sum to another root than the log")
    entries, applied = (sum(len(c.entries) for c in log.chains),
                        sum(c.applied for c in log.chains))
    return {
        "root": hex_root(total), "rows_root": hex_root(rows),
        "chains": [{"device": log.devices[c.device].hex(), "path": n, "seq": c.entries[-1][0].seq,
                    "hash": c.entries[-1][0].hash.hex()}
                   for n, c in enumerate(log.chains) if c.entries],
        "entries": entries, "applied": applied, "waiting": entries - applied,
        "voids": fold.voids, "ruled": len(fold.ruled), "behind": behind, "problems": problems,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    result = read(sys.argv[1])
    print(json.dumps(result, indent=1))
    sys.exit(1 if result["problems"] else 0)


if __name__ == "__main__":
    main()
