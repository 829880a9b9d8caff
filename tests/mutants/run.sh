#!/bin/sh
# usage: run.sh [MUTANT…]
# Shows that the property tests can fail: each patch here breaks one rule in a copy of the tree, and
# a property test has to turn red within a minute. A patch that no longer applies, or a mutant that
# lives, is a failure. The whole takes some ten minutes on two cores.
#   CHITTY_SEED   the seed of the histories, 7 unless set
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
seed=${CHITTY_SEED:-7}
within_s=60
copy=$(mktemp -d "${TMPDIR:-/tmp}/chitty-mutants-XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP

echo "# CHITTY_SEED=$seed"
(cd "$root" && git ls-files -z | tar -cf - --null -T -) | tar -xf - -C "$copy"
meson setup "$copy/build" "$copy" >/dev/null
targets='tests/test-state_random tests/prop/prop-store tests/prop/prop-rulings
    tests/test-ruling_random'
# shellcheck disable=SC2086
ninja -C "$copy/build" $targets >"$copy/log" 2>&1 || {
    cat "$copy/log" >&2
    exit 1
}

# red PATCH: the model against the folded state first, which takes seconds; then against the store,
# with rulings and without.
# What breaks net/ has its own: the clauses on rulings, read twice.
red() {
    if grep -q '^+++ b/net/' "$1"; then
        CHITTY_SEED=$seed CHITTY_CASES=1000 timeout "$within_s" \
            "$copy/build/tests/test-ruling_random" >"$copy/log" 2>&1 && return 1
        [ $? != 124 ]
        return
    fi
    CHITTY_SEED=$seed CHITTY_HISTORIES=400 timeout "$within_s" \
        "$copy/build/tests/test-state_random" >"$copy/log" 2>&1 || return 0
    rulings=0
    CHITTY_SEED=$seed CHITTY_CASES=60 timeout "$within_s" "$copy/build/tests/prop/prop-rulings" \
        >"$copy/log" 2>&1 || rulings=$?
    [ "$rulings" = 0 ] || [ "$rulings" = 124 ] || return 0
    CHITTY_SEED=$seed timeout "$within_s" "$copy/build/tests/prop/prop-store" \
        >"$copy/log" 2>&1 && return 1
    [ $? != 124 ] # out of time is not red
}

[ $# != 0 ] || set -- "$root"/tests/mutants/*.patch
echo "1..$#"
number=0
lived=0
for patch in "$@"; do
    number=$((number + 1))
    name=$(basename "$patch" .patch)
    file=$root/tests/mutants/$name.patch
    start=$(date +%s)
    verdict='not ok'
    if ! patch -s -p1 -d "$copy" <"$file"; then
        echo "# $name does not apply any more"
    elif ! ninja -C "$copy/build" $targets >"$copy/log" 2>&1; then
        echo "# $name does not compile"
    elif red "$file"; then
        verdict=ok
    fi
    [ "$verdict" = ok ] || lived=$((lived + 1))
    echo "$verdict $number - $name is found ($(($(date +%s) - start)) s)"
    patch -s -R -p1 -d "$copy" <"$file" || exit 1
done
[ "$lived" = 0 ]
