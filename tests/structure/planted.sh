# The structure tests can fail: each finds a breach that is planted in a copy of the tree.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A small tree is enough, and quick: the contract, the lowest room, and these tests.
for place in include src/base rust/src/lib.rs tests/structure tests/support/matrix.h CMakeLists.txt Makefile; do
    mkdir -p "$work/clean/$(dirname "$place")"
    cp -r "$place" "$work/clean/$place"
done
mkdir -p "$work/clean/src/memory" "$work/clean/src/limits"
: >"$work/clean/src/memory/planted_room.h"
: >"$work/clean/src/limits/planted_limit.h"
mkdir -p "$work/clean/src/engine/run"
: >"$work/clean/src/engine/run/clock.h"
: >"$work/clean/src/engine/structs.h"

planted=0
# TEST fails when LINE is added to FILE, and says why.
plant() { # TEST FILE LINE REASON
    local tree=$work/planted
    planted=$((planted + 1))
    rm -rf "$tree"
    cp -r "$work/clean" "$tree"
    mkdir -p "$(dirname "$tree/$2")"
    printf '%b\n' "$3" >>"$tree/$2"
    if BHD_SOURCE_DIR=$tree bash "$tree/tests/structure/$1.sh" >"$work/said" 2>&1; then
        breach "$1 did not see in $2: $3"
    elif ! grep -qF "$4" "$work/said"; then
        breach "$1 failed on $2 without saying \"$4\":"
        cat "$work/said"
    fi
}

plant layers src/base/planted.c '#include "limits/manifest.h"' 'src/base/planted.c:1: '
plant layers src/limits/planted.c '#include "memory/planted_room.h"' 'may not know src/memory'
plant layers src/memory/planted.c '#include "limits/planted_limit.h"' 'may not know src/limits'
plant layers src/sandbox/planted.c '#include <wasmtime.h>' 'is for src/engine only'
plant layers src/limits/planted.c '#include "bulkhead_engine.h"' 'is for src/engine only'
plant layers src/memory/planted.c '#include "bulkhead_toml.h"' 'is for src/manifest only'
plant layers src/engine/host/planted.c '#include "engine/run/clock.h"' 'engine/host/planted.c may not know engine/run/clock.h'
plant layers src/sandbox/planted.c '#include "engine/structs.h"' 'engine/structs.h is for src/engine only'
plant layers src/base/alloc.h '#include "base/fail.h"' 'files that include each other'
plant layers src/extra/planted.c '#include <stdio.h>' 'src/extra is not a room'
plant layers include/bulkhead/base.h '#include <wasm.h>' 'in a public header'
plant layers cli/planted.c '#include "../src/memory/planted_room.h"' 'neither public nor beside'
plant layers examples/embed/planted.c '#include <wasmtime.h>' 'is inside the library'
plant layers compiler/planted.c '#include "memory/planted_room.h"' 'compiler/ may not know memory/planted_room.h'
plant layers compiler/planted.c '#include <wasmtime.h>' 'is not for compiler/'
plant headers include/bulkhead/planted.h 'size_t bhd_planted(void);' 'planted.h as c11'
plant headers include/bulkhead/status.h 'typedef struct { int class; } bhd_planted; int f(int new);' 'status.h as c++17'
plant headers include/bulkhead/planted.h 'typedef int bhd_planted;' 'does not include planted.h'
plant prefixes include/bulkhead/base.h '#define PLANTED 1' 'macro PLANTED'
plant prefixes include/bulkhead/base.h 'typedef struct planted planted;' 'type planted'
plant prefixes src/base/planted.h 'typedef struct bhd_planted {\n    int x;\n} bhd_planted;' 'does not begin with bhd__'
plant prefixes rust/src/planted.rs 'pub extern "C" fn planted() {}' 'planted is given to C'
plant sizes src/base/planted.c "$(yes '\n' | head -n 900 | tr -d '\n')" 'src/base/planted.c has'
plant sizes src/base/planted.c "$(printf '/*%099d*/' 0)" 'longer than 100 columns'
plant forbidden cli/planted.c 'int f(char *s) { return atoi(s); }' 'cli/planted.c:1: never used here'
plant forbidden src/memory/planted.c 'void f(void) { /* x */ free(0); }' 'the heap is behind'
plant forbidden src/limits/planted.c 'void f(void) { printf("x"); }' 'the library never prints'
plant forbidden src/limits/planted.c 'void f(char *b) { snprintf(b, 1, "x"); }' 'text is made through'
plant forbidden src/sandbox/planted.c 'void f(void) { exit(1); }' 'the library never exits'
plant matrix include/bulkhead/call.h 'BHD_PUBLIC void bhd_planted(void);' 'bhd_planted is neither in'
plant matrix tests/support/matrix.h '    X(bhd_planted, ANY)' 'bhd_planted is no public function'
plant names tests/base/alloc.h '' 'more than one file is called base/alloc.h'
plant names src/memory/memory_planted.c '' 'has the name of its folder in its own'
plant names src/base/planted.c '/* see /ro''ot/notes */' 'a path of one machine'
plant tour docs/planted.md 'see `base/nowhere.c`' 'docs/planted.md:1: there is no file base/nowhere.c'
plant unfinished src/base/planted.c '/* TO''DO: later */' 'src/base/planted.c:1'
plant names lib/planted.o '' 'is a build product'

verdict "$planted planted breaches"
