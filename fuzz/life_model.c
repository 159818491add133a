/*
 * See life_model.h. The model counts pages and keeps a copy of every byte; it knows nothing of how
 * the library does it.
 */
#include "life_model.h"

#include "life_guests.h"

#include "base/alloc.h"
#include "bulkhead/call.h"

#include <string.h>

#define MOST_SANDBOXES (LIFE_TENANTS - 1)
/* 90 percent of 16 pages, the limiter's own default, is above 14 of them. */
#define THRESHOLD_PAGES 15
/* Where the guest that prints keeps its text; see life_guests.c. */
#define TEXT_AT 32768
#define TEXT_SIZE 21
#define MEMORY_SIZE (LIFE_LIMIT_PAGES * LIFE_PAGE)

static uint8_t images[LIFE_TENANTS][MEMORY_SIZE];
static uint8_t scratch[MEMORY_SIZE];
/* The world that most inputs use. */
static life lasting;

/* -- worlds -------------------------------------------------------------------------------- */

static bhd_host *make_host(void)
{
    bhd_host *host = NULL;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.compile = BHD_COMPILE_HERE;
    options.max_sandboxes = MOST_SANDBOXES;
    FUZZ_REQUIRE(bhd_host_new(&options, &host, NULL) == BHD_OK);
    return host;
}

static bhd_status compile(life *l, uint32_t guest)
{
    const life_guest *g = &life_guests[guest];
    bhd_component_options options = {
        .size = sizeof options,
        .name = "guest",
        .limits = {.max_memory_bytes = MEMORY_SIZE,
                   .max_table_elements = LIFE_TABLE_LIMIT,
                   .max_fuel = g->fuel,
                   .timeout_seconds = g->timeout_seconds,
                   .on_exceed = g->on_exceed},
    };
    return bhd_component_new(l->host, &options, g->text, strlen(g->text), &l->components[guest],
                             NULL);
}

static uint64_t slots_of(const life *l)
{
    bhd_host_stats stats;
    bhd_host_get_stats(l->host, &stats, sizeof stats);
    return stats.slots;
}

static void make_lasting_world(void)
{
    if (lasting.host != NULL)
        return;
    lasting.host = make_host();
    for (uint32_t guest = 0; guest < LIFE_GUESTS; guest++)
        FUZZ_REQUIRE(compile(&lasting, guest) == BHD_OK);
    lasting.live_blocks = bhd__alloc_live() - slots_of(&lasting);
}

life *life_begin(bool own)
{
    static life fresh;
    bhd_host_stats stats;
    make_lasting_world();
    life *l = own ? &fresh : &lasting;
    if (own) {
        fresh = (life){.own = true, .live_blocks = bhd__alloc_live()};
        fresh.host = make_host();
    }
    bhd_host_get_stats(l->host, &stats, sizeof stats);
    l->refused_capacity = stats.refused_capacity;
    l->agrees = true;
    for (size_t i = 0; i < LIFE_TENANTS; i++)
        l->tenants[i] = (tenant){.image = images[i]};
    return l;
}

void life_drop_host(life *l)
{
    if (!l->own)
        return;
    bhd_host_free(l->host);
    l->host = NULL;
}

void life_drop_component(life *l, uint32_t guest)
{
    if (!l->own)
        return;
    bhd_component_free(l->components[guest]);
    l->components[guest] = NULL;
    l->gone[guest] = true;
}

void life_finish(life *l)
{
    for (size_t i = 0; i < LIFE_TENANTS; i++)
        life_free(l, &l->tenants[i]);
    life_compare(l);
    if (!l->own) {
        /* The host keeps the stacks of guests that could wait. */
        uint64_t more = bhd__alloc_live() - slots_of(l) - l->live_blocks;
        FUZZ_REQUIRE(more <= MOST_SANDBOXES);
        return;
    }
    for (uint32_t guest = 0; guest < LIFE_GUESTS; guest++)
        life_drop_component(l, guest);
    life_drop_host(l);
    FUZZ_REQUIRE(bhd__alloc_live() == l->live_blocks);
}

/* -- comparing ----------------------------------------------------------------------------- */

