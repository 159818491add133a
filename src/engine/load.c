/*
 * From an artefact to code that can be instantiated: it is loaded, its needs are held against the
 * limits, its imports against the policy, and it is linked once.
 */
#include "engine/load.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/code/application.h"
#include "engine/code/binary.h"
#include "engine/code/config.h"
#include "engine/code/failure.h"
#include "engine/code/functions.h"
#include "engine/code/inspected.h"
#include "engine/code/name.h"
#include "engine/code/obtain.h"
#include "engine/code/wasi_imports.h"
#include "engine/engine.h"
#include "engine/host/imports.h"
#include "engine/host/link.h"

#include <inttypes.h>
#include <string.h>

/* Imports that are named in one message. */
#define NAMED_IMPORTS_MAX 8
#define NAME_SHOWN_BYTES 96
/* Of debugging information that is kept with the code; host.h says it. */
#define LINES_MAX_BYTES ((size_t)4 << 20)
/* Of reading it for the frames of one error: what honest programs take for as many bytes, twice. */
#define LINES_MAX_STEPS ((size_t)8 << 20)

/* -- fit ----------------------------------------------------------------------------------- */

static bhd_status too_large(bhd_error *error, uint64_t needs, uint64_t allowed, const char *format)
{
    char text[256];
    bhd__text buffer;
    bhd__text_init(&buffer, text, sizeof text);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    bhd__text_printf(&buffer, format, needs, allowed);
#pragma GCC diagnostic pop
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE, "%s", text);
    bhd__error_range(error, needs, 0, allowed);
    return BHD_COMPONENT_TOO_LARGE;
}

static bhd_status too_large_with_heap(bhd_error *error, uint64_t memory, uint64_t needs,
                                      uint64_t allowed)
{
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "the component starts with %" PRIu64 " bytes: %" PRIu64
                    " of memory, and %" PRIu64
                    " of heap, because it uses exceptions, garbage collection or tables of "
                    "references to objects; its limit (max_bytes) is %" PRIu64 " bytes",
                    needs, memory, BHD__HEAP_INITIAL_BYTES, allowed);
    bhd__error_range(error, needs, 0, allowed);
    return BHD_COMPONENT_TOO_LARGE;
}

static bhd_status check_fit(const bhd__code *code, const bhd__description *view,
                            const bhd_limits *limits, bhd_error *error)
{
    const bhd_host_options *options = &code->engine->options;
    const bhd_engine_totals_t totals = view->totals;
    /* Inside a component, core modules share memories with each other; that is their own affair. */
    if (view->imports_memory && !view->is_component)
        return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                         "the module imports a memory; a memory that comes from outside would "
                         "escape its limit, so a module has to define its own");
    bhd_status status = bhd__binary_check_count("linear memories", totals.memories,
                                                options->max_memories, "max_memories", error);
    if (status == BHD_OK)
        status = bhd__binary_check_count("tables", totals.tables, options->max_tables, "max_tables",
                                         error);
    if (status == BHD_OK)
        status = bhd__binary_check_count("core instances", totals.instances, options->max_instances,
                                         "max_instances", error);
    if (status != BHD_OK)
        return status;
    uint64_t heap = totals.needs_heap ? BHD__HEAP_INITIAL_BYTES : 0;
    uint64_t bytes;
    if (__builtin_add_overflow(totals.memory_bytes, heap, &bytes))
        bytes = UINT64_MAX;
    if (heap > 0 && bytes > limits->max_memory_bytes)
        return too_large_with_heap(error, totals.memory_bytes, bytes, limits->max_memory_bytes);
    if (totals.memory_bytes > limits->max_memory_bytes)
        return too_large(error, totals.memory_bytes, limits->max_memory_bytes,
                         "the component starts with %" PRIu64
                         " bytes of memory; its limit (max_bytes) is %" PRIu64 " bytes");
    if (totals.table_elements > limits->max_table_elements)
        return too_large(error, totals.table_elements, limits->max_table_elements,
                         "the component starts with %" PRIu64
                         " table elements; its limit (max_table_elements) is %" PRIu64);
    return BHD_OK;
}

