#!/usr/bin/env python3
"""The dispatcher that the conformance runner tested is the one of the product, by nm and by bytes.

    same_core.py ARCHIVE TESTED PRODUCT

ARCHIVE is the library of the dispatcher, as it was compiled once for all. Of each function and
table in it that nm lists, TESTED and PRODUCT (linked programs) must have one of the same name,
kind, size and bytes. Bytes that the linker fills in (where something else lies) are left out of the
comparison; so are objects of which TESTED uses nothing, and they are named. ELF of 64 bits,
little-endian."""
import collections
import pathlib
import struct
import subprocess
import sys

Symbol = collections.namedtuple("Symbol", "name size section value")
FUNC, OBJECT, GLOBAL = 2, 1, 1
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
        self.symbols, self.exported = [], []
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
                if info >> 4 == GLOBAL:
                    self.exported.append(self.symbols[-1])

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
    """[(member, kind, name, size)] of all that nm lists as defined in a file or archive; kinds
    without their scope."""
    lines = subprocess.run(["nm", "-A", "-S", "--defined-only", "--format=posix", path], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.rsplit(": ", 1) for line in lines]
    rows = [(row[0], row[1].split()) for row in rows if len(row) == 2]
    return [(pathlib.Path(name.rpartition("[")[2].rstrip("]")).name, words[1].lower(), words[0],
             int(words[3], 16)) for name, words in rows if len(words) == 4]


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


def compare(listed, objects, path):
    """(what differs in a program, symbols compared, bytes compared)."""
    there = {row[1:] for row in nm(path)}
    elf = Elf(pathlib.Path(path).read_bytes(), True)
    by_name = collections.defaultdict(list)
    for symbol in elf.symbols:
        by_name[symbol.name, symbol.size].append(elf.bytes_of(symbol))
    problems = [f"{path}: nm lists no {kind} {name} of {size} bytes, as {member} has it"
                for member, kind, name, size in listed if (kind, name, size) not in there]
    symbols, compared = 0, 0
    for member, elf_object in objects:
        for symbol in elf_object.symbols:
            piece, holes = elf_object.bytes_of(symbol), elf_object.holes_of(symbol)
            symbols += 1
            compared += len(piece) - len(holes)
            if not any(same(piece, holes, other) for other in by_name[symbol[:2]]):
                problems.append(f"{path}: {symbol.name} of {member} is another")
    return problems, symbols, compared


def main(archive, tested, product):
    names = {name for _, _, name, _ in nm(tested)}
    objects = [(member, Elf(data, False)) for member, data in members(archive)]
    left_out = [member for member, elf_object in objects
                if not any(symbol.name in names for symbol in elf_object.exported)]
    objects = [pair for pair in objects if pair[0] not in left_out]
    listed = [row for row in nm(archive) if row[0] not in left_out]
    problems = []
    for path in (tested, product):
        found, symbols, compared = compare(listed, objects, path)
        problems += found
    if "mcp_feed" not in {name for _, _, name, _ in listed}:
        problems.append(f"{archive}: this is not the dispatcher")
    for problem in problems:
        print(problem)
    if left_out:
        print(f"not in what was tested, and so not compared: {', '.join(left_out)}")
    print(f"the dispatcher: {len(objects)} objects, {symbols} functions and tables, {compared} "
          f"bytes, {len(problems)} differences between what was tested and the product")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
