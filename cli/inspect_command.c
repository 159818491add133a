/*
 * `bulkhead inspect`: what a binary is and what it needs. Runs nothing.
 */
#include "binary_file.h"
#include "commands.h"
#include "exit_codes.h"
#include "host_options.h"
#include "interrupt.h"
#include "json_output.h"
#include "precompiled_option.h"
#include "shown_text.h"
#include "terminal.h"

#include "bulkhead/inspection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct inspect_options {
    bhd_host_options host;
    bool json;
    const char *file;
} inspect_options;

enum { KEY_JSON = 0x600 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 1},
    {0},
};

static const struct argp_child children[] = {
    {&cli_inspecting_argp, 0, NULL, 0},
    {&cli_precompiled_argp, 0, NULL, 0},
    {&cli_short_help_argp, 0, NULL, 0},
    {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Shows what a component imports, exports and needs. Nothing runs.\v"
    "FILE is a component or a core module, binary or text. The world of a component is shown as "
    "WIT, memories and tables as they are declared, and the last lines say what it starts with, "
    "the smallest max_bytes that a manifest can give it, what a sandbox of it takes of the host "
    "besides, and what compiling it took, now or when its code was put into the cache, where the "
    "next run finds it. What the host would refuse to run can be inspected too, but what it would "
    "refuse to compile cannot.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    inspect_options *inspect = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &inspect->host;
        return 0;
    case KEY_JSON:
        inspect->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one FILE at a time; %s is the second", cli_show(argument).text);
        inspect->file = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "FILE is missing: name a .wasm or .wat");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options, parse_option, "FILE", documentation, children, NULL, NULL,
};

static const char *kind_text(bhd_component_kind kind)
{
    return kind == BHD_KIND_COMPONENT ? "component" : "core module";
}

static void print_title(const char *title)
{
    printf("%s%s%s\n", cli_style_on(stdout, CLI_STRONG), title, cli_style_on(stdout, CLI_PLAIN));
}

/* "17 pages (1114112 bytes)", "100 elements". */
static void print_amount(const bhd_extent *extent, uint64_t amount)
{
    uint64_t bytes;
    if (extent->page_bytes == 0)
        printf("%" PRIu64 " element%s", amount, amount == 1 ? "" : "s");
    else if (__builtin_mul_overflow(amount, extent->page_bytes, &bytes))
        printf("%" PRIu64 " pages (2^64 bytes or more)", amount);
    else
        printf("%" PRIu64 " page%s (%" PRIu64 " bytes)", amount, amount == 1 ? "" : "s", bytes);
}

static void print_extents(const char *what, const bhd_extent *extents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bhd_extent *extent = &extents[i];
        printf("  module %" PRIu32 ", %s %" PRIu32 ": minimum ", extent->module, what,
               extent->index);
        print_amount(extent, extent->minimum);
        fputs(", ", stdout);
        if (extent->has_maximum) {
            fputs("maximum ", stdout);
            print_amount(extent, extent->maximum);
        } else {
            fputs("no maximum", stdout);
        }
        if (extent->page_bytes != 0 && extent->page_bytes != 65536)
            printf(", %" PRIu64 " byte%s a page (not allowed to run)", extent->page_bytes,
                   extent->page_bytes == 1 ? "" : "s");
        printf("%s%s%s\n", extent->imported ? ", imported" : "",
               extent->is_64 ? ", 64-bit (not allowed to run)" : "",
               extent->is_shared ? ", shared (not allowed to run)" : "");
    }
}

/* Of what may not run here, nothing is known about these. */
static void print_items(const char *title, const bhd_inspection *inspection, const bhd_item *items,
                        size_t count)
{
    char line[64];
    const char *none = inspection->refusal != NULL ? ": not listed" : ": none";
    (void)snprintf(line, sizeof line, "%s%s", title, count > 0 ? "" : none);
    print_title(line);
    for (size_t i = 0; i < count; i++) {
        bool has_module = items[i].module != NULL && items[i].module[0] != '\0';
        bool has_name = items[i].name[0] != '\0';
        printf("  %s%s%s: %s\n", has_module ? items[i].module : "", has_module ? " " : "",
               has_name ? items[i].name : "\"\"", items[i].type);
    }
}

/* Every line of the text, two columns to the right. */
static void print_wit(const char *wit)
{
    while (*wit != '\0') {
        size_t length = strcspn(wit, "\n");
        printf("%s%.*s\n", length > 0 ? "  " : "", (int)length, wit);
        wit += length + (wit[length] == '\n');
    }
}

