#!/usr/bin/env python3
"""Counts what the official MCP conformance runner found, from its own files alone.

    count.py [--title TEXT] REVISION LIST RESULTS [REVISION LIST RESULTS]...

LIST is what `conformance list --requirements REVISION` printed: the scenarios that count. RESULTS
is the folder that `conformance server --requirements REVISION -o RESULTS` wrote: a folder a
scenario, `server-SCENARIO-TIME/checks.json`. A scenario passes when it ran, no check of it failed
or warned and at least one succeeded; the runner itself is content with warnings. Each that does not
is named with what was wrong; so is how the scenarios went that do not count. The last line is
`REVISION a/b` of each revision, and the exit status 0 when every a is its b. With a title that line
begins with it, and scenarios may fail: which ones, the runner compares with its list of expected
failures."""
import json
import pathlib
import re
import sys

FOLDER = re.compile(r"^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$")
UNSCORED = re.compile(r"^    - (\S+) \[server\]$")
REASON = re.compile(r"^  (\S+) \(\d+\):$")


def wanted(revision, text):
    """(scenarios that count, {scenario that does not: why}) of the runner's list."""
    lines = text.splitlines()
    if not any(line.startswith(f"Required for {revision} ") for line in lines):
        sys.exit(f"count.py: this is not the list of {revision}")
    scored, unscored, part, reason = [], {}, None, None
    for line in lines:
        if line.startswith("Server scenarios"):
            part = scored
        elif not line.startswith("  "):
            part = None
        elif part is not None and line.startswith("  - "):
            part.append(line[4:].strip())
        elif REASON.match(line):
            reason = REASON.match(line).group(1)
        elif UNSCORED.match(line):
            unscored[UNSCORED.match(line).group(1)] = reason
    if not scored or len(set(scored)) != len(scored):
        sys.exit(f"count.py: the list of {revision} names no scenarios, or one twice")
    return scored, unscored


def results(folder):
    """{scenario: its checks, or None when its file is no list of checks} of all that ran."""
    found = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        name = FOLDER.match(path.name)
        if not name:
            continue
        try:
            checks = json.loads((path / "checks.json").read_text(encoding="utf-8"))
            good = isinstance(checks, list) and all(isinstance(c, dict) for c in checks)
        except (OSError, ValueError):
            good = False
        before = found.get(name.group(1), [])
        found[name.group(1)] = before + checks if good and before is not None else None
    return found


def problems(found, scenario):
    """What keeps a scenario from passing, a line each; empty when it passes."""
    if scenario not in found:
        return ["did not run"]
    checks = found[scenario]
    if checks is None:
        return ["left no list of checks"]
    failed = [c for c in checks if c.get("status") not in ("SUCCESS", "SKIPPED", "INFO")]
    if failed:
        return [f"{c.get('id')}: {said(c)}" for c in failed]
    if not any(c.get("status") == "SUCCESS" for c in checks):
        return ["no check of it succeeded"]
    return []


def said(check):
    text = str(check.get("errorMessage") or check.get("description") or check.get("status"))
    return text.strip().splitlines()[0][:300] if text.strip() else "failed"


def report(revision, list_file, folder, quiet):
    """Print what did not pass; (passed, of)."""
    scored, unscored = wanted(revision, pathlib.Path(list_file).read_text(encoding="utf-8"))
    found = results(folder)
    passed = 0
    for scenario in scored:
        wrong = problems(found, scenario)
        passed += not wrong
        if quiet:
            continue
        for line in wrong:
            print(f"{revision} {scenario}: {line}")
    for scenario, reason in sorted(unscored.items()):
        if not quiet:
            how = (problems(found, scenario) or ["passes"])[0]
            print(f"{revision} not counted ({reason}): {scenario}: {how}")
    return passed, len(scored)


def main(arguments):
    title = None
    if arguments[:1] == ["--title"]:
        title = arguments[1]
        arguments = arguments[2:]
    if not arguments or len(arguments) % 3:
        sys.exit(__doc__)
    counts = []
    for i in range(0, len(arguments), 3):
        passed, of = report(*arguments[i : i + 3], quiet=title is not None)
        counts.append((arguments[i], passed, of))
    line = ", ".join(f"{revision} {passed}/{of}" for revision, passed, of in counts)
    print(f"{title}: {line}" if title else line)
    return 0 if title or all(passed == of for _, passed, of in counts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
