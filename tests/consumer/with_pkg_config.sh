# Consumers that ask pkg-config: shared, static, and linked statically through and through.
. "$(dirname "$0")/lib.sh"
export PKG_CONFIG_PATH=$stage/lib/pkgconfig
strict="-Wall -Wextra -Wpedantic -Werror"
read -r -a flags < <(pkg-config --cflags bulkhead)
read -r -a shared < <(pkg-config --libs bulkhead)
read -r -a static < <(pkg-config --static --libs bulkhead)

compiler=$(pkg-config --variable=compiler bulkhead)
[[ -x $compiler ]] || fail "pkg-config names a compiler that is not there: $compiler"

build() { # LANGUAGE OUTPUT LINK_FLAGS...
    local output=$2 compiler
    case $1 in
        c11) compiler=("$CC" -std=c11 -x c) ;;
        c++17) compiler=("$CXX" -std=c++17 -x c++) ;;
    esac
    shift 2
    "${compiler[@]}" $strict "${flags[@]}" "$here/consumer.c" -x none -o "$output" "$@"
}

for language in c11 c++17; do
    build $language "$work/shared" "${shared[@]}"
    readelf --dynamic "$work/shared" | grep -q 'NEEDED.*libbulkhead\.so\.0' ||
        fail "$language: the shared library is not used"
    consume "$language, shared" env LD_LIBRARY_PATH="$stage/lib" "$work/shared"

    build $language "$work/static" -DCOMPILER="\"$compiler\"" "${static[@]/#-lbulkhead/-l:libbulkhead.a}"
    if readelf --dynamic "$work/static" | grep 'NEEDED.*libbulkhead'; then
        fail "$language: the static library is not used"
    fi
    consume "$language, static" "$work/static"

    # glibc warns that resolving names (which no guest may ask for) still needs its shared objects.
    build $language "$work/through" -DCOMPILER="\"$compiler\"" -static "${static[@]}" 2>"$work/said" || fail "$(cat "$work/said")"
    consume "$language, static through and through" "$work/through"
done
