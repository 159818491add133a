/*
 * The vectors of a module outside its functions. See grammar.h for the notation.
 */
#include "support/grammar.h"

#define ROW(name_, covers_, one_, most_, text_)                                                    \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_MODULE, .one = BHD_##one_,           \
        .most = (most_), .text = (text_)                                                           \
    }
#define GC_ROW(name_, covers_, one_, most_, text_)                                                 \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_MODULE, .one = BHD_##one_,           \
        .most = (most_), .gc = true, .text = (text_)                                               \
    }
/* A module that imports from an instance of another, which exports one of each kind. */
#define GIVEN(name_, covers_, one_, most_, imports_)                                               \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_INSTANCES, .one = BHD_##one_,        \
        .most = (most_),                                                                           \
        .text = "01[M 01[01 60 00 00] 03[01 00] 04[01 70 00 01] 05[01 00 00] 0d[01 00 00]"         \
                " 06[01 7f 00 41 00 0b]"                                                           \
                " 07[05 'f' 00 00 't' 01 00 'm' 02 00 'g' 03 00 'e' 04 00] 0a[01 [00 0b]]]"        \
                " 01[M 01[01 60 00 00] 02[" imports_ "]]"                                          \
                " 02[01 00 00 00] 02[T{00 01 01 'a' 12 00}]"                                       \
    }

#define TYPE "01[01 60 00 00] "
#define FUNCTION TYPE "03[01 00] "
#define CODE " 0a[01 [00 0b]] "
#define TABLE FUNCTION "04[01 70 00 01] "
#define NAMED FUNCTION "0a[01 [00 0b]] 00['name' "

