/*
 * See options_model.h.
 */
#include "options_model.h"

#include <string.h>

#define KIB UINT64_C(1024)
#define MIB UINT64_C(1048576)
#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))
#define MOST_ANY_BYTES 24

/* -- what there is in fuzz/fixtures ----------------------------------------------------------- */

typedef struct declaration {
    const char *binary; /* its content, which is its name */
    bhd_limits limits;
} declaration;

#define LIMITS(bytes)                                                                              \
    {                                                                                              \
        bytes, BHD_DEFAULT_TABLE_ELEMENTS, 0, BHD_DEFAULT_TIMEOUT_SECONDS, BHD_ON_EXCEED_DENY      \
    }

static const declaration both = {"both", {2 * MIB, 100, 5000, 10, BHD_ON_EXCEED_TRAP}};
static const declaration plain = {"plain", LIMITS(MIB)};
static const declaration large = {"large", LIMITS(8 * MIB)};
static const declaration other = {"other", LIMITS(MIB)};

static const struct target {
    const char *path;
    const declaration *declared; /* the manifest that is looked at; NULL: none, or not valid */
    const char *binary;          /* what would run; NULL: nothing */
    bool is_alone;               /* the manifest, if any, is not the binary's own */
} targets[] = {
    {"both", &both, "both", false},
    {"both/", &both, "both", false},
    {"./both//", &both, "both", false},
    {"both/Component.toml", &both, "both", false},
    {"both/both.wasm", &both, "both", false},
    {"plain", &plain, "plain", false},
    {"plain/plain.wasm", &plain, "plain", false},
    {"large", &large, "large", false},
    {"large/large.wasm", &large, "large", false},
    {"other/other.wasm", &other, "other", false},
    {"other/foreign.wasm", &other, "foreign", true},
    {"lone/lone.wasm", NULL, "lone", true},
    {"lone", NULL, NULL, false},
    {"lone/missing.wasm", NULL, NULL, false},
    {"absent", NULL, NULL, false},
    {"broken", NULL, NULL, false},
    {"broken/broken.wasm", NULL, NULL, false},
};

bool options_declared(const char *binary, bhd_limits *limits)
{
    static const declaration *const all[] = {&both, &plain, &large, &other};
    for (uint32_t i = 0; i < COUNT_OF(all); i++) {
        if (strcmp(all[i]->binary, binary) != 0)
            continue;
        *limits = all[i]->limits;
        return true;
    }
    return false;
}

/* -- what values mean ------------------------------------------------------------------------- */

typedef struct value {
    const char *text;
    bool is_valid;
    uint64_t number;
} value;

static const value sizes[] = {
    {"1MiB", true, MIB},
    {"1048576", true, MIB},
    {"1_048_576", true, MIB},
    {"1.5MiB", true, MIB + MIB / 2},
    {"2MiB", true, 2 * MIB},
    {"2097153", true, 2 * MIB + 1},
    {"512KiB", true, 512 * KIB},
    {"524287", true, 512 * KIB - 1},
    {"64 KiB", true, 64 * KIB},
    {"65535", true, 64 * KIB - 1},
    {"4MiB", true, 4 * MIB},
    {"4194305", true, 4 * MIB + 1},
    {"8MiB", true, 8 * MIB},
    {"4096MiB", true, 4096 * MIB},
    {"4294967297", true, 4096 * MIB + 1},
    {"18446744073709551615", true, UINT64_MAX},
    {"0", true, 0},
    {"2M", false, 0},
    {"2MB", false, 0},
    {"-1", false, 0},
    {"", false, 0},
    {"18446744073709551616", false, 0},
};

static const value counts[] = {
    {"1", true, 1},        {"1000", true, 1000},
    {"1_000", true, 1000}, {"5000", true, 5000},
    {"5001", true, 5001},  {"18446744073709551615", true, UINT64_MAX},
    {"0", false, 0},       {"18446744073709551616", false, 0},
    {"1__0", false, 0},    {"_1", false, 0},
    {"1_", false, 0},      {"-5", false, 0},
    {"+5", false, 0},      {"1e3", false, 0},
    {"", false, 0},
};

static const value elements[] = {
    {"0", true, 0},
    {"100", true, 100},
    {"101", true, 101},
    {"10_000", true, 10000},
    {"10001", true, 10001},
    {"1000000", true, 1000000},
    {"1000001", true, 1000001},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"1KiB", false, 0},
    {"-1", false, 0},
    {"", false, 0},
};

