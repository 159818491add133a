# The C example in README.md is a program that compiles and runs as it stands.
. "$(dirname "$0")/lib.sh"
cd "$BHD_SOURCE_DIR"
awk '/^```c$/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md >"$work/readme.c"
grep -q 'main(' "$work/readme.c" || fail "README.md has no C example with a main"
export PKG_CONFIG_PATH=$stage/lib/pkgconfig
read -r -a flags < <(pkg-config --cflags --libs bulkhead)
"$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror "$work/readme.c" -o "$work/readme" "${flags[@]}"
LD_LIBRARY_PATH=$stage/lib "$work/readme" || fail "the example of README.md: exit code $?"
