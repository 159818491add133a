/*
 * Runs the specification's own test suite through the public API, so against our memories, tables
 * and limiter. tests/spec/run makes the directory that this reads.
 *
 *     spec DIRECTORY [NAME...]     all files of it, or those whose name begins like this
 *
 * The suite goes on with an instance that has trapped, and a sandbox ends with a trap. So a new one
 * takes its place, and everything that was called before is called again. What our API cannot
 * say (vectors and references as arguments, imports, globals) is counted as skipped, by reason.
 */
#include "bulkhead/bulkhead.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 32
#define MODULES_MAX 256

/* -- counts -------------------------------------------------------------------------------- */

enum {
    PASSED,
    FAILED,
    SKIPPED_IMPORTS,
    SKIPPED_FEATURE,
    SKIPPED_LIMIT,
    SKIPPED_TYPES,
    SKIPPED_NAME,
    SKIPPED_GLOBAL,
    SKIPPED_MODULE,
    SKIPPED_OTHER,
    OUTCOMES
};
static const char *const outcome_names[OUTCOMES] = {
    "passed",
    "failed",
    "skipped: the module imports something",
    "skipped: a feature that is off",
    "skipped: above a limit of the host",
    "skipped: vectors or references as arguments or results",
    "skipped: a name with a zero byte",
    "skipped: reads a global",
    "skipped: on a module that was skipped",
    "skipped: custom sections and the like",
};
static unsigned long counts[OUTCOMES];

typedef struct module {
    char name[64];
    bhd_component *component;
    bhd_sandbox *sandbox;
    json_t *calls;      /* that succeeded, in order */
    int outcome;        /* why it is not there; PASSED when it is */
    bool lacks_call;    /* one with a reference, which may have changed it, was skipped */
    bool is_registered; /* others import from it, and so may change it */
} module;

typedef struct suite {
    bhd_host *host;
    const char *directory;
    const char *file;
    module modules[MODULES_MAX];
    size_t module_count; /* the last one is the current one */
    bool lacks_importer; /* a module was skipped that would have changed a registered one */
    long line;
} suite;

static void count(suite *s, int outcome, const char *why)
{
    counts[outcome]++;
    if (outcome == FAILED)
        printf("%s:%ld: %s\n", s->file, s->line, why);
}

/* -- values -------------------------------------------------------------------------------- */

static bool value_from(const json_t *json, bhd_value *value)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *text = json_string_value(json_object_get(json, "value"));
    if (!type || !text)
        return false;
    /* Signed and unsigned decimals; floats are their bits. */
    uint64_t bits = text[0] == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
    uint32_t low = (uint32_t)bits;
    if (strcmp(type, "i32") == 0) {
        value->type = BHD_I32;
        memcpy(&value->of.i32, &low, sizeof low);
    } else if (strcmp(type, "i64") == 0) {
        value->type = BHD_I64;
        memcpy(&value->of.i64, &bits, sizeof bits);
    } else if (strcmp(type, "f32") == 0) {
        value->type = BHD_F32;
        memcpy(&value->of.f32, &low, sizeof low);
    } else if (strcmp(type, "f64") == 0) {
        value->type = BHD_F64;
        memcpy(&value->of.f64, &bits, sizeof bits);
    } else {
        return false;
    }
    return true;
}

static uint64_t bits_of(const bhd_value *value)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (value->type == BHD_I64 || value->type == BHD_F64) {
        memcpy(&wide, &value->of, sizeof wide);
        return wide;
    }
    memcpy(&narrow, &value->of, sizeof narrow);
    return narrow;
}

