# scripts/engine-cache removes engines that nobody uses, and nothing else.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$work/bulkhead

engine() { # DIGIT DAYS SINCE IT WAS USED
    local directory=$cache/engine-$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1
    mkdir -p "$directory/lib"
    echo engine >"$directory/lib/libbulkhead_engine.a"
    touch -d "$2 days ago" "$directory"
    echo "$directory"
}

use() { XDG_CACHE_HOME=$work scripts/engine-cache "$1"; }

left() { (cd "$cache" && ls -d ./*/ | tr -d './' | paste -sd ' '); }

expect() { # WHAT IT IS ABOUT, WANTED, GOT
    [[ $3 == "$2" ]] || breach "$1"$'\n'"  expected: $2"$'\n'"  got:      $3"
}

one=$(engine 1 40)
engine 2 41 >/dev/null
engine 3 42 >/dev/null
mkdir "$cache/engine-target" "$cache/guest-tools"
touch -d "100 days ago" "$cache/engine-target" "$cache/guest-tools"
others="engine-target guest-tools"
all() { for digit in "$@"; do printf 'engine-%s ' "$(printf "$digit%.0s" {1..16})"; done; }

said=$(use "$one" 2>&1)
expect "three engines are kept, however old" "$(all 1 2 3)$others" "$(left)"
expect "what that says" "" "$said"

engine 4 29 >/dev/null
engine 5 35 >/dev/null
said=$(use "$one" 2>&1 | sed 's/.*: //; s/.*-//; s/\(.\).*/\1/' | sort | paste -sd ' ')
expect "the three used last, and those of 30 days" "$(all 1 4 5)$others" "$(left)"
expect "it says which it removed" "2 3" "$said"

engine 6 1 >/dev/null
engine 7 2 >/dev/null
use "$one" 2>/dev/null
expect "what is used is not old" "$(all 1 4 6 7)$others" "$(left)"

mkdir -p "$work/elsewhere/lib"
touch -d "40 days ago" "$work/elsewhere" "$cache"/engine-4*
engine 8 50 >/dev/null
use "$work/elsewhere" 2>&1
expect "a prebuilt engine removes nothing" "$(all 1 4 6 7 8)$others" "$(left)"

verdict "scripts/engine-cache"
