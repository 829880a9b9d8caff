"""Every fuzz harness is built, names the decoder it is for, and has seeds, small ones."""
import re

import tree

SEED_BYTES = 4096
COVERS = re.compile(r"^/\* covers: (.+) \*/$", re.M)
listed = set(re.findall(r"^  '(\w+)': \[", tree.text("fuzz/meson.build"), re.M))

problems = []
names = {
    n[len("fuzz/fuzz_"):-2]
    for n in tree.files(".c", folders=("fuzz",))
    if n.startswith("fuzz/fuzz_")
}
problems += [f"fuzz/fuzz_{n}.c is not in fuzz/meson.build" for n in sorted(names - listed)]
for name in sorted(names):
    covers = COVERS.search(tree.text(f"fuzz/fuzz_{name}.c"))
    if not covers:
        problems.append(f"fuzz/fuzz_{name}.c: no line /* covers: … */")
    for source in covers.group(1).split() if covers else []:
        if not (tree.ROOT / source).is_file():
            problems.append(f"fuzz/fuzz_{name}.c covers {source}, which is not there")
    seeds = sorted((tree.ROOT / "fuzz/corpus" / name).glob("*"))
    if not seeds:
        problems.append(f"fuzz/corpus/{name} has no seeds")
    for seed in seeds:
        if seed.stat().st_size > SEED_BYTES:
            problems.append(f"fuzz/corpus/{name}/{seed.name}: more than {SEED_BYTES} bytes")
tree.report(problems, f"{len(names)} harnesses")