static bool value_is(const bhd_value *value, const json_t *wanted)
{
    const char *text = json_string_value(json_object_get(wanted, "value"));
    bhd_value other;
    if (text && strncmp(text, "nan:", 4) == 0) {
        bool canonical = strcmp(text, "nan:canonical") == 0;
        uint64_t bits = bits_of(value);
        uint64_t sign = value->type == BHD_F64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
        uint64_t quiet =
            value->type == BHD_F64 ? UINT64_C(0x7ff8000000000000) : UINT64_C(0x7fc00000);
        return canonical ? (bits & ~sign) == quiet : (bits & quiet) == quiet;
    }
    return value_from(wanted, &other) && other.type == value->type &&
           bits_of(&other) == bits_of(value);
}

/* -- modules ------------------------------------------------------------------------------- */

static void module_clear(module *m)
{
    bhd_sandbox_free(m->sandbox);
    bhd_component_free(m->component);
    json_decref(m->calls);
    memset(m, 0, sizeof *m);
}

static char *read_file(const suite *s, const char *name, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", s->directory, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *data = malloc(1 << 24);
    *size = data ? fread(data, 1, 1 << 24, file) : 0;
    fclose(file);
    return data;
}

static bhd_status compile(suite *s, const json_t *command, bhd_component **component,
                          bhd_error *error)
{
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    builder.limits.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    builder.limits.max_table_elements = 1000000;
    bhd_component_options options = {
        .size = sizeof options, .name = "spec", .limits = builder.limits};
    const char *name = json_string_value(json_object_get(command, "filename"));
    const char *binary = json_string_value(json_object_get(command, "binary_filename"));
    size_t size = 0;
    char *data = read_file(s, binary ? binary : name, &size);
    if (!data) {
        fprintf(stderr, "%s: no such file\n", name);
        exit(2);
    }
    bhd_status status = bhd_component_new(s->host, &options, data, size, component, error);
    free(data);
    return status;
}

static int outcome_of(bhd_status status)
{
    switch (status) {
    case BHD_OK:
        return PASSED;
    case BHD_IMPORT_UNKNOWN:
    case BHD_CAPABILITY_DENIED:
        return SKIPPED_IMPORTS;
    case BHD_COMPONENT_UNSUPPORTED:
        return SKIPPED_FEATURE;
    case BHD_COMPONENT_TOO_LARGE:
    case BHD_NO_CAPACITY:
        return SKIPPED_LIMIT;
    default:
        return FAILED;
    }
}

static module *current(suite *s, const json_t *action)
{
    const char *name = json_string_value(json_object_get(action, "module"));
    for (size_t i = s->module_count; i-- > 0;)
        if (!name || strcmp(s->modules[i].name, name) == 0)
            return &s->modules[i];
    return NULL;
}

static void define(suite *s, const json_t *command)
{
    bhd_error error = BHD_ERROR_INIT;
    if (s->module_count == MODULES_MAX) {
        /* Names are rare and early; the oldest without one goes. */
        size_t i = 0;
        while (i + 1 < s->module_count && s->modules[i].name[0])
            i++;
        module_clear(&s->modules[i]);
        memmove(&s->modules[i], &s->modules[i + 1],
                (s->module_count - i - 1) * sizeof s->modules[0]);
        s->module_count--;
    }
    module *m = &s->modules[s->module_count++];
    memset(m, 0, sizeof *m);
    const char *name = json_string_value(json_object_get(command, "name"));
    snprintf(m->name, sizeof m->name, "%s", name ? name : "");
    m->calls = json_array();
    bhd_status status = compile(s, command, &m->component, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_new(m->component, NULL, &m->sandbox, &error);
    m->outcome = outcome_of(status);
    s->lacks_importer = s->lacks_importer || m->outcome > FAILED;
    count(s, m->outcome, error.message);
    bhd_error_fini(&error);
}

/* -- actions ------------------------------------------------------------------------------- */

typedef struct answer {
    bhd_status status;
    char text[512];
    bhd_value results[VALUES_MAX];
    size_t result_count;
} answer;

static bool has_reference(const json_t *arguments)
{
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *type = json_string_value(json_object_get(json_array_get(arguments, i), "type"));
        if (type && strstr(type, "ref"))
            return true;
    }
    return false;
}

