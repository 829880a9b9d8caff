"""`chitty-node doctor` on networks, other devices, membership and service: see doctor.py."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import nodes  # noqa: E402
import pair_peer  # noqa: E402
from findings import AROUND, DAY_S, FAILED, Findings, carry_out, doctor, shim, well  # noqa: E402
from root_bytes import blake  # noqa: E402
from nodes import OK, Skip, converge, expect, pair, same, test, until  # noqa: E402


# --- the network

def in_namespace(home, script, flags):
    """A shell with namespaces of its own; its node ends with it."""
    for how in (["unshare", "-" + flags], ["unshare", "-Ur" + flags]):
        if subprocess.run([*how, "true"], check=False, capture_output=True).returncode == 0:
            return home.call(*how, "sh", "-c", script, status=None)
    raise Skip("no namespaces: sysctl kernel.unprivileged_userns_clone=1")


RUN = f"""
'{nodes.CHITTY_NODE}' run --no-discovery --listen %s >"$CHITTY_HOME/out" 2>&1 &
while ! grep -q Ctrl-C "$CHITTY_HOME/out" && kill -0 $!; do sleep 0.02; done >&2
%s
'{nodes.CHITTY_NODE}' doctor --json
status=$?
'{nodes.CHITTY_NODE}' stop >&2
wait
exit $status
"""


@test
def a_port_that_does_not_answer_is_named(world):
    home = world.home("a").init()
    found = Findings(in_namespace(home, "ip link set lo up;" + RUN % ("127.0.0.1:0",
                                                                      "ip link set lo down"), "n"))
    found.one("port.closed", "warning")
    found = well(home.run())
    found.one("port.local", "note")
    found.one("port", "ok")


@test
def a_firewall_that_is_on_is_named(world):
    home = world.home("a").init()
    net = "ip link set lo up; ip addr add 192.0.2.1/24 dev lo; "
    ufw = "mount -t tmpfs none /etc; mkdir /etc/ufw; echo ENABLED=yes >/etc/ufw/ufw.conf; "
    found = Findings(in_namespace(home, net + ufw + RUN % ("192.0.2.1:7447", ""), "nm"))
    expect("ufw allow 7447/tcp" in found.one("port.firewall", "note")["remedy"], found)
    wall = "mount -t tmpfs none /run; mkdir /run/firewalld; "
    found = Findings(in_namespace(home, net + wall + RUN % ("192.0.2.1:7447", ""), "nm"))
    expect("add-port=7447/tcp" in found.one("port.firewall", "note")["remedy"], found)
    found.one("discovery.bus", "note")


# --- the others

@test
def a_device_that_is_away_is_told_with_the_time(world):
    a, b = pair(world, "a", "b")
    same(well(a).checks("note") - AROUND - {"clock"}, set(), "notes while it is here")
    b.stop()
    until(lambda: a.read("peers")["peers"][0]["state"] == "away", "b is away")
    expect(doctor(a).one("peers.away", "note")["text"].startswith("b has been unreachable since"),
           "who, and since when")
    later = doctor(a, env=shim(clock_s=30 * DAY_S)).one("peers.away", "warning")
    device = b.folder / "device.key"
    expect(device.exists() and "revoke" in later["remedy"] and "--lost" in later["remedy"], later)
    a.stop()
    a.run()
    expect(doctor(a).one("peers.away", "note")["text"].startswith("b is unreachable; the last"),
           "after a restart, too")
    doctor(a, env=shim(clock_s=30 * DAY_S)).one("peers.away", "warning")


@test
def a_device_that_waits_to_be_introduced_is_named(world):
    a, b = pair(world, "a", "b")
    a.stop()
    address = a.node.address
    d = world.home("d").init().run().join(b)
    expect("a and this device have not met" in doctor(d).one("peers.unseen", "note")["text"],
           "d has only heard of a")
    d.stop()
    b.stop()
    a.run(listen=address)
    d.run("--peer", address)
    until(lambda: "peers.introduce" in doctor(d).checks("warning"), "d is told so")


@test
def a_device_whose_state_differs_is_named(world):
    a, b = pair(world, "a", "b")
    todo = a.add("same")
    converge(a, b, entries=1)
    a.stop()
    with sqlite3.connect(a.database()) as db:
        db.execute("UPDATE todo SET content = 'not what was written'")
    db.close()
    b.stop()
    a.run()
    b.run("--peer", a.node.address)
    until(lambda: "peers.differs" in doctor(b).checks("problem"), "b is told so")
    expect(todo in b.todos(), "and holds what was written")


def put_meta(db, name, value):
    """A row of meta with its sum, and the total of them (PROTOCOL 10.5)."""
    def write(key, text):
        total = blake(bytes([len(key)]) + key + bytes([len(text)]) + text)[:8]
        db.execute("UPDATE meta SET value = ?, sum = ? WHERE key = ?", (text, total, key.decode()))
    write(name, value)
    rows = db.execute("SELECT sum FROM meta WHERE key <> 'sums'").fetchall()
    total = sum(int.from_bytes(row, "little") for row, in rows) % (1 << 64)
    sums, = db.execute("SELECT value FROM meta WHERE key = 'sums'").fetchone()
    write(b"sums", total.to_bytes(8, "little") + sums[8:])


@test
def entries_that_wait_are_told_with_what_they_wait_for(world):
    a, b = pair(world, "a", "b")
    todo = a.add("of a")
    converge(a, b, entries=1)
    b.chitty("todo", "update", todo, "--content", "of b, who saw it")
    converge(a, b, entries=2)
    a.stop()
    b.stop()
    device = bytes.fromhex(a.read("status")["device"])
    with sqlite3.connect(b.database()) as db:  # what a wrote is lost here
        chain, = db.execute("SELECT chain.n FROM chain JOIN author ON author.n = chain.device"
                            " WHERE author.id = ?", (device,)).fetchone()
        db.execute("DELETE FROM log WHERE id >> 40 = ?", (chain,))
        db.execute("DELETE FROM epoch WHERE chain = ?", (chain,))
        db.execute("DELETE FROM chain WHERE n = ?", (chain,))
        same((chain, db.total_changes), (0, 3), "chain of a, and its rows")
        db.execute("UPDATE log SET id = id & 0xffffffffff")  # b's is the first now
        db.execute("UPDATE epoch SET chain = 0")
        db.execute("UPDATE chain SET n = 0")
        for table in ("position", "number", "entity", "actor", "todo"):
            db.execute(f"DELETE FROM {table}")
        db.execute("UPDATE log SET entities = NULL, pasts = NULL")
        put_meta(db, b"positions", blake(b"")[:8])
        put_meta(db, b"root", bytes(32))
    db.close()
    finding = doctor(b).one("waits.entry", "warning")
    expect("1 entry of b (from 1 on) wait" in finding["text"] and
           "entry 1 of a" in finding["text"], finding)
    a.run()
    b.run("--peer", a.node.address)
    converge(a, b, entries=2)
    well(b)


@test
def a_wrong_code_is_told(world):
    a, b = world.home("a").init().run(), world.home("b").init().run()
    invitation = subprocess.Popen([nodes.CHITTY_NODE, "invite", "--json"], env=a.env, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
    shown = json.loads(invitation.stdout.readline())["data"]
    selector, secret = pair_peer.code_selector(shown["code"])
    wrong = pair_peer.code_text(selector[:3].decode(), f"{(int(secret) + 1) % 10_000_000:07d}")
    done = b.chitty_node("join", wrong, "--at", shown["addresses"][0], status=None)
    expect(done.status != OK, f"it is refused: {done!r}")
    invitation.communicate(timeout=nodes.DEADLINE_S)
    finding = doctor(a).one("strangers.proofs", "note")
    expect(finding["text"].startswith("1 wrong code or ticket was tried"), finding)
    same(a.read("status")["peers"], [], "nobody was admitted")


# --- the membership, and what does not count

@test
def a_device_that_was_revoked_says_so_and_what_of_it_does_not_count(world):
    a, b = pair(world, "a", "b")
    a.add("before")
    converge(a, b, entries=1)
    a.stop()
    b.add("in the dark")
    b.stop()
    a.run()
    a.chitty_node("revoke", "b", "--lost", "--yes")
    b.run("--peer", a.node.address)
    finding = until(lambda: [f for f in doctor(b) if f["check"] == "member.revoked"],
                    "b is told so")[0]
    expect("lost" in finding["text"] and "a" in finding["text"] and
           "chitty-node readmit" in finding["remedy"], finding)
    same(doctor(b).one("void", "note")["remedy"], "chitty-node quarantined", "what is kept")
    same({"peers.away", "peers.unseen"} & doctor(a).checks("note"), set(),
         "a does not miss a device that it revoked")
    device = b.read("status")["device"]
    carry_out(a, {"remedy": finding["remedy"].split(": ")[1]})
    same(a.chitty_node("doctor", "--json").status, OK, "a after the remedy")
    until(lambda: "member" in doctor(b).checks("ok"), f"{device[:8]} is a member again")


@test
def a_node_that_cannot_write_is_named(world):
    how = world.folder / "disk"
    how.write_text("")
    home = world.home("a").init().run(env={"LD_PRELOAD": os.environ["CHITTY_FAIL_DISK"],
                                           "CHITTY_FAIL": str(how),
                                           "ASAN_OPTIONS": "verify_asan_link_order=0"})
    how.write_text("full")
    home.chitty("add", "x", status=FAILED)
    until(lambda: home.read("status")["readOnly"] is not None, "the node is read-only")
    found = doctor(home)
    expect(found.one("disk.readonly", "problem")["remedy"], found)


@test
def a_helper_that_is_not_there_is_named(world):
    alone = world.folder / "alone"
    alone.mkdir()
    shutil.copy(nodes.CHITTY_NODE, alone / "chitty-node")
    a, b = pair(world, "a", "b")
    a.stop()
    env = dict(a.env, CHITTY_NO_DISCOVERY="0")
    process = subprocess.Popen([str(alone / "chitty-node"), "run", "--listen", "127.0.0.1:0"],
                               env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        until(lambda: "discovery.helper" in doctor(a).checks("warning"), "it is told")
        process.terminate()
        process.communicate()
        (alone / "chitty-discover").symlink_to(shutil.which("false"))
        process = subprocess.Popen(process.args, env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        until(lambda: any("is started again" in f["text"] for f in doctor(a)
                          if f["check"] == "discovery.helper"), "one that ends is told, too")
    finally:
        process.terminate()
        process.communicate()
    expect(b.node.running(), "b goes on")


# --- the service

@test
def a_service_is_judged_by_what_it_starts(world):
    home = world.home("a").init()
    unit = world.folder / "config" / "systemd" / "user" / "chitty-node.service"
    unit.parent.mkdir(parents=True)
    env = {"XDG_CONFIG_HOME": str(world.folder / "config")}
    unit.write_text('[Service]\nExecStart="/nowhere/chitty node" run\n')
    doctor(home, env=env).one("service.program", "problem")
    unit.write_text(f"[Service]\nExecStart={nodes.CHITTY_NODE} run\n")
    found = well(home, env=env)
    expect("service.linger" in found.checks("note") or "service" in found.checks("ok"), found)


sys.exit(nodes.main())
