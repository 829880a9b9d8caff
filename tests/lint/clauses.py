"""Every `PROTOCOL n.m` or `LOCAL n.m` cited in the code or the tests is a clause of that document,
and every clause is cited by at least one of them, save those that clauses-prose.txt lists."""
import re

import tree

CLAUSE = re.compile(r"^- \*\*(\d+\.\d+)\*\*", re.M)
SECTION = re.compile(r"^## (\d+)\.?", re.M)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
RANGE = re.compile(r"(\d+)\.(\d+)\s*(?:-|–|to|…)\s*\1\.(\d+)")
LIST = r"(\d+(?:\.\d+)?(?:(?:,\s*(?:and\s+)?|\s+and\s+|\s*(?:-|–|to|…)\s*)\d+\.\d+)*)"


def cited(word, source):
    for match in re.finditer(rf"\b{word}\s+{LIST}", source):
        for major, first, last in RANGE.findall(match.group(1)):
            for minor in range(int(first), int(last) + 1):
                yield f"{major}.{minor}"
        yield from NUMBER.findall(match.group(1))


def check(word, sources, prose):
    document = tree.text(f"docs/{word}.md")
    clauses = set(CLAUSE.findall(document))
    known = clauses | set(SECTION.findall(document))
    seen = set()
    for name, source in sources.items():
        for number in cited(word, source):
            seen.add(number)
            if number not in known:
                yield f"{name}: {word} {number} is no clause of docs/{word}.md"
    for number in sorted(clauses - seen - prose, key=lambda n: [int(p) for p in n.split(".")]):
        yield f"{word} {number} is cited nowhere"
    for number in sorted(prose - clauses):
        yield f"clauses-prose.txt: {word} {number} is no clause"
    for number in sorted(prose & seen):
        yield f"clauses-prose.txt: {word} {number} is cited after all"


listed = re.findall(r"^(\w+) (\d+\.\d+) ", tree.text("tests/lint/clauses-prose.txt"), re.M)
texts = {
    name: re.sub(r"\n\s*(?:\*|//|#)?\s*", " ", tree.text(name))
    for name in tree.files(".c", ".h", ".py", ".sh", ".hex")
}
problems = []
for doc in ("PROTOCOL", "LOCAL"):
    problems += check(doc, texts, {number for word, number in listed if word == doc})
tree.report(problems, "clauses")