/* -- imports ------------------------------------------------------------------------------- */

/* Collects what cannot be given, for one message that names all of it. */
typedef struct import_check {
    const bhd__code *code;
    bool of_component;
    bool of_wasi;
    bool of_other_wasi;
    size_t unknown, denied;
    bhd__text names;
    char buffer[768];
} import_check;

static void name_import(import_check *check, bhd_engine_str_t module, bhd_engine_str_t name,
                        const char *capability)
{
    size_t so_far = check->unknown + check->denied;
    if (so_far > NAMED_IMPORTS_MAX)
        return;
    if (so_far > 1)
        bhd__text_add(&check->names, ", ");
    if (so_far == NAMED_IMPORTS_MAX) {
        bhd__text_add(&check->names, "and more");
        return;
    }
    if (!check->of_component) {
        bhd__text_add_escaped(&check->names, module.data, module.size, NAME_SHOWN_BYTES);
        bhd__text_add(&check->names, ".");
    }
    bhd__text_add_escaped(&check->names, name.data, name.size, NAME_SHOWN_BYTES);
    if (capability)
        bhd__text_printf(&check->names, " (%s)", capability);
}

/* The embedder has it. */
static bool host_provides(const import_check *check, bhd_engine_str_t module, bhd_engine_str_t name,
                          bhd_engine_str_t type)
{
    if (check->of_component)
        return !bhd__name_is(type, "core module") && !bhd__name_is(type, "component") &&
               bhd__link_is_provided(check->code, name.data, name.size);
    for (size_t i = 0; i < 2; i++)
        if (bhd__imports_find(check->code->providers.sets[i], module.data, module.size, name.data,
                              name.size))
            return true;
    return false;
}

/* WASI in a version, or as a draft of it, that is not here. */
static bool is_other_wasi(const import_check *check, bhd_engine_str_t module, bhd_engine_str_t name)
{
    return check->of_component ? bhd__is_other_wasi(name.data, name.size)
                               : module.size >= 4 && memcmp(module.data, "wasi", 4) == 0;
}

static void check_import(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                         bhd_engine_str_t type)
{
    import_check *check = env;
    /* Functions inside an imported instance follow it as INSTANCE#FUNCTION. */
    if (is_export || (check->of_component && memchr(name.data, '#', name.size)))
        return;
    /* It is refused, and no more of it is named. */
    if (check->unknown > NAMED_IMPORTS_MAX)
        return;
    const char *capability = NULL;
    bhd__grant grant = bhd__wasi_grant(check->of_component ? NULL : module.data, module.size,
                                       name.data, name.size, &capability);
    check->of_wasi = check->of_wasi || grant == BHD__GRANT_YES;
    if (grant == BHD__GRANT_YES || host_provides(check, module, name, type))
        return;
    if (grant == BHD__GRANT_DENIED)
        check->denied++;
    else
        check->unknown++;
    if (grant == BHD__GRANT_UNKNOWN)
        check->of_other_wasi = check->of_other_wasi || is_other_wasi(check, module, name);
    name_import(check, module, name, capability);
}

static bhd_status check_imports(bhd__code *code, bhd_error *error)
{
    import_check check = {.code = code, .of_component = code->component != NULL};
    bhd__text_init(&check.names, check.buffer, sizeof check.buffer);
    if (code->component)
        bhd_engine_component_items(code->component, code->variant->engine, &check, check_import);
    else
        bhd_engine_module_items(code->module, &check, check_import);
    bhd__text_ellipsis(&check.names);
    code->needs_wasi = check.of_wasi;
    if (check.unknown > 0)
        return bhd__fail(error, BHD_IMPORT_UNKNOWN,
                         "the component imports what nobody here provides: %s%s", check.buffer,
                         check.of_other_wasi
                             ? "; that is of another WASI than this host's, which gives "
                               "wasi_snapshot_preview1 to core modules and WASI 0.2 to components"
                             : "");
    if (check.denied > 0)
        return bhd__fail(error, BHD_CAPABILITY_DENIED,
                         "the component needs a capability that this version cannot grant: %s",
                         check.buffer);
    return BHD_OK;
}

