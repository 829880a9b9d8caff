"""What the lints share: the tree's files, C text without comments or strings, and the report."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get("CHITTY_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
FOLDERS = ("crdt", "net", "node", "bridges", "cli", "tests", "fuzz")
FOREIGN = ("tests/bench/peers/",)  # measured as they are, not ours to shape


def files(*endings, folders=FOLDERS, foreign=False):
    """Paths relative to the root of all files of the folders with one of the endings, sorted."""
    found = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and name.endswith(endings):
                if foreign or not name.startswith(FOREIGN):
                    found.append(name)
    return sorted(found)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(source):
    """C source with comments and string contents blanked; lines stay where they are."""
    return TOKEN.sub(_blank, source)


def comments_of(source):
    """(line number, text) of each comment of C source."""
    return [
        (source.count("\n", 0, m.start()) + 1, m.group(0))
        for m in TOKEN.finditer(source)
        if m.group(0).startswith(("//", "/*"))
    ]


FUNCTION = re.compile(
    r"^[A-Za-z_][^;{}=#]*?\b(\w+)\s*\([^;{}]*\)[^;{}()]*\n\{\n(.*?)^\}", re.M | re.S
)


def functions(source):
    """(name, first line, body) of each function of C source, in the house's brace style."""
    code = code_of(source)
    for m in FUNCTION.finditer(code):
        yield m.group(1), code.count("\n", 0, m.start(2)), m.group(2)


def report(problems, what):
    """Print the problems and leave: 0 when there are none."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems: {what}")
    sys.exit(1 if problems else 0)
