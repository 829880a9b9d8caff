"""Announces services of `_chitty._tcp` that nobody runs, as a hostile machine on the network might:
`mdns_flood.py OWN_ADDRESS COUNT KIND`. KIND: `good` for well-formed ones, `elsewhere` for those
that name an address of another network, `unreadable` for a record that nobody can read, `hollow`
for a name alone, of which nobody will say more."""
import os
import socket
import struct
import sys
import time

GROUP, PORT = "224.0.0.251", 5353
TYPE = ("_chitty", "_tcp", "local")
PTR, TXT, A, SRV = 12, 16, 1, 33
FLUSH = 0x8001  # class IN, "forget what you had under this name"


def name(*labels):
    return b"".join(bytes([len(x)]) + x.encode() for x in labels) + b"\0"


def record(owner, kind, cls, data, ttl=120):
    return owner + struct.pack(">HHIH", kind, cls, ttl, len(data)) + data


def text(*strings):
    return b"".join(bytes([len(s)]) + s for s in strings)


def packet(number, own, kind):
    service = os.urandom(8).hex()
    host = name(f"h{number}", "local")
    full = name(service, *TYPE)
    address, txt = own, text(b"v=1", b"t0=" + os.urandom(64))
    if kind == "elsewhere":
        address = "192.0.2.1"
    elif kind == "unreadable":
        txt = text(b"v=1", b"t0=" + os.urandom(63), os.urandom(200))
    answers = [record(name(*TYPE), PTR, 1, full),
               record(full, SRV, FLUSH, struct.pack(">HHH", 0, 0, 7447) + host),
               record(full, TXT, FLUSH, txt),
               record(host, A, FLUSH, socket.inet_aton(address))]
    if kind == "hollow":
        del answers[1:]
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(answers), 0, 0) + b"".join(answers)


def main(own, count, kind):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", PORT))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    for number in range(count):
        s.sendto(packet(number, own, kind), (GROUP, PORT))
        time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
