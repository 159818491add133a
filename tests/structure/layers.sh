# A file includes its own room and lower ones only; the engine's headers stay in src/engine;
# whoever uses the library uses its public headers and nothing else.
. "$(dirname "$0")/lib.sh"

declare -A below=(
    [base]="base"
    [limits]="base limits"
    [grants]="base grants"
    [manifest]="base limits grants manifest"
    [memory]="base memory"
    [schedule]="base schedule"
    [values]="base values"
    [compile]="base compile"
    [engine]="base limits grants memory schedule values compile engine"
    [sandbox]="base limits grants manifest memory schedule values compile engine sandbox"
)

engine_header='^(wasm|wasmtime|wasi|doc-wasm)(/.*)?\.hh?$|^wasmtime/|^bulkhead_(engine|inspect|values)\.h$'

# "LINE FORM NAME" for every include of a file; FORM is < or ".
includes() { # FILE
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"]\)\([^>"]*\)[>"].*/\1 \2/;T;=;p' "$1" | paste -d ' ' - -
}

known_room() { [[ -n ${below[$1]:-} ]]; }

checked=0
for file in $(files "c h" src); do
    checked=$((checked + 1))
    room=${file#src/}
    room=${room%%/*}
    if ! known_room "$room"; then
        breach "$file: src/$room is not a room"
        continue
    fi
    while read -r line form name; do
        if [[ $name =~ $engine_header ]]; then
            [[ $room == engine ]] || breach "$file:$line: $name is for src/engine only"
        elif [[ $name == bulkhead_toml.h ]]; then
            [[ $room == manifest || $room == engine ]] || breach "$file:$line: $name is for src/manifest only"
        elif [[ $name == bulkhead_digest.h ]]; then
            [[ $room == compile ]] || breach "$file:$line: $name is for src/compile only"
        elif [[ $name == bulkhead/* ]]; then
            [[ -f include/$name ]] || breach "$file:$line: there is no include/$name"
        elif [[ $form == '"' ]]; then
            other=${name%%/*}
            if [[ $name != */* ]] || ! known_room "$other" || [[ ! -f src/$name ]]; then
                breach "$file:$line: \"$name\" is not written from include/ or src/"
            elif [[ " ${below[$room]} " != *" $other "* ]]; then
                breach "$file:$line: src/$room may not know src/$other ($name)"
            fi
        fi
    done < <(includes "$file")
done

for file in $(files h include); do
    checked=$((checked + 1))
    while read -r line form name; do
        if [[ $form == '"' ]]; then
            [[ -f include/bulkhead/$name && $name != */* ]] ||
                breach "$file:$line: \"$name\" is no sibling of a public header"
        elif [[ ! $name =~ ^std[a-z]+\.h$ ]]; then
            breach "$file:$line: <$name> in a public header"
        fi
    done < <(includes "$file")
done

# The program that compiles: what it exchanges with the host, how a binary is translated, the lowest
# room, its own and the system's.
for file in $(files "c h" compiler); do
    checked=$((checked + 1))
    while read -r line form name; do
        if [[ $name =~ $engine_header || $name == bulkhead_* || $name == jansson.h ]]; then
            breach "$file:$line: $name is not for compiler/"
        elif [[ $form == '<' && -f src/$name ]]; then
            breach "$file:$line: <$name> is inside the library"
        elif [[ $name == bulkhead/* ]]; then
            [[ -f include/$name ]] || breach "$file:$line: there is no include/$name"
        elif [[ $form == '"' && $name == */* ]]; then
            [[ $name =~ ^(base/.*|compile/exchange\.h|engine/code/translate\.h)$ && -f src/$name ]] ||
                breach "$file:$line: compiler/ may not know $name"
        elif [[ $form == '"' ]]; then
            [[ -f compiler/$name ]] || breach "$file:$line: \"$name\" is not beside the file"
        fi
    done < <(includes "$file")
done

# The command and the examples: public headers, their own, the system's, jansson's.
for file in $(files "c h" cli examples); do
    checked=$((checked + 1))
    directory=$(dirname "$file")
    while read -r line form name; do
        if [[ $name == bulkhead/* ]]; then
            [[ -f include/$name ]] || breach "$file:$line: there is no include/$name"
        elif [[ $form == '"' ]]; then
            [[ $name != */* && -f $directory/$name ]] ||
                breach "$file:$line: \"$name\" is neither public nor beside the file"
        elif [[ $name =~ $engine_header || $name == bulkhead_* || -f src/$name ]]; then
            breach "$file:$line: <$name> is inside the library"
        fi
    done < <(includes "$file")
done

verdict "the includes of $checked files"
