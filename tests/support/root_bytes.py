"""Bytes, msgpack, headers and bodies (PROTOCOL 1 to 3), for root.py."""
import hashlib
import struct


class Bad(Exception):
    """Bytes that break the protocol."""


def blake(data, size=32):
    return hashlib.blake2b(data, digest_size=size).digest()


# --- primitives (1) -------------------------------------------------------------------------------


class Wire:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise Bad("cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise Bad("longer than the shortest varint")
                return value
            shift += 7
            if shift > 63:
                raise Bad("varint of more than 64 bits")

    def end(self):
        if self.left():
            raise Bad("bytes after the end")


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Head:
    """The start of a msgpack object: kind, value (a number, bytes, or how many objects follow)."""

    def __init__(self, kind, value=None):
        self.kind, self.value = kind, value


FIXED = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b",
         0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
SIZED = {0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xC6: ("bin", 4), 0xC7: ("ext", 1), 0xC8: ("ext", 2),
         0xC9: ("ext", 4), 0xD9: ("str", 1), 0xDA: ("str", 2), 0xDB: ("str", 4),
         0xDC: ("array", 2), 0xDD: ("array", 4), 0xDE: ("map", 2), 0xDF: ("map", 4)}


def mp_head(w):
    mark = w.u8()
    if mark < 0x80:
        return Head("int", mark)
    if mark >= 0xE0:
        return Head("int", mark - 256)
    if mark < 0x90:
        return mp_container(w, "map", mark & 15)
    if mark < 0xA0:
        return mp_container(w, "array", mark & 15)
    if mark < 0xC0:
        return Head("str", w.take(mark & 31))
    if mark == 0xC0:
        return Head("nil")
    if mark in (0xC2, 0xC3):
        return Head("bool", mark == 0xC3)
    if mark in FIXED:
        value = struct.unpack(FIXED[mark], w.take(struct.calcsize(FIXED[mark])))[0]
        return Head("float" if mark < 0xCC else "int", value)
    if mark in SIZED:
        kind, width = SIZED[mark]
        size = int.from_bytes(w.take(width), "big")
        if kind in ("array", "map"):
            return mp_container(w, kind, size)
        return Head(kind, w.take(size + (kind == "ext")))
    if 0xD4 <= mark <= 0xD8:
        return Head("ext", w.take(1 + (1 << mark - 0xD4)))
    raise Bad("no msgpack")


def mp_container(w, kind, count):
    if count * (2 if kind == "map" else 1) > w.left():
        raise Bad("a count larger than what is left")
    return Head(kind, count)


def mp_skip(w, depth_max=64, objects_max=1 << 62):
    """Pass over one object; its bytes."""
    start, objects, open_ = w.at, 0, []
    while True:
        if open_:
            open_[-1] -= 1
        head = mp_head(w)
        objects += 1
        if objects > objects_max:
            raise Bad("too many objects")
        if head.kind in ("array", "map"):
            if len(open_) == depth_max:
                raise Bad("nested too deep")
            open_.append(head.value * (2 if head.kind == "map" else 1))
        while open_ and open_[-1] == 0:
            open_.pop()
        if not open_:
            return w.data[start:w.at]


def mp_scan(data, depth):
    """One whole document within 1.4."""
    w = Wire(data)
    mp_skip(w, depth, 65536)
    w.end()


def mp_peek(data):
    return mp_head(Wire(data))


def mp_int(value):
    for low, high, form in ((0, 127, ">B"), (-32, -1, ">b")):
        if low <= value <= high:
            return struct.pack(form, value)
    for mark in (0xCC, 0xCD, 0xCE, 0xCF) if value >= 0 else (0xD0, 0xD1, 0xD2, 0xD3):
        try:
            return bytes([mark]) + struct.pack(FIXED[mark], value)
        except struct.error:
            continue
    raise Bad("no integer")


def mp_sized(kind, data):
    if kind == "str" and len(data) < 32:
        return bytes([0xA0 | len(data)]) + data
    for mark, (what, width) in SIZED.items():
        if what == kind and len(data) < 1 << 8 * width:
            return bytes([mark]) + len(data).to_bytes(width, "big") + data
    raise Bad("too long")


def mp_array(count):
    if count < 16:
        return bytes([0x90 | count])
    if count < 65536:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


class Void(Exception):
    """Why an op makes and replaces nothing."""


# --- headers and bodies (2, 3) --------------------------------------------------------------------


class Ref:
    def __init__(self, form, kind=0, id_=b"", number=0, seq=0, hash_=b""):
        self.form, self.kind, self.id = form, kind, id_
        self.number, self.seq, self.hash = number, seq, hash_

    def bytes(self):
        return (b"", bytes([self.kind]) + self.id, varint(self.number) + varint(self.seq),
                self.hash)[self.form]


def take_ref(w, form):
    if form == 1:
        return Ref(1, w.u8(), w.take(16))
    if form == 2:
        return Ref(2, number=w.varint(), seq=w.varint())
    return Ref(3, hash_=w.take(32)) if form == 3 else Ref(0)


class Entry:
    """A header's fields; `bytes` and `hash` once it is whole."""

    def pack(self):
        txn, deps, heads = self.txn != (0, 1), bool(self.deps), bool(self.heads)
        flags = self.entity.form | self.actor.form << 2 | txn << 4 | deps << 5 | heads << 6
        out = bytes([1, flags]) + self.space + self.device + self.epoch + self.prev
        out += struct.pack("<Q", self.stamp) + self.body_hash
        out += varint(self.seq) + varint(self.body_len) + self.entity.bytes() + self.actor.bytes()
        if txn:
            out += varint(self.txn[0]) + varint(self.txn[1])
        if deps:
            out += varint(len(self.deps)) + b"".join(
                d[0] + d[1] + varint(d[2]) + d[3] for d in self.deps)
        if heads:
            out += varint(len(self.heads)) + b"".join(self.heads)
        self.bytes, self.hash = out, blake(out)


def take_deps(w):
    return [(w.take(16), w.take(8), w.varint(), w.take(16)) for _ in range(w.varint())]


def take_heads(w):
    return [w.take(32) for _ in range(w.varint())]


def read_header(data):
    w, e = Wire(data), Entry()
    if w.u8() != 1:
        raise Bad("version")
    flags = w.u8()
    e.space, e.device, e.epoch, e.prev = w.take(16), w.take(16), w.take(8), w.take(32)
    e.stamp, e.body_hash = struct.unpack("<Q", w.take(8))[0], w.take(32)
    e.seq, e.body_len = w.varint(), w.varint()
    e.entity, e.actor = take_ref(w, flags & 3), take_ref(w, flags >> 2 & 3)
    e.txn = (w.varint(), w.varint()) if flags & 16 else (0, 1)
    e.deps = take_deps(w) if flags & 32 else []
    e.heads = take_heads(w) if flags & 64 else []
    w.end()
    e.pack()
    if e.bytes != data:
        raise Bad("a header of another form")
    return e


class Op:
    def __init__(self, kind=0, field=0, key=b"", value=b"", keeps=(), fault=False):
        self.kind, self.field, self.key, self.value = kind, field, key, value
        self.keeps, self.fault = keeps, fault

    def pack(self):
        """The canonical form of 3.1."""
        parts = [mp_int(self.kind), mp_int(self.field)]
        if self.key or self.keeps:
            parts.append(self.key or b"\xc0")
        if self.kind == 1:
            parts.append(self.value)
        if self.keeps:
            parts.append(mp_array(len(self.keeps)) + b"".join(map(pack_keep, self.keeps)))
        return mp_array(len(parts)) + b"".join(parts)


def pack_keep(keep):
    *name, index = keep
    parts = [mp_sized("bin", name[0])] if len(name) == 1 else [mp_int(name[0]), mp_int(name[1])]
    return mp_array(len(parts) + 1) + b"".join(parts) + mp_int(index)


def take_number(w):
    head = mp_head(w)
    if head.kind != "int" or not 0 <= head.value < 1 << 32:
        raise Void("number")
    return head.value


def take_keep(w):
    head = mp_head(w)
    if head.kind == "array" and head.value == 3:
        number, seq = take_number(w), take_number(w)
        if seq == 0:
            raise Void("keeps")
        return (number, seq, take_number(w))
    if head.kind == "array" and head.value == 2:
        name = mp_head(w)
        if name.kind != "bin" or len(name.value) != 32:
            raise Void("keeps")
        return (name.value, take_number(w))
    raise Void("keeps")


def read_op(data):
    """An op, or one with `fault`; None: a kind that this reader does not know (3.7)."""
    w = Wire(data)
    head = mp_head(w)
    kind = mp_head(w) if head.kind == "array" and head.value else Head("nil")
    if kind.kind != "int" or kind.value < 1:
        return Op(fault=True)
    if kind.value > 2:
        return None
    op, parts, least = Op(kind.value), head.value - 1, 2 if kind.value == 1 else 1
    try:
        if not least <= parts <= least + 2:
            raise Void("parts")
        op.field = take_number(w)
        if op.field > 16383:
            raise Void("field")
        if parts > least:
            op.key = mp_skip(w)
            if len(op.key) > 512:
                raise Void("key")
            op.key = b"" if mp_peek(op.key).kind == "nil" else op.key
        if op.kind == 1:
            op.value = mp_skip(w)
            if len(op.value) > 98304:
                raise Void("value")
        if parts > least + 1:
            keeps = mp_head(w)
            if keeps.kind != "array" or keeps.value > 256:
                raise Void("keeps")
            op.keeps = [take_keep(w) for _ in range(keeps.value)]
    except Void:
        op.fault = True
    return op


def read_body(data):
    """Its ops; None in the list for unknown kinds; or None where it is void as a whole."""
    try:
        mp_scan(data, 10)
        w = Wire(data)
        head = mp_head(w)
        if head.kind != "array" or head.value > 1024:
            return None
        return [read_op(mp_skip(w)) for _ in range(head.value)]
    except Bad:
        return None
