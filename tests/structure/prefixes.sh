# Names that reach others begin with bhd_ or BHD_ (include guards: BULKHEAD_): macros and types of
# the public headers, macros and types of internal headers, and what the engine crate gives to C.
. "$(dirname "$0")/lib.sh"

for file in $(files h include src rust/include); do
    while IFS=: read -r line name; do
        [[ $name =~ ^(BHD_|BULKHEAD_|BHD__) ]] || breach "$file:$line: macro $name"
    done < <(code "$file" | sed -n 's/^[[:space:]]*#[[:space:]]*define[[:space:]]*\([A-Za-z_0-9]*\).*/\1/;T;=;p' | paste -d : - -)
    wanted=bhd_
    if [[ $file == src/* ]]; then wanted=bhd__; fi
    while IFS=: read -r line name; do
        [[ $name == $wanted* ]] || breach "$file:$line: type $name does not begin with $wanted"
    done < <(code "$file" | sed -n -e 's/^}[[:space:]]*\([A-Za-z_0-9]*\)[[:space:]]*;.*/\1/;t show' \
        -e 's/^typedef[^(]*(\*\([A-Za-z_0-9]*\))(.*/\1/;t show' \
        -e 's/^typedef[^({]*[ *]\([A-Za-z_0-9]*\);.*/\1/;t show' -e 'b' -e ': show' -e '/^$/b' -e '=;p' |
        paste -d : - -)
done

for file in $(files rs rust/src); do
    while IFS=: read -r line name; do
        [[ $name =~ ^bhd_(engine|toml)_ ]] || breach "$file:$line: $name is given to C without bhd_engine_ or bhd_toml_"
    done < <(sed -n 's/.*extern "C" fn \([A-Za-z_0-9]*\)(.*{.*/\1/;T;=;p' "$file" | paste -d : - -)
done
verdict "macros, types and functions"
