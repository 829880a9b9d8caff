"""Git for tests: without the settings of who runs them, and the same commits each time."""
import os
import subprocess

from nodes import expect

GIT = dict(GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org", GIT_COMMITTER_NAME="A",
           GIT_COMMITTER_EMAIL="a@example.org", GIT_CONFIG_GLOBAL="/dev/null",
           GIT_CONFIG_SYSTEM="/dev/null", GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
           GIT_COMMITTER_DATE="2026-01-01T00:00:00Z")


def git(folder, *words, env=None):
    """What it prints; `env`: for what it starts."""
    done = subprocess.run(["git", "-C", str(folder), "-c", "protocol.file.allow=always", *words],
                          env=dict(env or os.environ, **GIT), capture_output=True, text=True,
                          check=False)
    expect(done.returncode == 0, f"git {words} in {folder}: {done.stderr}")
    return done.stdout.strip()
