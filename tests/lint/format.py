"""The C files are as clang-format 14 writes them. The argument is that program; other versions
format differently, so the test is there only where version 14 is."""
import subprocess
import sys

import tree

names = tree.files(".c", ".h")
done = subprocess.run([sys.argv[1], "--dry-run", "-Werror", *names], cwd=tree.ROOT,
                      capture_output=True, text=True, check=False)
lines = {}
for line in done.stderr.splitlines():
    if "error:" in line:
        name, number = line.split(":")[:2]
        lines.setdefault(name, []).append(number)
problems = [f"{name}: lines {', '.join(found)}" for name, found in sorted(lines.items())]
tree.report(problems, f"{len(names)} files")