static int call(module *m, json_t *action, answer *a)
{
    const char *field = json_string_value(json_object_get(action, "field"));
    const json_t *arguments = json_object_get(action, "args");
    bhd_value values[VALUES_MAX];
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    size_t given = json_array_size(arguments);
    if (!field || given > VALUES_MAX)
        return SKIPPED_TYPES;
    if (strlen(field) != json_string_length(json_object_get(action, "field")))
        return SKIPPED_NAME;
    for (size_t i = 0; i < given; i++)
        if (!value_from(json_array_get(arguments, i), &values[i]))
            return SKIPPED_TYPES;
    a->status = bhd_sandbox_function(m->sandbox, field, &function, &error);
    if (a->status == BHD_OK) {
        a->result_count = bhd_type_count(bhd_function_results(function));
        a->status =
            bhd_sandbox_call(m->sandbox, function, values, given, a->results, VALUES_MAX, &error);
    }
    snprintf(a->text, sizeof a->text, "%s: %.400s", bhd_status_name(a->status), error.message);
    bhd_error_fini(&error);
    return a->status == BHD_SIGNATURE_MISMATCH ? SKIPPED_TYPES : PASSED;
}

/* The guest has ended: a new one, as far as the old one was. */
static void revive(suite *s, module *m)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox_free(m->sandbox);
    m->sandbox = NULL;
    if (bhd_sandbox_new(m->component, NULL, &m->sandbox, &error) != BHD_OK) {
        count(s, FAILED, error.message);
        m->outcome = FAILED;
    }
    for (size_t i = 0; m->sandbox && i < json_array_size(m->calls); i++) {
        answer again;
        (void)call(m, json_array_get(m->calls, i), &again);
    }
    bhd_error_fini(&error);
}

/* PASSED: it was called, and `a` says what came of it. */
static int act(suite *s, json_t *action, answer *a)
{
    const char *type = json_string_value(json_object_get(action, "type"));
    module *m = current(s, action);
    memset(a, 0, sizeof *a);
    if (!m || m->outcome != PASSED || (m->is_registered && s->lacks_importer))
        return SKIPPED_MODULE;
    if (!type || strcmp(type, "invoke") != 0)
        return SKIPPED_GLOBAL;
    int outcome = call(m, action, a);
    if (outcome != PASSED) {
        m->lacks_call = m->lacks_call || has_reference(json_object_get(action, "args"));
        return outcome;
    }
    if (a->status == BHD_OK)
        json_array_append(m->calls, action);
    else if (bhd_sandbox_is_dead(m->sandbox))
        revive(s, m);
    return PASSED;
}

static bool results_are(const answer *a, const json_t *expected)
{
    if (a->status != BHD_OK || a->result_count != json_array_size(expected))
        return false;
    for (size_t i = 0; i < a->result_count; i++) {
        const json_t *wanted = json_array_get(expected, i);
        const char *type = json_string_value(json_object_get(wanted, "type"));
        if (type && strcmp(type, "either") == 0) {
            const json_t *values = json_object_get(wanted, "values");
            bool one = false;
            for (size_t j = 0; j < json_array_size(values); j++)
                one = one || value_is(&a->results[i], json_array_get(values, j));
            if (!one)
                return false;
        } else if (!value_is(&a->results[i], wanted)) {
            return false;
        }
    }
    return true;
}

static void assert_action(suite *s, const char *type, json_t *command)
{
    answer a;
    int outcome = act(s, json_object_get(command, "action"), &a);
    bool good;
    if (outcome != PASSED) {
        count(s, outcome, "");
        return;
    }
    if (strcmp(type, "assert_return") == 0) {
        good = results_are(&a, json_object_get(command, "expected"));
    } else if (strcmp(type, "action") == 0) {
        good = a.status == BHD_OK;
    } else {
        const char *text = json_string_value(json_object_get(command, "text"));
        /* The words of traps are the engine's own, except for this one, which is a promise. */
        good = a.status == BHD_TRAP || a.status == BHD_OUT_OF_MEMORY;
        if (text && strcmp(type, "assert_exhaustion") == 0)
            good = strstr(a.text, "call stack exhausted");
    }
    module *m = current(s, json_object_get(command, "action"));
    if (!good && m->lacks_call) {
        count(s, SKIPPED_MODULE, "");
        return;
    }
    if (!good)
        snprintf(a.text + strlen(a.text), 64, " (%s)", type);
    count(s, good ? PASSED : FAILED, a.text);
}

