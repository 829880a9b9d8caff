"""The counter of the conformance runner's results turns red when a result is doctored."""
import json
import pathlib
import subprocess
import sys
import tempfile

COUNT = pathlib.Path(__file__).with_name("count.py")
WHY = "added-after-release"
TIME = "2026-11-21T20-53-07-123Z"
LIST = """Required for 2025-11-25 (4 scenarios, frozen; run at the 2025-11-25 wire):

Server scenarios (test against a server):
  - ping
  - tools-list
  - tools-call-error

Client scenarios (test against a client):
  - initialize

Run and reported, but never scored:
  added-after-release (2):
    - server-session-lifecycle [server]
    - json-schema-2020-12-preservation [client]
"""
GOOD = [{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "INFO"}]

ran = 0


def say(name, good):
    global ran
    ran += 1
    print(f"{'ok' if good else 'not ok'} {ran} - {name}")


class Results:
    """The files of a run in which all is well, to be doctored."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "list").write_text(LIST)
        for scenario in ("ping", "tools-list", "tools-call-error", "server-session-lifecycle"):
            self.write(scenario, GOOD)

    def checks(self, scenario):
        return self.folder / "out" / f"server-{scenario}-{TIME}" / "checks.json"

    def write(self, scenario, checks):
        self.checks(scenario).parent.mkdir(parents=True, exist_ok=True)
        self.checks(scenario).write_text(json.dumps(checks))

    def count(self, *options, revision="2025-11-25"):
        """(exit status, lines) of the counter."""
        done = subprocess.run(
            [sys.executable, COUNT, *options, revision, self.folder / "list", self.folder / "out"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        return done.returncode, done.stdout.splitlines()


def doctored(name, change, line, total="2025-11-25 2/3"):
    """After `change` the counter is red, says `line`, and counts one less."""
    with tempfile.TemporaryDirectory() as folder:
        results = Results(folder)
        change(results)
        status, lines = results.count()
        say(name, status == 1 and line in lines and lines[-1] == total)


with tempfile.TemporaryDirectory() as folder:
    status, lines = Results(folder).count()
    say("all that passed counts, and the last line is the count alone",
        status == 0 and lines[-1] == "2025-11-25 3/3" and len(lines) == 2)
    say("what does not count and passed is told too",
        lines[0] == f"2025-11-25 not counted ({WHY}): server-session-lifecycle: passes")
    status, lines = Results(folder).count(revision="2026-07-28")
    say("the list of another revision is refused", status == 1 and "not the list" in lines[-1])

doctored("a check that failed turns it red and is named",
         lambda r: r.write("ping", GOOD + [{"id": "pong", "status": "FAILURE",
                                            "errorMessage": "none came\nin time"}]),
         "2025-11-25 ping: pong: none came")
doctored("a scenario that did not run turns it red",
         lambda r: r.checks("tools-list").parent.rename(r.folder / "out" / "elsewhere"),
         "2025-11-25 tools-list: did not run")
doctored("a scenario that broke off turns it red",
         lambda r: r.checks("tools-list").unlink(),
         "2025-11-25 tools-list: left no list of checks")
doctored("a file cut short turns it red",
         lambda r: r.checks("ping").write_text(r.checks("ping").read_text()[:-3]),
         "2025-11-25 ping: left no list of checks")
doctored("a scenario that checked nothing turns it red",
         lambda r: r.write("ping", []), "2025-11-25 ping: no check of it succeeded")
doctored("a scenario whose checks were all skipped turns it red",
         lambda r: r.write("ping", [{"id": "a", "status": "SKIPPED"}]),
         "2025-11-25 ping: no check of it succeeded")
doctored("a status nobody has heard of turns it red",
         lambda r: r.write("ping", GOOD + [{"id": "c", "status": "success"}]),
         "2025-11-25 ping: c: success")

doctored("a check that warned turns it red, though the runner would be content",
         lambda r: r.write("ping", GOOD + [{"id": "w", "status": "WARNING",
                                            "errorMessage": "should"}]),
         "2025-11-25 ping: w: should")

with tempfile.TemporaryDirectory() as folder:
    results = Results(folder)
    results.write("server-session-lifecycle", [{"id": "x", "status": "FAILURE"}])
    status, lines = results.count()
    say("what does not count is told and leaves it green",
        status == 0 and lines[-1] == "2025-11-25 3/3"
        and f"2025-11-25 not counted ({WHY}): server-session-lifecycle: x: FAILURE" in lines)
    results.write("ping", [{"id": "a", "status": "FAILURE"}])
    status, lines = results.count("--title", "the product")
    say("under a title what fails is counted and left to the runner",
        status == 0 and lines == ["the product: 2025-11-25 2/3"])
print(f"1..{ran}")
