"""An independent speaker of pairing (PROTOCOL 7.1 to 7.12), over libsodium's primitives and nothing
of the product: it makes the golden bytes of a run, and plays hostile joiners and listeners.

A side is driven by whole frames: `frames_in` gives what it says to each frame that comes."""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import struct

HELLO, SHARE, PROOF, SEALED, ABORT = 1, 2, 3, 4, 5
TICKET, CODE = 1, 2
REASONS = {1: "malformed", 2: "wrong proof", 3: "no such invitation", 4: "refused", 5: "too late",
           6: "version", 7: "other"}


def sodium():
    """libsodium, or None where Python does not find it."""
    name = ctypes.util.find_library("sodium")
    return ctypes.CDLL(name) if name else None


NACL = sodium()


# --- primitives (PROTOCOL 1)

def hash256(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def ident(prefix, data):
    return hashlib.blake2b(prefix.encode() + data, digest_size=16).digest()


def varint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def lv(data):
    return varint(len(data)) + data


def take_varint(data):
    value, shift = 0, 0
    for at, byte in enumerate(data):
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, data[at + 1:]
    raise ValueError("cut varint")


def take_lv(data):
    length, rest = take_varint(data)
    return rest[:length], rest[length:]


def from_hash(data):
    out = ctypes.create_string_buffer(32)
    NACL.crypto_core_ristretto255_from_hash(out, data)
    return out.raw


def times(scalar, point):
    out = ctypes.create_string_buffer(32)
    if NACL.crypto_scalarmult_ristretto255(out, scalar, point) != 0:
        raise ValueError("no group element, or the identity")
    return out.raw


class Device:
    """A device's keys (PROTOCOL 7.1, 7.2)."""

    def __init__(self, sign_seed=None, transport_seed=None, serial=1, stamp=1000 << 16):
        public, self.secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        NACL.crypto_sign_seed_keypair(public, self.secret, sign_seed or os.urandom(32))
        self.pk = public.raw
        transport = ctypes.create_string_buffer(32)
        NACL.crypto_scalarmult_base(transport, transport_seed or os.urandom(32))
        signed = self.pk + transport.raw + struct.pack("<IQ", serial, stamp)
        self.cert = signed + self.sign("chitty-cert-1", signed)
        self.id = ident("chitty-device-1", self.pk)

    def sign(self, context, message):
        out = ctypes.create_string_buffer(64)
        whole = context.encode().ljust(16, b"\0") + message
        NACL.crypto_sign_detached(out, None, whole, ctypes.c_ulonglong(len(whole)), self.secret)
        return out.raw

    def record(self, body):
        """A signed record (PROTOCOL 7.3)."""
        whole = body + self.pk
        return whole + self.sign("chitty-record-1", whole)


def found(device, name, stamp, nonce):
    return device.record(b"\x01\x01" + bytes(16) + struct.pack("<Q", stamp) + b"\0" + bytes(32) +
                         device.cert + lv(name.encode()) + nonce)


def admit(device, space, stamp, parents, role, cert, name):
    return device.record(b"\x01\x02" + space + struct.pack("<Q", stamp) + varint(len(parents)) +
                         b"".join(sorted(parents)) + bytes([role]) + cert + lv(name.encode()))


def code_selector(digits):
    """The selector and the secret of a code's text (PROTOCOL 7.12)."""
    digits = "".join(c for c in digits if c.isdigit())
    if len(digits) != 12 or int(digits) % 97 != 1:
        raise ValueError("no code")
    return digits[:3].encode().ljust(8, b"\0"), digits[3:10].encode()


def code_text(selector, secret):
    """The text of a code with these digits."""
    digits = selector + secret
    digits += f"{98 - int(digits) * 100 % 97:02d}"
    return "-".join(digits[i:i + 4] for i in (0, 4, 8))


# --- secretstream, XChaCha20-Poly1305, with a derived header (PROTOCOL 7.10)

class Stream:
    def __init__(self, made):
        self.state = ctypes.create_string_buffer(256)
        NACL.crypto_secretstream_xchacha20poly1305_init_pull(self.state, made[32:56], made[:32])

    def push(self, message, last):
        out = ctypes.create_string_buffer(len(message) + 17)
        NACL.crypto_secretstream_xchacha20poly1305_push(
            self.state, out, None, message, ctypes.c_ulonglong(len(message)), None,
            ctypes.c_ulonglong(0), ctypes.c_ubyte(3 if last else 0))
        return out.raw

    def pull(self, sealed):
        out, tag = ctypes.create_string_buffer(max(len(sealed) - 17, 1)), ctypes.c_ubyte(0)
        if NACL.crypto_secretstream_xchacha20poly1305_pull(
                self.state, out, None, ctypes.byref(tag), sealed,
                ctypes.c_ulonglong(len(sealed)), None, ctypes.c_ulonglong(0)) != 0:
            raise ValueError("not sealed by the peer")
        return out.raw[:len(sealed) - 17], tag.value == 3


# --- one side

class Side:
    """CPace and what follows from it (PROTOCOL 7.9 to 7.11)."""

    def __init__(self, device, name, scalar=None, nonce=None):
        scalar = bytearray(scalar or os.urandom(32))
        scalar[31] &= 0x0f
        self.device, self.name, self.scalar = device, name, bytes(scalar)
        self.nonce = nonce or os.urandom(32)
        self.said, self.words = b"", None

    def frame(self, kind, content):
        whole = struct.pack("<IB", len(content) + 1, kind) + content
        self.said += whole
        return whole

    def share(self, kind, selector, secret, commitment):
        """The own share; the session is the commitment."""
        channel = b"chitty-pair-1\x01" + bytes([kind]) + selector
        self.session = commitment
        block = lv(b"CPaceRistretto255") + lv(secret)
        zeros = bytes(max(0, 128 - len(block) - 1))
        return times(self.scalar, from_hash(hashlib.sha512(
            block + lv(zeros) + lv(channel) + lv(commitment)).digest()))

    def agree(self, theirs, a, b):
        """The key, from the peer's share and both (share, data)."""
        point = times(self.scalar, theirs)
        self.a, self.b = a, b
        self.key = hashlib.sha512(lv(b"CPaceRistretto255_ISK") + lv(self.session) + lv(point) +
                                  lv(a[0]) + lv(a[1]) + lv(b[0]) + lv(b[1])).digest()

    def tag(self, party):
        key = hashlib.sha512(b"CPaceMac" + self.session + self.key).digest()
        return hmac.new(key, lv(party[0]) + lv(party[1]), hashlib.sha512).digest()

    def derive(self, label, size):
        return hashlib.blake2b(label.encode() + self.joiner_nonce, digest_size=size,
                               key=self.key).digest()

    def open_streams(self, joiner):
        join = Stream(self.derive("chitty-pair-join-1", 56))
        invite = Stream(self.derive("chitty-pair-invite-1", 56))
        self.sending, self.receiving = (join, invite) if joiner else (invite, join)
        self.sealing = self.derive("chitty-pair-session-1", 32)
        self.words = self.derive("chitty-pair-words-1", 16)[:7]

    def seal(self, message, last):
        return self.frame(SEALED, self.sending.push(message, last))


class Joiner(Side):
    """It joins, as it should."""

    def __init__(self, device, name, kind, selector, secret, **chosen):
        super().__init__(device, name, **chosen)
        self.kind, self.selector, self.secret = kind, selector, secret
        self.joiner_nonce = self.nonce
        self.records, self.left, self.done, self.failed = [], None, False, None

    def hello(self):
        commitment = hash256(b"chitty-commit-1" + self.nonce)
        share = self.share(self.kind, self.selector, self.secret, commitment)
        self.own = (share, self.device.pk + commitment)
        return self.frame(HELLO, b"\x01" + bytes([self.kind]) + self.selector + self.own[1] + share)

    def answer(self, kind, content):
        """What it says to a frame."""
        if kind == ABORT:
            self.failed = REASONS.get(content[0] if content else 0, "unknown")
            return b""
        if kind == SHARE:
            self.agree(content[64:], self.own, (content[64:], content[:64]))
            return self.frame(PROOF, self.tag(self.a) + self.nonce)
        if kind == PROOF:
            if not hmac.compare_digest(content, self.tag(self.b)):
                raise ValueError("the inviter's tag is wrong")
            self.open_streams(joiner=True)
            sig = self.device.sign("chitty-pair-1", self.sealing + b"\x01")
            return self.seal(b"\x01" + self.device.cert + sig + lv(self.name.encode()), False)
        return self.opened(*self.receiving.pull(content))

    def opened(self, message, last):
        if message[0] == 2:
            self.peer, rest = take_lv(message[65:])
            self.left, rest = take_varint(rest)
            count, rest = take_varint(rest)
            self.addresses = []
            for _ in range(count):
                address, rest = take_lv(rest)
                self.addresses.append(address.decode())
            return b""
        rest = message[1:]
        while rest:
            record, rest = take_lv(rest)
            self.records.append(record)
        self.done = last
        return self.seal(b"\x04", True) if last else b""


class Inviter(Side):
    """It admits whoever proves the secret."""

    def __init__(self, device, name, kind, selector, secret, **chosen):
        super().__init__(device, name, **chosen)
        self.kind, self.selector, self.secret = kind, selector, secret
        self.records, self.addresses, self.tried, self.proved = [], [], 0, False

    def answer(self, kind, content):
        if kind == HELLO:
            if content[1:10] != bytes([self.kind]) + self.selector:
                return self.frame(ABORT, b"\x03")
            theirs = content[74:106]
            own = self.share(self.kind, self.selector, self.secret, content[42:74])
            self.agree(theirs, (theirs, content[10:74]), (own, self.device.pk + self.nonce))
            return self.frame(SHARE, self.b[1] + own)
        if kind == PROOF:
            self.tried += 1
            if not hmac.compare_digest(content[:64], self.tag(self.a)):
                return self.frame(ABORT, b"\x02")
            self.joiner_nonce, self.proved = content[64:], True
            tag = self.frame(PROOF, self.tag(self.b))
            self.open_streams(joiner=False)
            return tag
        if kind == SEALED:
            message, last = self.receiving.pull(content)
            return b"" if last else self.welcome(message[1:141])
        return b""

    def welcome(self, cert):
        """`admitted` is given the joiner's certificate and returns the records to send."""
        records = self.admitted(cert)
        sig = self.device.sign("chitty-pair-1", self.sealing + b"\x02")
        out = self.seal(b"\x02" + sig + lv(self.name.encode()) + varint(len(records)) +
                        varint(len(self.addresses)) +
                        b"".join(lv(a.encode()) for a in self.addresses), False)
        return out + self.seal(b"\x03" + b"".join(lv(r) for r in records), True)


# --- on a socket

def frames_of(connection):
    """Each frame that comes on a socket, until it is closed."""
    text = b""
    while True:
        while len(text) >= 4 and len(text) >= 4 + struct.unpack("<I", text[:4])[0]:
            end = 4 + struct.unpack("<I", text[:4])[0]
            yield text[4], text[5:end]
            text = text[end:]
        try:
            got = connection.recv(65536)
        except (ConnectionError, TimeoutError, socket.timeout):
            return
        if not got:
            return
        text += got


def talk(connection, side):
    """Drive a side over a connected socket until it is done or cut off."""
    if isinstance(side, Joiner):
        connection.sendall(side.hello())
    for kind, content in frames_of(connection):
        try:
            said = side.answer(kind, content)
            if said:
                connection.sendall(said)
        except (ValueError, ConnectionError):
            return
        if getattr(side, "failed", None) or getattr(side, "done", False):
            return