static void compare_tenant(const tenant *t)
{
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(t->sandbox, &metrics);
    FUZZ_REQUIRE(metrics.current_bytes == t->pages * LIFE_PAGE);
    FUZZ_REQUIRE(metrics.peak_bytes == t->peak_pages * LIFE_PAGE);
    FUZZ_REQUIRE(metrics.max_bytes == MEMORY_SIZE);
    FUZZ_REQUIRE(metrics.remaining_bytes == MEMORY_SIZE - t->pages * LIFE_PAGE);
    FUZZ_REQUIRE(metrics.growth_count == t->growths);
    FUZZ_REQUIRE(metrics.denied_count == t->denied);
    FUZZ_REQUIRE(metrics.table_elements == t->table_elements);
    FUZZ_REQUIRE(metrics.above_threshold == (t->pages >= THRESHOLD_PAGES));
    FUZZ_REQUIRE(t->warned_seen == t->warned && t->printed_seen == t->printed);
    FUZZ_REQUIRE(bhd_sandbox_is_dead(t->sandbox) == t->dead);
}

void life_compare(const life *l)
{
    uint64_t live = 0;
    for (size_t i = 0; i < LIFE_TENANTS; i++) {
        if (l->tenants[i].sandbox == NULL)
            continue;
        compare_tenant(&l->tenants[i]);
        live++;
    }
    if (l->host == NULL)
        return;
    bhd_host_stats stats;
    bhd_host_get_stats(l->host, &stats, sizeof stats);
    FUZZ_REQUIRE(stats.live_sandboxes == live && stats.max_sandboxes == MOST_SANDBOXES);
    FUZZ_REQUIRE(stats.slots_in_use == live); /* one memory each */
    FUZZ_REQUIRE(stats.slots_retired == 0);
    FUZZ_REQUIRE(stats.refused_capacity == l->refused_capacity);
}

static bool reaches_memory(const tenant *t)
{
    return !life_guests[t->guest].is_component;
}

static void compare_memory(const tenant *t)
{
    size_t size = t->pages * LIFE_PAGE;
    if (t->dead || !reaches_memory(t))
        return;
    FUZZ_REQUIRE(bhd_sandbox_read(t->sandbox, NULL, 0, scratch, size, NULL) == BHD_OK);
    FUZZ_REQUIRE(memcmp(scratch, t->image, size) == 0);
}

static void put(tenant *t, uint64_t offset, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    memcpy(t->image + offset, bytes, size);
    if (t->dirty < offset + size)
        t->dirty = offset + size;
}

/* -- life ---------------------------------------------------------------------------------- */

typedef struct observer {
    life *l;
    tenant *t;
} observer;

static observer observers[LIFE_TENANTS];

static bool on_growing(void *user_data, const bhd_growth_request *request)
{
    FUZZ_REQUIRE(request->in_use + (request->desired - request->current) <= request->limit);
    observer *seen = user_data;
    if (seen->l->cancels)
        bhd_sandbox_cancel(seen->t->sandbox);
    return seen->l->agrees;
}

static void on_threshold(void *user_data, const bhd_memory_metrics *metrics)
{
    FUZZ_REQUIRE(metrics->above_threshold);
    ((observer *)user_data)->t->warned_seen++;
}

static bool on_output(void *user_data, const void *data, size_t size)
{
    FUZZ_REQUIRE(size <= TEXT_SIZE && memcmp(data, "hello", size) == 0);
    ((observer *)user_data)->t->printed_seen += size;
    return true;
}

static void settle(tenant *t, bhd_sandbox *sandbox, uint32_t guest)
{
    static const uint8_t text[TEXT_SIZE] = "\x10\x80\0\0\5\0\0\0\0\0\0\0\0\0\0\0hello";
    uint8_t *image = t->image;
    *t = (tenant){.sandbox = sandbox,
                  .guest = guest,
                  .pages = 1,
                  .peak_pages = 1,
                  .growths = 1,
                  .table_elements = life_guests[guest].table_elements,
                  .image = image};
    if (life_guests[guest].prints > 0)
        put(t, TEXT_AT, text, sizeof text);
}

static uint64_t count_live(const life *l)
{
    uint64_t live = 0;
    for (size_t i = 0; i < LIFE_TENANTS; i++)
        live += l->tenants[i].sandbox != NULL;
    return live;
}

/* Makes the component, in a world of its own; false: it is not there. */
static bool have_component(life *l, uint32_t guest, bool may_lack_memory)
{
    if (l->components[guest] != NULL)
        return true;
    if (l->gone[guest] || l->host == NULL)
        return false;
    bhd_status status = compile(l, guest);
    FUZZ_REQUIRE(status == BHD_OK || (may_lack_memory && status == BHD_HOST_OUT_OF_MEMORY));
    return status == BHD_OK;
}

