/*
 * The list of keys, and the walk that compares a document with it.
 */
#include "manifest/schema.h"

#include "grants/capability_rules.h"
#include "manifest/nearest.h"
#include "manifest/values.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define TABLE(path_, name_, parent_, required_)                                                    \
    .path = (path_), .name = (name_), .parent = (parent_), .type = BHD__TYPE_TABLE,                \
    .is_required = (required_), .allowed = "a table"

#define CAPABILITY(name_, type_)                                                                   \
    .path = "capabilities." name_, .name = (name_), .parent = BHD__KEY_CAPABILITIES, .type = (type_)
#define STRINGS(name_, example_, allowed_)                                                         \
    CAPABILITY(name_, BHD__TYPE_STRINGS), .fallback = "none", .example = (example_),               \
                                          .allowed = (allowed_)
#define BOOLEAN(name_)                                                                             \
    CAPABILITY(name_, BHD__TYPE_BOOLEAN), .fallback = "false", .example = "true",                  \
                                          .allowed = "true or false"
#define OUTPUT(name_)                                                                              \
    CAPABILITY(name_, BHD__TYPE_CHOICE), .choices = {"inherit", "none", "capture"},                \
                                         .fallback = "\"inherit\"", .example = "\"inherit\"",      \
                                         .allowed = "\"inherit\" (where the host puts it), "       \
                                                    "\"none\" (dropped) or \"capture\" (kept, up " \
                                                    "to a bound)"

