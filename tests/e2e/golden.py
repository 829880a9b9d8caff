"""Homes that earlier versions wrote and closed: this one opens, verifies, reads, writes and syncs
each of them. How they were made: tests/golden/make_home.sh."""
import json
import pathlib
import shutil
import subprocess
import sys

import nodes
from nodes import CHITTY, CHITTY_NODE, converge, expect, same, test, verified

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
NAMES = sorted(p.name for p in GOLDEN.glob("home-*") if p.is_dir())


def homes(world):
    """Each golden home in a folder of its own, with what was read in it then."""
    for name in NAMES:
        home = world.home(name)
        shutil.copytree(GOLDEN / name, home.folder)
        (home.folder / "device.key").chmod(0o600)  # git keeps no such modes
        home.folder.chmod(0o700)
        (home.folder / "spaces").chmod(0o700)
        yield home, json.loads((GOLDEN / f"{name}.json").read_text())


def read(home):
    env = dict(home.env, CHITTY=CHITTY, CHITTY_NODE=CHITTY_NODE)
    done = subprocess.run([sys.executable, GOLDEN / "read_home.py"], env=env, capture_output=True,
                          text=True, check=False)
    same((done.returncode, done.stderr), (0, ""), "read_home.py")
    return json.loads(done.stdout)


@test
def there_is_a_home_of_the_first_version(world):
    expect("home-1" in NAMES, f"golden homes: {NAMES}")


@test
def a_golden_home_verifies_and_rebuilds_to_the_root_it_had(world):
    for home, then in homes(world):
        found = verified(home)
        same((found["root"], found["entries"], found["chains"]),
             (then["root"], then["entries"], then["chains"]), f"what verify finds in {home.name}")
        same(home.read("rebuild")["root"], then["root"], f"root after a rebuild of {home.name}")
        verified(home)


@test
def a_golden_home_reads_as_it_did(world):
    for home, then in homes(world):
        home.run()
        same(read(home), then, f"what is read in {home.name}")


@test
def a_golden_home_is_written_and_synced_to_a_joiner(world):
    for home, then in homes(world):
        home.run()
        new = home.add("written by a later version")
        for todo, data in then["records"].items():
            if todo.startswith("CHITTY-TODO"):
                home.chitty("todo", "update", todo, "--acceptance", "touched")
        joiner = world.home(f"joiner of {home.name}").init().run().join(home)
        converge(home, joiner, entries=then["entries"] + 1)
        expect(new in joiner.todos() and len(joiner.todos()) > 1, "todos at the joiner")
        back = joiner.add("from the joiner")
        converge(home, joiner, entries=then["entries"] + 2)
        expect(back in home.todos(), "the joiner's todo")
        verified(home)
        verified(joiner)


if __name__ == "__main__":
    sys.exit(nodes.main())
