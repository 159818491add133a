# Shared by the consumer tests. Sourced, not run.
#
#     BHD_SOURCE_DIR, BHD_BUILD_DIR  the source and the build
#     BHD_STAGE_DIR                  the installed tree that consumers are built against
#     CC, CXX                        compilers
set -euo pipefail
here=${BHD_SOURCE_DIR:?}/tests/consumer
stage=${BHD_STAGE_DIR:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*"
    exit 1
}

# Runs a consumer and checks what it says.
consume() { # WHAT PROGRAM...
    local what=$1 said
    shift
    said=$("$@") || fail "$what: exit code $?"
    [[ $said == "bulkhead "*": 19 + 23 = 42, 65536 bytes in use" ]] || fail "$what said: $said"
    echo "$what: $said"
}
