#!/bin/sh
# What the pure floors ask of the world: `nm -u` of their archives against an allow-list, so that a
# clock, a file or a random byte cannot slip in.
# usage: symbols.sh LIST… -- ARCHIVE [ARCHIVE-BELOW…]
# What one of these archives defines is allowed besides the lists.
set -eu
lists=
while [ "$1" != -- ]; do
    lists="$lists $1"
    shift
done
shift
archive=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
nm --undefined-only --format=posix "$archive" | awk 'NF > 1 { print $1 }' | sort -u >"$folder/asked"
nm --defined-only --extern-only --format=posix "$@" | awk 'NF > 1 { print $1 }' |
    sort -u >"$folder/ours"
# shellcheck disable=SC2086
sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' $lists | sort -u >"$folder/allowed"
comm -23 "$folder/asked" "$folder/ours" >"$folder/outside"
grep -vxFf "$folder/allowed" "$folder/outside" >"$folder/strays" || true
if [ -s "$folder/strays" ]; then
    printf '%s asks for what a pure floor may not have:\n' "$archive"
    cat "$folder/strays"
    exit 1
fi
printf '%s: %s symbols from outside, all allowed\n' "$archive" "$(wc -l <"$folder/outside")"
