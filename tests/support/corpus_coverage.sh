#!/bin/sh
# usage: corpus_coverage.sh BUILD [HARNESS…]
# Shows that each harness's seeds, alone, reach at least 85 % of the lines of the decoder it is for.
# BUILD is a build with -Db_coverage=true. A harness names its decoder in a comment line of its own:
#     /* covers: crdt/mp.c */
set -eu
least=85
build=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
if [ $# = 0 ]; then
    # shellcheck disable=SC2046
    set -- $(ls fuzz | sed -n 's/^fuzz_\(.*\)\.c$/\1/p')
fi
failed=0
for name in "$@"; do
    sources=$(sed -n 's|^/\* covers: \(.*\) \*/$|\1|p' "fuzz/fuzz_$name.c")
    if [ -z "$sources" ]; then
        printf 'FAILED  %s: fuzz/fuzz_%s.c has no line /* covers: … */\n' "$name" "$name"
        failed=1
        continue
    fi
    find "$build" -name '*.gcda' -delete
    if ! "$build/fuzz/replay-$name" "fuzz/corpus/$name" >/dev/null 2>&1; then
        printf 'FAILED  %s: its corpus does not replay\n' "$name"
        failed=1
        continue
    fi
    # One report a harness, of the floors its decoder is on: file,lines,reached,per cent,…
    set_of_floors=$(printf '%s\n' $sources | sed "s|/.*||; s|^|$build/|" | sort -u)
    # shellcheck disable=SC2086
    gcovr --csv --root . $set_of_floors >"$build/corpus.csv" 2>/dev/null || : >"$build/corpus.csv"
    for source in $sources; do
        reached=$(awk -F, -v source="$source" '$1 == source { printf "%.1f", 100 * $3 / $2 }' \
            "$build/corpus.csv")
        word='ok     '
        if [ -z "$reached" ] || [ "${reached%.*}" -lt "$least" ]; then
            word='FAILED '
            failed=1
        fi
        printf '%s %s: %s %% of %s\n' "$word" "$name" "${reached:-0}" "$source"
    done
done
[ $failed = 0 ] || printf 'Each is to reach %s %%.\n' "$least"
exit $failed
