/*
 * One binary under limits. What must hold, whatever the bytes are:
 *
 * - a refusal is one of those that bhd_component_new names, with a safe text;
 * - in use <= peak <= limit in every snapshot, tables within theirs, also after a trap;
 * - every call ends: at its fuel, or for one input in eight, which is not metered, at its deadline;
 * - afterwards no sandbox lives, no slot is in use, and the library's heap is as it was;
 * - the next tenant finds only zeros in its memory, although this one's memories were filled.
 *
 * Two hosts live as long as the process, one with collected objects enabled and one without: making
 * one takes longer than most inputs.
 */
#include "contained_guest.h"

#include "base/alloc.h"
#include "base/unicode.h"
#include "bulkhead/inspection.h"
#include "bulkhead/sandbox.h"

#include <string.h>

#define PAGE ((size_t)65536)
#define LIMIT_PAGES 16
#define TABLE_ELEMENTS 1000
#define FUEL 20000
/* For guests that wait in host calls; so long that a busy machine does not end others. */
#define METERED_SECONDS 0.25
#define UNMETERED_SECONDS 0.005
#define MOST_VALUES 16
#define WIT_MOST (256 * 1024 + 64)
#define MOST_CALLS 24
/* Sandboxes of one input; a guest that has ended goes on with its next export in another. */
#define MOST_LIVES 3

/* What fills its memory with this is looked for afterwards. */
static const uint8_t pattern[4096] = {0xA5};

/* A host keeps a record of each slot that it mapped, and of each stack of a guest that can wait. */
#define MOST_STACKS 2

/* Two memories, so that two of the slots that were given back are looked at. */
static const char tenant_text[] = "(module (memory (export \"a\") 16) (memory (export \"b\") 16))";

typedef struct world {
    bhd_host *host;
    bhd_component *tenant;
} world;

static world worlds[2];
/* Blocks of the library's heap when nobody lives, slots aside. */
static uint64_t held_at_first;

static void require_clean(world *w)
{
    static uint8_t bytes[LIMIT_PAGES * PAGE];
    static const uint8_t zeros[PAGE];
    bhd_sandbox *sandbox = NULL;
    FUZZ_REQUIRE(bhd_sandbox_new(w->tenant, NULL, &sandbox, NULL) == BHD_OK);
    for (const char *memory = "ab"; *memory != '\0'; memory++) {
        const char name[] = {*memory, '\0'};
        FUZZ_REQUIRE(bhd_sandbox_read(sandbox, name, 0, bytes, sizeof bytes, NULL) == BHD_OK);
        for (size_t at = 0; at < sizeof bytes; at += PAGE)
            FUZZ_REQUIRE(memcmp(bytes + at, zeros, PAGE) == 0);
    }
    bhd_sandbox_free(sandbox);
}

static bhd_limits limits_of(uint64_t pages, uint64_t fuel, double seconds, bhd_on_exceed on_exceed)
{
    return (bhd_limits){.max_memory_bytes = pages * PAGE,
                        .max_table_elements = TABLE_ELEMENTS,
                        .max_fuel = fuel,
                        .timeout_seconds = seconds,
                        .on_exceed = on_exceed};
}

/* Blocks of the library's heap, without those that the hosts keep for their slots. */
static uint64_t held_blocks(void)
{
    uint64_t held = bhd__alloc_live();
    for (int i = 0; i < 2; i++) {
        bhd_host_stats stats;
        bhd_host_get_stats(worlds[i].host, &stats, sizeof stats);
        FUZZ_REQUIRE(stats.live_sandboxes == 0 && stats.slots_in_use == 0);
        FUZZ_REQUIRE(stats.slots_retired == 0);
        held -= stats.slots;
    }
    return held;
}

static void make_world(world *w, uint32_t features)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    /* The fuzzer sees what the compiler does with its inputs. */
    options.compile = BHD_COMPILE_HERE;
    options.max_sandboxes = 2;
    options.max_memories = options.max_tables = 8;
    options.max_instances = 16;
    options.max_component_bytes = 131072;
    options.max_functions = 500;
    options.max_function_bytes = 16384;
    options.features = features;
    FUZZ_REQUIRE(bhd_host_new(&options, &w->host, NULL) == BHD_OK);
    bhd_component_options tenant = {.size = sizeof tenant,
                                    .name = "tenant",
                                    .limits =
                                        limits_of(2 * LIMIT_PAGES, 0, 60, BHD_ON_EXCEED_DENY)};
    /* Both kinds of code, metered and not, so that nothing is made once only by some input. */
    for (int metered = 1; metered >= 0; metered--) {
        bhd_component_free(w->tenant);
        tenant.limits.max_fuel = metered ? FUEL : 0;
        FUZZ_REQUIRE(bhd_component_new(w->host, &tenant, tenant_text, strlen(tenant_text),
                                       &w->tenant, NULL) == BHD_OK);
        require_clean(w);
    }
}

