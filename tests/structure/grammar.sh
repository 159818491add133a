# The sweep of the grammar has every vector that the engine's reader knows: tests/support/grammar_*.c
# name each variant and each limit of wasmparser, and nothing that it does not have. What it has is
# committed in grammar.txt, so that this holds where the engine came ready-made; where its source is,
# the list is compared with that.
. "$(dirname "$0")/lib.sh"

list=tests/structure/grammar.txt
version=$(awk '/^name = "wasmparser"$/ { getline; print $3; exit }' rust/Cargo.lock | tr -d '"')

# The variants of these enums, and what bounds a vector. Left out: what has no items (the version,
# the end), and features of memories and tables that are no vectors.
enums='Payload TypeRef Imports ExternalKind ElementKind ElementItems DataKind TableInit
    CompositeInnerType Catch Handle Name KnownCustom Linking Dylink0Subsection ComponentTypeRef
    TypeBounds ComponentAlias ComponentOuterAliasKind ComponentExternalKind ComponentName Instance
    ComponentInstance CoreType ModuleTypeDeclaration ComponentType ComponentTypeDeclaration
    InstanceTypeDeclaration ComponentDefinedType CanonicalFunction CanonicalOption'

of_the_reader() { # DIRECTORY
    find "$1/src" -name '*.rs' | sort | xargs awk -v enums="$enums" '
        BEGIN { split(enums, names); for (at in names) wanted[names[at]] = 1 }
        /^pub enum / {
            name = $3; sub(/[<{].*/, "", name)
            inside = (name in wanted) ? name : ""
        }
        /^}/ { inside = "" }
        inside != "" && /^    [A-Z][A-Za-z0-9]*/ {
            variant = $1; sub(/[^A-Za-z0-9].*/, "", variant)
            print inside "::" variant
        }
        /pub const _?MAX_[A-Z0-9_]*: / && FILENAME ~ /limits.rs$/ {
            match($0, /_?MAX_[A-Z0-9_]*/); print substr($0, RSTART, RLENGTH)
        }' | grep -vx -e 'Payload::Version' -e 'Payload::End' | sort -u
}

named() {
    local file
    for file in tests/support/grammar_*.c; do code "$file"; done |
        grep -oE '[A-Z][A-Za-z0-9]*::[A-Z][A-Za-z0-9]*|"?_?MAX_[A-Z0-9_]+|(OFF|INVALID|OPTION)\("[^"]*", "[A-Za-z0-9]+"' |
        sed -e 's/^"//' \
            -e 's/^\(OFF\|INVALID\)(.*"\([A-Za-z0-9]*\)"$/CanonicalFunction::\2/' \
            -e 's/^OPTION(.*"\([A-Za-z0-9]*\)"$/CanonicalOption::\1/' | sort -u
}

for wanted in $(comm -23 <(sort -u "$list") <(named)); do
    breach "tests/support/grammar_*.c: nothing sweeps $wanted"
done
for unknown in $(comm -13 <(sort -u "$list") <(named)); do
    breach "tests/support/grammar_*.c: $unknown is not in $list"
done

source=none
for source in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/wasmparser-"$version"; do
    [[ -d $source/src ]] || continue
    for new in $(comm -13 <(sort -u "$list") <(of_the_reader "$source")); do
        breach "$list: wasmparser $version has $new"
    done
    for gone in $(comm -23 <(sort -u "$list") <(of_the_reader "$source")); do
        breach "$list: wasmparser $version does not have $gone"
    done
done

verdict "the $(wc -l <"$list") parts of the grammar"
