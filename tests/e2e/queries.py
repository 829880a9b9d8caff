"""Filters, sort keys, columns, names, circles and searches with a real node behind them."""
import fcntl
import os
import struct
import subprocess
import sys
import termios

import nodes
from nodes import CHITTY, FAILED, NOTFOUND, USAGE, Watch, converge, expect, pair, same, test

ME = {"CHITTY_USER": "ann"}


def filled(world):
    """A node with a project and seven todos, named by one letter each."""
    home = world.home("a").init().run()
    home.chitty("project", "create", "compiler")
    home.chitty("project", "create", "Web site")
    ids = {}

    def add(letter, content, *flags):
        ids[letter] = home.add(content, *flags)

    add("a", "Fix the lexer", "--priority", "high", "--project", "compiler", "--label", "bug",
        "--estimate", "30", "--deadline", "2020-05-01", "--assignee", "ann")
    add("b", "Write docs", "--priority", "low", "--project", "compiler", "--dependency", ids["a"],
        "--description", "of the LEXER, mostly")
    add("c", "Ship it", "--priority", "critical", "--label", "bug", "--label", "ui",
        "--deadline", "tomorrow")
    add("d", "Later", "--defer", "in 3 days", "--assignee", "bob")
    add("e", "Wait for the parts", "--status", "blocked", "--project", "Web site")
    add("f", "Größe prüfen", "--priority", "medium", "--estimate", "5")
    add("g", "Gone")
    home.chitty("done", ids["f"])
    home.chitty("todo", "delete", ids["g"])
    return home, ids


def lister(home, ids):
    """The letters of the todos that a command lists, in order."""
    letters = {i: letter for letter, i in ids.items()}

    def listed(*words):
        out = home.chitty(*words, env=ME).out
        return "".join(letters[line.split("\t")[0]] for line in out.splitlines())
    return listed


@test
def every_word_of_a_filter(world):
    home, ids = filled(world)
    listed = lister(home, ids)
    for words, letters in (
            ("", "abcde"), ("--all", "abcdef"), ("--all --deleted", "abcdefg"),
            ("project:compiler", "ab"), ("proj:COMPILER,web\u00a0site", "abe"), ("project:", "cd"),
            ("project.any:", "abe"), ("project.not:compiler", "cde"),
            ("status:pending", "abcd"), ("status:pending,blocked", "abcde"),
            ("status:completed", "f"), ("status:ready", "ca"), ("is:ready", "ca"),
            ("is:blocked", "be"), ("is:overdue", "a"), ("is:hidden", "g"), ("is:conflicted", ""),
            ("+bug", "ac"), ("-bug", "bde"), ("+bug -ui", "a"), ("label:ui,x", "c"),
            ("due.before:today", "a"), ("due.after:today", "c"), ("due:tomorrow", "c"),
            ("deadline.to:2020-05", "a"), ("due.none:", "bde"), ("wait.after:tomorrow", "d"),
            ("priority:high", "a"), ("pri:h", "a"), ("priority.not:low", "acde"),
            ("assignee:@me", "a"), ("assignee.hasnt:@me", "bcde"), ("estimate.over:10", "a"),
            ("content:LEXER", "a"), ("content.starts:w", "be"), ("description:lexer", "b"),
            ("content.has:parts", "e"), ("dep:" + ids["a"], "b"),
            ("created.from:yesterday", "abcde"),
            ("lexer", "ab"), ("lex*", "ab"), ("lexer docs", "b"), ("gros* --all", ""),
            ("grösse --all", ""), ("grö* --all", "f"), ("-- lexer", "ab"),
            ("--status blocked", "e"),
            ("--label bug --priority high,low", "a"), ("--count", None)):
        if letters is None:
            same(home.chitty("ls", "+bug", "--count").out, "2\n", "a count")
            continue
        sep = [w.replace("\u00a0", " ") for w in words.split(" ") if w]
        have = listed("ls", *sep)
        same("".join(sorted(have)), "".join(sorted(letters)), f"ls {words}")
    same(listed("todo", "list", "project:compiler", "pri:low"), "b", "list of a noun")
    same(listed("ready"), "ca", "ready, what matters most first")
    same(listed("blocked"), "be", "blocked")
    same(home.read("next")["data"]["content"], "Ship it", "next")
    same(home.read("next", "project:compiler")["data"]["content"], "Fix the lexer", "next of one")
    home.chitty("next", "is:overdue", "+ui", status=NOTFOUND)


