"""`chitty-node service`: the unit is read by rules of its own and by systemd's, and a real manager
of a user, in namespaces of its own, starts the node, sees it ready, restarts it and ends it."""
import configparser
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import nodes
from findings import AROUND
from nodes import CONFLICT, NOTFOUND, USAGE, Skip, XdgHome, expect, same, test, until

FAILED = 1
SYSTEMD = next((p for p in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
                if os.path.exists(p)), None)
RESTART_NEVER = {USAGE, nodes.DENIED, CONFLICT, NOTFOUND}
# Of systemd.exec(5): works for a user by prctl, seccomp or cgroups.
ALWAYS = {"NoNewPrivileges": "yes", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes",
          "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "RestrictSUIDSGID": "yes",
          "SystemCallArchitectures": "native", "UMask": "0077", "LimitCORE": "0"}
# Works for a user only with a user namespace.
WITH_NAMESPACES = {"PrivateUsers": "yes", "ProtectSystem": "strict", "ProtectHome": "read-only",
                   "PrivateDevices": "yes", "ProtectKernelTunables": "yes",
                   "ProtectControlGroups": "yes"}


class Unit:
    """A unit file, read as its manual says: sections, keys that may repeat."""

    def __init__(self, text):
        self.text, self.lines = text, {}
        section = None
        for line in text.splitlines():
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                expect(line[-1] == "]", f"a section: {line}")
                section = self.lines.setdefault(line[1:-1], [])
                continue
            expect("=" in line and section is not None, f"a setting in a section: {line}")
            section.append(tuple(line.split("=", 1)))
        same(set(self.lines), {"Unit", "Service", "Install"}, "sections")

    def all(self, key, section="Service"):
        return [v for k, v in self.lines[section] if k == key]

    def one(self, key, section="Service"):
        found = self.all(key, section)
        same(len(found), 1, f"lines of {key}")
        return found[0]


class ServiceHome(XdgHome):
    """A home by XDG folders, and its unit."""

    def __init__(self, world, name):
        super().__init__(world, name)
        self.unit_path = self.folder / ".config" / "systemd" / "user" / "chitty-node.service"

    def printed(self, *arguments, **options):
        return Unit(self.chitty_node("service", "install", "--print", *arguments, **options).out)

    def service(self, what, *arguments, **options):
        return self.chitty_node("service", what, "--json", *arguments, **options).document()


# --- the unit