/* "1114112 bytes (1088 KiB)", or "100 bytes" when no unit says it shorter. */
static void print_bytes(uint64_t bytes)
{
    char size[64];
    (void)bhd_size_to_text(bytes, size, sizeof size);
    printf("%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    if (strstr(size, "iB") != NULL)
        printf(" (%s)", size);
}

static void print_needs(const bhd_inspection *inspection)
{
    const char *least = inspection->is_exact ? "" : "at least ";

    printf("starts with %s", least);
    print_bytes(inspection->initial_memory_bytes);
    printf(" in %" PRIu64 " memor%s\n", inspection->instance_memories,
           inspection->instance_memories == 1 ? "y" : "ies");
    if (inspection->initial_heap_bytes > 0) {
        printf("starts with ");
        print_bytes(inspection->initial_heap_bytes);
        printf(" of heap for collected objects\n");
    }
    printf("starts with %s%" PRIu64 " element%s in %" PRIu64 " table%s\n", least,
           inspection->initial_table_elements, inspection->initial_table_elements == 1 ? "" : "s",
           inspection->instance_tables, inspection->instance_tables == 1 ? "" : "s");
    printf("smallest max_bytes it can start with: %s", least);
    print_bytes(inspection->minimum_max_bytes);
    putchar('\n');
    printf("takes %s", least);
    print_bytes(inspection->instance_bytes);
    puts(" of the host for each sandbox, beside memories and tables");
    if (inspection->compile_ns == 0)
        return;
    printf("took %.3f seconds", (double)inspection->compile_ns / 1e9);
    if (inspection->compile_bytes > 0) {
        printf(" and ");
        print_bytes(inspection->compile_bytes);
    }
    puts(" to compile");
}

static void print_text(const char *file, const bhd_inspection *inspection)
{
    printf("%s: %s, %" PRIu64 " bytes\n", cli_show(file).text, kind_text(inspection->kind),
           inspection->binary_size);
    if (inspection->refusal != NULL)
        printf("not allowed to run here: %s\n", inspection->refusal);
    print_items("imports", inspection, inspection->imports, inspection->import_count);
    print_items("exports", inspection, inspection->exports, inspection->export_count);
    if (inspection->wit != NULL) {
        print_title("world");
        print_wit(inspection->wit);
    }
    print_title(inspection->memory_count > 0 ? "memories" : "memories: none");
    print_extents("memory", inspection->memories, inspection->memory_count);
    print_title(inspection->table_count > 0 ? "tables" : "tables: none");
    print_extents("table", inspection->tables, inspection->table_count);
    if (inspection->unlisted_count > 0)
        printf("not listed: %" PRIu64 " more memories and tables\n", inspection->unlisted_count);
    print_needs(inspection);
}

static json_t *items_json(const bhd_item *items, size_t count, bool with_module)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        if (with_module)
            (void)json_object_set_new(item, "module", cli_json_text(items[i].module));
        (void)json_object_set_new(item, "name", cli_json_text(items[i].name));
        (void)json_object_set_new(item, "type", cli_json_text(items[i].type));
        (void)json_array_append_new(array, item);
    }
    return array;
}

/* Bytes of so many pages; more than 64 bits hold is a real, exact because pages are powers of 2. */
static json_t *bytes_json(const bhd_extent *extent, uint64_t pages)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(pages, extent->page_bytes, &bytes))
        return json_real((double)pages * (double)extent->page_bytes);
    return cli_json_number(bytes);
}