static void make_worlds(void)
{
    if (worlds[0].host != NULL)
        return;
    make_world(&worlds[0], 0);
    make_world(&worlds[1], BHD_FEATURE_GC);
    held_at_first = held_blocks();
}

static void require_safe_text(const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(text + at, length - at, &character);
        FUZZ_REQUIRE(size != 0 && (character == '\n' || bhd__unicode_is_visible(character)));
        at += size;
    }
}

/* Consumes the error. */
static void require_account(bhd_status status, bhd_error *error)
{
    char text[8192];
    if (status != BHD_OK) {
        FUZZ_REQUIRE(error->code == status && error->message[0] != '\0');
        FUZZ_REQUIRE((status == BHD_OUT_OF_MEMORY) == (error->out_of_memory != NULL));
        (void)bhd_error_to_text(error, NULL, text, sizeof text);
        require_safe_text(text);
    }
    bhd_error_fini(error);
}

static bool may_refuse(bhd_status status)
{
    return status == BHD_COMPONENT_INVALID || status == BHD_COMPONENT_UNSUPPORTED ||
           status == BHD_COMPONENT_TOO_LARGE || status == BHD_IMPORT_UNKNOWN ||
           status == BHD_CAPABILITY_DENIED || status == BHD_FILE_TOO_LARGE;
}

/* How a guest ends that has ended. */
static bool is_end(bhd_status status)
{
    return status == BHD_OUT_OF_MEMORY || status == BHD_TIMEOUT || status == BHD_OUT_OF_FUEL ||
           status == BHD_TRAP || status == BHD_EXIT || status == BHD_CAPABILITY_DENIED;
}

static void require_within(const bhd_sandbox *sandbox)
{
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(sandbox, &metrics);
    FUZZ_REQUIRE(metrics.max_bytes == LIMIT_PAGES * PAGE);
    FUZZ_REQUIRE(metrics.current_bytes <= metrics.peak_bytes);
    FUZZ_REQUIRE(metrics.peak_bytes <= metrics.max_bytes);
    FUZZ_REQUIRE(metrics.remaining_bytes == metrics.max_bytes - metrics.current_bytes);
    FUZZ_REQUIRE(metrics.table_elements <= TABLE_ELEMENTS);
}

static void call(bhd_sandbox *sandbox, const char *name)
{
    bhd_value arguments[MOST_VALUES] = {0}, results[MOST_VALUES];
    bhd_function *function;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, &error);
    FUZZ_REQUIRE(status == BHD_OK || status == BHD_EXPORT_NOT_FOUND ||
                 status == BHD_SIGNATURE_MISMATCH || status == BHD_NOT_SUPPORTED);
    require_account(status, &error);
    if (status != BHD_OK)
        return;
    const bhd_type *types = bhd_function_parameters(function);
    size_t parameters = bhd_type_count(types);
    size_t answers = bhd_type_count(bhd_function_results(function));
    if (parameters > MOST_VALUES || answers > MOST_VALUES)
        return;
    /* Numbers, and strings that are empty; what has parts is left out. */
    for (size_t i = 0; i < parameters; i++) {
        arguments[i].type = bhd_type_get(bhd_type_part(types, i));
        if (arguments[i].type > BHD_STRING)
            return;
    }
    status = bhd_sandbox_call(sandbox, function, arguments, parameters, results, answers, &error);
    FUZZ_REQUIRE(status == BHD_OK || is_end(status) || status == BHD_NO_CAPACITY);
    FUZZ_REQUIRE(bhd_sandbox_is_dead(sandbox) == (status != BHD_OK));
    require_account(status, &error);
    for (size_t i = 0; status == BHD_OK && i < answers; i++)
        bhd_value_fini(&results[i]);
}

/* Fills an exported memory from its beginning to its end; there may be none of that name. */
static void fill(bhd_sandbox *sandbox, const char *memory)
{
    bhd_status status = BHD_OK;
    uint64_t at = 0;
    while (status == BHD_OK) {
        /* All memories together are within the limit, so no memory is larger. */
        FUZZ_REQUIRE(at <= LIMIT_PAGES * PAGE);
        status = bhd_sandbox_write(sandbox, memory, at, pattern, sizeof pattern, NULL);
        at += status == BHD_OK ? sizeof pattern : 0;
    }
    FUZZ_REQUIRE(status == BHD_OUT_OF_BOUNDS ||
                 (at == 0 && (status == BHD_EXPORT_NOT_FOUND || status == BHD_NOT_SUPPORTED)));
    /* Memories are whole pages, so this is the end of it. */
    FUZZ_REQUIRE(at % PAGE == 0);
    FUZZ_REQUIRE(bhd_sandbox_write(sandbox, memory, at, pattern, 1, NULL) == status);
    if (at > 0)
        FUZZ_REQUIRE(bhd_sandbox_write(sandbox, memory, at - 1, pattern, 2, NULL) == status);
}