static bhd_status make_sandbox(life *l, tenant *t, uint32_t guest, bhd_sandbox **sandbox)
{
    bhd_error error = BHD_ERROR_INIT;
    observer *seen = &observers[t - l->tenants];
    *seen = (observer){l, t};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, on_output, seen};
    const bhd_limiter_options limiter = {sizeof limiter, 0, on_growing, on_threshold, seen};
    options.limiter = &limiter;
    l->agrees = true;
    bhd_status status = bhd_sandbox_new(l->components[guest], &options, sandbox, &error);
    FUZZ_REQUIRE(error.code == status);
    bhd_error_fini(&error);
    return status;
}

void life_new(life *l, tenant *t, uint32_t guest, uint32_t failing)
{
    const life_guest *g = &life_guests[guest];
    bhd_sandbox *sandbox = NULL;
    if (t->sandbox != NULL)
        return;
    bhd__alloc_fail_at(failing, 0);
    if (!have_component(l, guest, failing > 0)) {
        bhd__alloc_fail_at(0, 0);
        return;
    }
    bool full = count_live(l) == MOST_SANDBOXES;
    bhd_status status = make_sandbox(l, t, guest, &sandbox);
    bhd__alloc_fail_at(0, 0);
    FUZZ_REQUIRE((sandbox != NULL) == (status == BHD_OK));
    if (full) {
        FUZZ_REQUIRE(status == BHD_NO_CAPACITY);
        l->refused_capacity++;
        return;
    }
    /* The guest with the short deadline may miss it while it is made. */
    FUZZ_REQUIRE(status == g->new_status || (g->new_status == BHD_TIMEOUT && status == BHD_OK) ||
                 (failing > 0 && status == BHD_HOST_OUT_OF_MEMORY));
    if (status != BHD_OK)
        return;
    uint64_t id = bhd_sandbox_id(sandbox);
    FUZZ_REQUIRE(id > l->last_id);
    l->last_id = id;
    settle(t, sandbox, guest);
}

void life_free(life *l, tenant *t)
{
    (void)l;
    if (t->sandbox == NULL)
        return;
    compare_tenant(t);
    compare_memory(t);
    bhd_sandbox_free(t->sandbox);
    memset(t->image, 0, t->dirty);
    *t = (tenant){.image = t->image};
}

/* -- calls --------------------------------------------------------------------------------- */

/* The function, or NULL with everything checked when there is none to be had. */
static bhd_function *look_up(tenant *t, const char *name, bool exists)
{
    bhd_function *function = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status expected = t->dead                              ? BHD_SANDBOX_DEAD
                          : life_guests[t->guest].is_component ? BHD_EXPORT_NOT_FOUND
                          : exists                             ? BHD_OK
                                                               : BHD_EXPORT_NOT_FOUND;
    FUZZ_REQUIRE(bhd_sandbox_function(t->sandbox, name, &function, &error) == expected);
    FUZZ_REQUIRE(error.code == expected && (function != NULL) == (expected == BHD_OK));
    bhd_error_fini(&error);
    return function;
}

static bhd_function *able_function(tenant *t, const char *name)
{
    if (t->sandbox == NULL)
        return NULL;
    return look_up(t, name, life_guests[t->guest].has_functions);
}

/* Calls with up to two i32; `*result` is written when there is one and the call succeeds. */
static bhd_status call(tenant *t, const bhd_function *function, uint32_t first, uint32_t second,
                       uint32_t *result)
{
    bhd_value arguments[2] = {{.type = BHD_I32, .of.i32 = (int32_t)first},
                              {.type = BHD_I32, .of.i32 = (int32_t)second}};
    bhd_value answer = {.type = BHD_F64};
    size_t parameters = bhd_type_count(bhd_function_parameters(function));
    size_t results = bhd_type_count(bhd_function_results(function));
    bhd_error error = BHD_ERROR_INIT;
    uint64_t fuel = bhd_sandbox_fuel_consumed(t->sandbox);
    FUZZ_REQUIRE(parameters <= 2 && results == (result == NULL ? 0u : 1u));
    bhd_status status =
        bhd_sandbox_call(t->sandbox, function, arguments, parameters, &answer, results, &error);
    FUZZ_REQUIRE(error.code == status);
    FUZZ_REQUIRE((error.out_of_memory != NULL) == (status == BHD_OUT_OF_MEMORY));
    bhd_error_fini(&error);
    if (status == BHD_OK && result != NULL) {
        FUZZ_REQUIRE(answer.type == BHD_I32);
        *result = (uint32_t)answer.of.i32;
    }
    fuel = bhd_sandbox_fuel_consumed(t->sandbox) - fuel;
    FUZZ_REQUIRE(fuel <= life_guests[t->guest].fuel);
    return status;
}

