#include "engine/code/translate.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "compile/exchange.h"
#include "engine/code/binary.h"
#include "engine/code/config.h"
#include "engine/code/description.h"
#include "engine/code/failure.h"

#include <string.h>

/* Of each thread that compiles; the engine's own have as much. */
#define COMPILER_STACK_BYTES ((size_t)2 << 20)

struct bhd__translator {
    bhd__translation options;
    wasm_engine_t *engine;
};

_Static_assert(sizeof(bhd__translation) <= BHD__SETTINGS_BYTES, "travels in a bhd__compile_job");

bhd_status bhd__translator_new(const void *settings, size_t settings_bytes, uint32_t threads,
                               bhd__translator **translator, bhd_error *error)
{
    bhd__translation options;
    bhd_host_options host = BHD_HOST_OPTIONS_INIT;
    if (settings_bytes != sizeof options)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "the settings have %zu bytes instead of %zu",
                         settings_bytes, sizeof options);
    memcpy(&options, settings, sizeof options);
    host.features = options.features;
    host.max_stack_bytes = options.max_stack_bytes;
    wasm_config_t *config;
    bhd_status status = bhd__engine_config(&host, options.metered, NULL, NULL, &config, error);
    if (status != BHD_OK)
        return status;
    bhd__translator *t = bhd__calloc(1, sizeof *t);
    if (!t) {
        wasm_config_delete(config);
        return bhd__fail_no_memory(error);
    }
    wasmtime_config_parallel_compilation_set(config, threads > 0);
    bhd_engine_config_never_run(config);
    t->options = options;
    wasmtime_error_t *failure = bhd_engine_new(config, &t->engine);
    if (failure)
        status = bhd__failure_message(BHD_INTERNAL, "the engine cannot start", failure, error);
    else if (threads > 0 && threads != BHD__THREADS_OF_ENGINE &&
             !bhd_engine_compiler_threads(threads, COMPILER_STACK_BYTES))
        status = bhd__fail(error, BHD_NO_CAPACITY, "%u threads to compile on cannot be started",
                           (unsigned)threads);
    if (status != BHD_OK) {
        bhd__translator_free(t);
        return status;
    }
    *translator = t;
    return BHD_OK;
}

void bhd__translator_free(bhd__translator *translator)
{
    if (!translator)
        return;
    if (translator->engine)
        wasm_engine_delete(translator->engine);
    bhd__free(translator);
}

/* -- what only an inspection shows --------------------------------------------------------- */

typedef struct world {
    char *text;
    bool lacks_memory;
} world;

static void set_world(void *env, bhd_engine_str_t text)
{
    world *w = env;
    w->text = bhd__strndup((const char *)text.data, text.size);
    w->lacks_memory = !w->text;
}

/* A small binary can describe a type that is exponentially large, and one type of an instance may
 * be that of many. The validator allows a depth of 100. */
static const bhd_engine_wit_bounds_t world_bounds = {
    .text_bytes = (size_t)256 << 10, .name_bytes = (size_t)4 << 20, .depth = 120, .renames = 20};

/* Code is worth having also without. */
static bhd_status read_world(const bhd__translator *t, const bhd__binary *binary, world *w,
                             bhd_error *error)
{
    if (!binary->is_component)
        return BHD_OK;
    wasmtime_error_t *failure =
        bhd_engine_component_wit(binary->data, binary->size, &world_bounds, w, set_world);
    if (failure && t->options.describe)
        return bhd__failure_message(BHD_COMPONENT_INVALID, "not a valid component", failure, error);
    if (failure)
        wasmtime_error_delete(failure);
    return w->lacks_memory ? bhd__fail_no_memory(error) : BHD_OK;
}

/* Honest binaries become one to four times as large. What a small one repeats (a name for each use
 * of a type, the types of an instance for each name that it is exported under) the host would hold
 * as often, several times over. */
#define CODE_BYTES_MIN (UINT64_C(4) << 20)
#define CODE_FACTOR 16

