#include "engine/engine_binary.h"

#include "base/fail.h"
#include "base/text.h"
#include "engine/engine_room.h"

#include <inttypes.h>
#include <string.h>

static bool is_binary(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "\0asm", 4) == 0;
}

bhd_status bhd__binary_check_count(const char *what, uint64_t has, uint64_t allowed,
                                   const char *option, bhd_error *error)
{
    if (has <= allowed)
        return BHD_OK;
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "the component has %" PRIu64 " %s; this host allows %" PRIu64 " (%s)", has,
                    what, allowed, option);
    bhd__error_range(error, has, 0, allowed);
    return BHD_COMPONENT_TOO_LARGE;
}

static void look_at_extent(void *env, const bhd_engine_extent_t *extent)
{
    bhd__binary *binary = env;
    if (extent->imported && extent->page_bytes > 0)
        binary->imports_memory = true;
}

static void read_totals(bhd__binary *binary)
{
    wasmtime_error_t *failure =
        bhd_engine_extents(binary->data, binary->size, binary, look_at_extent, &binary->totals);
    binary->is_readable = !failure;
    if (failure)
        wasmtime_error_delete(failure);
}

/* Compiling takes time and memory for each function, however small. */
static bhd_status check_functions(const bhd__binary *binary, const bhd_host_options *options,
                                  bhd_error *error)
{
    if (!binary->is_readable)
        return BHD_OK;
    bhd_status status = bhd__binary_check_count("functions", binary->totals.functions,
                                                options->max_functions, "max_functions", error);
    if (status == BHD_OK)
        status = bhd__binary_check_count("bytes in its largest function",
                                         binary->totals.largest_function_bytes,
                                         options->max_function_bytes, "max_function_bytes", error);
    return status;
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

bhd_status bhd__binary_init(bhd__binary *binary, const bhd_host_options *options, const void *data,
                            size_t size, bhd_error *error)
{
    *binary = (bhd__binary){.data = data, .size = size};
    if (size > options->max_component_bytes) {
        (void)bhd__fail(error, BHD_FILE_TOO_LARGE,
                        "the component has %zu bytes; this host compiles at most %" PRIu64
                        " (max_component_bytes)",
                        size, options->max_component_bytes);
        bhd__error_range(error, size, 0, options->max_component_bytes);
        return BHD_FILE_TOO_LARGE;
    }
    if (!is_binary(data, size)) {
        wasmtime_error_t *failure = wasmtime_wat2wasm(data, size, &binary->owned);
        if (failure)
            return refuse_text(failure, error);
        binary->data = (const uint8_t *)binary->owned.data;
        binary->size = binary->owned.size;
    }
    /* Bytes 4 to 7 are version and layer; layer 1 is the component model. */
    binary->is_component = binary->size >= 8 && binary->data[6] == 1;
    read_totals(binary);
    bhd_status status = check_functions(binary, options, error);
    if (status != BHD_OK)
        bhd__binary_fini(binary);
    return status;
}

void bhd__binary_fini(bhd__binary *binary)
{
    if (binary->owned.data)
        wasm_byte_vec_delete(&binary->owned);
    binary->owned = (wasm_byte_vec_t){0, NULL};
}

bhd_status bhd__binary_refuse(const bhd__binary *binary, wasmtime_error_t *failure,
                              bhd_error *error)
{
    if (bhd_engine_valid_with_everything(binary->data, binary->size))
        return bhd__fault_message(BHD_COMPONENT_UNSUPPORTED,
                                  "the component uses a WebAssembly feature that is not allowed",
                                  failure, error);
    return bhd__fault_message(BHD_COMPONENT_INVALID, "not a valid component", failure, error);
}
