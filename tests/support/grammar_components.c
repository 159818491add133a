/*
 * The vectors of a component, but for its types and canonical functions. See grammar.h for the
 * notation.
 */
#include "support/grammar.h"

#define ROW(name_, covers_, one_, most_, text_)                                                    \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_COMPONENT, .one = BHD_##one_,        \
        .most = (most_), .text = (text_)                                                           \
    }
#define OWN_ROW(name_, covers_, one_, most_, text_)                                                \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_INSTANCES, .one = BHD_##one_,        \
        .most = (most_), .text = (text_)                                                           \
    }

/* A module that exports one of each kind, and core instance 0 of it. */
#define GIVER_MODULE                                                                               \
    "01[M 01[01 60 00 00] 03[01 00] 04[01 70 00 01] 05[01 00 00] 0d[01 00 00]"                     \
    " 06[01 7f 00 41 00 0b] 07[05 'f' 00 00 't' 01 00 'm' 02 00 'g' 03 00 'e' 04 00]"              \
    " 0a[01 [00 0b]]] "
#define GIVER GIVER_MODULE "02[01 00 00 00] "
/* Core function 0, type 0 "func()" and function 0. */
#define LIFTED GIVER "06[01 00 00 01 00 'f'] 07[01 40 00 01 00] 08[01 00 00 00 00 00] "
/* A component that exports a function, a type, a module, a component and an instance; instance 0 of
 * it. */
#define OUTER                                                                                      \
    "04[C " LIFTED "04[C] 05[01 01 00] 07[01 73]"                                                  \
    " 0b[05 00 'f' 01 00 00 00 't' 03 01 00 00 'm' 00 11 00 00 00 'c' 04 00 00 00 'i' 05 00 00]]"  \
    " 05[01 00 00 00] "
/* A module that imports functions of different names, and one that has them. */
#define TAKES "01[M 01[01 60 00 00] 02[N{$ 'f' 00 00}]] "

