/*
 * Every attack of guests/hostile/index.txt, with on_exceed "deny" and "trap": it ends as the index
 * says, two neighbours notice nothing, the host is as before, and beyond its own limit the attack
 * has cost the process at most 1 MiB of resident memory while it lived and nothing afterwards.
 *
 * BHD_VERBOSE=1 in the environment prints what each attack cost.
 */
#include "support/hostile.h"
#include "support/process_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRIES_MAX 512
/* Resident memory beyond the guest's own limit while it lives. */
#define COST_BYTES MIB(1)
/* What the process may still hold after some rounds: the allocator's and the kernel's
 * granularity. */
#define LEFT_BYTES INT64_C(262144)

/* One host for all attacks, so that each runs where the others were; one more with GC. Slots keep
 * nothing, so that what is resident is somebody's. */
static bhd_host *hosts[2];
static hostile_entry entries[ENTRIES_MAX];
static struct run {
    const hostile_entry *entry;
    bhd_on_exceed on_exceed;
    char name[192];
} runs[ENTRIES_MAX * 2];
static struct CMUnitTest tests[ENTRIES_MAX * 2];
static neighbours n;

static bool drop(void *user_data, const void *data, size_t size)
{
    volatile unsigned char *last = user_data;
    if (size > 0)
        *last = ((const unsigned char *)data)[size - 1];
    return true;
}

/* -- one attack ---------------------------------------------------------------------------- */

/* Gives 1 when the guest has no result or was content with what it saw. */
static bhd_status call_attack(bhd_sandbox *sandbox, const char *name, int32_t *result,
                              bhd_error *error)
{
    bhd_value value = {.type = BHD_I32, .of.i32 = 1};
    bhd_status status = guest_call(sandbox, error, &value, name, 0);
    *result = value.type == BHD_I32 ? value.of.i32 : 1;
    bhd_value_fini(&value);
    return status;
}

static bhd_status run_attack(bhd_sandbox *sandbox, int32_t *result, bhd_error *error)
{
    int exit_code = 0;
    bhd_status status = bhd_sandbox_run(sandbox, &exit_code, error);
    *result = exit_code == 0;
    return status;
}

/* What the guest may be charged for by itself, and what it cost in addition. */
typedef struct cost {
    uint64_t own, beyond;
} cost;

static void check_end(const struct run *run, bhd_status status, const bhd_error *error)
{
    expect_status(run->entry->wanted[run->on_exceed], status, error);
    if (getenv("BHD_VERBOSE"))
        print_message("  %s: %s\n", bhd_status_name(status), error->message);
    if (status == BHD_OK)
        return;
    assert_int_equal(status, error->code);
    const char *text_of_trap = strstr(run->entry->text, " | ");
    if (!text_of_trap) {
        expect_in(error->message, run->entry->text);
    } else if (run->on_exceed == BHD_ON_EXCEED_TRAP) {
        expect_in(error->message, text_of_trap + 3);
    } else {
        char text_of_deny[sizeof run->entry->text];
        snprintf(text_of_deny, sizeof text_of_deny, "%.*s", (int)(text_of_trap - run->entry->text),
                 run->entry->text);
        expect_in(error->message, text_of_deny);
    }
    assert_int_equal(status == BHD_OUT_OF_MEMORY, error->out_of_memory != NULL);
    /* The whole account can be written, and no control character is in it. */
    static char text[65536];
    size_t size = bhd_error_to_text(error, NULL, text, sizeof text);
    assert_true(size < sizeof text);
    for (size_t i = 0; i < size; i++)
        assert_true((text[i] >= ' ' && text[i] != 0x7f) || text[i] == '\n');
}

/* Instantiates the guest, lets it attack, measures and frees it. */
static cost attack(const struct run *run, bhd_component *component)
{
    const char *what = run->entry->attack;
    unsigned char last = 0;
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, drop, &last};
    options.standard_error = options.standard_output;
    int32_t result = 1;
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    bhd_status status = bhd_sandbox_new(component, &options, &sandbox, &error);
    cost c = {run->entry->limits.max_memory_bytes, 0};
    if (strcmp(what, "new") != 0) {
        expect_ok(status, &error);
        status = strncmp(what, "run", 3) == 0 ? run_attack(sandbox, &result, &error)
                                              : call_attack(sandbox, what, &result, &error);
    }
    uint64_t peak = process_peak_bytes();
    check_end(run, status, &error);
    if (status == BHD_OK)
        assert_int_equal(1, result);
    if (sandbox) {
        bhd_memory_metrics metrics = guest_metrics(sandbox);
        assert_true(metrics.peak_bytes <= metrics.max_bytes);
        assert_true(metrics.current_bytes <= metrics.peak_bytes);
        c.own = metrics.peak_bytes;
    }
    if (peak > before + c.own)
        c.beyond = peak - before - c.own;
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
    return c;
}

