"""The golden runs of tests/unit/test_pair.c and test_pair_code.c, made by the independent speaker:
the bytes that both sides say, by a ticket and by a code, and the check words."""
import pathlib
import re
import struct
import sys

import pair_peer as pp

WORDS = pathlib.Path(__file__).resolve().parents[2] / "net" / "words.c"
GOLDEN = {
    "ticket": (pp.TICKET, pp.ident("chitty-selector-1", b"\x42" * 16)[:8], b"\x42" * 16,
               "32b86083c89cd3f154a694744035d155fc0a7cce75a0d9808322f3f2a7ec2d9d",
               "81f0823cd37f71b0439de0cc449adc45e0c823708994c841e244dff99afadc79",
               "sleeve lantern earth jaguar hunter silver island"),
    "code": (pp.CODE, *pp.code_selector("4812-0935-7662"),
             "253b0370c063b6b3c5e2f4287e910935af91f73b037161b2767b102e027cca7f",
             "04c180fd3aa70db474b1767e9b53b8cbb7dd96a49ed7ec4834b217c44177e3a9",
             "volcano alarm sleeve desert hunter timber skate"),
}


def chosen(number):
    return {"scalar": bytes((number + i) & 255 for i in range(32)),
            "nonce": bytes([number + 1]) * 32}


def frames(text):
    while text:
        end = 4 + struct.unpack("<I", text[:4])[0]
        yield text[4], text[5:end]
        text = text[end:]


def run(kind, selector, secret):
    """What both sides say, and the words of each."""
    laptop = pp.Device(b"\x10" * 32, b"\x11" * 32)
    desktop = pp.Device(b"\x20" * 32, b"\x21" * 32)
    first = pp.found(laptop, "laptop", 1001 << 16, b"\x30" * 16)
    space = pp.ident("chitty-space-1", first)
    joiner = pp.Joiner(desktop, "desktop", kind, selector, secret, **chosen(1))
    inviter = pp.Inviter(laptop, "laptop", kind, selector, secret, **chosen(2))
    inviter.addresses = ["tcp://192.168.1.20:7410", "tcp://[fe80::1]:7410"]
    inviter.admitted = lambda cert: [first, pp.admit(laptop, space, 3000 << 16,
                                                     [pp.hash256(first)], 1, cert, "desktop")]
    text, to = joiner.hello(), inviter
    while text:
        text = b"".join(to.answer(kind, content) for kind, content in frames(text))
        to = joiner if to is inviter else inviter
    return joiner, inviter


def main():
    words = re.findall(r'"([a-z]+)"', WORDS.read_text().split("{", 1)[1])
    failed = 0
    print(f"1..{len(GOLDEN)}")
    for number, (name, (kind, selector, secret, *want)) in enumerate(GOLDEN.items(), 1):
        joiner, inviter = run(kind, selector, secret)
        have = [pp.hash256(joiner.said).hex(), pp.hash256(inviter.said).hex(),
                " ".join(words[w] for w in joiner.words)]
        good = have == want and joiner.words == inviter.words and joiner.done
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - a run by {name} has the golden bytes")
        if not good:
            print(f"# have {have}, want {want}")
    return 1 if failed else 0


if __name__ == "__main__":
    if pp.NACL is None:
        print("1..0 # SKIP Python does not find libsodium")
        sys.exit(0)
    sys.exit(main())
