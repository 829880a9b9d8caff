"""Log rows back into entries (PROTOCOL 4.2, 4.3), for root.py."""
import struct
import zlib

from root_bytes import Bad, Entry, Op, Ref, Wire, blake, mp_array, mp_skip, read_header, \
    take_deps, take_heads, take_ref


class Before:
    """What stands before a range: both ends know it."""

    def __init__(self, space, device, epoch=bytes(8), hash_=bytes(32), stamp=0, seq=0):
        self.space, self.device, self.epoch = space, device, epoch
        self.hash, self.stamp, self.seq = hash_, stamp, seq


def read_range(before, count, codec, payload):
    """[(entry, body or None)], each hashed and following the one before."""
    if codec == 0:
        return read_raw(before, count, payload)
    if codec == 1:
        w = Wire(payload)
        size = w.varint()
        inflate = zlib.decompressobj(-15)
        payload = inflate.decompress(payload[w.at:], size + 1)
        if len(payload) != size or not inflate.eof or inflate.unused_data:
            raise Bad("deflate stream")
    elif codec != 2:
        raise Bad("unknown codec")
    return Columns(before, count, payload).entries()


def read_raw(before, count, payload):
    w, out, prev = Wire(payload), [], before.hash
    for i in range(count):
        e = read_header(w.take(w.varint()))
        body = w.take(e.body_len) if w.u8() else None
        if e.prev != prev or e.seq != before.seq + 1 + i or e.device != before.device or \
                e.space != before.space or (body is not None and blake(body) != e.body_hash):
            raise Bad("an entry that does not follow")
        out.append((e, body))
        prev = e.hash
    w.end()
    return out


class Columns:
    def __init__(self, before, count, data):
        self.w, self.before, self.count = Wire(data), before, count
        self.e = [Entry() for _ in range(count)]
        self.shape = list(self.w.take(count))
        self.extra = [self.w.u8() if s & 64 else 0 for s in self.shape]
        for i, e in enumerate(self.e):
            e.seq = before.seq + 1 + i

    def form(self, i):
        return self.shape[i] & 7

    def body_form(self, i):
        return self.shape[i] >> 3 & 3

    def entries(self):
        self.stamps()
        self.epochs()
        self.entities()
        self.actors()
        self.rest()
        bodies = self.bodies(self.ops())
        self.w.end()
        prev, out = self.before.hash, []
        for e, body in zip(self.e, bodies):
            e.space, e.device, e.prev = self.before.space, self.before.device, prev
            e.pack()
            prev = e.hash
            out.append((e, body))
        return out

    def stamps(self):
        ms, counter = self.before.stamp >> 16, self.before.stamp & 0xFFFF
        steps = [self.w.varint() for _ in self.e]
        for i, e in enumerate(self.e):
            ms = (ms + steps[i]) % (1 << 48)
            counter = 0 if steps[i] else (counter + 1) % (1 << 16)
            if self.shape[i] & 32:
                counter = self.w.varint()
            e.stamp = ms << 16 | counter

    def epochs(self):
        epoch = self.before.epoch
        for e, extra in zip(self.e, self.extra):
            epoch = self.w.take(8) if extra & 8 else epoch
            e.epoch = epoch

    def entities(self):
        w, spelt = self.w, [i for i in range(self.count) if self.form(i) == 1]
        kinds = [w.u8() for _ in spelt]
        ids = [w.take(16) for _ in spelt]
        refs = dict(zip(spelt, (Ref(1, k, i) for k, i in zip(kinds, ids))))
        numbers = {i: w.varint() for i in range(self.count) if self.form(i) == 4}
        for i in range(self.count):
            if self.form(i) in (2, 3, 4):
                seq = w.varint()
                refs[i] = Ref(2, number=numbers.get(i, 0),
                              seq=self.e[i].seq - seq if self.form(i) == 3 else seq)
        for i in range(self.count):
            if self.form(i) == 5:
                refs[i] = Ref(3, hash_=w.take(32))
        for i, e in enumerate(self.e):
            e.entity = refs.get(i, Ref(0))
            if self.form(i) == 6 and i:
                e.entity = self.same(self.e[i - 1].entity, i)

    def same(self, ref, i):
        return Ref(2, number=0, seq=self.e[i - 1].seq) if ref.form == 1 else ref

    def actors(self):
        for i, e in enumerate(self.e):
            form = self.extra[i] & 7
            if form:
                e.actor = take_ref(self.w, form - 1)
            else:
                e.actor = self.same(self.e[i - 1].actor, i) if i else Ref(0)

    def rest(self):
        for i, e in enumerate(self.e):
            if self.extra[i] & 16:
                e.txn = (self.w.varint(), self.w.varint())
            elif i and self.e[i - 1].txn[0] + 1 < self.e[i - 1].txn[1]:
                e.txn = (self.e[i - 1].txn[0] + 1, self.e[i - 1].txn[1])
            else:
                e.txn = (0, 1)
        for e, extra in zip(self.e, self.extra):
            e.deps = take_deps(self.w) if extra & 32 else []
        for e, extra in zip(self.e, self.extra):
            e.heads = take_heads(self.w) if extra & 64 else []

    def keeps(self):
        w, out = self.w, []
        for _ in range(w.varint()):
            number = w.varint()
            name = (number - 1, w.varint()) if number else (w.take(32),)
            out.append(name + (w.varint(),))
        return out

    def ops(self):
        """The ops of each entry of body form 0 or 1."""
        w, forms = self.w, [self.body_form(i) for i in range(self.count)]
        counts = [w.varint() if form == 1 else int(form == 0) for form in forms]
        heads = [w.varint() for _ in range(sum(counts))]
        ops = [Op(2 if h & 1 else 1, h >> 3) for h in heads]
        order = sorted(range(len(ops)), key=lambda k: ops[k].field)
        for k in order:
            if heads[k] & 2:
                ops[k].key = mp_skip(w)
        for k in order:
            if not heads[k] & 1:
                ops[k].value = mp_skip(w)
        for op, head in zip(ops, heads):
            if head & 4:
                op.keeps = self.keeps()
        at = iter(ops)
        return [[next(at) for _ in range(n)] for n in counts]

    def bodies(self, ops):
        out = []
        for i, e in enumerate(self.e):
            form, body = self.body_form(i), None
            if form < 2:
                body = mp_array(len(ops[i])) + b"".join(op.pack() for op in ops[i])
            elif form == 2:
                body = self.w.take(self.w.varint())
            if form == 3:
                e.body_len, e.body_hash = self.w.varint(), self.w.take(32)
            else:
                e.body_len, e.body_hash = len(body), blake(body)
            out.append(body)
        return out


def read_vector(w):
    return {w.varint(): w.varint() for _ in range(w.varint())}


def signed(stamp):
    return struct.unpack("<q", struct.pack("<Q", stamp))[0]