/* A growth that is refused with "trap" ends the guest out of memory. So when an attack ends in the
 * same way with both, nothing was refused, both did the same, and one measurement is enough. */
static bool was_measured(const struct run *run)
{
    const bhd_status *wanted = run->entry->wanted;
    return run->on_exceed == BHD_ON_EXCEED_TRAP &&
           wanted[BHD_ON_EXCEED_DENY] == wanted[BHD_ON_EXCEED_TRAP] &&
           wanted[BHD_ON_EXCEED_TRAP] != BHD_OUT_OF_MEMORY;
}

/* The first rounds make what is made once and fragment the heap; what is held must become flat.
 * Quick attacks have many rounds, so that a few KiB a round would be seen. Sanitizers hold memory
 * back, so that nothing is measured with them: the attack comes once more, to where it has been. */
static void attack_and_measure(const struct run *run, bhd_component *component)
{
    double began = process_seconds();
    (void)attack(run, component);
    if (was_measured(run))
        return;
    double seconds = process_seconds() - began;
    int rounds = BHD_TESTS_SANITIZED ? 1 : seconds < 0.002 ? 50 : seconds < 0.02 ? 10 : 2;
    uint64_t beyond = 0;
    int64_t left = 0;
    for (int tries = 0; tries < 20; tries++) {
        int64_t before = (int64_t)process_resident_bytes();
        for (int i = 0; i < rounds; i++) {
            cost c = attack(run, component);
            beyond = c.beyond > beyond ? c.beyond : beyond;
        }
        left = (int64_t)process_resident_bytes() - before;
        if (BHD_TESTS_SANITIZED || left <= LEFT_BYTES)
            break;
    }
    if (getenv("BHD_VERBOSE"))
        print_message("  %s: %" PRIu64 " KiB beyond its own, %" PRId64 " KiB left\n", run->name,
                      beyond / 1024, left / 1024);
    if (BHD_TESTS_SANITIZED)
        return;
    assert_in_range(beyond, 0, COST_BYTES);
    assert_true(left <= LEFT_BYTES);
}

static bhd_component *load(const struct run *run, bhd_host *host)
{
    bhd_limits limits = run->entry->limits;
    limits.on_exceed = run->on_exceed;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_status status = hostile_component(run->entry, host, &limits, &component, &error);
    if (strcmp(run->entry->attack, "load") == 0)
        check_end(run, status, &error);
    else
        expect_ok(status, &error);
    bhd_error_fini(&error);
    return component;
}

static void attack_and_look(void **state)
{
    const struct run *run = *state;
    bhd_host *host = hosts[run->entry->gc];
    guest_keep_signals();
    neighbours_begin(&n, host);
    bhd_component *component = load(run, host);
    if (component) {
        expect_stats(host, 2, 2);
        attack_and_measure(run, component);
        expect_stats(host, 2, 2);
        bhd_component_free(component);
    }
    neighbours_end(&n);
    expect_stats(host, 0, 0);
}

/* -- all of them --------------------------------------------------------------------------- */

static int make_hosts(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy = (bhd_policy){BHD_POLICY_MIN_BYTES, BHD_MAX_MEMORY_BYTES};
    options.slot_keep_bytes = 0;
    hosts[0] = guest_host_with(&options);
    options.features = BHD_FEATURE_GC;
    hosts[1] = guest_host_with(&options);
    return 0;
}

static int free_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        bhd_host_free(hosts[i]);
    return 0;
}

/* What a failed test left in its host does not make the next one fail: there are new hosts. */
static int after_each(void **state)
{
    if (!neighbours_stop(&n))
        return 0;
    (void)free_hosts(state);
    return make_hosts(state);
}

/* An argument chooses the attacks in whose name it is. */
int main(int argc, char **argv)
{
    size_t count = hostile_index(entries, ENTRIES_MAX), chosen = 0;
    for (size_t i = 0; i < count * 2; i++) {
        struct run *run = &runs[chosen];
        run->entry = &entries[i / 2];
        run->on_exceed = i % 2 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY;
        snprintf(run->name, sizeof run->name, "%s %s %s", run->entry->file, run->entry->attack,
                 bhd_on_exceed_text(run->on_exceed));
        if (argc > 1 && !strstr(run->name, argv[1]))
            continue;
        tests[chosen++] = (struct CMUnitTest){.name = run->name,
                                              .test_func = attack_and_look,
                                              .teardown_func = after_each,
                                              .initial_state = run};
    }
    return _cmocka_run_group_tests("hostile guests", tests, chosen, make_hosts, free_hosts);
}
