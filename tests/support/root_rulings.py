"""Who may write what, by the membership records alone (PROTOCOL 7.3, 7.20 to 7.26); for root.py."""
import hashlib

from root_bytes import Bad, Wire, blake

FOUND, ADMIT, ROLE, REVOKE = 1, 2, 3, 7
ADMIN, WRITER, NONE = 1, 2, 99    # a smaller number is a higher role
COMPROMISED = 2


class Record:
    """A record taken apart; `seen` is its ancestry, itself not in it."""

    def __init__(self, data):
        w = Wire(data)
        if w.u8() != 1:
            raise Bad("record version")
        self.hash, self.kind = blake(data), w.u8()
        w.take(16 + 8)
        self.parents = [w.take(32) for _ in range(w.varint())]
        self.author = data[-96:-64]
        self.role, self.cutoff, self.seen, self.why = NONE, set(), set(), None
        if self.kind == FOUND:
            self.recovery, self.role = w.take(32), ADMIN
            self.device = device_of(w.take(140)[:32])
        elif self.kind == ADMIT:
            self.role = w.u8()
            self.device = device_of(w.take(140)[:32])
        elif self.kind == ROLE:
            self.device, self.role = w.take(16), w.u8()
            self.cutoff = self.tips(w)
        elif self.kind == REVOKE:
            self.device, self.why = w.take(16), w.u8()
            self.cutoff = self.tips(w)
        else:
            self.device = None
        self.bound = self.role if self.kind == ROLE else NONE
        self.is_grant = self.kind in (FOUND, ADMIT, ROLE)
        self.is_ruling = self.kind in (ROLE, REVOKE)

    @staticmethod
    def tips(w):
        return {(w.take(8), w.varint(), w.take(32)) for _ in range(w.varint())}


def device_of(key):
    return hashlib.blake2b(b"chitty-device-1" + key, digest_size=16).digest()


class Rulings:
    def __init__(self, rows):
        self.records = [Record(bytes(row)) for row in rows]
        self.by_hash = {r.hash: r for r in self.records}
        for r in self.records:
            for parent in r.parents:
                r.seen |= {parent} | self.by_hash[parent].seen
        self.grants = [r for r in self.records if r.is_grant]
        self.rulings = [r for r in self.records if r.is_ruling]
        self.recovery = next(r.recovery for r in self.records if r.kind == FOUND)
        if not any(self.recovery):
            self.recovery = None
        self.counting = []
        self.decide()
        self.voids = {g.hash for g in self.grants if self.is_void(g, self.counting)}
        self.memo = {}

    # 7.22

    def right(self, record, counting):
        if record.author == self.recovery:
            return ADMIN
        author, best = device_of(record.author), NONE
        for grant in self.grants:
            if grant.device != author or grant.hash not in record.seen or \
                    self.is_void(grant, counting):
                continue
            bounds = [r.bound for r in counting
                      if r.device == author and record.hash not in r.seen and
                      r.hash not in grant.seen and r is not record and r is not grant]
            best = min(best, max([grant.role] + bounds))
        return best

    def is_void(self, grant, counting):
        return grant.kind != FOUND and self.right(grant, counting) != ADMIN

    # 7.23

    def admissions(self, record):
        author = device_of(record.author)
        return [a for a in self.records if a.kind in (FOUND, ADMIT) and a.device == author and
                a.hash in record.seen]

    def depth(self, record):
        if record.kind == FOUND:
            return 0
        if record.author == self.recovery:
            return 1
        return 1 + min(self.depth(a) for a in self.admissions(record))

    def seniority(self, ruling):
        if ruling.author == self.recovery:
            return (0, 0, b"", ruling.hash)
        return (1,) + min((self.depth(a), a.hash) for a in self.admissions(ruling)) + \
            (ruling.hash,)

    def decide(self):
        left = sorted(self.rulings, key=self.seniority)
        while left:
            taken, before = None, left
            while before:
                taken = before[0]
                before = [r for r in left if r.hash in taken.seen]
            left.remove(taken)
            if self.right(taken, self.counting) == ADMIN:
                self.counting.append(taken)

    # 7.25

    def is_replaced(self, ruling):
        return any(
            ruling.hash in by.seen and not any(
                g.device == ruling.device and g.hash not in self.voids and g.role < ruling.bound and
                g.hash in by.seen and ruling.hash in g.seen for g in self.grants)
            for by in self.counting
            if by is not ruling and by.device == ruling.device and by.bound == ruling.bound)

    def standing_rulings(self, device):
        """Those that count and are not replaced, each with the cut-offs that add up to its own."""
        mine = [r for r in self.counting if r.device == device and not self.is_replaced(r)]
        out = []
        for r in mine:
            beside = [o for o in mine if o is not r and o.bound == r.bound and
                      o.hash not in r.seen and r.hash not in o.seen]
            if any(x.why == COMPROMISED for x in [r] + beside):
                beside = []
            out.append((r, [r] + beside))
        return out

    # 7.26

    def entry_stands(self, device, heads, within):
        """`within(record)`: is the entry within that record's cut-off?"""
        if device not in self.memo:
            self.memo[device] = self.standing_rulings(device)
        outside = [r for r, cuts in self.memo[device] if not any(within(c) for c in cuts)]
        key = (device, tuple(heads), tuple(r.hash for r in outside))
        if key not in self.memo:
            self.memo[key] = self.entry_right(device, heads, outside) <= WRITER
        return self.memo[key]

    def entry_right(self, device, heads, outside):
        under, best = set(heads), NONE
        for head in heads:
            under |= self.by_hash[head].seen
        for g in self.grants:
            if g.device == device and g.hash in under and g.hash not in self.voids:
                bounds = [r.bound for r in outside if r.hash not in g.seen and r is not g]
                best = min(best, max([g.role] + bounds))
        return best
