#include "engine/code/binary.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/code/config.h"
#include "engine/code/description.h"
#include "engine/code/failure.h"
#include "engine/code/recognise.h"

#include <inttypes.h>
#include <string.h>

#define NAME_SHOWN_BYTES 96
/* Reading text takes some fifty times its size in memory. */
#define TEXT_BYTES_MAX ((size_t)1 << 20)

bool bhd__is_binary(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "\0asm", 4) == 0;
}

bhd_status bhd__binary_check_count(const char *what, uint64_t has, uint64_t allowed,
                                   const char *option, bhd_error *error)
{
    char command[64];
    bhd__text text;
    if (has <= allowed)
        return BHD_OK;
    /* Whoever typed a command has an option of the same name. */
    bhd__text_init(&text, command, sizeof command);
    for (const char *at = option; *at; at++)
        bhd__text_add_bytes(&text, *at == '_' ? "-" : at, 1);
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "the component has %" PRIu64 " %s; this host allows %" PRIu64
                    " (host option %s, --%s)",
                    has, what, allowed, option, command);
    bhd__error_range(error, has, 0, allowed);
    return BHD_COMPONENT_TOO_LARGE;
}

static bool has_room(bhd__binary *binary)
{
    if (binary->extent_count < binary->extent_capacity)
        return true;
    size_t capacity = binary->extent_capacity > 0 ? 2 * binary->extent_capacity : 8;
    bhd_engine_extent_t *more = bhd__realloc_array(binary->extents, capacity, sizeof *more);
    if (!more)
        return false;
    binary->extents = more;
    binary->extent_capacity = capacity;
    return true;
}

static void look_at_extent(void *env, const bhd_engine_extent_t *extent)
{
    bhd__binary *binary = env;
    if (extent->imported && extent->page_bytes > 0)
        binary->imports_memory = true;
    if (binary->extent_count == BHD__EXTENTS_MAX)
        binary->unlisted_count++;
    else if (!binary->lacks_memory && has_room(binary))
        binary->extents[binary->extent_count++] = *extent;
    else
        binary->lacks_memory = true;
}

/* What cannot be read must not reach the compiler uncounted. */
static bhd_status walk(bhd__binary *binary, bhd_error *error)
{
    wasmtime_error_t *failure = bhd_engine_extents(binary->data, binary->size, BHD__NESTING_MAX,
                                                   binary, look_at_extent, &binary->totals);
    if (failure && bhd__binary_unjoin(binary)) {
        wasmtime_error_delete(failure);
        binary->extent_count = 0;
        binary->unlisted_count = 0;
        return walk(binary, error);
    }
    if (failure)
        return bhd__binary_refuse(binary, failure, error);
    return binary->lacks_memory ? bhd__fail_no_memory(error) : BHD_OK;
}

/* Compiling takes time and memory for each function, however small. */
static bhd_status check_functions(const bhd__binary *binary, const bhd__translation *options,
                                  bhd_error *error)
{
    bhd_status status = bhd__binary_check_count("functions", binary->totals.functions,
                                                options->max_functions, "max_functions", error);
    if (status == BHD_OK)
        status = bhd__binary_check_count("bytes in its largest function",
                                         binary->totals.largest_function_bytes,
                                         options->max_function_bytes, "max_function_bytes", error);
    return status;
}

/* "function 7 (main) of module 2": as much of it as is known. */
static void name_function(const bhd__binary *binary, uint32_t module, uint32_t index,
                          bhd__text *text)
{
    char name[NAME_SHOWN_BYTES];
    size_t size =
        bhd_engine_function_name(binary->data, binary->size, module, index, name, sizeof name);
    bhd__text_printf(text, "function %" PRIu32, index);
    if (size > 0) {
        bhd__text_add(text, " (");
        bhd__text_add_escaped(text, name, size < sizeof name ? size : sizeof name, sizeof name);
        bhd__text_add(text, ")");
    }
    if (binary->is_component)
        bhd__text_printf(text, " of core module %" PRIu32, module);
}

/* What makes the engine's compiler end the process when there is too much of it in one function. */
static bhd_status check_accesses(const bhd__binary *binary, bhd_error *error)
{
    const bhd_engine_accesses_t *accesses = &binary->totals.accesses;
    if (accesses->count <= accesses->most)
        return BHD_OK;
    char buffer[512];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    if (accesses->is_set_up) {
        bhd__text_add(&text, "setting up ");
        if (binary->is_component)
            bhd__text_printf(&text, "core module %" PRIu32, accesses->module);
        else
            bhd__text_add(&text, "the module");
    } else {
        name_function(binary, accesses->module, accesses->index, &text);
    }
    bhd__text_printf(&text,
                     " takes %" PRIu64 " globals, types and references to objects together; at "
                     "most %" PRIu64 " can be compiled in one function",
                     accesses->count, accesses->most);
    bhd__text_ellipsis(&text);
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE, "%s", buffer);
    bhd__error_range(error, accesses->count, 0, accesses->most);
    return BHD_COMPONENT_TOO_LARGE;
}

