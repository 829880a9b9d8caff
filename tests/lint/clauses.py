"""Every `PROTOCOL n.m` cited in the code or the tests is a clause of docs/PROTOCOL.md, and every
clause is cited by at least one of them, save those that clauses-prose.txt lists."""
import re

import tree

CLAUSE = re.compile(r"^- \*\*(\d+\.\d+)\*\*", re.M)
SECTION = re.compile(r"^## (\d+)\.", re.M)
CITATION = re.compile(
    r"PROTOCOL\s+(\d+(?:\.\d+)?(?:(?:,\s*(?:and\s+)?|\s+and\s+|\s*(?:-|–|to|…)\s*)\d+\.\d+)*)"
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
RANGE = re.compile(r"(\d+)\.(\d+)\s*(?:-|–|to|…)\s*\1\.(\d+)")


def cited(source):
    joined = re.sub(r"\n\s*(?:\*|//|#)?\s*", " ", source)
    for match in CITATION.finditer(joined):
        for major, first, last in RANGE.findall(match.group(1)):
            for minor in range(int(first), int(last) + 1):
                yield f"{major}.{minor}"
        yield from NUMBER.findall(match.group(1))


protocol = tree.text("docs/PROTOCOL.md")
clauses = set(CLAUSE.findall(protocol))
known = clauses | set(SECTION.findall(protocol))
prose = {
    line.split()[0]
    for line in tree.text("tests/lint/clauses-prose.txt").splitlines()
    if line.strip() and not line.startswith("#")
}
problems, seen = [], set()
for name in tree.files(".c", ".h", ".py", ".sh", ".hex"):
    for number in cited(tree.text(name)):
        seen.add(number)
        if number not in known:
            problems.append(f"{name}: PROTOCOL {number} is no clause of docs/PROTOCOL.md")
order = sorted(clauses, key=lambda n: [int(part) for part in n.split(".")])
problems += [f"PROTOCOL {n} is cited nowhere" for n in order if n not in seen and n not in prose]
problems += [f"clauses-prose.txt: {n} is no clause" for n in sorted(prose - clauses)]
problems += [f"clauses-prose.txt: {n} is cited after all" for n in sorted(prose & seen)]
tree.report(problems, f"{len(clauses)} clauses")
