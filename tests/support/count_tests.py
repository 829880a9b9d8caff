#!/usr/bin/env python3
"""Counts what `meson test` ran in the build folders given and prints one line,
`N passed, N failed, N skipped`, after the names of what failed or was skipped.

A test that speaks TAP counts once for each of its points, any other once. The points are read from
the test's own output: cmocka writes a skipped one as `not ok N # SKIP`, which meson takes for a
failure, and newer versions of it a line that meson wants before any other, even the seed's. A test
that crashed, hung or left points of its plan out counts as one failure more."""
import json
import pathlib
import re
import sys

PLAN = re.compile(r"^1\.\.(\d+)", re.MULTILINE)
POINT = re.compile(r"^(not )?ok\b(?: *(\d+))?(.*)$")
SKIP = re.compile(r"#\s*SKIP\b", re.IGNORECASE)


def count_one(test):
    """(passed, failed names, skipped names) of one row of meson's log."""
    name, result = test["name"], test["result"]
    passed, failed, skipped = 0, [], []
    for line in (test.get("stdout") or "").splitlines():
        point = POINT.match(line)
        if not point:
            continue
        label = f"{name}: {point.group(3).strip(' -') or point.group(2)}"
        if SKIP.search(point.group(3)):
            skipped.append(label)
        elif point.group(1):
            failed.append(label)
        else:
            passed += 1
    good = result in ("OK", "EXPECTEDFAIL")
    if passed + len(failed) + len(skipped) == 0:
        if good:
            return 1, [], []
        return (0, [], [name]) if result == "SKIP" else (0, [f"{name}: {result}"], [])
    points = passed + len(failed) + len(skipped)
    plan = PLAN.search(test.get("stdout") or "")
    complete = test.get("returncode") == 0 and plan and int(plan.group(1)) == points
    if not good and not complete and not failed:
        failed.append(f"{name}: {result} after {passed} points")
    return passed, failed, skipped


def main(folders):
    passed, failed, skipped = 0, [], []
    for folder in folders:
        log = pathlib.Path(folder, "meson-logs", "testlog.json")
        rows = []
        if log.exists():
            rows = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if not rows:
            failed.append(f"{folder}: no test ran")
        for row in rows:
            p, f, s = count_one(json.loads(row))
            passed += p
            failed += [f"{folder}: {name}" for name in f]
            skipped += [f"{folder}: {name}" for name in s]
    for name in skipped:
        print(f"skipped  {name}")
    for name in failed:
        print(f"FAILED   {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
