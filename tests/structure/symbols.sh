# Both libraries offer exactly the functions that the public headers declare BHD_PUBLIC, and what is
# shared between files inside says so by its prefix.
. "$(dirname "$0")/lib.sh"
build=${BHD_BUILD_DIR:?}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
public_functions >"$work/declared"
[[ -s $work/declared ]] || breach "no function is declared BHD_PUBLIC"

# Compares a list of symbols with what is declared.
compare() { # WHERE FILE
    local name
    for name in $(comm -23 "$work/declared" "$2"); do breach "$1 lacks $name"; done
    for name in $(comm -13 "$work/declared" "$2"); do breach "$1 exports $name, which no public header declares"; done
}

# "BIND VISIBILITY NAME" of every symbol that a file defines.
defined() { # READELF_TABLE FILE
    readelf "$1" --wide "$2" | awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $4 != "SECTION" && $4 != "FILE" {
        sub(/@.*/, "", $8); print $5, $6, $8 }'
}

defined --dyn-syms "$build/libbulkhead.so" | awk '{ print $3 }' | sort -u >"$work/shared"
compare libbulkhead.so "$work/shared"
defined --syms "$build/libbulkhead.a" | awk '$1 != "LOCAL" { print $3 }' | sort -u >"$work/static"
compare libbulkhead.a "$work/static"

# What the archive asks of others is what the shared library asks: nothing is left over from parts of
# the engine that are not in it. (pthread_atfork is in the static part of the C library.)
undefined() { # READELF_TABLE FILE
    readelf "$1" --wide "$2" | awk '$1 ~ /^[0-9]+:$/ && $7 == "UND" && $5 == "GLOBAL" { sub(/@.*/, "", $8); print $8 }' |
        sort -u
}
while read -r name; do
    [[ $name == pthread_atfork ]] || breach "libbulkhead.a asks for $name without need"
done < <(comm -23 <(undefined --syms "$build/libbulkhead.a") <(undefined --dyn-syms "$build/libbulkhead.so"))

soname=$(readelf --dynamic --wide "$build/libbulkhead.so" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p')
[[ $soname == libbulkhead.so.0 ]] || breach "libbulkhead.so calls itself $soname"

objects=0
while read -r object; do
    objects=$((objects + 1))
    while read -r bind visibility name; do
        if [[ $bind == LOCAL ]]; then continue; fi
        if [[ $visibility == DEFAULT ]]; then
            grep -qx "$name" "$work/declared" || breach "$object: $name is visible but not public"
        elif [[ $name != bhd__* ]]; then
            breach "$object: $name is shared inside the library and must begin with bhd__"
        fi
    done < <(defined --syms "$object")
done < <(find "$build/CMakeFiles/bulkhead_core.dir" -name '*.o')
[[ $objects -gt 0 ]] || breach "there are no objects of src/"
verdict "the symbols of both libraries and $objects objects"