const grammar_vector grammar_modules[] = {
    ROW("types", "Payload::TypeSection CompositeInnerType::Func MAX_WASM_TYPES", OK, 1000001,
        "01[N{60 00 00}]"),
    ROW("types that differ", "", OK, 1000001, "01[N{60 14 B 00}]"),
    ROW("parameters of a type", "MAX_WASM_FUNCTION_PARAMS", OK, 1001,
        "01[01 60 N{7e} 00] 03[01 00] 07[01 'f' 00 00] 0a[01 [00 0b]]"),
    ROW("results of a type", "MAX_WASM_FUNCTION_RETURNS", OK, 1001,
        "01[01 60 00 N{7f}] 03[01 00] 07[01 'f' 00 00] 0a[01 [00 R{41 00} 0b]]"),
    ROW("types in a group, without GC", "", COMPONENT_UNSUPPORTED, 1000001,
        "01[01 4e N{60 00 00}]"),
    GC_ROW("types in a group", "MAX_WASM_TYPE_SIZE", OK, 1000001, "01[01 4e N{5f 01 7f 00}]"),
    GC_ROW("groups of types", "", OK, 1000001, "01[N{4e 01 60 00 00}]"),
    GC_ROW("structures", "CompositeInnerType::Struct", OK, 1000001, "01[N{5f 00}]"),
    GC_ROW("fields of a structure", "MAX_WASM_STRUCT_FIELDS", OK, 10001,
           "01[02 5f N{7f 00} 60 00 00] 03[01 01] 07[01 'f' 00 00] 0a[01 [00 fb 01 00 1a 0b]]"),
    GC_ROW("arrays", "CompositeInnerType::Array", OK, 1000001, "01[N{5e 7f 00}]"),
    GC_ROW("types below one another", "MAX_WASM_SUBTYPING_DEPTH", OK, 65,
           "01[J 50 00 60 00 00 R{50 01 i 60 00 00}]"),
    GC_ROW("types above a type", "MAX_WASM_SUPERTYPES", OK, 2,
           "01[02 50 00 60 00 00 50 N{00} 60 00 00]"),
    ROW("continuations", "CompositeInnerType::Cont", COMPONENT_UNSUPPORTED, 1000001,
        "01[J 60 00 00 R{5d 00}]"),

    ROW("imported functions", "Payload::ImportSection Imports::Single MAX_WASM_IMPORTS",
        IMPORT_UNKNOWN, 1000001, TYPE "02[N{'a' 'f' 00 00}]"),
    ROW("imported functions that differ", "", IMPORT_UNKNOWN, 1000001, TYPE "02[N{$ $ 00 00}]"),
    ROW("imported tables", "", IMPORT_UNKNOWN, 101, "02[N{'a' 't' 01 70 00 01}]"),
    ROW("imported memories", "", COMPONENT_UNSUPPORTED, 101, "02[N{'a' 'm' 02 00 00}]"),
    ROW("imported globals", "", IMPORT_UNKNOWN, 1000001, "02[N{'a' 'g' 03 7f 00}]"),
    ROW("imported tags", "", IMPORT_UNKNOWN, 1000001, TYPE "02[N{'a' 'e' 04 00 00}]"),
    ROW("imported exact functions", "TypeRef::FuncExact", COMPONENT_UNSUPPORTED, 1000001,
        TYPE "02[N{'a' 'f' 20 00}]"),
    ROW("imports of one module", "Imports::Compact1", COMPONENT_UNSUPPORTED, 1000001,
        TYPE "02[01 'a' 00 7f N{'f' 00 00}]"),
    ROW("imports of one module and type", "Imports::Compact2", COMPONENT_UNSUPPORTED, 1000001,
        TYPE "02[01 'a' 00 7e 00 00 N{'f'}]"),
    GIVEN("given functions", "TypeRef::Func", OK, 1000001, "N{'a' 'f' 00 00}"),
    GIVEN("given tables", "TypeRef::Table", OK, 101, "N{'a' 't' 01 70 00 01}"),
    GIVEN("given memories", "TypeRef::Memory", OK, 101, "N{'a' 'm' 02 00 00}"),
    GIVEN("given globals", "TypeRef::Global", OK, 1000001, "N{'a' 'g' 03 7f 00}"),
    GIVEN("given tags", "TypeRef::Tag", OK, 1000001, "N{'a' 'e' 04 00 00}"),
    ROW("name of an import", "MAX_WASM_STRING_SIZE", IMPORT_UNKNOWN, 100001,
        TYPE "02[01 s s 00 00]"),

    ROW("functions", "Payload::FunctionSection MAX_WASM_FUNCTIONS", OK, 1000001,
        TYPE "03[N{00}] 0a[N{[00 0b]}]"),
    ROW("functions that escape", "ElementKind::Declared", OK, 1000001,
        TYPE "03[N{00}] 09[01 03 00 N{i}] 0a[N{[00 0b]}]"),
    ROW("tables", "Payload::TableSection TableInit::RefNull MAX_WASM_TABLES", OK, 101,
        "04[N{70 00 00}]"),
    ROW("elements of a table", "MAX_WASM_TABLE_ENTRIES _MAX_WASM_TABLE_SIZE", OK, 10000001,
        "04[01 70 00 I]"),
    GC_ROW("tables with a value", "TableInit::Expr", OK, 101,
           TYPE "04[N{40 00 70 00 01 d0 70 0b}]"),
    ROW("memories", "Payload::MemorySection MAX_WASM_MEMORIES", OK, 101, "05[N{00 00}]"),
    ROW("pages of a memory", "", OK, 65537, "05[01 00 I]"),
    ROW("tags", "Payload::TagSection MAX_WASM_TAGS", OK, 1000001, TYPE "0d[N{00 00}]"),
    ROW("globals", "Payload::GlobalSection MAX_WASM_GLOBALS", OK, 1000001, "06[N{7f 01 41 00 0b}]"),
    ROW("globals that do not change", "", OK, 1000001, "06[N{7f 00 41 00 0b}]"),
    ROW("globals of vectors", "", OK, 800000,
        "06[N{7b 01 fd 0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0b}]"),
    ROW("globals of functions", "", OK, 1000001, FUNCTION "06[N{70 01 d2 00 0b}] 0a[01 [00 0b]]"),
    ROW("globals of references", "", OK, 1000001, "06[N{6f 01 d0 6f 0b}]"),
    GC_ROW("globals made of globals", "", OK, 1000001, "06[J 7f 00 41 00 0b R{7f 00 23 i 0b}]"),
    GC_ROW("globals of small integers", "", OK, 1000001, "06[N{6c 01 41 00 fb 1c 0b}]"),
    GC_ROW("globals of objects", "", OK, 1000001, "01[01 5f 00] 06[N{6e 01 fb 01 00 0b}]"),
    ROW("value of a global", "", OK, 1000001, "06[01 7f 00 41 00 R{41 00 6a} 0b]"),
    ROW("exported functions", "Payload::ExportSection ExternalKind::Func MAX_WASM_EXPORTS", OK,
        1000001, FUNCTION "07[N{$ 00 00}]" CODE),
    ROW("exported functions that differ", "", OK, 1000001,
        TYPE "03[N{00}] 07[N{$ 00 i}] 0a[N{[00 0b]}]"),
    ROW("exported tables", "ExternalKind::Table", OK, 1000001, "04[01 70 00 01] 07[N{$ 01 00}]"),
    ROW("exported memories", "ExternalKind::Memory", OK, 1000001, "05[01 00 00] 07[N{$ 02 00}]"),
    ROW("exported globals", "ExternalKind::Global", OK, 1000001,
        "06[01 7f 00 41 00 0b] 07[N{$ 03 00}]"),
    ROW("exported tags", "ExternalKind::Tag", OK, 1000001, TYPE "0d[01 00 00] 07[N{$ 04 00}]"),
    ROW("exported exact functions", "ExternalKind::FuncExact", COMPONENT_INVALID, 1000001,
        FUNCTION "07[N{$ 20 00}]" CODE),
    ROW("name of an export", "", OK, 100001, FUNCTION "07[01 s 00 00]" CODE),

    ROW("active segments of functions",
        "Payload::ElementSection ElementKind::Active ElementItems::Functions "
        "MAX_WASM_ELEMENT_SEGMENTS",
        OK, 100001, TABLE "09[N{00 41 00 0b 01 00}]" CODE),
    ROW("active segments with a table", "", OK, 100001,
        TABLE "09[N{02 00 41 00 0b 00 01 00}]" CODE),
    ROW("active segments of expressions", "ElementItems::Expressions", OK, 100001,
        TABLE "09[N{04 41 00 0b 01 d2 00 0b}]" CODE),
    ROW("active segments with table and type", "", OK, 100001,
        TABLE "09[N{06 00 41 00 0b 70 01 d2 00 0b}]" CODE),
    ROW("passive segments of functions", "ElementKind::Passive", OK, 100001,
        TABLE "09[N{01 00 01 00}]" CODE),
    ROW("passive segments of expressions", "", OK, 100001, TABLE "09[N{05 70 01 d2 00 0b}]" CODE),
    ROW("declared segments of functions", "", OK, 100001, TABLE "09[N{03 00 01 00}]" CODE),
    ROW("declared segments of expressions", "", OK, 100001, TABLE "09[N{07 70 01 d2 00 0b}]" CODE),
    ROW("functions of an active segment", "", OK, 10000001,
        FUNCTION "04[01 70 00 I] 09[01 00 41 00 0b N{00}]" CODE),
    ROW("expressions of an active segment", "", OK, 5000001,
        FUNCTION "04[01 70 00 I] 09[01 04 41 00 0b N{d2 00 0b}]" CODE),
    ROW("functions of a passive segment", "", OK, 10000001, FUNCTION "09[01 01 00 N{00}]" CODE),
    ROW("expressions of a passive segment", "", OK, 5000001,
        FUNCTION "09[01 05 70 N{d2 00 0b}]" CODE),
    ROW("nothing in a passive segment", "", OK, 5000001, FUNCTION "09[01 05 70 N{d0 70 0b}]" CODE),
    ROW("functions of a declared segment", "", OK, 10000001, FUNCTION "09[01 03 00 N{00}]" CODE),
    ROW("expressions of a declared segment", "", OK, 5000001,
        FUNCTION "09[01 07 70 N{d2 00 0b}]" CODE),
    ROW("references of a passive segment", "", OK, 5000001, "09[01 05 6f N{d0 6f 0b}]"),
    GC_ROW("small integers of a passive segment", "", OK, 3000001,
           "09[01 05 6c N{41 00 fb 1c 0b}]"),
    GC_ROW("objects of a passive segment", "", OK, 3000001,
           "01[01 5f 00] 09[01 05 6e N{fb 01 00 0b}]"),
    ROW("offset of an element segment", "", OK, 1000001,
        TABLE "09[01 00 41 00 R{41 00 6a} 0b 01 00]" CODE),

    ROW("active segments of data", "Payload::DataSection DataKind::Active MAX_WASM_DATA_SEGMENTS",
        OK, 100001, "05[01 00 01] 0b[N{00 41 00 0b 01 61}]"),
    ROW("active segments with a memory", "", OK, 100001,
        "05[01 00 01] 0b[N{02 00 41 00 0b 01 61}]"),
    ROW("passive segments of data", "DataKind::Passive", OK, 100001, "0b[N{01 01 61}]"),
    ROW("bytes of an active segment", "", OK, 1048577, "05[01 00 10] 0b[01 00 41 00 0b s]"),
    ROW("bytes of a passive segment", "", OK, 16777217, "0b[01 01 s]"),
    ROW("count of data", "Payload::DataCountSection", OK, 100001, "0c[I] 0b[N{01 01 61}]"),
    ROW("offset of a data segment", "", OK, 1000001,
        "05[01 00 01] 0b[01 00 41 00 R{41 00 6a} 0b 01 61]"),

    ROW("custom sections", "Payload::CustomSection KnownCustom::Unknown", OK, 10000001,
        "R{00['c']}"),
    ROW("bytes of a custom section", "", OK, 16777217, "00['c' R{61}]"),
    ROW("name of a custom section", "", OK, 100001, "00[s]"),
    ROW("unknown sections", "Payload::UnknownSection", COMPONENT_INVALID, 1000001, "R{7d[]}"),
    ROW("name of the module", "KnownCustom::Name Name::Module", OK, 100001, NAMED "00[s]]"),
    ROW("names of functions", "Name::Function", OK, 1000001, NAMED "01[N{i $}]]"),
    ROW("functions with names", "", OK, 1000001,
        TYPE "03[N{00}] 0a[N{[00 0b]}] 00['name' 01[N{i $}]]"),
    ROW("name of a function", "", OK, 100001,
        FUNCTION "07[01 'f' 00 00] 0a[01 [00 00 0b]] 00['name' 01[01 00 s]]"),
    ROW("names of locals", "Name::Local", OK, 1000001, NAMED "02[01 00 N{i $}]]"),
    ROW("functions with names of locals", "", OK, 1000001, NAMED "02[N{i 01 00 $}]]"),
    ROW("names of labels", "Name::Label", OK, 1000001, NAMED "03[01 00 N{i $}]]"),
    ROW("names of types", "Name::Type", OK, 1000001, NAMED "04[N{i $}]]"),
    ROW("names of tables", "Name::Table", OK, 1000001, NAMED "05[N{i $}]]"),
    ROW("names of memories", "Name::Memory", OK, 1000001, NAMED "06[N{i $}]]"),
    ROW("names of globals", "Name::Global", OK, 1000001, NAMED "07[N{i $}]]"),
    ROW("names of element segments", "Name::Element", OK, 1000001, NAMED "08[N{i $}]]"),
    ROW("names of data segments", "Name::Data", OK, 1000001, NAMED "09[N{i $}]]"),
    ROW("names of fields", "Name::Field", OK, 1000001, NAMED "0a[01 00 N{i $}]]"),
    ROW("names of tags", "Name::Tag", OK, 1000001, NAMED "0b[N{i $}]]"),
    ROW("names of what nobody knows", "Name::Unknown", OK, 1000001, NAMED "0c[N{i $}]]"),
    ROW("sections of names", "", OK, 1000001, FUNCTION CODE "R{00['name' 01[01 00 'x']]}"),
    ROW("producers", "KnownCustom::Producers", OK, 1000001,
        "00['producers' N{'language' 01 'c' '1'}]"),
    ROW("hints of branches", "KnownCustom::BranchHints", OK, 1000001,
        FUNCTION "00['metadata.code.branch_hint' N{i 01 01 01 00}]" CODE),
    ROW("libraries that are needed", "KnownCustom::Dylink0 Dylink0Subsection::Needed", OK, 1000001,
        "00['dylink.0' 02[N{$}]]"),
    ROW("memory of a library", "Dylink0Subsection::MemInfo", OK, 1000001,
        "00['dylink.0' R{01[00 00 00 00]}]"),
    ROW("exports of a library", "Dylink0Subsection::ExportInfo", OK, 1000001,
        "00['dylink.0' 03[N{$ 00}]]"),
    ROW("imports of a library", "Dylink0Subsection::ImportInfo", OK, 1000001,
        "00['dylink.0' 04[N{$ $ 00}]]"),
    ROW("paths of libraries", "Dylink0Subsection::RuntimePath", OK, 1000001,
        "00['dylink.0' 05[N{$}]]"),
    ROW("of a library what nobody knows", "Dylink0Subsection::Unknown", OK, 1000001,
        "00['dylink.0' R{09[00]}]"),
    ROW("segments for a linker", "KnownCustom::Linking Linking::SegmentInfo", OK, 1000001,
        "00['linking' 02 05[N{$ 00 00}]]"),
    ROW("first functions for a linker", "Linking::InitFuncs", OK, 1000001,
        "00['linking' 02 06[N{00 00}]]"),
    ROW("groups for a linker", "Linking::ComdatInfo", OK, 1000001,
        "00['linking' 02 07[N{$ 00 00}]]"),
    ROW("symbols for a linker", "Linking::SymbolTable", OK, 1000001,
        "00['linking' 02 08[N{00 00 00 $}]]"),
    ROW("for a linker what nobody knows", "Linking::Unknown", OK, 1000001,
        "00['linking' 02 R{0f[00]}]"),
    ROW("relocations", "KnownCustom::Reloc", OK, 1000001, "00['reloc.CODE' 00 N{00 i 00}]"),
    ROW("name of a dump", "KnownCustom::CoreDump", OK, 100001, "00['core' 00 s]"),
    ROW("frames of a dump", "KnownCustom::CoreDumpStack", OK, 1000001,
        "00['corestack' 00 'x' N{00 00 00 00 00 00}]"),
    ROW("instances of a dump", "KnownCustom::CoreDumpInstances", OK, 1000001,
        "00['coreinstances' N{00 00 00 00}]"),
    ROW("modules of a dump", "KnownCustom::CoreDumpModules", OK, 1000001,
        "00['coremodules' N{00 $}]"),
};

const size_t grammar_module_count = COUNT_OF(grammar_modules);
