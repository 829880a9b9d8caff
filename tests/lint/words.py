"""Nothing is left lying about: marks of unfinished work, assertions commented out, and paths that
exist on one machine only."""
import re

import tree

ENDINGS = (".c", ".h", ".py", ".sh", ".build", ".md", ".txt")
UNFINISHED = re.compile(
    r"\bTODO\s*[:(]|(?:/[/*]|#|^\s*\*)\s*TODO\b(?!s| [a-z])|\b(?:FIXME|XXX|HACK)\b|not implemented"
)
COMMENTED_ASSERT = re.compile(r"(?://|/\*|^\s*\*)\s*(?:static_)?assert\w*\s*\(.*\)\s*;")
OWN_MACHINE = re.compile(r"(?<![\w$}.])/(?:home|root|work|Users|mnt)/\w|/tmp/build")
THIS = "tests/lint/words.py"

problems = []
names = tree.files(*ENDINGS, folders=tree.FOLDERS + ("docs",))
names += [n for n in ("README.md", "run", ".ci/run", "meson.build") if (tree.ROOT / n).exists()]
for name in names:
    if name == THIS:
        continue
    source = tree.text(name)
    for number, line in enumerate(source.splitlines(), 1):
        if UNFINISHED.search(line):
            problems.append(f"{name}:{number}: unfinished: {line.strip()}")
        if OWN_MACHINE.search(line):
            problems.append(f"{name}:{number}: a path of one machine: {line.strip()}")
    if name.endswith((".c", ".h")):
        for number, comment in tree.comments_of(source):
            if any(COMMENTED_ASSERT.search(line) for line in comment.splitlines()):
                problems.append(f"{name}:{number}: an assertion commented out")
tree.report(problems, "words")
