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
    for source in $sources; do
        summary=$(gcovr --root . --filter "$(printf '%s' "$source" | sed 's/\./\\./g')\$" \
            --exclude-unreachable-branches --print-summary "$build" 2>/dev/null |
            sed -n 's/^lines: \([0-9.]*\)%.*/\1/p') || summary=
        if [ -z "$summary" ]; then
            printf 'FAILED  %s: no line of %s was reached\n' "$name" "$source"
            failed=1
        elif [ "${summary%.*}" -lt "$least" ]; then
            printf 'FAILED  %s: %s %% of %s, at least %s\n' "$name" "$summary" "$source" "$least"
            failed=1
        else
            printf 'ok      %s: %s %% of %s\n' "$name" "$summary" "$source"
        fi
    done
done
exit $failed
