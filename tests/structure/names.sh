# A file is known by its name and the folder that it is in, its name does not begin with the
# folder's, and no file knows the machine it was written on.
. "$(dirname "$0")/lib.sh"

while read -r name; do
    breach "more than one file is called $name:" $(files "c h rs" . | grep "/$name$")
done < <(files "c h rs" . | awk -F/ '{ print $(NF - 1) "/" $NF }' | sort | uniq -d)

while read -r file; do
    folder=${file%/*}
    folder=${folder##*/}
    name=${file##*/}
    if [[ $name == "$folder"_* ]]; then breach "$file has the name of its folder in its own"; fi
done < <(files "c h" src)

while IFS=: read -r file line text; do
    breach "$file:$line: a path of one machine: $text"
done < <(grep -rnIE '(/ro''ot/|/ho''me/[a-z]+/|/Us''ers/[a-z]+/)' . --exclude-dir=.git --exclude-dir=build --exclude-dir=target || true)

while read -r file; do
    breach "$file is a build product"
done < <(find . \( -name .git -o -path ./build -o -name target \) -prune -o -type f \( -name '*.o' -o -name '*.a' -o -name '*.so' \) -print)
verdict "the names of files and paths in them"