/* A module that must be refused, or that must trap while it comes to be. */
static void assert_module(suite *s, const char *type, const json_t *command)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_status status = compile(s, command, &component, &error);
    int outcome = PASSED;
    if (strcmp(type, "assert_uninstantiable") == 0) {
        if (status == BHD_OK)
            status = bhd_sandbox_new(component, NULL, &sandbox, &error);
        if (status != BHD_TRAP)
            outcome = status == BHD_OK ? FAILED : outcome_of(status);
        s->lacks_importer = s->lacks_importer || outcome > FAILED;
    } else if (status == BHD_OK) {
        outcome = FAILED;
    }
    count(s, outcome, type);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_error_fini(&error);
}

static void one_command(suite *s, json_t *command)
{
    static const char *const actions[] = {"assert_return", "assert_trap", "assert_exhaustion",
                                          "assert_exception", "action"};
    static const char *const modules[] = {"assert_invalid", "assert_malformed",
                                          "assert_uninstantiable", "assert_unlinkable"};
    const char *type = json_string_value(json_object_get(command, "type"));
    s->line = (long)json_integer_value(json_object_get(command, "line"));
    if (strcmp(type, "module") == 0) {
        define(s, command);
        return;
    }
    if (strcmp(type, "register") == 0) {
        json_t *named = json_pack("{s:O?}", "module", json_object_get(command, "name"));
        module *m = current(s, named);
        if (m)
            m->is_registered = true;
        json_decref(named);
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(type, actions[i]) == 0 && json_object_get(command, "action")) {
            assert_action(s, type, command);
            return;
        }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strcmp(type, modules[i]) == 0) {
            assert_module(s, type, command);
            return;
        }
    count(s, SKIPPED_OTHER, type);
}

static void one_file(suite *s)
{
    char path[1024];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", s->directory, s->file);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!root) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(2);
    }
    json_t *commands = json_object_get(root, "commands");
    for (size_t i = 0; i < json_array_size(commands); i++)
        one_command(s, json_array_get(commands, i));
    s->lacks_importer = false;
    while (s->module_count > 0)
        module_clear(&s->modules[--s->module_count]);
    json_decref(root);
}

/* -- all of it ----------------------------------------------------------------------------- */

static int is_json(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".json") == 0;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc <= 2;
}

int main(int argc, char **argv)
{
    static suite s;
    struct dirent **entries;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    int found = argc < 2 ? -1 : scandir(argv[1], &entries, is_json, alphasort);
    if (found <= 0) {
        fprintf(stderr, "usage: spec DIRECTORY [NAME...], with tests in it (tests/spec/run)\n");
        return 77; /* ctest: skipped */
    }
    options.policy.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    options.features = BHD_FEATURE_GC;
    if (bhd_host_new(&options, &s.host, &error) != BHD_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    s.directory = argv[1];
    unsigned long files = 0;
    for (int i = 0; i < found; i++) {
        s.file = entries[i]->d_name;
        if (is_wanted(s.file, argc, argv)) {
            files++;
            one_file(&s);
        }
        free(entries[i]);
    }
    free(entries);
    bhd_host_free(s.host);
    printf("%lu files\n", files);
    for (int i = 0; i < OUTCOMES; i++)
        printf("%8lu %s\n", counts[i], outcome_names[i]);
    return counts[FAILED] > 0 || counts[PASSED] == 0;
}
