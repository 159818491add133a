#!/usr/bin/env bash
# Makes libbulkhead.a: one relocatable object of our objects and what they reach of the engine.
#
#     archive.sh ARCHIVE SHARED_LIBRARY INPUTS...
#
# The shared library tells which symbols are public: both libraries offer the same.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
archive=$1
shared=$2
shift 2

work=$(mktemp -d "$archive.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$READELF" --dyn-syms --wide "$shared" |
    awk '$5 == "GLOBAL" && $7 != "UND" { sub(/@.*/, "", $8); print $8 }' | sort >"$work/public"
if [[ ! -s $work/public ]]; then
    echo "archive.sh: $shared exports nothing" >&2
    exit 1
fi
sed 's/^/--undefined=/' "$work/public" >"$work/roots"

# Groups are dissolved so that no other Rust library's copy of one is taken for ours.
"$LD" -r --gc-sections --force-group-allocation --script="$here/archive.ld" \
    "@$work/roots" -o "$work/bulkhead.o" "$@"
# What only code left out asked for stays behind as local and undefined. objcopy would make strong
# references of it, weak ones included; another Rust library in the same program would then have to
# find what its C library may lack.
"$READELF" --syms --wide "$work/bulkhead.o" |
    awk '$5 == "LOCAL" && $7 == "UND" && $8 != "" { print "--strip-symbol=" $8 }' >"$work/unused"
"$OBJCOPY" --keep-global-symbols="$work/public" "@$work/unused" "$work/bulkhead.o"
rm -f "$archive"
"$AR" rcs "$archive" "$work/bulkhead.o"
