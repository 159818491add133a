# Consumers that ask CMake's find_package, as C11 and C++17, shared and static.
. "$(dirname "$0")/lib.sh"
cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$stage" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
cmake --build "$work/build" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
for program in c_bulkhead c_static cc_bulkhead cc_static; do
    consume "$program" "$work/build/$program"
done

# A version that is not there is refused.
sed 's/find_package(Bulkhead 0.1/find_package(Bulkhead 7.0/' "$here/CMakeLists.txt" >"$work/CMakeLists.txt"
cp "$here"/consumer.* "$work/"
if cmake -S "$work" -B "$work/refused" -G Ninja -DCMAKE_PREFIX_PATH="$stage" >"$work/log" 2>&1; then
    fail "find_package accepted version 7.0"
fi
grep -q 'requested version "7.0"' "$work/log" || fail "$(cat "$work/log")"
