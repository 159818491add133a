# A file includes its own room and lower ones only, and in the engine's room its own folder and lower
# ones; no two files include each other, however long the way around is; the engine's headers stay
# in src/engine; whoever uses the library uses its public headers and nothing else.
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

# The folders of src/engine. What lies beside them is above them all, but for the types and structs
# that all share, which are beneath them.
declare -A below_folder=(
    [process]="process"
    [code]="process code"
    [host]="process code host"
    [run]="process code host run"
)

may_know_in_engine() { # FILE OTHER, both below src/engine
    local folder=${1%/*} other=${2%/*}
    [[ $2 == types.h || $2 == structs.h ]] && return 0
    [[ $1 == types.h || $1 == structs.h ]] && return 1
    [[ $folder == "$1" ]] && return 0
    [[ $other == "$2" ]] && return 1
    [[ " ${below_folder[$folder]:-} " == *" $other "* ]]
}

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
            elif [[ $room == engine && $other == engine ]] &&
                ! may_know_in_engine "${file#src/engine/}" "${name#engine/}"; then
                breach "$file:$line: ${file#src/} may not know $name"
            elif [[ $room != engine && $name == engine/structs.h ]]; then
                breach "$file:$line: $name is for src/engine only"
            fi
        fi
    done < <(includes "$file")
done

# A header and its source are one here: a source that calls what another has is above it. tsort says
# of every circle who is in it.
circles=$(for file in $(files "c h" src cli compiler); do
    base=${file#src/}
    base=${base%.*}
    includes "$file" | while read -r line form name; do
        if [[ $form == '"' && $name != bulkhead* ]]; then
            if [[ $name != */* ]]; then name=$(dirname "$base")/$name; fi
            if [[ ${name%.*} != "$base" ]]; then echo "$base ${name%.*}"; fi
        fi
    done
done | tsort 2>&1 >/dev/null || true)
if [[ -n $circles ]]; then breach "files that include each other:" $(sed 's/^tsort: -: *//' <<<"$circles"); fi

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
            [[ $name =~ ^(base/.*|compile/exchange\.h|engine/code/(build|translate)\.h)$ && -f src/$name ]] ||
                breach "$file:$line: compiler/ may not know $name"
        elif [[ $form == '"' ]]; then
            [[ -f compiler/$name ]] || breach "$file:$line: \"$name\" is not beside the file"
        fi
    done < <(includes "$file")
done

# The command and the examples: public headers, their own, the system's, jansson's. How a text from
# outside is shown, and which word was meant, the command has from the lowest room: pure functions.
for file in $(files "c h" cli examples); do
    checked=$((checked + 1))
    directory=$(dirname "$file")
    while read -r line form name; do
        if [[ $name == bulkhead/* ]]; then
            [[ -f include/$name ]] || breach "$file:$line: there is no include/$name"
        elif [[ $form == '"' && $file == cli/* && $name =~ ^base/(nearest|text|unicode)\.h$ ]]; then
            [[ -f src/$name ]] || breach "$file:$line: there is no src/$name"
        elif [[ $form == '"' ]]; then
            [[ $name != */* && -f $directory/$name ]] ||
                breach "$file:$line: \"$name\" is neither public nor beside the file"
        elif [[ $name =~ $engine_header || $name == bulkhead_* || -f src/$name ]]; then
            breach "$file:$line: <$name> is inside the library"
        fi
    done < <(includes "$file")
done

verdict "the includes of $checked files"
