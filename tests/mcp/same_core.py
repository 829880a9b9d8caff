#!/usr/bin/env python3
"""The dispatcher that the conformance runner tested is the one of the product, by nm and by bytes.

    same_core.py ARCHIVE TESTED PRODUCT

ARCHIVE is the library of the dispatcher, as it was compiled once for all. Of each function and
table in it that nm lists, TESTED and PRODUCT (linked programs) must have one of the same name,
kind, size and bytes. Bytes that the linker fills in (where something else lies) are left out of the
comparison. ELF of 64 bits, little-endian."""
import collections
import pathlib
import struct
import subprocess
import sys

Symbol = collections.namedtuple("Symbol", "name size section value")
FUNC, OBJECT = 2, 1
RELA, SYMTAB, NOBITS = 4, 2, 8


class Elf:
    """Sections, symbols and places to be filled in of one object or program."""

    def __init__(self, data, program):
        self.data = data
        assert data[:6] == b"\x7fELF\x02\x01", "not an ELF file of 64 bits"
        (start,) = struct.unpack_from("<Q", data, 40)
        size, count = struct.unpack_from("<HH", data, 58)
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + i * size)
                         for i in range(count)]
        self.program = program
        self.symbols = []
        for section in self.sections:
            if section[1] == SYMTAB:
                self._read_symbols(section)
        self.holes = collections.defaultdict(set)
        for section in self.sections:
            if section[1] == RELA and not program:
                self._read_holes(section)

    def _read_symbols(self, table):
        names = self.sections[table[6]][4]
        for at in range(table[4], table[4] + table[5], 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            if info & 15 in (FUNC, OBJECT) and 0 < section < 0xFF00 and size:
                end = self.data.index(b"\0", names + name)
                text = self.data[names + name : end].decode()
                self.symbols.append(Symbol(text, size, section, value))

    def _read_holes(self, table):
        for at in range(table[4], table[4] + table[5], 24):
            offset, info = struct.unpack_from("<QQ", self.data, at)
            kind = info & 0xFFFFFFFF
            # what goes over the offset table may be turned into an instruction without it
            before = 3 if kind in (41, 42) else 0
            after = 8 if kind in (1, 257) else 4
            self.holes[table[7]].update(range(offset - before, offset + after))

    def bytes_of(self, symbol):
        section = self.sections[symbol.section]
        if section[1] == NOBITS:
            return b""
        at = section[4] + symbol.value - (section[3] if self.program else 0)
        return self.data[at : at + symbol.size]

    def holes_of(self, symbol):
        holes = self.holes[symbol.section]
        return [i for i in range(symbol.size) if symbol.value + i in holes]


def nm(path):
    """What nm lists: (kind, name, size) of all that the file defines; kinds without their scope."""
    lines = subprocess.run(["nm", "-S", "--defined-only", "--format=posix", path], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    return {(row[1].lower(), row[0], int(row[3], 16)) for row in rows if len(row) == 4}


def members(archive):
    """(name, bytes) of the objects of an archive, thin or not."""
    names = subprocess.run(["ar", "t", archive], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    thin = pathlib.Path(archive).read_bytes().startswith(b"!<thin>")
    for name in names:
        if thin:
            path = pathlib.Path(name)
            inside = path if path.exists() else pathlib.Path(archive).parent / name
            yield inside.name, inside.read_bytes()
        else:
            yield name, subprocess.run(["ar", "p", archive, name], check=True,
                                       stdout=subprocess.PIPE).stdout


def same(piece, holes, other):
    left, right = bytearray(piece), bytearray(other)
    for i in holes:
        left[i : i + 1] = right[i : i + 1] = b"\0"
    return left == right


def main(archive, *programs):
    problems, symbols, compared = [], 0, 0
    objects = [(name, Elf(data, False)) for name, data in members(archive)]
    listed = nm(archive)
    for path in programs:
        there = nm(path)
        elf = Elf(pathlib.Path(path).read_bytes(), True)
        by_name = collections.defaultdict(list)
        for symbol in elf.symbols:
            by_name[symbol.name, symbol.size].append(elf.bytes_of(symbol))
        problems += [f"{path}: nm lists no {kind} {name} of {size} bytes"
                     for kind, name, size in sorted(listed - there)]
        for name, elf_object in objects:
            for symbol in elf_object.symbols:
                piece, holes = elf_object.bytes_of(symbol), elf_object.holes_of(symbol)
                symbols += 1
                compared += len(piece) - len(holes)
                if not any(same(piece, holes, other) for other in by_name[symbol[:2]]):
                    problems.append(f"{path}: {symbol.name} of {name} is another")
    for problem in problems:
        print(problem)
    if not listed or not symbols:
        problems.append("nothing to compare")
        print(f"{archive}: nothing to compare")
    print(f"the dispatcher: {len(objects)} objects, {symbols // len(programs)} functions and "
          f"tables, {compared // len(programs)} bytes, {len(problems)} differences between what "
          "was tested and the product")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
