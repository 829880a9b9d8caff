"""Several spaces of one person on one machine (docs/decisions/0013)."""
import json
import sys

import nodes
from nodes import CONFLICT, NOTFOUND, USAGE, converge, expect, same, test, verified


class Spaces(nodes.Home):
    """A home whose commands name a space."""

    @property
    def data(self):
        name = self.env.get("CHITTY_SPACE", "default")
        return self.folder if name == "default" else self.folder / "homes" / name

    def of(self, space):
        twin = Spaces(self.world, self.name)
        twin.env = dict(self.env, CHITTY_SPACE=space)
        twin.node = None
        return twin

    def spaces(self):
        return {s["name"] or s["space"]: s for s in
                json.loads(self.chitty("space", "list", "--json").out)["data"]}


@test
def two_spaces_keep_apart_what_is_in_them(world):
    home = Spaces(world, "one").init().run()
    home.chitty("space", "new", "work", "--name", "my-work")
    work = home.of("work").run()
    first, second = home.add("at home"), work.add("at work")
    same((list(home.todos()), list(work.todos())), ([first], [second]), "todos of each")
    listed = home.spaces()
    same(sorted(listed), ["default", "work"], "spaces")
    expect(listed["default"]["space"] != listed["work"]["space"], "two ids")
    same((listed["default"]["inUse"], listed["work"]["inUse"]), (True, False), "which is in use")
    expect(home.read("status")["device"] != work.read("status")["device"], "two devices")
    same(work.read("status")["deviceName"], "my-work", "name of the device")
    # the flag, before and behind the command, and over the variable
    for words in (("--space", "work", "ls"), ("ls", "--space=work"), ("--space=work", "ls")):
        expect(second in home.chitty(*words).out, f"{words} lists the other space")
    expect(first in work.chitty("--space", "default", "ls").out, "the flag goes first")
    work.stop()
    expect(home.spaces()["default"]["running"] and not home.spaces()["work"]["running"], "running")


@test
def use_is_kept_and_says_when_it_does_not_count(world):
    home = Spaces(world, "used").init().run()
    home.chitty("space", "new", "work")
    home.of("work").run()
    home.chitty("space", "use", "work")
    same(home.spaces()["work"]["inUse"], True, "in use")
    todo = home.add("x")
    expect(todo in home.of("work").todos(), "commands mean it now")
    said = home.of("default").chitty("space", "use", "work").out
    expect("CHITTY_SPACE=default still goes before it" in said, said)
    home.chitty("space", "use", "default")
    same(list(home.todos()), [], "back in the first one")


@test
def a_misspelt_space_makes_nothing_and_is_told(world):
    home = Spaces(world, "misspelt").init()
    home.chitty("space", "new", "work")
    before = sorted(str(p) for p in home.folder.rglob("*"))
    wrong = home.of("wrok")
    expect("there is no space wrok" in wrong.chitty("ls", status=NOTFOUND).err, "ls")
    expect("there is no space wrok" in wrong.chitty_node("status", status=NOTFOUND).err, "status")
    done = home.chitty("space", "use", "wrok", status=NOTFOUND)
    expect('did you mean "work"?' in done.err, done.err)
    home.of("../x").chitty("ls", status=USAGE)
    home.chitty("space", "new", "Work", status=USAGE)
    home.chitty("space", "new", "default", status=CONFLICT)
    home.chitty("space", "new", "work", status=CONFLICT)
    same(sorted(str(p) for p in home.folder.rglob("*")), before, "files")


@test
def a_space_that_was_kept_at_a_join_gets_a_home_of_its_own(world):
    a = Spaces(world, "a").init().run()
    b = Spaces(world, "b").init().run()
    old, space = b.add("written before"), b.read("status")["space"]
    device = b.read("status")["device"]
    b.chitty_node("join", a.ticket(), "--keep-both")
    converge(a, b, entries=0)
    expect(space in b.spaces() and b.spaces()[space]["kept"], "it is listed as kept")
    b.chitty("space", "new", "old", "--kept", "0" * 32, status=NOTFOUND)
    b.chitty("space", "new", "old", "--kept", space)
    same(b.spaces()["old"]["space"], space, "its id")
    expect(space not in b.spaces(), "and it is kept no more")
    again = b.of("old").run()
    same((again.read("status")["device"], list(again.todos())), (device, [old]), "what is in it")
    new = again.add("goes on")
    same(sorted(again.todos()), sorted([old, new]), "it can be written")
    again.stop()
    verified(again)
    same(list(b.todos()), [], "the joined space has none of it")


if __name__ == "__main__":
    sys.exit(nodes.main())