const grammar_vector grammar_components[] = {
    ROW("core modules", "Payload::ModuleSection MAX_WASM_MODULES", OK, 1001, "R{01[M]}"),
    ROW("bytes of a core module", "MAX_WASM_MODULE_SIZE", OK, 16777217, "01[M 00['c' R{61}]]"),
    ROW("core instances", "Payload::InstanceSection Instance::Instantiate MAX_WASM_INSTANCES", OK,
        1001, "01[M] 02[N{00 00 00}]"),
    OWN_ROW("arguments of a core instance", "MAX_WASM_INSTANTIATION_ARGS", OK, 100001,
            GIVER TAKES "02[T{00 01 N{$ 12 00}}]"),
    ROW("core instances of exports", "Instance::FromExports", OK, 1001, "02[N{01 00}]"),
    ROW("functions of a core instance of exports", "", OK, 100001,
        GIVER "06[01 00 00 01 00 'f'] 02[01 01 N{$ 00 00}]"),
    ROW("tables of a core instance of exports", "", OK, 100001,
        GIVER "06[01 00 01 01 00 't'] 02[01 01 N{$ 01 00}]"),
    ROW("memories of a core instance of exports", "", OK, 100001,
        GIVER "06[01 00 02 01 00 'm'] 02[01 01 N{$ 02 00}]"),
    ROW("globals of a core instance of exports", "", OK, 100001,
        GIVER "06[01 00 03 01 00 'g'] 02[01 01 N{$ 03 00}]"),
    ROW("tags of a core instance of exports", "", OK, 100001,
        GIVER "06[01 00 04 01 00 'e'] 02[01 01 N{$ 04 00}]"),
    OWN_ROW("functions given by an instance of exports", "", OK, 100001,
            GIVER "06[01 00 00 01 00 'f'] 02[01 01 N{$ 00 00}]"
                  " 01[M 01[01 60 00 00] 02[N{'a' $ 00 00}]] 02[T{00 01 01 'a' 12 01}]"),

    ROW("sections of nothing", "", OK, 5000001, "R{07[00]}"),
    ROW("components", "Payload::ComponentSection MAX_WASM_COMPONENTS", OK, 1001, "R{04[C]}"),
    ROW("components in components", "", OK, 1000001, "D"),
    ROW("instances", "Payload::ComponentInstanceSection ComponentInstance::Instantiate", OK, 1001,
        "04[C] 05[N{00 00 00}]"),
    OWN_ROW("functions given to an instance", "", OK, 100001,
            LIFTED "04[C 07[01 40 00 01 00] 0a[N{00 $ 01 00}]] 05[T{00 00 N{$ 01 00}}]"),
    OWN_ROW("modules given to an instance", "", OK, 100001,
            "01[M] 04[C 03[01 50 00] 0a[N{00 $ 00 11 00}]] 05[T{00 00 N{$ 00 11 00}}]"),
    OWN_ROW("types given to an instance", "", OK, 100001,
            "07[01 7f] 04[C 07[01 7f] 0a[N{00 $ 03 00 00}]] 05[T{00 00 N{$ 03 00}}]"),
    OWN_ROW("resources given to an instance", "", OK, 100001,
            "07[01 3f 7f 00] 04[C 0a[N{00 $ 03 01}]] 05[T{00 00 N{$ 03 00}}]"),
    OWN_ROW("components given to an instance", "", OK, 100001,
            "04[C] 04[C 07[01 41 00] 0a[N{00 $ 04 00}]] 05[T{00 01 N{$ 04 00}}]"),
    OWN_ROW("instances given to an instance", "", OK, 100001,
            "05[01 01 00] 04[C 07[01 42 00] 0a[N{00 $ 05 00}]] 05[T{00 00 N{$ 05 00}}]"),
    ROW("instances of exports", "ComponentInstance::FromExports", OK, 1001, "05[N{01 00}]"),
    ROW("functions of an instance of exports", "MAX_WASM_INSTANTIATION_EXPORTS", OK, 100001,
        LIFTED "05[01 01 N{00 $ 01 00}]"),
    ROW("modules of an instance of exports", "", OK, 100001, "01[M] 05[01 01 N{00 $ 00 11 00}]"),
    ROW("types of an instance of exports", "", OK, 100001, "07[01 7f] 05[01 01 N{00 $ 03 00}]"),
    ROW("components of an instance of exports", "", OK, 100001, "04[C] 05[01 01 N{00 $ 04 00}]"),
    ROW("instances of an instance of exports", "", OK, 100001,
        "05[01 01 00] 05[01 01 N{00 $ 05 00}]"),

    ROW("aliases of core functions",
        "Payload::ComponentAliasSection ComponentAlias::CoreInstanceExport", OK, 1000001,
        GIVER "06[N{00 00 01 00 'f'}]"),
    ROW("aliases of core tables", "MAX_CORE_INDEX_SPACE_ITEMS", OK, 1000001,
        GIVER "06[N{00 01 01 00 't'}]"),
    ROW("aliases of core memories", "", OK, 1000001, GIVER "06[N{00 02 01 00 'm'}]"),
    ROW("aliases of core globals", "", OK, 1000001, GIVER "06[N{00 03 01 00 'g'}]"),
    ROW("aliases of core tags", "", OK, 1000001, GIVER "06[N{00 04 01 00 'e'}]"),
    ROW("aliases of functions", "ComponentAlias::InstanceExport ComponentExternalKind::Func", OK,
        1000001, OUTER "06[N{01 00 00 'f'}]"),
    ROW("aliases of types", "ComponentExternalKind::Type", OK, 1000001,
        OUTER "06[N{03 00 00 't'}]"),
    ROW("aliases of modules", "ComponentExternalKind::Module", OK, 1001,
        OUTER "06[N{00 11 00 00 'm'}]"),
    ROW("aliases of components", "ComponentExternalKind::Component", OK, 1001,
        OUTER "06[N{04 00 00 'c'}]"),
    ROW("aliases of instances", "ComponentExternalKind::Instance", OK, 1001,
        OUTER "06[N{05 00 00 'i'}]"),
    ROW("aliases of values", "ComponentExternalKind::Value", COMPONENT_INVALID, 1001,
        OUTER "06[N{02 00 00 'f'}]"),
    ROW("outer modules", "ComponentAlias::Outer ComponentOuterAliasKind::CoreModule", OK, 1001,
        "01[M] 06[N{00 11 02 00 00}]"),
    ROW("outer core types", "ComponentOuterAliasKind::CoreType", OK, 1000001,
        "03[01 60 00 00] 06[N{00 10 02 00 00}]"),
    ROW("outer types", "ComponentOuterAliasKind::Type", OK, 1000001,
        "07[01 7f] 06[N{03 02 00 00}]"),
    ROW("outer components", "ComponentOuterAliasKind::Component", OK, 1001,
        "04[C] 06[N{04 02 00 00}]"),

    ROW("imported functions of the host", "Payload::ComponentImportSection ComponentTypeRef::Func",
        IMPORT_UNKNOWN, 1000001, "07[01 40 00 01 00] 0a[N{00 $ 01 00}]"),
    ROW("imported modules", "ComponentTypeRef::Module", IMPORT_UNKNOWN, 1001,
        "03[01 50 00] 0a[N{00 $ 00 11 00}]"),
    ROW("imported values", "ComponentTypeRef::Value", COMPONENT_INVALID, 1001, "0a[N{00 $ 02 7f}]"),
    ROW("imported types", "ComponentTypeRef::Type TypeBounds::Eq", OK, 1000001,
        "07[01 7f] 0a[N{00 $ 03 00 00}]"),
    ROW("imported resources", "TypeBounds::SubResource", IMPORT_UNKNOWN, 1000001,
        "0a[N{00 $ 03 01}]"),
    ROW("imported components", "ComponentTypeRef::Component", COMPONENT_UNSUPPORTED, 1001,
        "07[01 41 00] 0a[N{00 $ 04 00}]"),
    ROW("imported instances", "ComponentTypeRef::Instance", OK, 1001,
        "07[01 42 00] 0a[N{00 $ 05 00}]"),
    ROW("functions of an imported instance", "", IMPORT_UNKNOWN, 1000001,
        "07[01 42 J 01 40 00 01 00 R{04 00 $ 01 00}] 0a[01 00 'a:b/c' 05 00]"),
    ROW("functions of an imported interface of the host", "", IMPORT_UNKNOWN, 1000001,
        "07[01 42 J 01 40 00 01 00 R{04 00 $ 01 00}] 0a[01 00 'wasi:cli/exit@0.2.0' 05 00]"),
    ROW("name of an imported function", "", IMPORT_UNKNOWN, 100001,
        "07[01 40 00 01 00] 0a[01 00 s 01 00]"),
    ROW("names of a name", "", COMPONENT_UNSUPPORTED, 1000001,
        "07[01 40 00 01 00] 0a[01 02 'f' N{02 'x'} 01 00]"),

    ROW("functions that are exported", "Payload::ComponentExportSection", OK, 1000001,
        LIFTED "0b[N{00 $ 01 00 00}]"),
    ROW("functions that are exported with a type", "", OK, 1000001,
        LIFTED "0b[N{00 $ 01 00 01 01 00}]"),
    ROW("types that are exported", "", OK, 1000001, "07[01 7f] 0b[N{00 $ 03 00 00}]"),
    ROW("modules that are exported", "", OK, 1001, "01[M] 0b[N{00 $ 00 11 00 00}]"),
    ROW("components that are exported", "", COMPONENT_UNSUPPORTED, 1001,
        "04[C] 0b[N{00 $ 04 00 00}]"),
    ROW("instances that are exported", "", OK, 1001, "05[01 01 00] 0b[N{00 $ 05 00 00}]"),
    ROW("name of a function that is exported", "", OK, 100001, LIFTED "0b[01 00 s 01 00 00]"),

    ROW("starts", "Payload::ComponentStartSection", COMPONENT_UNSUPPORTED, 1000001,
        LIFTED "R{09[00 00 00]}"),
    ROW("arguments of a start", "MAX_WASM_START_ARGS MAX_WASM_VALUES", COMPONENT_INVALID, 1001,
        LIFTED "09[00 N{00} 00]"),
    ROW("results of a start", "", COMPONENT_INVALID, 1001, LIFTED "09[00 00 I]"),

    ROW("name of a component", "KnownCustom::ComponentName ComponentName::Component", OK, 16777217,
        "00['component-name' 00[s]]"),
    ROW("names of core functions", "ComponentName::CoreFuncs", OK, 1000001,
        "00['component-name' 01[00 00 N{i $}]]"),
    ROW("names of core tables", "ComponentName::CoreTables", OK, 1000001,
        "00['component-name' 01[00 01 N{i $}]]"),
    ROW("names of core memories", "ComponentName::CoreMemories", OK, 1000001,
        "00['component-name' 01[00 02 N{i $}]]"),
    ROW("names of core globals", "ComponentName::CoreGlobals", OK, 1000001,
        "00['component-name' 01[00 03 N{i $}]]"),
    ROW("names of core tags", "ComponentName::CoreTags", OK, 1000001,
        "00['component-name' 01[00 04 N{i $}]]"),
    ROW("names of core types", "ComponentName::CoreTypes", OK, 1000001,
        "00['component-name' 01[00 10 N{i $}]]"),
    ROW("names of core modules", "ComponentName::CoreModules", OK, 1000001,
        "00['component-name' 01[00 11 N{i $}]]"),
    ROW("names of core instances", "ComponentName::CoreInstances", OK, 1000001,
        "00['component-name' 01[00 12 N{i $}]]"),
    ROW("names of component functions", "ComponentName::Funcs", OK, 1000001,
        "00['component-name' 01[01 N{i $}]]"),
    ROW("names of values", "ComponentName::Values", OK, 1000001,
        "00['component-name' 01[02 N{i $}]]"),
    ROW("names of component types", "ComponentName::Types", OK, 1000001,
        "00['component-name' 01[03 N{i $}]]"),
    ROW("names of components", "ComponentName::Components", OK, 1000001,
        "00['component-name' 01[04 N{i $}]]"),
    ROW("names of instances", "ComponentName::Instances", OK, 1000001,
        "00['component-name' 01[05 N{i $}]]"),
    ROW("names of what no component knows", "ComponentName::Unknown", OK, 1000001,
        "00['component-name' R{09[00]}]"),
};

const size_t grammar_component_count = COUNT_OF(grammar_components);
