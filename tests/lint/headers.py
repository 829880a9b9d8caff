"""Every header compiles alone. The arguments are the compiler and its flags."""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import tree


def check(name):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as unit:
        unit.write(f'#include "{name}"\n#include "{name}"\nextern int empty_unit;\n')
        unit.flush()
        command = sys.argv[1:] + ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                                  "-fsyntax-only", f"-I{tree.ROOT}", unit.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{name}: {done.stderr.strip()}" if done.returncode else None


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = list(pool.map(check, tree.files(".h")))
tree.report([problem for problem in found if problem], f"{len(found)} headers")