@test
def the_unit_says_what_the_manual_of_systemd_asks_for(world):
    home = ServiceHome(world, "a").init()
    unit = home.printed()
    same(unit.one("Type"), "notify", "readiness is told")
    same(unit.one("ExecStart"), f'"{os.path.realpath(nodes.CHITTY_NODE)}" run', "what it starts")
    same(unit.one("Restart"), "on-failure", "restarts")
    same({int(n) for n in unit.one("RestartPreventExitStatus").split()}, RESTART_NEVER,
         "statuses that another start does not change")
    expect(int(unit.one("StartLimitBurst", "Unit")) <= 5, "a node that always fails is left alone")
    expect(int(unit.one("TimeoutStartSec")) >= 600, "a slow start is not cut off again and again")
    same(unit.one("WantedBy", "Install"), "default.target", "when it starts")
    same({k: unit.one(k) for k in ALWAYS}, ALWAYS, "hardening without namespaces")
    same(set(unit.one("RestrictAddressFamilies").split()),
         {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"}, "address families")
    expect(unit.one("MemoryMax") and unit.one("TasksMax"), "memory and tasks have a limit")
    same((unit.one("RuntimeDirectory"), unit.one("RuntimeDirectoryMode")), ("chitty", "0700"),
         "the folder of the socket")
    if unit.all("PrivateUsers"):
        same({k: unit.one(k) for k in WITH_NAMESPACES}, WITH_NAMESPACES,
             "hardening with namespaces")
        same(unit.all("ReadWritePaths"),
             [f'"{home.data}"', f'"{home.folder}/.local/state/chitty"'],
             "all that it may write")
    expect(not home.unit_path.exists(), "printing writes nothing")


@test
def systemd_itself_takes_the_unit(world):
    home = ServiceHome(world, "a").init()
    path = world.folder / "chitty-node.service"
    path.write_text(home.printed("--listen", "127.0.0.1:0", "--peer", "b:1").text)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # what it would say of syntax is said by a reader of our own
        reader = configparser.RawConfigParser(strict=False)
        reader.optionxform = str
        reader.read_string(path.read_text())
        same(reader["Service"]["Type"], "notify", "Type")
        return
    env = dict(home.env, SYSTEMD_LOG_LEVEL="warning")
    done = subprocess.run([analyze, "verify", "--user", "--man=no", str(path)], env=env,
                          capture_output=True, text=True, check=False)
    same((done.returncode, [line for line in done.stderr.splitlines() if "chitty" in line]),
         (0, []), "systemd-analyze verify")
    done = subprocess.run([analyze, "security", "--user", "--offline=yes", "--threshold=45",
                           str(path)], env=env, capture_output=True, text=True, check=False)
    if "unrecognized" not in done.stderr:
        same(done.returncode, 0, f"exposure at most 4.5: {done.stdout[-300:]} {done.stderr}")


@test
def words_that_systemd_would_expand_are_escaped(world):
    home = ServiceHome(world, 'a %h $HOME "x" \\n').init()
    unit = home.printed("--listen", "[::1]:7447", "--peer", "tcp://10.0.0.1:7447", "--peer", "$x%y",
                        "--no-discovery")
    starts = unit.one("ExecStart")
    expect(starts.endswith('" run --listen "[::1]:7447" --peer "tcp://10.0.0.1:7447" '
                           '--peer "$$x%%y" --no-discovery'), starts)
    if unit.all("ReadWritePaths"):
        expect('a %%h $HOME \\"x\\" \\\\n' in unit.all("ReadWritePaths")[0], unit.text)
    home.chitty_node("service", "install", "--print", "--peer", "two\nlines", status=USAGE)
    home.env["CHITTY_HOME"] = str(world.folder / "other $1 %s")
    unit = home.printed()
    same(unit.all("Environment"),
         ["CHITTY_SPACE=default", f'"CHITTY_HOME={world.folder}/other $1 %%s"'], "environment")
    same(unit.all("RuntimeDirectory"), [], "its socket is in the home")


@test
def without_a_manager_nothing_is_changed_and_another_way_is_told(world):
    home = ServiceHome(world, "a")
    home.chitty_node("service", "install", status=NOTFOUND)
    home.init()
    for path in ("/nowhere", None):
        env = {"PATH": path, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
        if path is None:
            del env["PATH"]
        done = home.chitty_node("service", "install", env=env, status=FAILED)
        expect("no systemd user manager" in done.err and "@reboot" in done.err, done.err)
        expect(not (home.folder / ".config").exists(), "nothing is left behind")
        state = home.service("status", env=env)
        same((state["installed"], state["manager"], state["active"]), (False, False, False),
             "status")
    home.chitty_node("service", "frobnicate", status=USAGE)
    home.chitty_node("service", status=USAGE)


@test
def remove_takes_all_away_without_a_manager_too(world):
    home = ServiceHome(world, "a").init()
    wants = home.unit_path.parent / "default.target.wants"
    wants.mkdir(parents=True)
    home.unit_path.write_text(home.printed().text)
    (wants / "chitty-node.service").symlink_to(home.unit_path)
    env = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    same(home.service("status", env=env)["current"], True, "the unit is this build's")
    home.unit_path.write_text(home.printed("--listen", "0.0.0.0:1").text)
    same(home.service("status", env=env)["current"], True, "whatever the flags")
    home.unit_path.write_text(home.printed().text.replace("Restart=on-failure", "Restart=always"))
    same(home.service("status", env=env)["current"], False, "not when it was changed")
    done = home.service("remove", env=env)
    same((done["changed"], done["installed"]), (True, False), "what was done")
    same(list((home.folder / ".config").rglob("*")), [], "what is left of it")
    same(home.service("remove", env=env)["changed"], False, "again")
    other = home.unit_path.parent / "other.service"
    other.parent.mkdir(parents=True)
    other.write_text("[Unit]\n")
    home.unit_path.write_text("[Unit]\n")
    home.service("remove", env=env)
    same([p.name for p in home.unit_path.parent.iterdir()], ["other.service"], "another's unit")


# --- readiness

@test
def readiness_and_the_end_are_told_to_who_asked(world):
    for kind in ("path", "abstract"):
        home = world.home(kind).init()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.settimeout(nodes.DEADLINE_S)
        name = f"{world.folder}/notify" if kind == "path" else f"@chitty-test-{os.getpid()}"
        listener.bind(name if kind == "path" else "\0" + name[1:])
        home.run(env={"NOTIFY_SOCKET": name})
        same(listener.recv(100), b"READY=1", "ready")
        home.chitty("ls")
        home.stop()
        same(listener.recv(100), b"STOPPING=1", "ending")
        listener.close()
    for odd in ("", "@", "relative", "/" + "x" * 200, "/nowhere/at/all"):
        home.run(env={"NOTIFY_SOCKET": odd})
        home.stop()


# --- a real manager

MANAGER = r"""
set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/inaccessible /run/user/home
cd /run/systemd/inaccessible # what the first process of a system makes
mkdir -m 000 dir
touch reg
chmod 000 reg
mkfifo -m 000 fifo
mknod -m 000 chr c 0 0 || touch chr
mknod -m 000 blk b 0 0 || touch blk
chmod 700 /run/user/home
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$GROUP"
echo $$ >"/sys/fs/cgroup/$GROUP/cgroup.procs"
dbus-daemon --session --address="unix:path=/run/user/home/bus" --fork >/dev/null 2>&1
"$SYSTEMD" --user --log-target=console & # as the first process it would be the system's manager
wait
"""


class Manager:
    """systemd as the manager of a user, with mounts and processes of its own."""

    def __init__(self, home):
        missing = [p for p in ("unshare", "nsenter", "dbus-daemon", "systemctl")
                   if shutil.which(p) is None]
        if SYSTEMD is None or missing or os.geteuid() != 0:
            raise Skip(f"no manager of its own: needs root and systemd ({missing} missing)")
        self.home = home
        self.group = f"chitty-test-{os.getpid()}"
        home.env.update(XDG_RUNTIME_DIR="/run/user/home", ASAN_OPTIONS="detect_leaks=0",
                        DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/home/bus")
        self.process = subprocess.Popen(
            ["unshare", "-m", "-p", "-f", "--mount-proc", "sh", "-c", MANAGER],
            env=dict(home.env, GROUP=self.group, SYSTEMD=SYSTEMD), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pid = until(lambda: children.read_text().split(), "the first process inside")[0]
        end = ("running", "degraded", "starting")
        try:
            until(lambda: self.systemctl("is-system-running").out.strip() in end, "systemd is up")
        except nodes.Failure as wrong:
            self.__exit__()
            raise Skip(f"systemd does not run as a user's manager here: {wrong}") from wrong
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.pid), signal.SIGKILL)
        self.process.wait()
        subprocess.run(["sh", "-c", 'for d in /sys/fs/cgroup /sys/fs/cgroup/unified; do '
                        f'find "$d/{self.group}" -depth -type d -exec rmdir {{}} + ; done'],
                       check=False, capture_output=True)

    def call(self, *arguments, status=0):
        return self.home.call("nsenter", "-t", self.pid, "-m", "-p", *arguments, status=status)

    def systemctl(self, *arguments, status=None):
        return self.call("systemctl", "--user", *arguments, status=status)

    def service(self, what, *arguments, status=0):
        done = self.call(nodes.CHITTY_NODE, "service", what, "--json", *arguments, status=status)
        return done.document() if status == 0 else done

    def show(self, *names):
        text = self.systemctl("show", "chitty-node.service", "-p", ",".join(names)).out
        return dict(line.split("=", 1) for line in text.splitlines())


@test
def a_manager_runs_restarts_and_ends_the_node(world):
    home = ServiceHome(world, "a").init()
    with Manager(home) as manager:
        done = manager.service("install", "--listen", "127.0.0.1:0", "--no-discovery")
        same([done[k] for k in ("installed", "changed", "current", "manager", "enabled", "active")],
             [True] * 6, f"what install did: {done}")
        pid = manager.show("MainPID")["MainPID"]
        todo = manager.call(nodes.CHITTY, "add", "by the service").out.strip()
        expect(todo.startswith("CHITTY-TODO-"), "the node answers")
        again = manager.service("install", "--listen", "127.0.0.1:0", "--no-discovery")
        same((again["changed"], manager.show("MainPID")["MainPID"]), (False, pid),
             "installing again changes nothing, the same process runs")
        report = manager.call(nodes.CHITTY_NODE, "doctor", "--json", status=0).document()
        same([f for f in report["findings"] if f["severity"] in ("problem", "warning")
              and f["check"] not in AROUND], [], "the doctor's findings")
        expect(any(f["check"].startswith("service") for f in report["findings"]), "the service")

        # what the unit promises is kept by the kernel
        state = {}
        for line in manager.call("cat", f"/proc/{pid}/status").out.splitlines():
            key, _, value = line.partition(":")
            state[key] = value.strip()
        same((state["NoNewPrivs"], state["Seccomp"]), ("1", "2"), "no new privileges, seccomp")
        inside = ("nsenter", "-t", pid, "-m")
        if manager.show("PrivateUsers")["PrivateUsers"] == "yes":
            for place in ("/usr/x", f"{home.folder}/x", "/etc/x"):
                done = manager.call(*inside, "touch", place, status=None)
                expect(done.status != 0 and "Read-only" in done.err, f"{place} is closed: {done!r}")
            manager.call(*inside, "touch", f"{home.data}/x")
            manager.call(*inside, "rm", f"{home.data}/x")

        # a node that dies is started again; one that cannot run is not
        manager.call("kill", "-9", pid)
        until(lambda: manager.show("MainPID")["MainPID"] not in ("0", pid) and
              manager.show("ActiveState")["ActiveState"] == "active", "another process runs")
        manager.systemctl("stop", "chitty-node.service", status=0)
        same(manager.show("Result")["Result"], "success", "an orderly end is a success")
        with open(home.data / "lock", "r+", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            manager.systemctl("start", "chitty-node.service")  # waits for the outcome
            shown = manager.show("ActiveState", "ExecMainStatus", "NRestarts")
            same(shown, {"ActiveState": "failed", "ExecMainStatus": str(CONFLICT),
                         "NRestarts": "0"}, "a second node on a home is not tried again")

        gone = manager.service("remove")
        same((gone["installed"], gone["changed"]), (False, True), "what remove did")
        same(list((home.folder / ".config").rglob("*")), [], "what is left of it")
        same(manager.show("LoadState")["LoadState"], "not-found", "systemd knows it no more")
        same(manager.service("remove")["changed"], False, "removing again")
        expect((home.data / "device.key").exists(), "the home stays")


@test
def a_node_that_runs_already_gives_way_to_the_service(world):
    home = ServiceHome(world, "a").init()
    with Manager(home) as manager:
        auto = ("env", "CHITTY_NO_AUTOSTART=0", nodes.CHITTY)
        todo = manager.call(*auto, "add", "by an autostarted node").out.strip()
        manager.service("install", "--listen", "127.0.0.1:0")
        same(manager.show("ActiveState", "NRestarts"), {"ActiveState": "active", "NRestarts": "0"},
             "the service runs at once")
        expect(todo in manager.call(nodes.CHITTY, "ls", "--json").out, "with what was there")
        home.env["CHITTY_HOME"] = str(world.folder / "other")
        manager.call(nodes.CHITTY_NODE, "init")
        done = manager.service("install", status=CONFLICT)
        expect("another home" in done.err, f"one service a user: {done!r}")
        del home.env["CHITTY_HOME"]
        manager.service("remove")


# A manager wants control groups that it may write, which not every container gives: suite long.
MANAGED = (a_manager_runs_restarts_and_ends_the_node,
           a_node_that_runs_already_gives_way_to_the_service)

if __name__ == "__main__":
    wanted = [t.__name__ for t in nodes.TESTS if (t in MANAGED) == ("--manager" in sys.argv)]
    sys.exit(nodes.main([a for a in sys.argv[1:] if a != "--manager"] or wanted))