static json_t *extents_json(const bhd_extent *extents, size_t count, bool is_memory)
{
    json_t *array = json_array();
    const char *minimum = is_memory ? "minimum_pages" : "minimum_elements";
    const char *maximum = is_memory ? "maximum_pages" : "maximum_elements";

    for (size_t i = 0; i < count; i++) {
        const bhd_extent *extent = &extents[i];
        bool bounded = extent->has_maximum;
        json_t *object = json_object();
        (void)json_object_set_new(object, "module", cli_json_number(extent->module));
        (void)json_object_set_new(object, "index", cli_json_number(extent->index));
        (void)json_object_set_new(object, "imported", json_boolean(extent->imported));
        (void)json_object_set_new(object, minimum, cli_json_number(extent->minimum));
        (void)json_object_set_new(object, maximum,
                                  bounded ? cli_json_number(extent->maximum) : json_null());
        if (is_memory) {
            (void)json_object_set_new(object, "minimum_bytes", bytes_json(extent, extent->minimum));
            (void)json_object_set_new(object, "maximum_bytes",
                                      bounded ? bytes_json(extent, extent->maximum) : json_null());
            (void)json_object_set_new(object, "page_bytes", cli_json_number(extent->page_bytes));
        }
        (void)json_object_set_new(object, "is_64", json_boolean(extent->is_64));
        (void)json_object_set_new(object, "is_shared", json_boolean(extent->is_shared));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *inspection_json(const char *file, const bhd_inspection *inspection)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "file", cli_json_text(file));
    (void)json_object_set_new(
        object, "kind",
        cli_json_text(inspection->kind == BHD_KIND_COMPONENT ? "component" : "module"));
    (void)json_object_set_new(object, "size_bytes", cli_json_number(inspection->binary_size));
    (void)json_object_set_new(object, "refusal", cli_json_text(inspection->refusal));
    (void)json_object_set_new(object, "imports",
                              items_json(inspection->imports, inspection->import_count, true));
    (void)json_object_set_new(object, "exports",
                              items_json(inspection->exports, inspection->export_count, false));
    (void)json_object_set_new(object, "wit", cli_json_text(inspection->wit));
    (void)json_object_set_new(object, "memories",
                              extents_json(inspection->memories, inspection->memory_count, true));
    (void)json_object_set_new(object, "tables",
                              extents_json(inspection->tables, inspection->table_count, false));
    (void)json_object_set_new(object, "unlisted", cli_json_number(inspection->unlisted_count));
    (void)json_object_set_new(object, "exact", json_boolean(inspection->is_exact));
    (void)json_object_set_new(object, "initial_memory_bytes",
                              cli_json_number(inspection->initial_memory_bytes));
    (void)json_object_set_new(object, "initial_heap_bytes",
                              cli_json_number(inspection->initial_heap_bytes));
    (void)json_object_set_new(object, "initial_table_elements",
                              cli_json_number(inspection->initial_table_elements));
    (void)json_object_set_new(object, "instance_memories",
                              cli_json_number(inspection->instance_memories));
    (void)json_object_set_new(object, "instance_tables",
                              cli_json_number(inspection->instance_tables));
    (void)json_object_set_new(object, "minimum_max_bytes",
                              cli_json_number(inspection->minimum_max_bytes));
    (void)json_object_set_new(object, "instance_bytes",
                              cli_json_number(inspection->instance_bytes));
    (void)json_object_set_new(object, "compile_ns", cli_json_number(inspection->compile_ns));
    (void)json_object_set_new(object, "compile_bytes", cli_json_number(inspection->compile_bytes));
    return object;
}

static cli_exit inspect_file(const inspect_options *inspect, bhd_host *host, bhd_error *error)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    unsigned char *bytes = NULL;
    size_t size = 0;

    cli_exit code = cli_binary_read(inspect->file, &inspect->host, &bytes, &size, error);
    if (code == CLI_EXIT_OK) {
        inspection.cancellation = cli_interrupt_watch();
        bhd_status status = bhd_inspect(host, bytes, size, &inspection, error);
        cli_error_name_binary(error, inspect->file);
        code = cli_exit_code(cli_interrupt_end_compiling(status, inspect->file, error));
    }
    free(bytes);
    if (code == CLI_EXIT_OK && !inspect->json) {
        print_text(inspect->file, &inspection);
    } else if (code == CLI_EXIT_OK &&
               !cli_json_print(stdout, inspection_json(inspect->file, &inspection), true)) {
        code = cli_exit_code(cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory"));
    }
    bhd_inspection_fini(&inspection);
    return code;
}

int cli_inspect_main(int argc, char **argv)
{
    inspect_options inspect = {.host = cli_host_defaults()};
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;

    if (argp_parse(&parser, argc, argv, 0, NULL, &inspect) != 0)
        return CLI_EXIT_INTERNAL;
    cli_exit code = cli_host_make(&inspect.host, &host, &error);
    if (code == CLI_EXIT_OK)
        code = inspect_file(&inspect, host, &error);
    if (code != CLI_EXIT_OK)
        cli_complain_error(&error, NULL);
    bhd_host_free(host);
    bhd_error_fini(&error);
    return (int)code;
}
