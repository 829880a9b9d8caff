#!/bin/sh
# Makes tests/golden/home-N: a home of two devices' entries, written, synced and closed by the
# programs that CHITTY and CHITTY_NODE name, and what they read in it, home-N.json. A home that is
# committed is never made again: a format that changes gets the next number, and every build has to
# open all of them. Its keys are for tests and open nothing.
#
#   CHITTY=build/cli/chitty CHITTY_NODE=build/cli/chitty-node tests/golden/make_home.sh home-2
set -eu
name=$1
golden=$(cd "$(dirname "$0")" && pwd)
: "${CHITTY:?names the chitty to use}" "${CHITTY_NODE:?names the chitty-node to use}"
[ ! -e "$golden/$name" ] || {
    echo "make_home.sh: $golden/$name is there already" >&2
    exit 1
}
work=$(mktemp -d)
export CHITTY_NO_AUTOSTART=1 TZ=UTC
pid_a='' pid_b=''
# shellcheck disable=SC2064
trap "kill \$pid_a \$pid_b 2>/dev/null; rm -rf '$work'" EXIT

on() { # on HOME COMMAND…: run a command in a home; a node's words are kept
    home=$1
    shift
    CHITTY_HOME=$work/$home "$@"
}

start() { # start HOME ARGUMENT…: run a node; its pid is in $pid, its address in $address
    home=$1
    shift
    CHITTY_HOME=$work/$home "$CHITTY_NODE" run --no-discovery --listen 127.0.0.1:0 "$@" \
        >"$work/$home.out" 2>>"$work/$home.err" &
    pid=$!
    until grep -q Ctrl-C "$work/$home.out"; do
        sleep 0.05
    done
    address=$(sed -n 's|^  address  tcp://||p' "$work/$home.out" | head -n 1)
}

root() {
    on "$1" "$CHITTY_NODE" status --json | python3 -c 'import json, sys
s = json.load(sys.stdin)["data"]
print(s["root"], sorted(s["vector"].items()))'
}

together() { # wait until both hold the same
    until [ "$(root a)" = "$(root b)" ]; do
        sleep 0.05
    done
}

on a "$CHITTY_NODE" init --name golden >/dev/null
on b "$CHITTY_NODE" init --name other >/dev/null
start a
pid_a=$pid
start b --peer "$address"
pid_b=$pid

# --- every type, every kind of field
topic=$(on a "$CHITTY" topic create "Legal Case 12345" --tag court --tag urgent)
project=$(on a "$CHITTY" project create "Chronicle" --topic "$topic" \
    --milestone 'alpha={"done":false}' --milestone 'beta={"due":"2026-05-01"}')
session=$(on a "$CHITTY" session create --session-id s1 --platform zoom --project "$project")
milk=$(CHITTY_ACTOR=$session on a "$CHITTY" add "Buy milk" --priority high --label home \
    --label shop --deadline 2026-03-01T18:00:00Z --project "$project" --session "$session" \
    --description "oat, not soy
two cartons" --notes "ünïcödé ☃")
gone=$(on a "$CHITTY" add "Deleted, and nobody minds")
on a "$CHITTY" todo delete "$gone" >/dev/null
fought=$(on a "$CHITTY" add "Deleted here, changed there")
on b "$CHITTY" add "Brought along by the other" --label other >/dev/null
on b "$CHITTY_NODE" join "$(on a "$CHITTY_NODE" invite --ticket | tail -n 1)" --bring >/dev/null
together

# --- apart
kill "$pid_b" && wait "$pid_b"
on a "$CHITTY" todo update "$milk" --content "Buy oat milk" --label +a --label -home >/dev/null
on a "$CHITTY" todo update "$milk" --description "written by a" --status in_progress >/dev/null
on a "$CHITTY" todo delete "$fought" >/dev/null
on a "$CHITTY" project update "$project" --milestone 'alpha={"done":true}' >/dev/null
kill "$pid_a" && wait "$pid_a"
cp -R "$work/a" "$work/backup"
start b
pid_b=$pid
on b "$CHITTY" todo update "$milk" --content "Buy soy milk" --label +b >/dev/null
on b "$CHITTY" todo update "$milk" --description "written by b" --status blocked >/dev/null
on b "$CHITTY" todo update "$fought" --notes "still needed" >/dev/null
on b "$CHITTY" project update "$project" --milestone 'alpha={"done":null}' >/dev/null
i=0
while [ $i -lt 20 ]; do
    on b "$CHITTY" add "One of many, $i" --label many >/dev/null
    i=$((i + 1))
done

# --- together, then from a backup: a fork
start a --peer "$address"
pid_a=$pid
together
on a "$CHITTY" todo update "$milk" --priority low >/dev/null
together
kill "$pid_a" && wait "$pid_a"
rm -r "$work/a"
mv "$work/backup" "$work/a"
kill "$pid_b" && wait "$pid_b"
start a
pid_a=$pid
on a "$CHITTY" todo update "$milk" --priority critical >/dev/null
on_a=$address
start b --peer "$on_a"
pid_b=$pid
together
on a "$CHITTY" "done" "$milk" >/dev/null
together

# --- what the other wrote last is void, and built upon
sleep 1
time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 1
void=$(on b "$CHITTY" add "Written by who was not to")
on b "$CHITTY" todo update "$milk" --notes "not to be" >/dev/null
together
on a "$CHITTY" todo update "$void" --priority high >/dev/null
on a "$CHITTY_NODE" revoke other --compromised --before "$time" >/dev/null
kill "$pid_b" && wait "$pid_b"
kill "$pid_a" && wait "$pid_a"
pid_a='' pid_b=''

# --- what is kept of it
mkdir -p "$golden/$name/spaces"
space=$(cat "$work/a/space")
cp "$work/a/device.key" "$work/a/device.name" "$work/a/space" "$golden/$name"
cp "$work/a/spaces/$space.db" "$golden/$name/spaces"
start a
pid_a=$pid
CHITTY_HOME=$work/a python3 "$golden/read_home.py" >"$golden/$name.json"
kill "$pid_a" && wait "$pid_a"
pid_a=''
ls -lR "$golden/$name"
