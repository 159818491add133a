# Every C listing of docs/EMBEDDING.md stands, line by line, in a program below examples/ that is
# built and run by a test.
. "$(dirname "$0")/lib.sh"

page=docs/EMBEDDING.md
mapfile -t programs < <(files c examples | xargs grep -l '<bulkhead/')
[[ ${#programs[@]} -gt 0 ]] || breach "there are no programs below examples/"

# The listing, a file of lines, is in the program as it stands.
stands_in() { # LISTING PROGRAM
    LISTING=$(cat "$1") awk '
        BEGIN { listing = ENVIRON["LISTING"] "\n" }
        { text = text $0 "\n" }
        END { exit index(text, listing) == 0 }' "$2"
}

listing=$(mktemp)
trap 'rm -f "$listing"' EXIT
count=0
begin=0
number=0
while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    if [[ $line == '```c' ]]; then
        begin=$number
        : >"$listing"
    elif [[ $line == '```' && $begin -gt 0 ]]; then
        count=$((count + 1))
        found=no
        for program in "${programs[@]}"; do
            ! stands_in "$listing" "$program" || found=yes
        done
        [[ $found == yes ]] || breach "$page:$begin: no example has this listing"
        begin=0
    elif [[ $begin -gt 0 ]]; then
        printf '%s\n' "$line" >>"$listing"
    fi
done <"$page"
[[ $count -ge 5 ]] || breach "$page: the listings are gone"

verdict "the $count listings of $page"