static const bhd__schema_key keys[BHD__KEY_COUNT] = {
    [BHD__KEY_ROOT] = {TABLE("", "", BHD__KEY_ROOT, true)},
    [BHD__KEY_COMPONENT] = {TABLE("component", "component", BHD__KEY_ROOT, true)},
    [BHD__KEY_NAME] =
        {
            .path = "component.name",
            .name = "name",
            .parent = BHD__KEY_COMPONENT,
            .type = BHD__TYPE_STRING,
            .is_required = true,
            .example = "\"resizer\"",
            .allowed = "a string of 1 to 128 characters out of A-Z a-z 0-9 . _ -",
        },
    [BHD__KEY_VERSION] =
        {
            .path = "component.version",
            .name = "version",
            .parent = BHD__KEY_COMPONENT,
            .type = BHD__TYPE_STRING,
            .is_required = true,
            .example = "\"0.1.0\"",
            .allowed = "a string with a version by SemVer 2.0, MAJOR.MINOR.PATCH",
        },
    [BHD__KEY_SOURCE] =
        {
            .path = "component.source",
            .name = "source",
            .parent = BHD__KEY_COMPONENT,
            .type = BHD__TYPE_STRING,
            .fallback = "<name>.wasm",
            .example = "\"resizer.wasm\"",
            .allowed = "a string with the path of the component's binary",
        },
    [BHD__KEY_RESOURCES] = {TABLE("resources", "resources", BHD__KEY_ROOT, true)},
    [BHD__KEY_MEMORY] = {TABLE("resources.memory", "memory", BHD__KEY_RESOURCES, true)},
    [BHD__KEY_MAX_BYTES] =
        {
            .path = "resources.memory.max_bytes",
            .name = "max_bytes",
            .parent = BHD__KEY_MEMORY,
            .type = BHD__TYPE_SIZE,
            .is_required = true,
            .allowed = "a whole number of bytes, or a string with KiB or MiB",
        },
    [BHD__KEY_ON_EXCEED] =
        {
            .path = "resources.memory.on_exceed",
            .name = "on_exceed",
            .parent = BHD__KEY_MEMORY,
            .type = BHD__TYPE_CHOICE,
            .choices = {"deny", "trap"},
            .fallback = "\"deny\"",
            .example = "\"deny\"",
            .allowed = "\"deny\" (memory.grow gives -1) or \"trap\" (the guest ends there)",
        },
    [BHD__KEY_MAX_TABLE_ELEMENTS] =
        {
            .path = "resources.memory.max_table_elements",
            .name = "max_table_elements",
            .parent = BHD__KEY_MEMORY,
            .type = BHD__TYPE_INTEGER,
            .minimum = 0,
            .maximum = BHD_MAX_TABLE_ELEMENTS,
            .fallback = "10000",
            .example = "10000",
            .allowed = "an integer from 0 to 1000000",
        },
    [BHD__KEY_CPU] = {TABLE("resources.cpu", "cpu", BHD__KEY_RESOURCES, false)},
    [BHD__KEY_TIMEOUT_SECONDS] =
        {
            .path = "resources.cpu.timeout_seconds",
            .name = "timeout_seconds",
            .parent = BHD__KEY_CPU,
            .type = BHD__TYPE_NUMBER,
            .least = BHD_MIN_TIMEOUT_SECONDS,
            .most = BHD_MAX_TIMEOUT_SECONDS,
            .fallback = "30",
            .example = "30",
            .allowed = "a number of seconds from 0.001 to 86400",
        },
    [BHD__KEY_MAX_FUEL] =
        {
            .path = "resources.cpu.max_fuel",
            .name = "max_fuel",
            .parent = BHD__KEY_CPU,
            .type = BHD__TYPE_INTEGER,
            .minimum = 1,
            .maximum = INT64_MAX,
            .fallback = "fuel is not metered",
            .example = "1000000",
            .allowed = "an integer from 1 to 9223372036854775807",
        },
    [BHD__KEY_CAPABILITIES] = {TABLE("capabilities", "capabilities", BHD__KEY_ROOT, false)},
    [BHD__KEY_ARGS] = {STRINGS("args", "[\"--level\", \"3\"]", "an array of strings")},
    [BHD__KEY_ENV] = {STRINGS(
        "env", "[\"LANG\", \"MODE=fast\"]",
        "an array of strings \"NAME\" (of the host's environment) or \"NAME=value\"")},
    [BHD__KEY_STDIN] =
        {
            CAPABILITY("stdin", BHD__TYPE_CHOICE),
            .choices = {"none", "inherit"},
            .fallback = "\"none\"",
            .example = "\"inherit\"",
            .allowed = "\"none\" (it is at its end) or \"inherit\" (the host's)",
        },
    [BHD__KEY_STDOUT] = {OUTPUT("stdout")},
    [BHD__KEY_STDERR] = {OUTPUT("stderr")},
    [BHD__KEY_DIRECTORIES] =
        {
            CAPABILITY("directories", BHD__TYPE_TABLES),
            .fallback = "none",
            .example = "[{ host = \"data\", guest = \"/data\", access = \"ro\" }]",
            .allowed = "an array of tables with host, guest and access",
        },
    [BHD__KEY_NETWORK] = {STRINGS("network", "[\"example.org:443\"]",
                                  "an array of strings \"HOST:PORT\" to connect to")},
    [BHD__KEY_CLOCKS] = {BOOLEAN("clocks")},
    [BHD__KEY_RANDOM] = {BOOLEAN("random")},
    [BHD__KEY_MAX_WRITTEN_BYTES] =
        {
            CAPABILITY("max_written_bytes", BHD__TYPE_BYTES),
            .minimum = 0,
            .maximum = BHD__CAPABILITY_WRITTEN_MAX,
            .fallback = "16777216 (16 MiB)",
            .example = "\"16MiB\"",
            .allowed = "a whole number of bytes from 0 to 1125899906842624, or a string with KiB "
                       "or MiB",
        },
    [BHD__KEY_MAX_OPEN_FILES] =
        {
            CAPABILITY("max_open_files", BHD__TYPE_INTEGER),
            .minimum = 1,
            .maximum = BHD__CAPABILITY_OPEN_FILES_MAX,
            .fallback = "64",
            .example = "64",
            .allowed = "an integer from 1 to 1000",
        },
    [BHD__KEY_MAX_CONNECTIONS] =
        {
            CAPABILITY("max_connections", BHD__TYPE_INTEGER),
            .minimum = 1,
            .maximum = BHD__CAPABILITY_CONNECTIONS_MAX,
            .fallback = "8",
            .example = "8",
            .allowed = "an integer from 1 to 256",
        },
};

const bhd__schema_key *bhd__schema_get(bhd__key key)
{
    assert((unsigned)key < BHD__KEY_COUNT);
    return &keys[key];
}

