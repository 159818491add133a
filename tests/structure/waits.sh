# Every row of the table "What can wait" in docs/ISOLATION.md has a case in a test of two tenants, and
# every case there has a row.
. "$(dirname "$0")/lib.sh"

page=docs/ISOLATION.md
rows=$(mktemp)
cases=$(mktemp)
trap 'rm -f "$rows" "$cases"' EXIT

# The first column between the heading and the next one.
awk '/^## / { inside = $0 == "## What can wait" }
     inside && /^\| / && !/^\| what waits / { sub(/^\| /, ""); sub(/ \|.*/, ""); print }' "$page" |
    sort >"$rows"
# The first text of each row of a table `ways`.
awk '/^static const struct way \{/ { inside = 1 }
     inside && /^};/ { inside = 0 }
     inside && /^    \{"/ { sub(/^    \{"/, ""); sub(/".*/, ""); print }' \
    tests/security/test_waits*.c | sort >"$cases"

[[ $(wc -l <"$rows") -ge 9 ]] || breach "$page: the table of what can wait is gone"
while IFS= read -r row; do
    breach "$page: no test has two tenants for \"$row\" (tests/security/test_waits*.c, ways)"
done < <(comm -23 "$rows" "$cases")
while IFS= read -r row; do
    breach "tests/security/test_waits*.c: \"$row\" is not in the table of $page"
done < <(comm -13 "$rows" "$cases")
verdict "the table of what can wait"
