# Nothing in the tree says that it is unfinished.
. "$(dirname "$0")/lib.sh"

words='TO''DO|FIX''ME|XX''X|HA''CK|not imple''mented|unimple''mented!|place''holder'
while IFS=: read -r file line text; do
    breach "$file:$line: $text"
done < <(grep -rnIE "\b($words)\b" . --include='*.[ch]' --include='*.rs' --include='*.sh' --include='*.md' \
    --include='*.wat' --include='*.cmake' --exclude-dir=.git --exclude-dir=build --exclude-dir=target || true)
verdict "the words"
