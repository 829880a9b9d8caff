"""A file has at most 600 lines, a function 70, a line 100 columns."""
import tree

FILE_LINES, FUNCTION_LINES, COLUMNS = 600, 70, 100


def check(name):
    source = tree.text(name)
    lines = source.splitlines()
    if len(lines) > FILE_LINES:
        yield f"{name}: {len(lines)} lines, at most {FILE_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield f"{name}:{number}: {len(line)} columns, at most {COLUMNS}"
    if name.endswith((".c", ".h")):
        for function, line, body in tree.functions(source):
            length = body.count("\n") + 2
            if length > FUNCTION_LINES:
                yield f"{name}:{line}: {function} has {length} lines, at most {FUNCTION_LINES}"


tree.report([p for n in tree.files(".c", ".h", ".py", ".sh") for p in check(n)], "sizes")
