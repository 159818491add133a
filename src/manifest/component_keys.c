/*
 * The rows of the keys of Component.toml. A key is added here, and nowhere else in this room, with
 * its check, the place of its value, and the words for it.
 */
#include "manifest/component_keys.h"

#include "base/identity.h"
#include "grants/rules.h"
#include "limits/rules.h"
#include "manifest/capabilities.h"
#include "manifest/complaint.h"
#include "manifest/semver.h"
#include "manifest/values.h"

#include <assert.h>
#include <string.h>

#define MEMORY "resources.memory"
#define MAX_BYTES MEMORY ".max_bytes"

/* -- where values go ------------------------------------------------------------------------- */

static const bhd_on_exceed on_exceeds[] = {BHD_ON_EXCEED_DENY, BHD_ON_EXCEED_TRAP};
static const bhd_output outputs[] = {BHD_OUTPUT_INHERIT, BHD_OUTPUT_NONE, BHD_OUTPUT_CAPTURE};

#define KEEP(key, statement)                                                                       \
    static void keep_##key(bhd__stated *stated, const bhd__found *found)                           \
    {                                                                                              \
        statement;                                                                                 \
    }

KEEP(name, stated->name = found->text)
KEEP(version, stated->version = found->text)
KEEP(source, stated->source = found->text)
KEEP(max_bytes, bhd_limits_builder_max_memory_bytes(&stated->limits, found->number))
KEEP(on_exceed, bhd_limits_builder_on_exceed(&stated->limits, on_exceeds[found->number]))
KEEP(table_elements, bhd_limits_builder_max_table_elements(&stated->limits, found->number))
KEEP(timeout, bhd_limits_builder_timeout_seconds(&stated->limits, found->real))
KEEP(fuel, bhd_limits_builder_max_fuel(&stated->limits, found->number))
KEEP(args, stated->args = found->node)
KEEP(env, stated->env = found->node)
KEEP(stdin, stated->capabilities.standard_input = found->number == 1)
KEEP(stdout, stated->capabilities.standard_output = outputs[found->number])
KEEP(stderr, stated->capabilities.standard_error = outputs[found->number])
KEEP(directories, stated->directories = found->node)
KEEP(network, stated->network = found->node)
KEEP(clocks, stated->capabilities.clocks = found->number != 0)
KEEP(random, stated->capabilities.random = found->number != 0)
KEEP(written_bytes, stated->capabilities.max_written_bytes = found->number)
KEEP(open_files, stated->capabilities.max_open_files = (uint32_t)found->number)
KEEP(connections, stated->capabilities.max_connections = (uint32_t)found->number)

/* -- what was meant -------------------------------------------------------------------------- */

static bool add_meant_name(const bhd__checking *checking, uint32_t node, bhd__text *text)
{
    size_t size;
    const char *content = bhd__document_text(checking->document, node, &size);
    if (checking->document->nodes[node].kind != BHD_TOML_INTEGER ||
        bhd__name_problem(content) != NULL)
        return false;
    bhd__text_printf(text, "\"%s\"", content);
    return true;
}

static bool add_meant_version(const bhd__checking *checking, uint32_t node, bhd__text *text)
{
    char version[64];
    size_t size;
    const char *content = bhd__document_text(checking->document, node, &size);
    uint32_t kind = checking->document->nodes[node].kind;
    if ((kind != BHD_TOML_INTEGER && kind != BHD_TOML_FLOAT) ||
        !bhd__semver_suggest(content, size, version, sizeof version))
        return false;
    bhd__text_printf(text, "\"%s\"", version);
    return true;
}

/* -- what is missing ------------------------------------------------------------------------- */

static void report_missing_component(bhd__checking *checking, const bhd__row *row)
{
    bhd__report_add(checking->report, BHD__NOWHERE, row->path,
                    "missing; write the table [component] with name and version",
                    "    [component]\n    name = \"resizer\"\n    version = \"0.1.0\"");
}