static void run_as_command(bhd_sandbox *sandbox)
{
    bhd_error error = BHD_ERROR_INIT;
    int exit_code = -1;
    bool was_dead = bhd_sandbox_is_dead(sandbox);
    bhd_status status = bhd_sandbox_run(sandbox, &exit_code, &error);
    if (was_dead)
        FUZZ_REQUIRE(status == BHD_SANDBOX_DEAD);
    else
        FUZZ_REQUIRE(status == BHD_OK || status == BHD_EXPORT_NOT_FOUND ||
                     status == BHD_SIGNATURE_MISMATCH || status == BHD_NO_CAPACITY ||
                     (is_end(status) && status != BHD_EXIT));
    FUZZ_REQUIRE(status != BHD_OK || (exit_code >= 0 && exit_code <= 255));
    require_account(status, &error);
    require_within(sandbox);
}

/* Calls the exports from `*next` on, until there are no more or one has ended the guest. */
static void use(bhd_sandbox *sandbox, const bhd_inspection *inspection, size_t *next)
{
    size_t count = inspection->kind == BHD_KIND_MODULE ? inspection->export_count : 0;
    if (count > MOST_CALLS)
        count = MOST_CALLS;
    require_within(sandbox);
    for (size_t i = 0; i < count; i++)
        fill(sandbox, inspection->exports[i].name);
    while (*next < count && !bhd_sandbox_is_dead(sandbox)) {
        call(sandbox, inspection->exports[(*next)++].name);
        require_within(sandbox);
    }
    if (*next >= count)
        run_as_command(sandbox);
}

/* One sandbox. False: it could not be made, or nothing is left to be tried in another. */
static bool live_once(bhd_component *component, const bhd_inspection *inspection, size_t *next)
{
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    size_t first = *next;
    bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    FUZZ_REQUIRE(status == BHD_OK || is_end(status) || status == BHD_NO_CAPACITY);
    require_account(status, &error);
    if (status == BHD_OK)
        use(sandbox, inspection, next);
    bhd_sandbox_free(sandbox);
    (void)held_blocks();
    return status == BHD_OK && *next > first;
}

static void run(world *w, bhd_component *component, const bhd_inspection *inspection)
{
    size_t next = 0;
    int lives = 0;
    while (live_once(component, inspection, &next) && lives < MOST_LIVES)
        lives++;
    require_clean(w);
}

/* Only components have one, and it can be shown to anybody. */
static void require_wit(const bhd_inspection *inspection)
{
    const char *wit = inspection->wit;
    FUZZ_REQUIRE((inspection->kind == BHD_KIND_COMPONENT) == (wit != NULL));
    if (wit == NULL)
        return;
    size_t length = strlen(wit);
    FUZZ_REQUIRE(length > 0 && wit[length - 1] == '\n' && length <= WIT_MOST);
    for (size_t i = 0; i < length; i++)
        FUZZ_REQUIRE((wit[i] >= ' ' && wit[i] <= '~') || wit[i] == '\n');
}

static void load(world *w, const bhd_component_options *options, const uint8_t *binary, size_t size)
{
    bhd_component *component = NULL;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status seen = bhd_inspect(w->host, binary, size, &inspection, NULL);
    bhd_status status = bhd_component_new(w->host, options, binary, size, &component, &error);
    FUZZ_REQUIRE(status == BHD_OK || may_refuse(status));
    require_account(status, &error);
    if (seen == BHD_OK)
        require_wit(&inspection);
    if (status == BHD_OK) {
        FUZZ_REQUIRE(seen == BHD_OK && inspection.refusal == NULL);
        FUZZ_REQUIRE(inspection.kind == bhd_component_get_kind(component));
        FUZZ_REQUIRE(inspection.initial_memory_bytes <= LIMIT_PAGES * PAGE);
        run(w, component, &inspection);
    }
    bhd_component_free(component);
    bhd_inspection_fini(&inspection);
}

void fuzz_contain(const uint8_t *binary, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + binary[i];
    bool metered = sum % 8 != 0;
    make_worlds();
    world *w = &worlds[sum / 8 % 4 != 0];
    bhd_component_options options = {
        .size = sizeof options,
        .name = "guest",
        .limits = limits_of(LIMIT_PAGES, metered ? FUEL : 0,
                            metered ? METERED_SECONDS : UNMETERED_SECONDS,
                            sum / 32 % 4 == 0 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY)};
    load(w, &options, binary, size);
    FUZZ_REQUIRE(held_blocks() - held_at_first <= MOST_STACKS);
}