/* -- linking ------------------------------------------------------------------------------- */

static bool has_providers(const bhd__code *code)
{
    return code->providers.sets[0] || code->providers.sets[1];
}

/* `wasi:cli/run` has a version behind it, of which there are many. */
static void find_run(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                     bhd_engine_str_t type)
{
    static const char prefix[] = "wasi:cli/run@0.2.";
    bhd__code *code = env;
    (void)module;
    (void)type;
    if (!is_export || code->run || name.size < sizeof prefix - 1 || name.size > 64 ||
        memcmp(name.data, prefix, sizeof prefix - 1) != 0 || memchr(name.data, '#', name.size))
        return;
    wasmtime_component_export_index_t *instance =
        wasmtime_component_get_export_index(code->component, NULL, name.data, name.size);
    if (!instance)
        return;
    code->run = wasmtime_component_get_export_index(code->component, instance, "run", 3);
    wasmtime_component_export_index_delete(instance);
}

static bhd_status link_component(bhd__code *code, wasmtime_error_t **failure, bhd_error *error)
{
    wasmtime_component_linker_t *linker = code->variant->component_linker, *own = NULL;
    bhd_status status = BHD_OK;
    if (has_providers(code)) {
        linker = own = bhd_engine_component_linker_clone(linker);
        status = bhd__link_component(code, own, error);
    }
    if (status == BHD_OK)
        *failure = bhd_engine_component_pre_new(linker, code->component, &code->component_pre);
    if (own)
        wasmtime_component_linker_delete(own);
    bhd_engine_component_items(code->component, code->variant->engine, code, find_run);
    return status;
}

static bhd_status link_module(bhd__code *code, wasmtime_error_t **failure, bhd_error *error)
{
    wasmtime_linker_t *linker = code->variant->module_linker, *own = NULL;
    bhd_status status = BHD_OK;
    if (has_providers(code)) {
        linker = own = wasmtime_linker_clone(linker);
        status = bhd__link_module(code, own, error);
    }
    if (status == BHD_OK)
        *failure = wasmtime_linker_instantiate_pre(linker, code->module, &code->module_pre);
    if (own)
        wasmtime_linker_delete(own);
    return status;
}

static bhd_status link_code(bhd__code *code, bhd_error *error)
{
    wasmtime_error_t *failure = NULL;
    bhd_status status = code->component ? link_component(code, &failure, error)
                                        : link_module(code, &failure, error);
    if (status != BHD_OK)
        return status;
    if (failure)
        return bhd__failure_message(BHD_IMPORT_UNKNOWN,
                                    "the component imports something that does not fit what is "
                                    "provided",
                                    failure, error);
    return BHD_OK;
}

static bhd_status load(bhd__code *c, const bhd__artifact *artifact, bhd_error *error)
{
    c->is_large = artifact->code_bytes >= BHD__LARGE_CODE_BYTES;
    c->kind = artifact->description.is_component ? BHD_KIND_COMPONENT : BHD_KIND_MODULE;
    bhd_status status = bhd__engine_variant(c->engine, c->metered, &c->variant, error);
    if (status == BHD_OK)
        status = bhd__artifact_load(artifact, c->variant->engine, &c->module, &c->component, error);
    return status;
}

static bhd_status keep_moves(bhd__code *c, const bhd__description *description, bhd_error *error)
{
    if (description->move_count == 0)
        return BHD_OK;
    c->moves = bhd__calloc(description->move_count, sizeof *c->moves);
    if (!c->moves)
        return bhd__fail_no_memory(error);
    c->move_count = description->move_count;
    memcpy(c->moves, description->moves, c->move_count * sizeof *c->moves);
    return BHD_OK;
}