/* Whether the key exists in this part of the schema. */
static bool is_in_part(bhd__schema_part part, bhd__key key)
{
    if (part == BHD__SCHEMA_MANIFEST)
        return true;
    bool is_memory = key == BHD__KEY_MEMORY || keys[key].parent == BHD__KEY_MEMORY;
    return is_memory || (part == BHD__SCHEMA_MEMORY_TOML && key == BHD__KEY_RESOURCES);
}

/* The key of that name in a table; BHD__KEY_ROOT: there is none. */
static bhd__key find_key(bhd__schema_part part, bhd__key table, const char *name, size_t size)
{
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++)
        if (keys[i].parent == table && is_in_part(part, (bhd__key)i) &&
            strlen(keys[i].name) == size && memcmp(keys[i].name, name, size) == 0)
            return (bhd__key)i;
    return BHD__KEY_ROOT;
}

/* -- unknown keys ---------------------------------------------------------------------------- */

/* The same name in another table: the key stands in the wrong place. */
static bhd__key find_elsewhere(bhd__schema_part part, const char *name, size_t size)
{
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++)
        if (is_in_part(part, (bhd__key)i) && strlen(keys[i].name) == size &&
            memcmp(keys[i].name, name, size) == 0)
            return (bhd__key)i;
    return BHD__KEY_ROOT;
}

/* The keys of a table, as people are to write them. */
static void add_known(bhd__checking *checking, bhd__key table, bhd__text *text)
{
    if (table == BHD__KEY_ROOT) {
        bhd__text_add(text, checking->part == BHD__SCHEMA_MANIFEST
                                ? "this version knows [component], [resources.memory], "
                                  "[resources.cpu] and [capabilities]"
                                : "only [resources.memory] belongs here");
        return;
    }
    if (checking->part == BHD__SCHEMA_MEMORY_JSON)
        bhd__text_add(text, "known here are");
    else
        bhd__text_printf(text, "[%s] has", keys[table].path);
    const char *separator = " ";
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++) {
        if (keys[i].parent != table || !is_in_part(checking->part, (bhd__key)i))
            continue;
        bhd__text_printf(text, "%s%s", separator, keys[i].name);
        separator = ", ";
    }
}

static void report_unknown(bhd__checking *checking, bhd__key table, uint32_t node)
{
    const bhd__document *document = checking->document;
    uint32_t offset = document->nodes[node].key_offset;
    size_t size;
    const char *name = bhd__document_key(document, node, &size);
    const char *candidates[BHD__KEY_COUNT] = {NULL};
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++)
        if (keys[i].parent == table && is_in_part(checking->part, (bhd__key)i))
            candidates[i] = keys[i].name;
    const char *nearest = bhd__nearest(name, size, candidates, BHD__KEY_COUNT);
    if (nearest != NULL)
        checking->is_mistyped[find_key(checking->part, table, nearest, strlen(nearest))] = true;
    if (!bhd__report_wants(checking->report, offset))
        return;
    bhd__key elsewhere = find_elsewhere(checking->part, name, size);

    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bool is_table =
        document->nodes[node].kind == BHD_TOML_TABLE && checking->part != BHD__SCHEMA_MEMORY_JSON;
    bhd__text_add(&complaint.text, is_table ? "unknown table; " : "unknown key; ");
    if (nearest != NULL)
        bhd__text_printf(&complaint.text, "did you mean %s?", nearest);
    else if (elsewhere != BHD__KEY_ROOT && keys[elsewhere].type == BHD__TYPE_TABLE)
        bhd__text_printf(&complaint.text, "write [%s]", keys[elsewhere].path);
    else if (elsewhere != BHD__KEY_ROOT)
        bhd__text_printf(&complaint.text, "%s belongs in [%s]", keys[elsewhere].name,
                         keys[keys[elsewhere].parent].path);
    else
        add_known(checking, table, &complaint.text);

    char path[512];
    bhd__text shown;
    bhd__text_init(&shown, path, sizeof path);
    bhd__document_add_path(document, node, &shown);
    bhd__text_ellipsis(&shown);
    bhd__text_ellipsis(&complaint.text);
    bhd__report_add(checking->report, offset, path, complaint.buffer, NULL);
}

/* -- missing keys ---------------------------------------------------------------------------- */

