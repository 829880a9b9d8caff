"""Several hosts on one machine: each a network namespace with a D-Bus and an avahi-daemon of its
own, all on one bridge. Nothing of it touches the machine's own network, and all of it is gone when
the program that asked for it ends, however it ends: its processes live in a pid namespace whose
first process is `unshare --kill-child`'s.

Where the caller is not root, a user namespace makes it so for everything inside. `enter` starts the
program again in the new namespaces; what stands before that call runs twice."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

INSIDE = "CHITTY_NETNS_INSIDE"
TOOLS = {"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "ip": "iproute2",
         "dbus-daemon": "dbus-daemon (Ubuntu 22.04: dbus)", "avahi-daemon": "avahi-daemon"}
SYSCTLS = {"kernel/unprivileged_userns_clone": "1", "user/max_user_namespaces": None,
           "kernel/apparmor_restrict_unprivileged_userns": "0"}
PREFIX = "10.77.0."
DAEMON_S = 20 * float(os.environ.get("CHITTY_SLOW", "1"))

DBUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="*"/><allow receive_type="*"/>
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
"""
AVAHI = """[server]
host-name={name}
use-ipv4=yes
use-ipv6={six}
enable-dbus=yes
allow-interfaces=e0
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[publish]
publish-hinfo=no
publish-workstation=no
"""


class Unavailable(RuntimeError):
    """Why there can be no namespaces here, and what would help."""


def path():
    """sbin too: an ordinary user's PATH may lack it."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"


def command():
    """The words that start a program in namespaces of its own. Raises Unavailable."""
    lacking = sorted({package for tool, package in TOOLS.items()
                      if shutil.which(tool, path=path()) is None})
    if lacking:
        raise Unavailable(f"these packages are not installed: {', '.join(lacking)}")
    kinds = ["-nmpf"] if os.geteuid() == 0 else ["-Urnmpf"]
    words = ["unshare", *kinds, "--mount-proc", "--kill-child"]
    tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False,
                           env=dict(os.environ, PATH=path()))
    if tried.returncode == 0:
        return words
    said = []
    for name, wanted in SYSCTLS.items():
        file = pathlib.Path("/proc/sys") / name
        value = file.read_text().strip() if file.exists() else None
        if value is not None and (value != wanted if wanted else value == "0"):
            said.append(f"sysctl -w {name.replace('/', '.')}={wanted or 10000} (it is {value})")
    helps = " and ".join(said) or "run it as root, or outside of a chroot, or raise user.max_*"
    raise Unavailable(f"no namespaces here ({tried.stderr.strip()}): {helps}")


def enter():
    """Go on in namespaces of our own. Comes back only there; else it raises Unavailable."""
    if os.environ.get(INSIDE) == "1":
        prepare()
        return
    words = command()
    env = dict(os.environ, PATH=path(), **{INSIDE: "1"})
    program = [sys.executable, *sys.argv]
    sys.stdout.flush()
    sys.exit(subprocess.run([*words, *program], env=env, check=False).returncode)


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(words)}: {done.stderr.strip()}")


def prepare():
    """In the new namespaces: a /run of our own, users that avahi and D-Bus ask for, the bridge."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    users = "root:x:0:0:root:/root:/bin/sh\n"
    groups = "root:x:0:\n"
    for name in ("avahi", "messagebus", "netdev"):
        users += f"{name}:x:0:0::/:/bin/false\n"
        groups += f"{name}:x:0:\n"
    for name, text in (("passwd", users), ("group", groups)):
        file = pathlib.Path("/run") / name
        file.write_text(text)
        run("mount", "--bind", str(file), f"/etc/{name}")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    run("ip", "link", "set", "br0", "up")


