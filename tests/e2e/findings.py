"""What `chitty-node doctor` says, read and checked; for doctor.py and doctor_peers.py."""
import os
import subprocess

import nodes
from nodes import OK, expect, same

FAILED = 1
DAY_S = 24 * 3600
SHIM = os.environ.get("CHITTY_SHIM", "")
# what depends on the machine that the test runs on, and is no fault of the home
AROUND = {"clock.free", "discovery.bus", "discovery.avahi", "discovery", "disk.memory",
          "disk.network", "disk.slow", "discovery.off", "port.local", "port.firewall",
          "service.linger"}


def shim(**variables):
    """The environment of a program that finds another machine around it (tests/support/shim.c)."""
    return dict({"CHITTY_SHIM_" + k.upper(): str(v) for k, v in variables.items()},
                LD_PRELOAD=SHIM, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")


class Findings(list):
    """What the doctor said."""

    def __init__(self, done):
        data = done.document()
        super().__init__(data["findings"])
        self.done, self.data = done, data
        for severity in ("problem", "warning", "note"):
            same(data[severity + "s"], sum(f["severity"] == severity for f in self),
                 f"count of {severity}s")
        same(done.status, FAILED if data["problems"] else OK, "exit status")
        same(data["ok"], data["problems"] == 0, "ok")
        for finding in self:
            expect(finding["severity"] == "ok" or "remedy" in finding or
                   finding["check"] in ("chains.branch", "database.unused", "clones.reclaimed",
                                        "clones.restored"),
                   f"a finding has a remedy: {finding}")

    def checks(self, *severities):
        return {f["check"] for f in self if f["severity"] in severities}

    def one(self, check, severity):
        found = [f for f in self if f["check"] == check and f["severity"] == severity]
        expect(len(found) == 1, f"one {severity} {check} in {list(self)}")
        return found[0]


def doctor(home, *arguments, env=None, status=None):
    return Findings(home.chitty_node("doctor", "--json", *arguments, env=env, status=status))


def well(home, env=None):
    """Nothing is said of the home; what was looked at."""
    found = doctor(home, env=env)
    same(found.checks("problem", "warning") - AROUND, set(), f"problems and warnings in {found}")
    return found


def carry_out(home, finding):
    subprocess.run(finding["remedy"], shell=True, env=home.env, check=True, capture_output=True,
                   timeout=nodes.DEADLINE_S)