static bhd_status check_proportion(const bhd__binary *binary, size_t code, bhd_error *error)
{
    uint64_t most = CODE_BYTES_MIN + (uint64_t)binary->read_bytes * CODE_FACTOR;
    if (code <= most)
        return BHD_OK;
    (void)bhd__fail(
        error, BHD_COMPONENT_TOO_LARGE,
        "the component has %zu bytes and compiles to %zu; at most 4 MiB and %d for each "
        "of its own are loaded. It repeats names or types many times: an instance that "
        "is exported under many names has all of its own for each",
        binary->read_bytes, code, CODE_FACTOR);
    bhd__error_range(error, code, 0, most);
    return BHD_COMPONENT_TOO_LARGE;
}

/* What the host would hold of it beside the code: types, names, how instances are made. That is
 * many times what the artefact has for it, for some things 60 times, so that it is counted, where
 * the same engine does what it will do in the host. Guests of 10 KB and more come to 2 bytes for
 * each of their own. */
#define HELD_BYTES_MIN (UINT64_C(1) << 20)
#define HELD_FACTOR 128

static bhd_status check_load(const bhd__translator *t, const bhd__binary *binary,
                             const bhd__translated *out, bhd_error *error)
{
    size_t held = 0;
    wasmtime_error_t *failure = bhd_engine_load_bytes(t->engine, out->artifact, out->artifact_bytes,
                                                      binary->is_component, &held);
    if (failure)
        return bhd__failure_message(BHD_INTERNAL, "what was compiled cannot be loaded", failure,
                                    error);
    uint64_t most = HELD_BYTES_MIN + (uint64_t)binary->read_bytes * HELD_FACTOR;
    if (held <= most)
        return BHD_OK;
    (void)bhd__fail(
        error, BHD_COMPONENT_TOO_LARGE,
        "the component has %zu bytes, and the host would hold %zu to run it, beside its code; at "
        "most 1 MiB and %d for each of its own are held. It repeats types or instances many times: "
        "each instance has all that it exports for itself. Make fewer of them, or export less",
        binary->read_bytes, held, HELD_FACTOR);
    bhd__error_range(error, held, 0, most);
    return BHD_COMPONENT_TOO_LARGE;
}

/* What is only inspected is described without its code then, with the reason. */
static bhd_status judge_code(const bhd__translator *t, const bhd__binary *binary,
                             bhd__translated *out, bhd_error *refusal, bhd_error *error)
{
    bhd_status status = check_proportion(binary, out->artifact_bytes, refusal);
    if (status == BHD_OK)
        status = check_load(t, binary, out, refusal);
    if (status == BHD_OK)
        return BHD_OK;
    bhd__translated_fini(out);
    if (t->options.describe && status == BHD_COMPONENT_TOO_LARGE)
        return BHD_OK;
    (void)bhd__fail(error, status, "%s", refusal->message);
    bhd__error_range(error, refusal->value, 0, refusal->range_maximum);
    return status;
}

/* -- translation --------------------------------------------------------------------------- */

/* What is valid and not allowed is described without an artefact, if that was asked for. */
static bhd_status refuse(const bhd__translator *t, const bhd__binary *binary,
                         wasmtime_error_t *failure, bhd_error *refusal, bhd_error *error)
{
    bhd_status status = bhd__binary_refuse(binary, failure, refusal);
    if (status == BHD_COMPONENT_UNSUPPORTED && t->options.describe)
        return BHD_OK;
    return bhd__fail(error, status, "%s", refusal->message);
}

/* -- branches ------------------------------------------------------------------------------ */

typedef struct branches {
    bhd_engine_branch_t *list;
    size_t count, capacity;
    bool lacks_memory;
} branches;

static void add_branch(void *env, const bhd_engine_branch_t *branch)
{
    branches *b = env;
    if (b->count == b->capacity && !b->lacks_memory) {
        size_t capacity = b->capacity ? 2 * b->capacity : 64;
        bhd_engine_branch_t *more = bhd__realloc_array(b->list, capacity, sizeof *more);
        b->lacks_memory = !more;
        b->list = more ? more : b->list;
        b->capacity = more ? capacity : b->capacity;
    }
    if (!b->lacks_memory)
        b->list[b->count++] = *branch;
}