/* The limit, or a table around it: why it has to be there, and lines to paste. */
static void report_missing_limit(bhd__checking *checking, const bhd__row *row)
{
    uint64_t bytes = bhd__example_bytes(checking->policy);
    bool is_json = checking->schema->is_json, is_limit = strcmp(row->path, MAX_BYTES) == 0;
    char size[32], lines[160];
    bhd_size_to_text(bytes, size, sizeof size);
    bhd__text example;
    bhd__text_init(&example, lines, sizeof lines);
    if (is_json) {
        bhd__text_add(&example, "    {\"max_bytes\": ");
        bhd__add_number(&example, checking->schema, bytes);
        bhd__text_add(&example, "}");
    } else {
        bhd__text_add(&example, is_limit ? "" : "    [" MEMORY "]\n");
        bhd__text_add(&example, "    max_bytes = ");
        bhd__add_number(&example, checking->schema, bytes);
        bhd__text_printf(&example, "  # %s", size);
    }

    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_add(&complaint.text,
                  "missing; the memory limit is mandatory on purpose, so that whoever ships a "
                  "component thinks about what it needs (ADR-WASM-002); write a limit of ");
    bhd__add_policy_range(&complaint.text, checking->policy);
    bhd__text_ellipsis(&complaint.text);
    bhd__report_add(checking->report, BHD__NOWHERE,
                    is_json    ? "max_bytes"
                    : is_limit ? MAX_BYTES
                               : MEMORY,
                    complaint.buffer, lines);
}

/* -- the rows -------------------------------------------------------------------------------- */

#define TABLE(path_, header_)                                                                      \
    .path = (path_), .type = BHD__TYPE_TABLE, .example = (header_), .allowed = "a table"
#define KEY(path_, type_, check_, keep_)                                                           \
    .path = (path_), .type = BHD__TYPE_##type_, .check = (check_), .keep = (keep_)

#define BOOLEAN(path_, keep_)                                                                      \
    KEY(path_, BOOLEAN, bhd__check_boolean, keep_), .fallback = "false", .example = "true",        \
                                                    .allowed = "true or false"
#define OUTPUT(path_, keep_)                                                                       \
    KEY(path_, CHOICE, bhd__check_choice, keep_),                                                  \
        .choices = {"inherit", "none", "capture"}, .fallback = "\"inherit\"",                      \
        .example = "\"inherit\"",                                                                  \
        .allowed = "\"inherit\" (where the host puts it), "                                        \
                   "\"none\" (dropped) or \"capture\" (kept, "                                     \
                   "up to a bound)"