/* In units of 0.1 milliseconds. */
#define TENTHS_IN_SECOND 10000
static const value times[] = {
    {"30", true, 300000},
    {"30.5", true, 305000},
    {"10", true, 100000},
    {"10.0001", true, 100001},
    {"0.5", true, 5000},
    {".5", true, 5000},
    {"5.", true, 50000},
    {"0.001", true, 10},
    {"0.0009", true, 9},
    {"0", true, 0},
    {"86400", true, 864000000},
    {"86400.0001", true, 864000001},
    {"1e3", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {"inf", false, 0},
    {"nan", false, 0},
    {"0x10", false, 0},
    {".", false, 0},
    {"", false, 0},
};

/* -- making arguments ------------------------------------------------------------------------- */

typedef struct writer {
    fuzz_input *input;
    char **arguments;
    int count, capacity;
} writer;

static void add(writer *w, const char *first, const char *second)
{
    size_t length = strlen(first), more = strlen(second);
    char *text = malloc(length + more + 1);
    FUZZ_REQUIRE(text != NULL);
    memcpy(text, first, length);
    memcpy(text + length, second, more + 1);
    w->arguments[w->count++] = text;
    w->arguments[w->count] = NULL;
}

/* "--NAME=VALUE" or "--NAME" "VALUE". */
static const value *add_option(writer *w, const char *name, const value *values, uint32_t count)
{
    char begin[32];
    const value *chosen = &values[fuzz_choice(w->input, count - 1)];
    bool apart = fuzz_byte(w->input) % 4 == 0 && w->count + 1 < w->capacity;
    (void)snprintf(begin, sizeof begin, "--%s%s", name, apart ? "" : "=");
    add(w, begin, apart ? "" : chosen->text);
    if (apart)
        add(w, chosen->text, "");
    return chosen;
}

/* Any bytes, but no path: an input must not reach files of the machine. */
static void add_anything(writer *w, const char *begin)
{
    char text[MOST_ANY_BYTES + 1];
    size_t length = fuzz_choice(w->input, MOST_ANY_BYTES);
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)fuzz_byte(w->input);
        if (text[i] == '/')
            text[i] = '_';
    }
    text[length] = '\0';
    add(w, begin, text);
}

static void add_limit(writer *w, options_model *model)
{
    const value *v;
    switch (fuzz_choice(w->input, 5)) {
    case 0:
        v = add_option(w, "max-bytes", sizes, COUNT_OF(sizes));
        model->has_max_bytes = true;
        model->max_bytes = v->number;
        break;
    case 1:
        v = add_option(w, "max-table-elements", elements, COUNT_OF(elements));
        model->has_table_elements = true;
        model->table_elements = v->number;
        break;
    case 2:
        v = add_option(w, "timeout", times, COUNT_OF(times));
        model->has_timeout = true;
        model->timeout = (double)v->number / TENTHS_IN_SECOND;
        break;
    case 3:
        v = add_option(w, "fuel", counts, COUNT_OF(counts));
        model->has_fuel = true;
        model->fuel = v->number;
        break;
    case 4:
        v = add_option(w, "ceiling", sizes, COUNT_OF(sizes));
        model->ceiling = v->number;
        break;
    default:
        v = add_option(w, "floor", sizes, COUNT_OF(sizes));
        model->floor = v->number;
        break;
    }
    model->is_wrong = model->is_wrong || !v->is_valid;
}

/* Options without a number. */
static void add_other(writer *w, options_model *model)
{
    static const value features[] = {{"gc", true, 1}, {"GC", false, 0}, {"threads", false, 0}};
    static const value formats[] = {{"text", true, 0}, {"json", true, 0}, {"yaml", false, 0}};
    static const value calls[] = {{"add(1, 2)", true, 0},
                                  {"a b()", true, 0},
                                  {"f(", false, 0},
                                  {"f(1,)", false, 0},
                                  {"a b", false, 0}};
    const value *v;
    switch (fuzz_choice(w->input, 4)) {
    case 0:
        v = add_option(w, "enable", features, COUNT_OF(features));
        model->gc = model->gc || v->number == 1;
        break;
    case 1: /* its value is optional and never stands apart */
        v = &formats[fuzz_choice(w->input, 2)];
        add(w, "--report=", v->text);
        break;
    case 2:
        v = add_option(w, "invoke", calls, COUNT_OF(calls));
        break;
    case 3:
        add(w, "--report", "");
        return;
    default:
        add(w, "--no-lockdown", "");
        return;
    }
    model->is_wrong = model->is_wrong || !v->is_valid;
}

