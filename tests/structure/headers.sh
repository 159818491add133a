# Each public header compiles alone, as C11 and as C++17, without a warning; and twice, guarded.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -fsyntax-only -Iinclude"

try() { # COMPILER STANDARD FILE HEADER
    if ! "$1" "-std=$2" $strict "$3" >"$work/said" 2>&1; then
        breach "include/bulkhead/$4 as $2 with $1:"
        cat "$work/said"
    fi
}

for path in include/bulkhead/*.h; do
    header=${path##*/}
    for suffix in c cc; do
        printf '#include <bulkhead/%s>\n#include <bulkhead/%s>\n' "$header" "$header" >"$work/alone.$suffix"
    done
    try "${CC:-gcc}" c11 "$work/alone.c" "$header"
    try "${CXX:-g++}" c++17 "$work/alone.cc" "$header"
    if [[ $header != bulkhead.h ]] && ! grep -q "#include \"$header\"" include/bulkhead/bulkhead.h; then
        breach "include/bulkhead/bulkhead.h does not include $header"
    fi
done
verdict "the public headers"
