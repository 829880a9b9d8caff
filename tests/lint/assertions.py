"""Every test asserts something: itself, or through a function under tests/ that does."""
import re

import tree

DIRECT = re.compile(r"\b(?:assert_\w+|expect_\w+|fail|fail_msg|_assert_\w+|_fail)\s*\(")
CALL = re.compile(r"\b([a-z_]\w*)\s*\(")
MACRO = re.compile(r"^#define\s+(\w+)\(((?:.*\\\n)*.*)", re.M)
TEST = re.compile(r"^static void (\w+)\(void \*\*\w+\)\n", re.M)

bodies = {}
for name in tree.files(".c", ".h", folders=("tests",)):
    source = tree.text(name)
    for function, _, body in tree.functions(source):
        bodies.setdefault(function, []).append(body)
    for macro, body in MACRO.findall(source):
        bodies.setdefault(macro, []).append(body)

asserting = {f for f, texts in bodies.items() if any(DIRECT.search(t) for t in texts)}
grown = True
while grown:
    more = {
        f
        for f, texts in bodies.items()
        if f not in asserting and any(c in asserting for t in texts for c in CALL.findall(t))
    }
    asserting |= more
    grown = bool(more)

problems, count = [], 0
for name in tree.files(".c", folders=("tests/unit",)):
    source = tree.code_of(tree.text(name))
    for function in TEST.findall(source):
        count += 1
        if function not in asserting:
            problems.append(f"{name}: {function} asserts nothing")
tree.report(problems, f"{count} tests")