/* Before TARGET; after it nothing is the command's any more. */
static void add_argument(writer *w, options_model *model)
{
    static const char *const begins[] = {
        "",          "-",          "--",        "--max-bytes=", "--timeout=", "--fuel=",
        "--invoke=", "--ceiling=", "--report=", "--m",          "--json"};
    uint32_t what = fuzz_choice(w->input, 15);
    if (what == 0) {
        add_anything(w, begins[fuzz_choice(w->input, COUNT_OF(begins) - 1)]);
        model->is_known = model->is_known && model->target >= 0;
    } else if (what < 5) {
        uint32_t target = fuzz_choice(w->input, COUNT_OF(targets) - 1);
        add(w, targets[target].path, "");
        if (model->target < 0)
            model->target = (int)target;
    } else {
        options_model unread = *model;
        options_model *told = model->target < 0 ? model : &unread;
        if (what < 12)
            add_limit(w, told);
        else
            add_other(w, told);
    }
}

int options_arguments(fuzz_input *input, options_model *model, char **arguments, int capacity)
{
    static const char *const names[] = {"run", "run", "run", "run", "check", "inspect", "help"};
    writer w = {input, arguments, 0, capacity};
    uint32_t name = fuzz_choice(input, COUNT_OF(names));
    add(&w, "bulkhead", "");
    if (name < COUNT_OF(names))
        add(&w, names[name], "");
    else
        add_anything(&w, "");
    model->is_known = name < 4;
    for (uint32_t more = fuzz_choice(input, (uint32_t)capacity); more > 0; more--)
        if (w.count < capacity)
            add_argument(&w, model);
    return w.count;
}

/* -- what has to become of it ----------------------------------------------------------------- */

static bool is_within(uint64_t bytes, const bhd_policy *policy)
{
    return bytes >= policy->min_memory_bytes && bytes <= policy->max_memory_bytes;
}

/* The limits of a manifest, or those of a binary alone, with what was stated. */
static bhd_limits with_stated(const options_model *model, const bhd_limits *base)
{
    bhd_limits limits = base != NULL ? *base : (bhd_limits)LIMITS(0);
    if (model->has_max_bytes)
        limits.max_memory_bytes = model->max_bytes;
    if (model->has_timeout)
        limits.timeout_seconds = model->timeout;
    if (model->has_fuel)
        limits.max_fuel = model->fuel;
    if (model->has_table_elements)
        limits.max_table_elements = model->table_elements;
    return limits;
}

static bool is_looser(const bhd_limits *base, const bhd_limits *limits)
{
    return limits->max_memory_bytes > base->max_memory_bytes ||
           limits->timeout_seconds > base->timeout_seconds ||
           limits->max_table_elements > base->max_table_elements ||
           (base->max_fuel != 0 && limits->max_fuel > base->max_fuel);
}

options_outcome options_expect(const options_model *model)
{
    bhd_policy policy = {model->floor, model->ceiling};
    options_outcome outcome = {.policy = policy, .gc = model->gc};
    outcome.usage_error = model->is_wrong || model->target < 0 || model->floor > model->ceiling ||
                          model->floor < BHD_POLICY_MIN_BYTES ||
                          model->ceiling > BHD_POLICY_MAX_BYTES;
    if (outcome.usage_error)
        return outcome;
    const struct target *target = &targets[model->target];
    if (target->declared != NULL && !is_within(target->declared->limits.max_memory_bytes, &policy))
        return outcome;
    if (target->binary == NULL || (target->is_alone && !model->has_max_bytes))
        return outcome;
    const bhd_limits *base = target->is_alone ? NULL : &target->declared->limits;
    outcome.limits = with_stated(model, base);
    outcome.binary = target->binary;
    outcome.runs = (base == NULL || !is_looser(base, &outcome.limits)) &&
                   is_within(outcome.limits.max_memory_bytes, &policy) &&
                   outcome.limits.max_table_elements <= BHD_MAX_TABLE_ELEMENTS &&
                   outcome.limits.timeout_seconds >= BHD_MIN_TIMEOUT_SECONDS &&
                   outcome.limits.timeout_seconds <= BHD_MAX_TIMEOUT_SECONDS;
    return outcome;
}