class Host:
    """One machine on the bridge. Its /run is its own, its other files are everybody's."""

    count = 0

    def __init__(self, folder, bus=True, avahi=True, six=False):
        Host.count += 1
        self.number = Host.count
        self.name = f"host{self.number}"
        self.address = f"{PREFIX}{self.number}"
        self.port = f"p{self.number}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        self.bus = self.avahi = None
        self.six = six
        script = ("mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon && "
                  "ip link set lo up && echo ready && exec sleep infinity")
        self.holder = subprocess.Popen(["unshare", "-nm", "sh", "-c", script],
                                       stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Unavailable(f"{self.name} could not be made")
        self.words = ["nsenter", "-t", str(self.holder.pid), "-n", "-m", f"--wd={os.getcwd()}"]
        run("ip", "link", "add", self.port, "type", "veth", "peer", "name", "e0", "netns",
            str(self.holder.pid))
        run("ip", "link", "set", self.port, "master", "br0", "up")
        self.run("ip", "link", "set", "e0", "up")
        if six:  # and no IPv4: what the link gives is all there is
            self.run("sh", "-c", 'grep -qx 0 "$0" || echo 0 >"$0"',
                     "/proc/sys/net/ipv6/conf/e0/disable_ipv6")
            self.run("timeout", "20", "sh", "-c", "until ip -6 addr show dev e0 scope link "
                     "-tentative | grep -q inet6; do sleep 0.1; done")
        else:
            self.run("ip", "addr", "add", f"{self.address}/24", "brd", "+", "dev", "e0")
        if bus:
            self.start_bus()
        if avahi:
            self.start_avahi()

    def run(self, *words):
        run(*self.words, *words)

    def start(self, *words, **options):
        """A process on this host; its pid is that of the program itself."""
        return subprocess.Popen([*self.words, *words], **options)

    def answers(self, file):
        """Is there somebody behind a socket of this host?"""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            try:
                s.connect(f"/proc/{self.holder.pid}/root{file}")
            except OSError:
                return False
        return True

    def await_socket(self, file, what, process):
        end = time.monotonic() + DAEMON_S
        while not self.answers(file):
            if process.poll() is not None or time.monotonic() > end:
                raise Unavailable(f"{what} does not start on {self.name}: {self.log(what)}")
            time.sleep(0.01)

    def log(self, what):
        return (self.folder / f"{what}.log").read_text(errors="replace")[-2000:]

    def daemon(self, what, words, file):
        with open(self.folder / f"{what}.log", "ab") as log:
            process = self.start(*words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_socket(file, what, process)
        return process

    def start_bus(self):
        config = self.folder / "dbus.conf"
        config.write_text(DBUS)
        self.bus = self.daemon(
            "dbus-daemon", ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"],
            "/run/dbus/system_bus_socket")

    def start_avahi(self):
        config = self.folder / "avahi.conf"
        config.write_text(AVAHI.format(name=self.name, six="yes" if self.six else "no"))
        self.avahi = self.daemon(
            "avahi-daemon", ["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f",
                             str(config)], "/run/avahi-daemon/socket")

    def kill_avahi(self):
        self.avahi.kill()
        self.avahi.wait()
        self.run("rm", "-f", "/run/avahi-daemon/pid", "/run/avahi-daemon/socket")
        self.avahi = None

    def cable(self, plugged):
        """Pull the cable, or put it back: both ends see that there is none."""
        run("ip", "link", "set", self.port, "up" if plugged else "down")

    def move(self, number):
        """As by DHCP: another address instead of the one there was."""
        self.run("ip", "addr", "flush", "dev", "e0")
        self.address = f"{PREFIX}{number}"
        self.run("ip", "addr", "add", f"{self.address}/24", "brd", "+", "dev", "e0")

    def close(self):
        for process in (self.avahi, self.bus, self.holder):
            if process is not None:
                process.kill()
                process.wait()
        self.holder.stdout.close()
        subprocess.run(["ip", "link", "del", self.port], capture_output=True, check=False)



def switch(on):
    """Take the whole switch away or bring it back: no host sees its own link change."""
    run("ip", "link", "set", "br0", "up" if on else "down")