/* What is loaded is judged and linked. */
static bhd_status take(bhd__code *c, const bhd__artifact *artifact, const bhd_limits *limits,
                       bhd_error *error)
{
    bhd_status status = bhd__application_read(c, error);
    if (status == BHD_OK)
        status = check_fit(c, &artifact->description, limits, error);
    if (status == BHD_OK)
        status = keep_moves(c, &artifact->description, error);
    if (status == BHD_OK && c->component)
        status = bhd__functions_read(c, error);
    if (status == BHD_OK)
        status = check_imports(c, error);
    if (status == BHD_OK)
        status = link_code(c, error);
    return status;
}

bhd_status bhd__code_new(bhd__engine *engine, const bhd_limits *limits,
                         const bhd__providers *providers, const void *binary, size_t size,
                         const bhd__compile_client *client, bhd_inspection *inspection,
                         bhd__code **code, bhd_error *error)
{
    bhd__code *c = bhd__calloc(1, sizeof *c);
    if (!c)
        return bhd__fail_no_memory(error);
    c->engine = engine;
    for (size_t i = 0; i < 2; i++)
        c->providers.sets[i] = bhd__imports_hold(providers->sets[i]);
    c->metered = limits->max_fuel > 0;
    bhd__artifact artifact;
    bhd_status status =
        bhd__artifact_get(engine, c->metered, false, binary, size, client, &artifact, error);
    bool is_read = status == BHD_OK;
    if (status == BHD_OK)
        status = load(c, &artifact, error);
    if (status == BHD_COMPILER_FAILED && is_read && artifact.is_cached) {
        status =
            bhd__artifact_renew(engine, c->metered, false, binary, size, client, &artifact, error);
        is_read = status == BHD_OK;
        if (is_read)
            status = load(c, &artifact, error);
    }
    if (status == BHD_OK)
        status = take(c, &artifact, limits, error);
    if (status == BHD_OK && inspection)
        status = bhd__artifact_inspect(&engine->options, &artifact, c->module, c->component,
                                       c->variant->engine, inspection, error);
    /* Text has no lines of other text in it. */
    bool is_binary = bhd__is_binary(binary, size);
    if (status == BHD_OK && engine->options.debug_info && is_binary)
        c->lines = bhd_engine_lines_new(binary, size, artifact.description.branches,
                                        artifact.description.branch_count, LINES_MAX_BYTES,
                                        LINES_MAX_STEPS);
    if (is_read && (status == BHD_COMPONENT_UNSUPPORTED || status == BHD_IMPORT_UNKNOWN))
        bhd__refuse_unlinked(artifact.description.unlinked, error);
    if (is_read)
        bhd__artifact_fini(&artifact);
    if (status != BHD_OK) {
        bhd__code_free(c);
        return status;
    }
    *code = c;
    return BHD_OK;
}

void bhd__code_free(bhd__code *code)
{
    if (!code)
        return;
    bhd_engine_lines_delete(code->lines);
    bhd__free(code->moves);
    bhd__functions_fini(&code->functions);
    bhd__free(code->host_types);
    bhd__free(code->resource_names);
    for (size_t i = 0; i < 2; i++)
        bhd_imports_free(code->providers.sets[i]);
    if (code->run)
        wasmtime_component_export_index_delete(code->run);
    if (code->component_pre)
        bhd_engine_component_pre_delete(code->component_pre);
    if (code->component)
        wasmtime_component_delete(code->component);
    if (code->module_pre)
        wasmtime_instance_pre_delete(code->module_pre);
    if (code->module)
        wasmtime_module_delete(code->module);
    bool was_large = code->is_large;
    bhd__free(code);
    if (was_large)
        bhd__alloc_trim();
}

bhd_component_kind bhd__code_kind(const bhd__code *code)
{
    return code->kind;
}
