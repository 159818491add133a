# A file holds one concept: below 800 lines. A line fits 100 columns.
. "$(dirname "$0")/lib.sh"

all=$(files "c h rs sh cmake wat" .)
for file in $all CMakeLists.txt Makefile; do
    lines=$(wc -l <"$file")
    if [[ $lines -ge 800 ]]; then breach "$file has $lines lines"; fi
done
for file in $(files "c h" include src compiler cli rust/include tests bench examples fuzz); do
    while read -r line; do
        breach "$file:$line is longer than 100 columns"
    done < <(LC_ALL=C.UTF-8 awk 'length($0) > 100 { print NR }' "$file")
done
verdict "the sizes of files and lines"
