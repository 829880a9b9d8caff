"""An include only goes down: crdt, net, net/io, node, bridges, and on top the commands, some of
which are the front of a bridge. tests may include anything, a fuzz harness the floors, its own
folder and what tests/support builds scenes with. The libraries with effects enter by one door
each."""
import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# floor: the floors it may include besides itself. Longest prefix names a file's floor.
BELOW = {
    "crdt/": {"crdt/"},
    "net/": {"crdt/", "net/"},
    "net/io/": {"crdt/", "net/", "net/io/"},
    "node/client/": {"crdt/", "node/client/"},
    "node/": {"crdt/", "net/", "net/io/", "node/", "node/client/"},
    "bridges/": {"crdt/", "node/client/", "bridges/"},
    "cli/": {"crdt/", "net/", "net/io/", "node/", "node/client/", "bridges/", "cli/"},
    "fuzz/": {"crdt/", "net/", "net/io/", "node/", "node/client/", "bridges/", "cli/", "fuzz/"},
}
# library header: where it may be included
DOORS = {
    "sqlite3.h": ("node/store/", "tests/"),
    "zmq.h": ("net/io/", "node/loop", "tests/"),
    "jansson.h": ("cli/", "bridges/", "tests/"),
    "avahi-": ("net/io/",),
    "curl/": ("bridges/",),
}
# headers of the C library that the pure floors (crdt, net without io) do without
IMPURE = re.compile(
    r"^(stdio|time|unistd|fcntl|poll|signal|pthread|threads|dirent|netdb|syslog|locale)\.h$"
    r"|^(sys|net|netinet|arpa)/"
)


def floor_of(name):
    best = max((f for f in BELOW if name.startswith(f)), key=len, default=None)
    return best


def check(name):
    floor = floor_of(name)
    for bracket, target in INCLUDE.findall(tree.text(name)):
        if bracket == '"':
            if ".." in target or not (tree.ROOT / target).is_file():
                yield f'{name}: "{target}" is not a path from the root of the tree'
            elif floor == "fuzz/" and target.startswith("tests/support/"):
                continue
            elif floor and floor_of(target) not in BELOW[floor]:
                yield f'{name}: "{target}" is not below {floor}'
            continue
        for library, doors in DOORS.items():
            if target.startswith(library) and not name.startswith(doors):
                yield f"{name}: <{target}> may be included in {', '.join(doors)} only"
        if floor in ("crdt/", "net/") and IMPURE.search(target):
            yield f"{name}: <{target}> has no place in a pure floor"


tree.report([p for name in tree.files(".c", ".h") for p in check(name)], "includes that go up")
