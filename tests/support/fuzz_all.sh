#!/bin/sh
# usage: fuzz_all.sh BUILD MINUTES SEED HARNESS…
# Fuzzes each harness for its share of the minutes. What is found new stays in BUILD/corpus/, what
# crashes is left in BUILD/crashes/ with the line that replays it, and makes the exit status 1.
set -eu
build=$1
minutes=$2
seed=$3
shift 3
cd "$(dirname "$0")/../.."
share_s=$((minutes * 60 / $#))
[ "$share_s" -gt 0 ] || share_s=1
failed=0
mkdir -p "$build/crashes"
for name in "$@"; do
    mkdir -p "$build/corpus/$name"
    printf '== fuzz %s: %s s, seed %s\n' "$name" "$share_s" "$seed"
    log=$build/corpus/$name.log
    if "$build/fuzz/fuzz-$name" -seed="$seed" -max_total_time="$share_s" -max_len=65536 \
        -timeout=10 -rss_limit_mb=512 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" \
        "$build/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
        grep -E '^stat::(number_of_executed_units|peak_rss_mb)' "$log" || true
    else
        tail -n 40 "$log"
        printf 'FAILED  %s: replay with %s/fuzz/fuzz-%s %s/crashes/%s-…\n' \
            "$name" "$build" "$name" "$build" "$name"
        failed=1
    fi
done
exit $failed
