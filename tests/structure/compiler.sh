# The program that compiles needs nothing of the machine it runs on but a kernel: no interpreter, no
# library, no symbol. It is mapped at random, its stack holds no code, what it need not write after
# its start it cannot write, and no page of it can be both written and executed.
. "$(dirname "$0")/lib.sh"
program=${BHD_BUILD_DIR:?}/bulkhead-compile

header=$(readelf --file-header --wide "$program") || breach "there is no $program"
grep -q 'Type: *DYN' <<<"$header" || breach "it is not position independent"

segments=$(readelf --program-headers --wide "$program")
if grep -q INTERP <<<"$segments"; then breach "it has an interpreter"; fi
grep -q GNU_RELRO <<<"$segments" || breach "what is relocated stays writable"
# Flags are the fields between the size in memory and the alignment.
while read -r kind flags; do
    [[ $flags != *W*E* ]] || breach "a segment $kind is writable and executable"
done < <(awk '$1 == "LOAD" || $1 == "GNU_STACK" { flags = ""; for (i = 7; i < NF; i++) flags = flags $i; print $1, flags }' \
    <<<"$segments")
grep -q GNU_STACK <<<"$segments" || breach "it does not say what its stack is"

dynamic=$(readelf --dynamic --wide "$program")
if grep NEEDED <<<"$dynamic"; then breach "it needs a library"; fi
grep -q 'FLAGS_1.*PIE' <<<"$dynamic" || breach "it does not say that it is position independent"
grep -q 'FLAGS.*NOW' <<<"$dynamic" || breach "it binds late"
if grep -q TEXTREL <<<"$dynamic"; then breach "its code is relocated"; fi
imports=$(readelf --dyn-syms --wide "$program" | awk '$7 == "UND" && $8 != ""')
[[ -z $imports ]] || breach "it imports: $imports"

# All of it is what runs when it is started by hand.
said=$("$program" 2>&1 </dev/null) && breach "started by hand it says that all is well"
[[ $said == "bulkhead-compile: a part of Bulkhead"* ]] || breach "started by hand it says: $said"

verdict "bulkhead-compile"
