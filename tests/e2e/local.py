"""A client of the local socket (docs/LOCAL.md) for tests that ask what no command does."""
import socket
import struct

from nodes import expect


def pack(v):
    """msgpack of the few kinds used here."""
    if isinstance(v, bool):
        return b"\xc3" if v else b"\xc2"
    if isinstance(v, str):
        raw = v.encode()
        return b"\xda" + struct.pack(">H", len(raw)) + raw
    if isinstance(v, list):
        return b"\xdc" + struct.pack(">H", len(v)) + b"".join(map(pack, v))
    return b"\xde" + struct.pack(">H", len(v)) + b"".join(pack(k) + pack(x) for k, x in v.items())


def ask(s, number, kind, payload, wanted=b"\xa6result"):
    """One request; waits for the answer and sees that it has what is wanted."""
    raw = pack({"id": number, "type": kind, "payload": payload})
    s.sendall(struct.pack("<I", len(raw)) + raw)
    left, = struct.unpack("<I", take(s, 4))
    answer = take(s, left)
    expect(wanted in answer, f"an answer with {wanted!r}: {answer[:300]!r}")
    return answer


def take(s, count):
    data = b""
    while len(data) < count:
        got = s.recv(count - len(data))
        expect(got, "the node does not hang up")
        data += got
    return data


class Client:
    """A connection to the node of a home."""

    def __init__(self, home):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(home.folder / "node.sock"))
        self.count = 0

    def change(self, changes):
        """Changes of todos, as many as are given in transactions of 250."""
        for at in range(0, len(changes), 250):
            self.count += 1
            batch = [dict(change, domain="todos") for change in changes[at:at + 250]]
            ask(self.socket, f"c{self.count}", "state_update", {"batch": batch})

    def command(self, name, **args):
        """A command, whose answer is no error."""
        self.count += 1
        ask(self.socket, f"c{self.count}", "command", {"name": name, "args": args})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def update(todo, **data):
    return {"operation": "update", "entity": {"chittyId": todo, "data": data}}


def create(**data):
    return {"operation": "create", "entity": {"data": data}}
