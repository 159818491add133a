# Every file of ours that a page names is there, as far as the page says where.
. "$(dirname "$0")/lib.sh"

all=$(mktemp)
trap 'rm -f "$all"' EXIT
find . \( -name .git -o -path ./build -o -name target \) -prune -o -type f -print | sed 's|^\.||' >"$all"

named=0
for page in README.md CONTRIBUTING.md docs/*.md; do
    while IFS=: read -r line name; do
        named=$((named + 1))
        grep -qF "/$name" < <(grep -E "/${name//./\\.}\$" "$all") || breach "$page:$line: there is no file $name"
    done < <(grep -noE '`[a-z0-9_/]+\.(c|h|rs|sh|cmake|ld|map)`' "$page" | tr -d '`')
done
if [[ $named -lt 100 ]]; then breach "only $named names of files were found"; fi
verdict "$named names of files"