static bool traps_when_refused(const tenant *t)
{
    return life_guests[t->guest].on_exceed == BHD_ON_EXCEED_TRAP;
}

void life_grow(life *l, tenant *t, const char *name, uint32_t pages)
{
    uint32_t result = 0;
    bhd_function *function = able_function(t, name);
    if (function == NULL)
        return;
    bool greedy = strcmp(name, "greedy") == 0;
    bool fits = pages <= LIFE_LIMIT_PAGES - t->pages;
    bhd_status status = call(t, function, pages, 0, &result);
    if (fits && (l->agrees || pages == 0)) {
        uint32_t after = t->pages + pages;
        FUZZ_REQUIRE(status == BHD_OK && result == (greedy ? after : t->pages));
        t->growths += pages > 0;
        t->warned += t->pages < THRESHOLD_PAGES && after >= THRESHOLD_PAGES;
        t->pages = t->peak_pages = after;
        return;
    }
    /* What no 32-bit memory can have is not asked for. */
    bool possible = pages <= 65536 - t->pages;
    t->denied += possible;
    t->dead = possible && (greedy || traps_when_refused(t));
    FUZZ_REQUIRE(status == (t->dead ? BHD_OUT_OF_MEMORY : BHD_OK));
    FUZZ_REQUIRE(t->dead || result == UINT32_MAX);
}

void life_grow_table(life *l, tenant *t, uint32_t elements)
{
    uint32_t result = 0;
    bhd_function *function = able_function(t, "table");
    if (function == NULL)
        return;
    bhd_status status = call(t, function, elements, 0, &result);
    if (elements == 0 || (l->agrees && elements <= LIFE_TABLE_LIMIT - t->table_elements)) {
        FUZZ_REQUIRE(status == BHD_OK && result == t->table_elements);
        t->table_elements += elements;
        return;
    }
    t->denied++;
    t->dead = traps_when_refused(t);
    FUZZ_REQUIRE(status == (t->dead ? BHD_OUT_OF_MEMORY : BHD_OK));
    FUZZ_REQUIRE(t->dead || result == UINT32_MAX);
}

void life_count(life *l, tenant *t)
{
    uint32_t result = 0;
    bhd_function *function = able_function(t, "count");
    (void)l;
    if (function == NULL)
        return;
    FUZZ_REQUIRE(call(t, function, 0, 0, &result) == BHD_OK && result == ++t->count);
}

/* One address in many is past the end. */
void life_store(life *l, tenant *t, uint32_t address, uint8_t byte)
{
    bhd_function *function = able_function(t, "store");
    (void)l;
    if (function == NULL)
        return;
    uint64_t end = t->pages * LIFE_PAGE;
    if (address % 16 == 0)
        address = (uint32_t)end - address % 3;
    else
        address %= (uint32_t)end;
    t->dead = address >= end;
    FUZZ_REQUIRE(call(t, function, address, byte, NULL) == (t->dead ? BHD_TRAP : BHD_OK));
    if (!t->dead)
        put(t, address, &byte, 1);
}

void life_end(life *l, tenant *t, const char *name, bhd_status expected)
{
    bhd_function *function = able_function(t, name);
    (void)l;
    if (function == NULL)
        return;
    FUZZ_REQUIRE(call(t, function, 0, 0, NULL) == expected);
    t->dead = true;
    FUZZ_REQUIRE(call(t, function, 0, 0, NULL) == BHD_SANDBOX_DEAD);
}

void life_spin(life *l, tenant *t)
{
    if (t->sandbox == NULL)
        return;
    const life_guest *g = &life_guests[t->guest];
    if (g->fuel > 0) {
        life_end(l, t, "spin", BHD_OUT_OF_FUEL);
    } else if (g->new_status == BHD_TIMEOUT) {
        bhd_function *function = look_up(t, "spin", true);
        if (function == NULL)
            return;
        FUZZ_REQUIRE(call(t, function, 0, 0, NULL) == BHD_TIMEOUT);
        t->dead = true;
    }
}