uint64_t bhd__binary_held(const bhd_engine_totals_t *totals)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BHD_ENGINE_PARTS; i++)
        if (__builtin_add_overflow(sum, totals->held[i], &sum))
            return UINT64_MAX;
    return sum;
}

/* No limit of a component counts what an instance holds in the host, so it has a bound here. */
static bhd_status check_held(const bhd__binary *binary, const bhd__translation *options,
                             bhd_error *error)
{
    static const char *const names[] = {
        [BHD_ENGINE_INSTANCES] = "its instances of core modules",
        [BHD_ENGINE_GLOBALS] = "its globals and tags",
        [BHD_ENGINE_ELEMENTS] = "its passive element segments",
        [BHD_ENGINE_FUNCTIONS] = "its functions that are exported or in an element segment",
        [BHD_ENGINE_IMPORTS] = "the imports of its core modules",
        [BHD_ENGINE_DATA] = "its data segments",
        [BHD_ENGINE_LINKS] = "the functions and resources of its components",
    };
    const bhd_engine_totals_t *totals = &binary->totals;
    uint64_t held = bhd__binary_held(totals), allowed = options->max_instance_bytes;
    if (held <= allowed)
        return BHD_OK;
    size_t largest = 0;
    for (size_t i = 1; i < BHD_ENGINE_PARTS; i++)
        if (totals->held[i] > totals->held[largest])
            largest = i;
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "the component takes %" PRIu64
                    " bytes of the host for each sandbox, beside its memories and tables; this "
                    "host allows %" PRIu64
                    " (host option max_instance_bytes, --max-instance-bytes). "
                    "The largest part, %" PRIu64 " bytes, is for %s",
                    held, allowed, totals->held[largest], names[largest]);
    bhd__error_range(error, held, 0, allowed);
    return BHD_COMPONENT_TOO_LARGE;
}

/* What would have to be followed too deep, or cannot be summed. */
static bhd_status check_nesting(const bhd__binary *binary, bhd_error *error)
{
    const bhd_engine_totals_t *totals = &binary->totals;
    if (totals->is_nested_too_deep)
        return bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                         "the component has components or types that are nested more than %d "
                         "deep, which is the most that is compiled",
                         BHD__NESTING_MAX);
    if (totals->is_unbounded)
        return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                         "the component instantiates a component that it is given or that an "
                         "instance exports; what a sandbox of it takes of the host cannot be told "
                         "beforehand, so only components that are defined where they are "
                         "instantiated, or around that, are compiled");
    return BHD_OK;
}

/* The engine's error for text is a drawing of several lines; what is wanted of it is the first and
 * the position: "MESSAGE\n     --> <anon>:LINE:COLUMN\n...". */
static bhd_status refuse_text(wasmtime_error_t *failure, bhd_error *error)
{
    static const char place[] = "<anon>:";
    char raw[512], message[512], position[64];
    size_t size = bhd_engine_error_text(failure, raw, sizeof raw - 1);
    wasmtime_error_delete(failure);
    raw[size < sizeof raw ? size : sizeof raw - 1] = '\0';
    const char *at = strstr(raw, place);
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    bhd__text_add_escaped(&text, raw, strcspn(raw, "\n"), 256);
    bhd__text_ellipsis(&text);
    bhd__text_init(&text, position, sizeof position);
    if (at) {
        at += sizeof place - 1;
        bhd__text_add(&text, " at ");
        bhd__text_add_bytes(&text, at, strspn(at, "0123456789:"));
    }
    bhd__text_ellipsis(&text);
    return bhd__fail(error, BHD_COMPONENT_INVALID,
                     "neither a WebAssembly binary nor valid text (WAT)%s: %s", position, message);
}

bhd_status bhd__binary_screen(const bhd_host_options *options, const void *data, size_t size,
                              bhd_error *error)
{
    if (size > options->max_component_bytes) {
        (void)bhd__fail(error, BHD_FILE_TOO_LARGE,
                        "the component has %zu bytes; this host compiles at most %" PRIu64
                        " (host option max_component_bytes, --max-component-bytes)",
                        size, options->max_component_bytes);
        bhd__error_range(error, size, 0, options->max_component_bytes);
        return BHD_FILE_TOO_LARGE;
    }
    if (bhd__is_binary(data, size))
        return BHD_OK;
    const char *what = bhd__recognise(data, size);
    if (what)
        return bhd__fail(error, BHD_COMPONENT_INVALID, "not a component: this is %s", what);
    if (size <= TEXT_BYTES_MAX)
        return BHD_OK;
    (void)bhd__fail(error, BHD_FILE_TOO_LARGE,
                    "the component is not a WebAssembly binary, and as text (WAT) it is too "
                    "large: it has %zu bytes, and at most %zu are translated here; make a "
                    "binary of it first",
                    size, TEXT_BYTES_MAX);
    bhd__error_range(error, size, 0, TEXT_BYTES_MAX);
    return BHD_FILE_TOO_LARGE;
}

