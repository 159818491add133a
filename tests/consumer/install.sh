# Installs, checks that exactly what should be there is there, and moves the tree: nothing in it may
# depend on where it was installed.
. "$(dirname "$0")/lib.sh"
version=$(sed -n 's/.*define BHD_LIBRARY_VERSION "\(.*\)"/\1/p' "$BHD_SOURCE_DIR/include/bulkhead/version.h")

rm -rf "$stage"
(umask 002 && DESTDIR=$work cmake --install "$BHD_BUILD_DIR" --prefix /opt/first) >"$work/log" || fail "$(cat "$work/log")"
mkdir -p "$(dirname "$stage")"
mv "$work/opt/first" "$stage"

{
    for header in "$BHD_SOURCE_DIR"/include/bulkhead/*.h; do echo "include/bulkhead/${header##*/}"; done
    echo bin/bulkhead
    echo lib/libbulkhead.a
    echo lib/libbulkhead.so
    echo lib/libbulkhead.so.0
    echo "lib/libbulkhead.so.$version"
    echo libexec/bulkhead/bulkhead-compile
    echo lib/pkgconfig/bulkhead.pc
    echo lib/cmake/Bulkhead/BulkheadConfig.cmake
    echo lib/cmake/Bulkhead/BulkheadConfigVersion.cmake
} | sort >"$work/wanted"
(cd "$stage" && find . ! -type d | sed 's|^\./||' | sort) >"$work/found"
diff "$work/wanted" "$work/found" || fail "the installed tree is not what it should be (< missing, > not expected)"

if grep -rlE "$work|$BHD_SOURCE_DIR|$BHD_BUILD_DIR" "$stage/include" "$stage/lib/pkgconfig" "$stage/lib/cmake"; then
    fail "these files know where they were built or installed"
fi

# Whatever the umask was, nobody else can put another compiler there.
shared=$(find "$stage/libexec" -perm /022)
[[ -z $shared ]] || fail "others may write to $shared"

said=$("$stage/bin/bulkhead" --version) || fail "bulkhead --version: exit code $?"
[[ $said == *"$version"* ]] || fail "bulkhead --version says: $said"
echo "installed $(wc -l <"$work/found") files: $said"