void life_pursue(life *l, tenant *t, uint32_t pages)
{
    bhd_function *function = able_function(t, "pursue");
    if (function == NULL || pages == 0 || pages > LIFE_LIMIT_PAGES - t->pages)
        return;
    l->cancels = true;
    bhd_status status = call(t, function, pages, 0, NULL);
    l->cancels = false;
    t->dead = true;
    if (l->agrees) {
        t->growths++;
        t->warned += t->pages < THRESHOLD_PAGES && t->pages + pages >= THRESHOLD_PAGES;
        t->pages = t->peak_pages = t->pages + pages;
    } else {
        t->denied++;
    }
    if (!l->agrees && traps_when_refused(t))
        FUZZ_REQUIRE(status == BHD_OUT_OF_MEMORY);
    else /* fuel may be gone before the guest notices */
        FUZZ_REQUIRE(status == BHD_CANCELLED ||
                     (life_guests[t->guest].fuel > 0 && status == BHD_OUT_OF_FUEL));
}

void life_cancel(life *l, tenant *t)
{
    (void)l;
    bhd_sandbox_cancel(t->sandbox);
}

void life_wrong_calls(life *l, tenant *t)
{
    bhd_value value = {.type = BHD_I64};
    (void)l;
    if (t->sandbox == NULL)
        return;
    FUZZ_REQUIRE(look_up(t, "nobody", false) == NULL);
    bhd_function *function = able_function(t, "grow");
    if (function == NULL)
        return;
    bhd_status fewer = bhd_sandbox_call(t->sandbox, function, NULL, 0, &value, 1, NULL);
    bhd_status other = bhd_sandbox_call(t->sandbox, function, &value, 1, &value, 1, NULL);
    value.type = BHD_I32;
    bhd_status no_room = bhd_sandbox_call(t->sandbox, function, &value, 1, NULL, 0, NULL);
    FUZZ_REQUIRE(fewer == BHD_SIGNATURE_MISMATCH && other == fewer && no_room == fewer);
}

void life_run(life *l, tenant *t)
{
    int exit_code = -1;
    bhd_error error = BHD_ERROR_INIT;
    (void)l;
    if (t->sandbox == NULL)
        return;
    const life_guest *g = &life_guests[t->guest];
    bhd_status expected = t->dead         ? BHD_SANDBOX_DEAD
                          : g->is_command ? BHD_OK
                                          : BHD_EXPORT_NOT_FOUND;
    FUZZ_REQUIRE(bhd_sandbox_run(t->sandbox, &exit_code, &error) == expected);
    FUZZ_REQUIRE(error.code == expected);
    bhd_error_fini(&error);
    if (expected != BHD_OK)
        return;
    FUZZ_REQUIRE(exit_code == g->exit_code);
    t->dead = g->dies;
    t->printed += g->prints;
    if (g->prints > 0)
        put(t, TEXT_AT + 8, "\5", 1);
}

/* -- memory from outside ------------------------------------------------------------------- */

void life_copy(life *l, tenant *t, bool write, uint64_t offset, size_t size)
{
    static uint8_t bytes[256];
    (void)l;
    if (t->sandbox == NULL)
        return;
    uint64_t end = t->pages * LIFE_PAGE;
    bool inside = offset <= end && size <= end - offset;
    /* What the guest that prints reads is left to it. */
    if (write && inside && life_guests[t->guest].prints > 0 && offset < TEXT_AT + TEXT_SIZE &&
        offset + size > TEXT_AT)
        return;
    bhd_status expected = t->dead              ? BHD_SANDBOX_DEAD
                          : !reaches_memory(t) ? BHD_NOT_SUPPORTED
                          : inside             ? BHD_OK
                                               : BHD_OUT_OF_BOUNDS;
    memset(bytes, (int)(offset * 7 + size), sizeof bytes);
    bhd_status status = write ? bhd_sandbox_write(t->sandbox, NULL, offset, bytes, size, NULL)
                              : bhd_sandbox_read(t->sandbox, NULL, offset, bytes, size, NULL);
    FUZZ_REQUIRE(status == expected);
    if (status != BHD_OK)
        return;
    if (write)
        put(t, offset, bytes, size);
    else
        FUZZ_REQUIRE(memcmp(bytes, t->image + offset, size) == 0);
}
