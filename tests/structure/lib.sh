# Shared by the structure tests, which look at the source tree and at the libraries and say of every
# breach where it is. Sourced, not run.
#
#     BHD_SOURCE_DIR  the tree to look at
#     BHD_BUILD_DIR   where it was built (only tests of the libraries)
#     CC, CXX         compilers
set -euo pipefail
export LC_ALL=C
cd "${BHD_SOURCE_DIR:?}"
breaches=0

breach() {
    echo "$*"
    breaches=$((breaches + 1))
}

# Every test ends with this.
verdict() { # WHAT WAS LOOKED AT
    if [[ $breaches -gt 0 ]]; then
        echo "$breaches breach(es)"
        exit 1
    fi
    echo "no breach in $*"
}

# Files below the given places with the given extensions ("c h"), build products left out.
files() { # EXTENSIONS PLACES...
    local extensions=$1 place extension names=()
    shift
    for extension in $extensions; do names+=(-o -name "*.$extension"); done
    for place in "$@"; do
        if [[ -e $place ]]; then
            find "$place" \( -name build -o -name target -o -name .git \) -prune -o \
                -type f \( "${names[@]:1}" \) -print
        fi
    done | sort
}

# The text of a C file without comments, line numbers kept.
code() { # FILE
    awk '
        {
            line = $0; out = ""
            while (length(line) > 0) {
                if (inside) {
                    at = index(line, "*/")
                    if (at == 0) { line = ""; break }
                    line = substr(line, at + 2); inside = 0
                } else if (match(line, /"([^"\\]|\\.)*"|'"'"'([^'"'"'\\]|\\.)*'"'"'|\/\*|\/\//)) {
                    token = substr(line, RSTART, RLENGTH)
                    out = out substr(line, 1, RSTART - 1)
                    line = substr(line, RSTART + RLENGTH)
                    if (token == "/*") inside = 1
                    else if (token == "//") line = ""
                    else out = out token
                } else { out = out line; line = "" }
            }
            print out
        }' "$1"
}

# Names of the functions that the public headers declare BHD_PUBLIC.
public_functions() {
    local header
    for header in include/bulkhead/*.h; do
        "${CC:-cc}" -std=c11 -E -P -Iinclude "$header"
    done | tr '\n' ' ' | sed 's/[;{}]/&\n/g' |
        sed -n 's/__attribute__((warn_unused_result))//g
                s/.*__attribute__((visibility("default")))[^(]*[ *]\([A-Za-z_0-9]*\)(.*/\1/p' | sort -u
}