/* The limit is missing: why it has to be there, and lines to paste. */
static void report_missing_limit(bhd__checking *checking, bhd__key key)
{
    uint64_t bytes = bhd__example_bytes(checking->policy);
    bool is_json = checking->part == BHD__SCHEMA_MEMORY_JSON;
    char size[32], lines[160];
    bhd_size_to_text(bytes, size, sizeof size);
    bhd__text example;
    bhd__text_init(&example, lines, sizeof lines);
    if (is_json) {
        bhd__text_add(&example, "    {\"max_bytes\": ");
        bhd__add_number(&example, checking->part, bytes);
        bhd__text_add(&example, "}");
    } else {
        if (key != BHD__KEY_MAX_BYTES)
            bhd__text_add(&example, "    [resources.memory]\n");
        bhd__text_add(&example, "    max_bytes = ");
        bhd__add_number(&example, checking->part, bytes);
        bhd__text_printf(&example, "  # %s", size);
    }

    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_add(&complaint.text,
                  "missing; the memory limit is mandatory on purpose, so that whoever ships a "
                  "component thinks about what it needs (ADR-WASM-002); write a limit of ");
    bhd__add_policy_range(&complaint.text, checking->policy);
    bhd__text_ellipsis(&complaint.text);
    const char *path = is_json                     ? "max_bytes"
                       : key == BHD__KEY_MAX_BYTES ? keys[BHD__KEY_MAX_BYTES].path
                                                   : keys[BHD__KEY_MEMORY].path;
    bhd__report_add(checking->report, BHD__NOWHERE, path, complaint.buffer, lines);
}

static void report_missing(bhd__checking *checking, bhd__key key)
{
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    switch (key) {
    case BHD__KEY_RESOURCES:
    case BHD__KEY_MEMORY:
    case BHD__KEY_MAX_BYTES:
        report_missing_limit(checking, key);
        return;
    case BHD__KEY_COMPONENT:
        bhd__report_add(checking->report, BHD__NOWHERE, keys[key].path,
                        "missing; write the table [component] with name and version",
                        "    [component]\n    name = \"resizer\"\n    version = \"0.1.0\"");
        return;
    default:
        bhd__text_printf(&complaint.text, "missing; write %s, for example %s = %s",
                         keys[key].allowed, keys[key].name, keys[key].example);
        bhd__text_ellipsis(&complaint.text);
        bhd__report_add(checking->report, BHD__NOWHERE, keys[key].path, complaint.buffer, NULL);
        return;
    }
}

/* -- the walk -------------------------------------------------------------------------------- */

static void check_table(bhd__checking *checking, bhd__key table, uint32_t node)
{
    const bhd__document *document = checking->document;
    for (uint32_t child = document->nodes[node].first_child; child != 0;
         child = document->nodes[child].next) {
        size_t size;
        const char *name = bhd__document_key(document, child, &size);
        bhd__key key = find_key(checking->part, table, name, size);
        if (key == BHD__KEY_ROOT) {
            report_unknown(checking, table, child);
            continue;
        }
        checking->values->nodes[key] = child;
        if (keys[key].type != BHD__TYPE_TABLE)
            bhd__value_check(checking, key, child);
        else if (document->nodes[child].kind == BHD_TOML_TABLE)
            check_table(checking, key, child);
        else
            bhd__value_not_a_table(checking, key, child);
    }
    /* What was left out might have had it. */
    if (document->too_many || document->too_deep)
        return;
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++)
        if (keys[i].parent == table && keys[i].is_required &&
            is_in_part(checking->part, (bhd__key)i) && checking->values->nodes[i] == 0 &&
            !checking->is_mistyped[i])
            report_missing(checking, (bhd__key)i);
}

void bhd__schema_check(bhd__schema_part part, const bhd__document *document,
                       const bhd_policy *policy, bhd__schema_values *values, bhd__report *report)
{
    bhd__checking checking = {part, document, policy, values, report, {false}};
    *values = (bhd__schema_values){.nodes = {0}, .builder = BHD_LIMITS_BUILDER_INIT};
    check_table(&checking, part == BHD__SCHEMA_MEMORY_JSON ? BHD__KEY_MEMORY : BHD__KEY_ROOT, 0);
}