/* For the lines of traps: finding them decodes all code, which nobody wants to do where it is
 * loaded. What will not be loaded needs none. */
static bhd_status find_branches(const bhd__binary *binary, const bhd__translated *out, branches *b,
                                bhd_error *error)
{
    *b = (branches){0};
    if (out->artifact)
        bhd_engine_branches(binary->read, binary->read_bytes, b, add_branch);
    return b->lacks_memory ? bhd__fail_no_memory(error) : BHD_OK;
}

static bhd_status describe(const bhd__translator *t, const bhd__binary *binary,
                           const bhd_error *refusal, bhd__translated *out, bhd_error *error)
{
    world w = {NULL, false};
    branches b = {0};
    bhd_status status = read_world(t, binary, &w, error);
    if (status == BHD_OK)
        status = find_branches(binary, out, &b, error);
    bhd__description description = {
        .is_component = binary->is_component,
        .imports_memory = binary->imports_memory,
        .unlinked = bhd__recognise_unlinked(binary->data, binary->size),
        .binary_bytes = binary->read_bytes,
        .totals = binary->totals,
        .extents = binary->extents,
        .extent_count = binary->extent_count,
        .unlisted_count = binary->unlisted_count,
        .wit = w.text,
        .wit_bytes = w.text ? strlen(w.text) : 0,
        .moves = binary->moves,
        .move_count = binary->move_count,
        .branches = b.list,
        .branch_count = b.count,
        .refusal = refusal->message,
        .refusal_bytes = out->artifact ? 0 : strlen(refusal->message),
    };
    if (status == BHD_OK) {
        out->owned[1] = bhd__description_write(&description, &out->description_bytes);
        out->description = out->owned[1];
        if (!out->description)
            status = bhd__fail_no_memory(error);
    }
    bhd__free(b.list);
    bhd__free(w.text);
    return status;
}

static wasmtime_error_t *compile(const bhd__translator *t, const bhd__binary *binary,
                                 wasm_byte_vec_t *artifact)
{
    return bhd_engine_precompile(t->engine, binary->data, binary->size, binary->is_component,
                                 artifact);
}

bhd_status bhd__translate(bhd__translator *translator, const void *data, size_t size,
                          bhd__translated *translated, bhd_error *error)
{
    bhd__binary binary;
    wasm_byte_vec_t artifact = {0, NULL};
    bhd_error refusal = BHD_ERROR_INIT;
    bhd__translated out = {0};
    bhd_status status = bhd__binary_init(&binary, &translator->options, data, size, error);
    if (status != BHD_OK)
        return status;
    wasmtime_error_t *failure = compile(translator, &binary, &artifact);
    if (failure && bhd__binary_unjoin(&binary)) {
        wasmtime_error_delete(failure);
        failure = compile(translator, &binary, &artifact);
    }
    if (failure) {
        status = refuse(translator, &binary, failure, &refusal, error);
    } else {
        out.artifact = (const uint8_t *)artifact.data;
        out.owned[0] = artifact.data;
        out.artifact_bytes = artifact.size;
        status = judge_code(translator, &binary, &out, &refusal, error);
    }
    if (status == BHD_OK)
        status = describe(translator, &binary, &refusal, &out, error);
    bhd_error_fini(&refusal);
    bhd__binary_fini(&binary);
    if (status != BHD_OK) {
        bhd__translated_fini(&out);
        return status;
    }
    *translated = out;
    return BHD_OK;
}

void bhd__translated_fini(bhd__translated *translated)
{
    wasm_byte_vec_t artifact = {translated->artifact_bytes, translated->owned[0]};
    if (artifact.data)
        wasm_byte_vec_delete(&artifact);
    bhd__free(translated->owned[1]);
    *translated = (bhd__translated){0};
}