static const bhd__row rows[] = {
    {
        TABLE("component", "[component]"),
        .is_required = true,
        .missing = report_missing_component,
    },
    {
        KEY("component.name", STRING, bhd__check_name, keep_name),
        .is_required = true,
        .example = "\"resizer\"",
        .allowed = "a string of 1 to 128 characters out of A-Z a-z 0-9 . _ -",
        .meant = add_meant_name,
    },
    {
        KEY("component.version", STRING, bhd__check_version, keep_version),
        .is_required = true,
        .example = "\"0.1.0\"",
        .allowed = "a string with a version by SemVer 2.0, MAJOR.MINOR.PATCH",
        .meant = add_meant_version,
    },
    {
        KEY("component.source", STRING, bhd__check_source, keep_source),
        .fallback = "<name>.wasm",
        .example = "\"resizer.wasm\"",
        .allowed = "a string with the path of the component's binary",
    },
    {
        TABLE("resources", "[" MEMORY "]"),
        .is_required = true,
        .missing = report_missing_limit,
    },
    {
        TABLE(MEMORY, "[" MEMORY "]"),
        .is_required = true,
        .missing = report_missing_limit,
    },
    {
        KEY(MAX_BYTES, SIZE, bhd__check_max_bytes, keep_max_bytes),
        .is_required = true,
        .allowed = "a whole number of bytes, or a string with KiB or MiB",
        .missing = report_missing_limit,
    },
    {
        KEY(MEMORY ".on_exceed", CHOICE, bhd__check_choice, keep_on_exceed),
        .choices = {"deny", "trap"},
        .refusal = "is neither \"deny\" (memory.grow gives -1; the default) nor \"trap\" (the "
                   "guest ends there)",
        .fallback = "\"deny\"",
        .example = "\"deny\"",
        .allowed = "\"deny\" (memory.grow gives -1) or \"trap\" (the guest ends there)",
    },
    {
        KEY(MEMORY ".max_table_elements", INTEGER, bhd__check_table_elements, keep_table_elements),
        .minimum = 0,
        .maximum = BHD_MAX_TABLE_ELEMENTS,
        .fallback = "10000",
        .example = "10000",
        .allowed = "an integer from 0 to 1000000",
    },
    {
        TABLE("resources.cpu", "[resources.cpu]"),
    },
    {
        KEY("resources.cpu.timeout_seconds", NUMBER, bhd__check_timeout, keep_timeout),
        .least = BHD_MIN_TIMEOUT_SECONDS,
        .most = BHD_MAX_TIMEOUT_SECONDS,
        .fallback = "30",
        .example = "30",
        .allowed = "a number of seconds from 0.001 to 86400",
    },
    {
        KEY("resources.cpu.max_fuel", INTEGER, bhd__check_fuel, keep_fuel),
        .minimum = 1,
        .maximum = INT64_MAX,
        .fallback = "fuel is not metered",
        .example = "1000000",
        .allowed = "an integer from 1 to 9223372036854775807",
    },
    {
        TABLE("capabilities", "[capabilities]"),
    },
    {
        KEY("capabilities.args", STRINGS, bhd__check_args, keep_args),
        .fallback = "none",
        .example = "[\"--level\", \"3\"]",
        .allowed = "an array of strings",
    },
    {
        KEY("capabilities.env", STRINGS, bhd__check_env, keep_env),
        .fallback = "none",
        .example = "[\"LANG\", \"MODE=fast\"]",
        .allowed = "an array of strings \"NAME\" (of the host's environment) or \"NAME=value\"",
    },
    {
        KEY("capabilities.stdin", CHOICE, bhd__check_choice, keep_stdin),
        .choices = {"none", "inherit"},
        .fallback = "\"none\"",
        .example = "\"inherit\"",
        .allowed = "\"none\" (it is at its end) or \"inherit\" (the host's)",
    },
    {OUTPUT("capabilities.stdout", keep_stdout)},
    {OUTPUT("capabilities.stderr", keep_stderr)},
    {
        KEY("capabilities.directories", TABLES, bhd__check_directories, keep_directories),
        .fallback = "none",
        .example = "[{ host = \"data\", guest = \"/data\", access = \"ro\" }]",
        .allowed = "an array of tables with host, guest and access",
    },
    {
        KEY("capabilities.network", STRINGS, bhd__check_network, keep_network),
        .fallback = "none",
        .example = "[\"example.org:443\"]",
        .allowed = "an array of strings \"HOST:PORT\" to connect to",
    },
    {BOOLEAN("capabilities.clocks", keep_clocks)},
    {BOOLEAN("capabilities.random", keep_random)},
    {
        KEY("capabilities.max_written_bytes", BYTES, bhd__check_amount, keep_written_bytes),
        .minimum = 0,
        .maximum = BHD__CAPABILITY_WRITTEN_MAX,
        .fallback = "16777216 (16 MiB)",
        .example = "\"16MiB\"",
        .allowed = "a whole number of bytes from 0 to 1125899906842624, or a string with KiB or "
                   "MiB",
    },
    {
        KEY("capabilities.max_open_files", INTEGER, bhd__check_amount, keep_open_files),
        .minimum = 1,
        .maximum = BHD__CAPABILITY_OPEN_FILES_MAX,
        .fallback = "64",
        .example = "64",
        .allowed = "an integer from 1 to 1000",
    },
    {
        KEY("capabilities.max_connections", INTEGER, bhd__check_amount, keep_connections),
        .minimum = 1,
        .maximum = BHD__CAPABILITY_CONNECTIONS_MAX,
        .fallback = "8",
        .example = "8",
        .allowed = "an integer from 1 to 256",
    },
};

#define ROWS sizeof rows / sizeof *rows
static_assert(ROWS <= BHD__ROWS_MAX, "the walk has a mark for each row");

const bhd__schema bhd__component_schema = {rows, ROWS, .scope = "", .top = ""};
const bhd__schema bhd__memory_toml_schema = {rows, ROWS, .scope = MEMORY, .top = ""};
const bhd__schema bhd__memory_json_schema = {rows, ROWS, .scope = MEMORY, .top = MEMORY,
                                             .is_json = true};