@test
def order_and_columns(world):
    home, ids = filled(world)
    listed = lister(home, ids)
    same(listed("ls", "--all", "--sort", "priority,content"), "bfacde", "by rank, none is last")
    same(listed("ls", "--all", "--sort", "-pri,-title"), "cafbed", "downwards, none is last")
    same(listed("ls", "--sort", "due")[:2], "ac", "by deadline")
    same(listed("ls", "--sort", "-modified", "--limit", "1"), "e", "what was changed last")
    out = home.chitty("ls", "pri:high", "--columns", "project,labels,content,id").out
    same(out, f"compiler\tbug\tFix the lexer\t{ids['a']}\n", "columns, the project by its name")
    for width, shown in ((100, True), (70, False)):
        check_terminal(home, width, shown)


def check_terminal(home, width, shown):
    master, slave = nodes.terminal()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    subprocess.run([CHITTY, "ls", "project:compiler", "--no-pager"], check=True, stdout=slave,
                   env=dict(home.env, TERM="xterm", NO_COLOR="1"), timeout=nodes.DEADLINE_S)
    os.close(slave)
    lines = os.read(master, 8192).decode().replace("\r", "").splitlines()
    os.close(master)
    same(len(lines), 2, "lines on the terminal")
    for line in lines:
        same((len(line) <= width, "compiler" in line), (True, shown),
             f"a line fits, with the project where there is room: {line!r}")


@test
def what_is_misspelt_is_said(world):
    home, ids = filled(world)
    for words, says in ((["projet:x"], 'did you mean "project"?'),
                        (["due.befor:fri"], 'did you mean ".before"?'),
                        (["due:soon"], "next monday"), (["status:opn"], "pending, blocked"),
                        (["is:redy"], "is:ready"),
                        (["project:compilr"], 'did you mean "compiler"?'),
                        (["--sort", "pri,stauts"], '"status"'),
                        (["--columns", "id,contnt"], '"content"'),
                        (["!?"], "no word"), (["-x", "labels.before:y"], "says nothing")):
        status = NOTFOUND if words == ["project:compilr"] else USAGE
        done = home.chitty("ls", *words, status=status)
        expect(says in done.err and done.out == "", f"{words}: {done!r}")
    done = home.chitty("todo", "get", "Fix the laxer", status=NOTFOUND)
    home.chitty("topic", "list", "is:ready", status=USAGE)
    home.chitty("session", "list", "+x", status=USAGE)
    same(home.read("todo", "get", "fix the lexer")["chittyId"], ids["a"], "by its title")
    home.add("Fix the lexer")
    done = home.chitty("todo", "get", "fix the lexer", status=USAGE)
    expect("means several" in done.err and ids["a"][7:20] in done.err, f"both are named: {done!r}")


@test
def a_watch_tells_only_what_meets_its_filter(world):
    home, ids = filled(world)
    watch = Watch(home, "project:compiler", "pri.not:low", "lex*")
    watch.begun("--project", "compiler", "--description", "lexical")
    home.chitty("todo", "update", ids["b"], "--estimate", "1")
    home.chitty("todo", "update", ids["c"], "--estimate", "1")
    home.chitty("todo", "update", ids["b"], "--priority", "high")
    event = watch.next()
    same((event["entity"]["chittyId"], event["delta"]), (ids["b"], {"priority": "high"}),
         "the first that meets it")
    home.chitty("todo", "update", ids["a"], "--content", "Fix the parser")
    home.chitty("todo", "update", ids["b"], "--estimate", "2")
    same(watch.next()["delta"], {"estimate": 2}, "what does not any more is not told")
    watch.close()


@test
def searches_and_circles(world):
    a, b = pair(world, "a", "b")
    a.chitty("project", "create", "Lexer rewrite")
    one, two = a.add("lexers and parsers"), a.add("the lexer")
    found = a.read("search", "lexer")
    same([r["type"] for r in found], ["project", "todo"], "of every type, whole words")
    same(len(a.read("search", "lexer*", "--type", "todo")), 2, "beginnings, of one type")
    same(a.chitty("search", "nowhere").out, "", "nothing is no failure")
    converge(a, b)
    done = a.chitty("todo", "update", one, "--dependency", one, status=USAGE)
    expect("itself" in done.err, f"{done!r}")
    b.stop()
    a.chitty("todo", "update", one, "--dependency", two)
    done = a.chitty("todo", "update", two, "--dependency", one, status=USAGE)
    expect("lead back" in done.err and one[7:20] in done.err, f"a circle is refused: {done!r}")
    same(a.chitty("cycles").out, "", "none so far")
    a.stop()
    b.run()
    b.chitty("todo", "update", two, "--dependency", one)
    a.run("--peer", b.node.address)
    converge(a, b)
    for home in (a, b):
        cycles = home.chitty("cycles", "--json", status=FAILED).document()
        same([(c["field"], sorted(e["chittyId"] for e in c["path"])) for c in cycles],
             [("dependencies", sorted((one, two)))], "a circle that two machines closed")


sys.exit(nodes.main())