static void add_move(void *env, const bhd_engine_move_t *move)
{
    bhd__binary *binary = env;
    if (binary->move_count == binary->move_capacity && !binary->lacks_memory) {
        size_t capacity = 2 * binary->move_capacity + 8;
        bhd_engine_move_t *more = bhd__realloc_array(binary->moves, capacity, sizeof *more);
        binary->lacks_memory = !more;
        if (more) {
            binary->moves = more;
            binary->move_capacity = capacity;
        }
    }
    if (!binary->lacks_memory)
        binary->moves[binary->move_count++] = *move;
}

/* Many data segments become many steps of one function that the compiler makes, which is dear. */
static void join_segments(bhd__binary *binary)
{
    if (!bhd_engine_join_segments(binary->data, binary->size, &binary->joined, binary, add_move))
        return;
    binary->data = (const uint8_t *)binary->joined.data;
    binary->size = binary->joined.size;
}

bool bhd__binary_unjoin(bhd__binary *binary)
{
    bool has_moved = binary->move_count > 0;
    if (has_moved) {
        binary->data = binary->read;
        binary->size = binary->read_bytes;
        binary->move_count = 0;
    }
    return has_moved;
}

static bhd_status check_all(bhd__binary *binary, const bhd__translation *options, bhd_error *error)
{
    bhd_status status = walk(binary, error);
    if (status == BHD_OK)
        status = check_nesting(binary, error);
    if (status == BHD_OK)
        status = check_functions(binary, options, error);
    if (status == BHD_OK)
        status = check_accesses(binary, error);
    if (status == BHD_OK)
        status = check_held(binary, options, error);
    return status;
}

bhd_status bhd__binary_init(bhd__binary *binary, const bhd__translation *options, const void *data,
                            size_t size, bhd_error *error)
{
    *binary =
        (bhd__binary){.data = data, .size = size, .allows_gc = options->features & BHD_FEATURE_GC};
    if (!bhd__is_binary(data, size)) {
        wasmtime_error_t *failure = wasmtime_wat2wasm(data, size, &binary->of_text);
        if (failure)
            return refuse_text(failure, error);
        binary->data = (const uint8_t *)binary->of_text.data;
        binary->size = binary->of_text.size;
    }
    binary->read = binary->data;
    binary->read_bytes = binary->size;
    join_segments(binary);
    /* Bytes 4 to 7 are version and layer; layer 1 is the component model. */
    binary->is_component = binary->size >= 8 && binary->data[6] == 1;
    bhd_status status = check_all(binary, options, error);
    if (status != BHD_OK)
        bhd__binary_fini(binary);
    return status;
}

void bhd__binary_fini(bhd__binary *binary)
{
    if (binary->of_text.data)
        wasm_byte_vec_delete(&binary->of_text);
    if (binary->joined.data)
        wasm_byte_vec_delete(&binary->joined);
    bhd__free(binary->moves);
    bhd__free(binary->extents);
    *binary = (bhd__binary){0};
}

bhd_status bhd__binary_refuse(const bhd__binary *binary, wasmtime_error_t *failure,
                              bhd_error *error)
{
    char wasi[128], what[320];
    bhd__text text;
    if (!bhd_engine_valid_with_everything(binary->data, binary->size))
        return bhd__failure_message(BHD_COMPONENT_INVALID, "not a valid component", failure, error);
    if (bhd__config_valid(binary->data, binary->size, binary->allows_gc))
        return bhd__failure_message(BHD_COMPONENT_UNSUPPORTED,
                                    "the component is valid, but the engine cannot compile it",
                                    failure, error);
    if (!binary->allows_gc && bhd__config_valid(binary->data, binary->size, true))
        return bhd__failure_message(BHD_COMPONENT_UNSUPPORTED,
                                    "the component needs garbage collection or references to "
                                    "functions with types, which are off unless whoever runs the "
                                    "host allows them (BHD_FEATURE_GC in the host option features, "
                                    "--enable=gc)",
                                    failure, error);
    bhd__text_init(&text, what, sizeof what);
    bhd__text_add(&text, "the component uses a WebAssembly feature that is not allowed");
    if (binary->is_component && bhd__recognise_wasi(binary->data, binary->size, wasi, sizeof wasi))
        bhd__text_printf(
            &text, "; it names %s, and this host has no other version of WASI than 0.2", wasi);
    bhd__text_ellipsis(&text);
    return bhd__failure_message(BHD_COMPONENT_UNSUPPORTED, what, failure, error);
}
