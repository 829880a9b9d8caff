"""What `metrics` prints is OpenMetrics, read by a parser of its own (support/openmetrics.py), and
says what else is known of the node."""
import json
import os
import pathlib
import re
import sys

import nodes
from nodes import Home, converge, expect, same, test, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import openmetrics  # noqa: E402

ODD = 'quo"te back\\slash'


def metrics(home):
    return openmetrics.parse(home.chitty_node("metrics").out)


@test
def the_parser_takes_the_form_and_nothing_else(_world):
    good = ('# TYPE a counter\n# UNIT a \n# HELP a x\na_total{k="v\\n\\"",l=""} 1.5e3\n'
            '# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n'
            'b_seconds_bucket{le="0.1"} 1\nb_seconds_bucket{le="+Inf"} 2\nb_seconds_count 2\n'
            'b_seconds_sum 0.3\n# TYPE c info\nc_info{v="1"} 1\n# EOF\n')
    read = openmetrics.parse(good)
    same(read["a"].value("_total", k='v\n"'), 1500.0, "a value with escapes")
    for old, new in (("# EOF\n", ""), ("a_total{", "a{"), ("a_total{", "b_total{"), ("1.5e3", "x"),
                     ('"v\\n', '"v\n'), (',l=""', ',k=""'), (',l=""', ',l=""x'),
                     ('c_info{v="1"} 1', "c_info 2"),
                     ('"+Inf"', '"7"'), ("} 2\nb_seconds_count", "} 0\nb_seconds_count"),
                     ("b_seconds_count 2", "b_seconds_count 3"),
                     ("seconds seconds", "seconds bytes"),
                     ("# TYPE c info", "# TYPE c infos"), ("1.5e3", "-1"),
                     ("# TYPE c info", "# HELP a again\n# TYPE c info"), ("a_total{", " a_total{")):
        expect(old in good, f"{old!r} is there")
        try:
            openmetrics.parse(good.replace(old, new))
        except openmetrics.Wrong:
            continue
        raise nodes.Failure(f"{new!r} for {old!r} was taken")


@test
def a_node_tells_what_it_holds_and_whom_it_meets(world):
    a, b = world.home("a").init().run(), Home(world, "b")
    b.chitty_node("init", "--name", ODD)
    b.run().join(a)
    for i in range(5):
        b.add(f"x{i}")
    converge(a, b, entries=5)
    until(lambda: a.read("status")["peers"][0]["state"] == "in sync", "in sync")
    m = metrics(a)
    status, peer = a.read("status"), a.read("peers")["peers"][0]
    same(m["chitty_entries"].value(), status["counts"]["entries"], "entries")
    same(m["chitty_entries_waiting"].value(), status["waiting"], "waiting")
    same(m["chitty_devices"].value(), 2, "devices")
    same(m["chitty_peers_present"].value(), 1, "peers")
    same(m["chitty_sessions"].value(state="in sync"), 1, "sessions in sync")
    same(m["chitty_read_only"].value(), 0, "read-only")
    same(m["chitty_build"].value("_info", version=status["version"]), 1, "version")
    same(m["chitty_peer_entries"].value("_total", peer=peer["device"], name=ODD), 5,
         "entries of the peer, by its name")
    for name in ("received", "sent"):
        expect(m[f"chitty_peer_{name}_bytes"].value("_total", name=ODD) > 100, f"bytes {name}")
    same(m["chitty_peer_refusals"].samples, [], "refusals of an honest peer")
    expect(m["chitty_fsyncs"].value("_total") >= 2, "fsyncs")
    expect(m["chitty_turn_seconds"].value("_count") >= 5, "turns")
    expect(m["chitty_store_bytes"].value(file="database") >= 8192, "size of the database")
    with open(f"/proc/{a.node.process.pid}/status", encoding="ascii") as text:
        rss = int(re.search(r"VmRSS:\s+(\d+)", text.read()).group(1)) * 1024
    expect(abs(m["chitty_resident_memory_bytes"].value() - rss) < rss / 4, "resident memory")
    before = m["chitty_fsyncs"].value("_total")
    a.add("one more")
    after = metrics(a)
    expect(after["chitty_fsyncs"].value("_total") > before, "a commit syncs")
    expect(after["chitty_turn_seconds"].value("_count") > m["chitty_turn_seconds"].value("_count"),
           "turns go on")


@test
def a_disk_that_fails_shows_in_the_figures(world):
    failing = world.folder / "fail"
    failing.write_text("")
    home = world.home("a").init()
    home.run(env={"LD_PRELOAD": os.environ.get("CHITTY_FAIL_DISK", ""),
                  "CHITTY_FAIL": str(failing), "ASAN_OPTIONS": "verify_asan_link_order=0"})
    home.add("x")
    until(lambda: metrics(home)["chitty_store_bytes"].value(file="wal") == 0, "the WAL is moved")
    failing.write_text("sync")
    home.chitty("add", "y", status=nodes.FAILED)
    m = metrics(home)
    same(m["chitty_fsync_failures"].value("_total"), 1, "syncs that failed")
    same(m["chitty_read_only"].value(), 1, "read-only")
    until(lambda: metrics(home)["chitty_read_only"].value() == 0, "it writes again")


@test
def without_a_node_the_home_tells_what_it_knows(world):
    home = world.home("a").init().run()
    home.add("x")
    home.stop()
    m = metrics(home)
    same(m["chitty_entries"].value(), 1, "entries")
    expect("chitty_sessions" not in m, "nothing of a daemon")
    families = home.read("metrics")["families"]
    expect({f["name"] for f in families} == set(m), f"the same as JSON: {json.dumps(families)}")


if __name__ == "__main__":
    sys.exit(nodes.main())
