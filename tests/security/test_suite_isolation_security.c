/*
 * Suite 5: no byte of one tenant reaches another, however the first one ends, and nothing that one
 * does changes what another may do.
 *
 * Each scan proves that it looked at recycled memory: the host has mapped no more slots than the
 * tenants before needed, so the memory in front of the scan is theirs.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <stdio.h>

/* No byte of the pattern is zero. */
#define PATTERN 0xa7

/* A tenant that fills everything it has with the pattern and then ends as it is told: 0 returns, 1
 * traps, 2 loops, 3 asks for more than it may have and runs into unreachable, 4 asks again and
 * again, 5 recurses for ever, 6 reads past its end. */
#define TENANT_BODY                                                                                \
    "  (memory (export \"memory\") 1)"                                                             \
    "  (func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))"   \
    "  (func (export \"live\") (param $pages i32) (param $end i32)"                                \
    "    (drop (memory.grow (local.get $pages)))"                                                  \
    "    (memory.fill (i32.const 0) (i32.const 0xa7)"                                              \
    "      (i32.shl (memory.size) (i32.const 16)))"                                                \
    "    (if (i32.eq (local.get $end) (i32.const 1)) (then (unreachable)))"                        \
    "    (if (i32.eq (local.get $end) (i32.const 2)) (then (loop $l (br $l))))"                    \
    "    (if (i32.eq (local.get $end) (i32.const 3)) (then"                                        \
    "      (drop (memory.grow (i32.const 30000))) (unreachable)))"                                 \
    "    (if (i32.eq (local.get $end) (i32.const 4)) (then"                                        \
    "      (loop $m (drop (memory.grow (i32.const 1))) (br $m))))"                                 \
    "    (if (i32.eq (local.get $end) (i32.const 5)) (then (drop (call $deep (i64.const 1)))))"    \
    "    (if (i32.eq (local.get $end) (i32.const 6)) (then"                                        \
    "      (drop (i32.load (i32.shl (memory.size) (i32.const 16))))))"

static const char tenant[] = "(module" TENANT_BODY "))";
/* The same on a fiber, and 9 exits. */
static const char wasi_tenant[] =
    "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))" TENANT_BODY
    "    (if (i32.eq (local.get $end) (i32.const 9)) (then (call $exit (i32.const 7))))))";

/* -- scanning ------------------------------------------------------------------------------ */

/* Looks at every byte of the memory from outside. */
static void expect_all_zero(bhd_sandbox *sandbox, uint64_t bytes)
{
    static uint8_t buffer[1 << 16];
    static const uint8_t zero[sizeof buffer];
    bhd_error error = BHD_ERROR_INIT;
    for (uint64_t at = 0; at < bytes; at += sizeof buffer) {
        expect_ok(bhd_sandbox_read(sandbox, NULL, at, buffer, sizeof buffer, &error), &error);
        assert_memory_equal(zero, buffer, sizeof buffer);
    }
    expect_status(BHD_OUT_OF_BOUNDS, bhd_sandbox_read(sandbox, NULL, bytes, buffer, 1, &error),
                  &error);
    bhd_error_fini(&error);
}

/* A module with a memory of `pages` pages and grow.wat's search. */
static bhd_component *scanner_of(bhd_host *host, unsigned pages, const bhd_limits *limits)
{
    char text[2048];
    snprintf(text, sizeof text,
             "(module (memory (export \"memory\") %u)"
             "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
             "  (func (export \"first_nonzero\") (result i64) (local $a i64)"
             "    (block $done (loop $next"
             "      (br_if $done (i64.ge_u (local.get $a)"
             "        (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16))))"
             "      (if (i64.ne (i64.load (i32.wrap_i64 (local.get $a))) (i64.const 0))"
             "        (then (return (local.get $a))))"
             "      (local.set $a (i64.add (local.get $a) (i64.const 8))) (br $next)))"
             "    (i64.const -1)))",
             pages);
    return guest_component(host, text, limits);
}

/* Scans a new sandbox of the component, then grows it page by page and scans again. */
static void scan(bhd_component *component, unsigned pages, unsigned most)
{
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_true(guest_i64(sandbox, "first_nonzero") == -1);
    expect_all_zero(sandbox, PAGES(pages));
    while (pages < most) {
        assert_int_equal(pages, guest_i32(sandbox, "grow", 1));
        pages++;
        assert_true(guest_i64(sandbox, "first_nonzero") == -1);
    }
    expect_all_zero(sandbox, PAGES(pages));
    bhd_sandbox_free(sandbox);
}

typedef struct scenario {
    const char *source;
    int32_t end;
    bhd_status wanted;
    bhd_on_exceed on_exceed;
    double timeout_seconds;
    uint64_t max_fuel;
} scenario;

static const scenario scenarios[] = {
    {tenant, 0, BHD_OK, BHD_ON_EXCEED_DENY, 30, 0},
    {tenant, 1, BHD_TRAP, BHD_ON_EXCEED_DENY, 30, 0},
    {tenant, 2, BHD_TIMEOUT, BHD_ON_EXCEED_DENY, 0.05, 0},
    {tenant, 2, BHD_OUT_OF_FUEL, BHD_ON_EXCEED_DENY, 30, 10000000},
    {tenant, 3, BHD_OUT_OF_MEMORY, BHD_ON_EXCEED_DENY, 30, 0},
    {tenant, 4, BHD_OUT_OF_MEMORY, BHD_ON_EXCEED_TRAP, 30, 0},
    {tenant, 4, BHD_TIMEOUT, BHD_ON_EXCEED_DENY, 0.05, 0},
    {tenant, 5, BHD_TRAP, BHD_ON_EXCEED_DENY, 30, 0},
    {tenant, 6, BHD_TRAP, BHD_ON_EXCEED_DENY, 30, 0},
    {wasi_tenant, 0, BHD_OK, BHD_ON_EXCEED_DENY, 30, 0},
    {wasi_tenant, 1, BHD_TRAP, BHD_ON_EXCEED_DENY, 30, 0},
    {wasi_tenant, 2, BHD_TIMEOUT, BHD_ON_EXCEED_DENY, 0.05, 0},
    {wasi_tenant, 4, BHD_OUT_OF_MEMORY, BHD_ON_EXCEED_TRAP, 30, 0},
    {wasi_tenant, 9, BHD_EXIT, BHD_ON_EXCEED_DENY, 30, 0},
};

static void live_and_end(bhd_component *component, const scenario *s, int32_t pages)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = guest_sandbox(component);
    guest_ends(sandbox, s->wanted, &error, "live", pages - 1, s->end);
    assert_int_equal(s->wanted != BHD_OK, bhd_sandbox_is_dead(sandbox));
    if (s->wanted == BHD_OK) {
        /* The tenant did fill its memory: the scan has something to find. */
        uint8_t byte = 0;
        expect_ok(bhd_sandbox_read(sandbox, NULL, PAGES(pages) - 1, &byte, 1, &error), &error);
        assert_int_equal(PATTERN, byte);
    }
    assert_true(guest_metrics(sandbox).peak_bytes == PAGES(pages));
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
}

/* Every end, then scanners that begin smaller than, equal to, and larger than the tenant was. */
static void check_every_end(uint64_t keep_bytes)
{
    enum { TENANT_PAGES = 20, MOST_PAGES = 24 };
    static const unsigned sizes[] = {0, 1, 5, TENANT_PAGES, MOST_PAGES};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.slot_keep_bytes = keep_bytes;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(PAGES(MOST_PAGES));
    bhd_component *scanners[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        scanners[i] = scanner_of(host, sizes[i], &limits);
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        const scenario *s = &scenarios[i];
        bhd_limits its = guest_limits(PAGES(TENANT_PAGES));
        its.on_exceed = s->on_exceed;
        its.timeout_seconds = s->timeout_seconds;
        its.max_fuel = s->max_fuel;
        bhd_component *component = guest_component(host, s->source, &its);
        for (size_t k = 0; k < COUNT_OF(scanners); k++) {
            live_and_end(component, s, TENANT_PAGES);
            scan(scanners[k], sizes[k], MOST_PAGES);
        }
        bhd_component_free(component);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == 1); /* all of them lived in the same memory */
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        bhd_component_free(scanners[i]);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void no_byte_of_a_tenant_survives_it_however_it_ends(void **state)
{
    (void)state;
    check_every_end(KIB(256)); /* a part of the tenant's pages is zeroed, the rest given back */
}

static void no_byte_survives_when_every_page_is_kept(void **state)
{
    (void)state;
    check_every_end(MIB(64));
}

static void no_byte_survives_when_no_page_is_kept(void **state)
{
    (void)state;
    check_every_end(0);
}

static void no_byte_of_scattered_writes_survives(void **state)
{
    (void)state;
    /* More separate dirty pages than any one question to the kernel is answered with. */
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_limits limits = guest_limits(MIB(4));
    guest g = guest_begin_with(&options, "basic/grow.wat", &limits, NULL);
    bhd_component *scanner = scanner_of(g.host, 64, &limits);
    for (int32_t stride = 4096 * 2; stride <= 4096 * 16; stride *= 2) {
        assert_int_equal(1, guest_i32(g.sandbox, "grow", 63));
        for (int32_t at = 4095; at < (int32_t)MIB(4); at += stride)
            guest_void(g.sandbox, "touch", at, PATTERN);
        bhd_sandbox_free(g.sandbox);
        scan(scanner, 64, 64);
        g.sandbox = guest_sandbox(g.component);
    }
    bhd_component_free(scanner);
    bhd_host_stats stats;
    bhd_host_get_stats(g.host, &stats, sizeof stats);
    assert_true(stats.slots == 1);
    guest_end(&g);
}

static void many_recycled_sandboxes_show_nothing_of_many_tenants(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *tenants = guest_component(host, tenant, &limits);
    bhd_component *scanner = guest_component(host, "basic/grow.wat", &limits);
    static bhd_sandbox *all[64];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            all[i] = guest_sandbox(tenants);
            guest_void(all[i], "live", (int32_t)(i % 16), 0);
        }
        for (size_t i = 0; i < COUNT_OF(all); i++)
            bhd_sandbox_free(all[i]);
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            all[i] = guest_sandbox(scanner);
            expect_all_zero(all[i], PAGE);
            assert_int_equal(1, guest_i32(all[i], "grow", 15));
            expect_all_zero(all[i], MIB(1));
        }
        for (size_t i = 0; i < COUNT_OF(all); i++)
            bhd_sandbox_free(all[i]);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == COUNT_OF(all));
    bhd_component_free(tenants);
    bhd_component_free(scanner);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_recycled_sandbox_has_its_own_data_and_zeros(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *tenants = guest_component(host, tenant, &limits);
    bhd_component *with_data = guest_component(host, "basic/data.wat", &limits);
    for (int i = 0; i < 50; i++) {
        bhd_sandbox *a = guest_sandbox(tenants);
        guest_void(a, "live", i % 16, 0);
        bhd_sandbox_free(a);
        bhd_sandbox *b = guest_sandbox(with_data);
        assert_int_equal(1, guest_i32(b, "check"));
        guest_void(b, "scribble"); /* and its own next one does not see that either */
        bhd_sandbox_free(b);
        b = guest_sandbox(with_data);
        assert_int_equal(1, guest_i32(b, "check"));
        bhd_sandbox_free(b);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == 1);
    bhd_component_free(tenants);
    bhd_component_free(with_data);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void data_of_one_component_does_not_reach_another(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *secret = guest_component(host, "basic/data.wat", &limits);
    bhd_component *scanner = guest_component(host, "basic/grow.wat", &limits);
    for (int i = 0; i < 20; i++) {
        bhd_sandbox_free(guest_sandbox(secret));
        scan(scanner, 1, 4);
    }
    bhd_component_free(secret);
    bhd_component_free(scanner);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void failed_instantiation_leaves_no_byte(void **state)
{
    (void)state;
    /* Each writes the pattern before it fails. */
    static const char *const failures[] = {
        "(module (memory 8) (data (i32.const 0) \"\\a7\\a7\\a7\\a7\")"
        "  (data (i32.const 524287) \"\\a7\\a7\"))",
        "(module (memory 8) (func $s (memory.fill (i32.const 0) (i32.const 0xa7) (i32.const "
        "524288))"
        "  (unreachable)) (start $s))",
        "(module (memory 8) (table 1 funcref) (elem (i32.const 1) $s)"
        "  (data (i32.const 0) \"\\a7\\a7\\a7\\a7\") (func $s))",
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *scanner = guest_component(host, "basic/grow.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        bhd_component *component = guest_component(host, failures[i], &limits);
        for (int k = 0; k < 5; k++) {
            bhd_error error = BHD_ERROR_INIT;
            bhd_sandbox *none = NULL;
            expect_status(BHD_TRAP, bhd_sandbox_new(component, NULL, &none, &error), &error);
            assert_null(none);
            expect_stats(host, 0, 0);
            bhd_error_fini(&error);
            scan(scanner, 1, 16);
        }
        bhd_component_free(component);
    }
    bhd_component_free(scanner);
    bhd_host_free(host);
}

static void no_byte_of_a_gc_heap_survives(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.features = BHD_FEATURE_GC;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(2));
    bhd_component *gc = guest_component(host, "basic/gc_heap.wat", &limits);
    bhd_component *scanner = scanner_of(host, 1, &limits);
    for (int i = 0; i < 3; i++) {
        bhd_sandbox *a = guest_sandbox(gc);
        assert_int_equal(60, guest_i32(a, "keep", 60)); /* 480 KiB of 0x5a */
        bhd_sandbox_free(a);
        scan(scanner, 1, 32);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == 1);
    bhd_component_free(gc);
    bhd_component_free(scanner);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- threads that hand memory to each other ------------------------------------------------ */

typedef struct exchange {
    bhd_component *tenants, *scanner;
} exchange;

static void work_of_exchange(crew_member *member)
{
    exchange *shared = member->shared;
    for (int i = 0; i < ROUNDS(100); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_value nonzero = {.type = BHD_I64, .of.i64 = 0}, grown = nonzero;
        bhd_sandbox *a = NULL, *b = NULL;
        bool ok =
            crew_check_ok(member, bhd_sandbox_new(shared->tenants, NULL, &a, &error), &error) &&
            crew_check_ok(member, guest_call(a, &error, NULL, "live", i % 16, 0), &error);
        bhd_sandbox_free(a);
        ok = ok &&
             crew_check_ok(member, bhd_sandbox_new(shared->scanner, NULL, &b, &error), &error) &&
             crew_check_ok(member, guest_call(b, &error, &grown, "grow", 15), &error) &&
             crew_check(member, grown.of.i32 == 1) &&
             crew_check_ok(member, guest_call(b, &error, &nonzero, "first_nonzero"), &error) &&
             crew_check(member, nonzero.of.i64 == -1);
        bhd_sandbox_free(b);
        bhd_error_fini(&error);
        if (!ok)
            return;
    }
}

static void no_byte_survives_when_threads_exchange_slots(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    exchange shared = {guest_component(host, tenant, &limits),
                       guest_component(host, "basic/grow.wat", &limits)};
    crew_run(6, work_of_exchange, &shared);
    bhd_component_free(shared.tenants);
    bhd_component_free(shared.scanner);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- no shared state ----------------------------------------------------------------------- */

static void globals_tables_and_memories_are_not_shared(void **state)
{
    (void)state;
    static const char *const bumps[] = {"bump_global", "bump_memory", "bump_table"};
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/counter.wat", &limits);
    for (size_t k = 0; k < COUNT_OF(bumps); k++) {
        bhd_sandbox *a = guest_sandbox(component);
        bhd_sandbox *b = guest_sandbox(component);
        for (int i = 1; i <= 5; i++)
            assert_int_equal(i, guest_i32(a, bumps[k]));
        assert_int_equal(1, guest_i32(b, bumps[k]));
        assert_int_equal(6, guest_i32(a, bumps[k]));
        bhd_sandbox_free(a);
        assert_int_equal(2, guest_i32(b, bumps[k]));
        /* Where a was, somebody new begins from nothing. */
        bhd_sandbox *c = guest_sandbox(component);
        assert_int_equal(0, guest_i32(c, "read_global"));
        assert_int_equal(0, guest_i32(c, "read_memory"));
        assert_int_equal(1, guest_i32(c, bumps[k]));
        bhd_sandbox_free(b);
        bhd_sandbox_free(c);
    }
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void dropped_segments_are_dropped_in_one_sandbox_only(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/data.wat", &limits);
    bhd_sandbox *a = guest_sandbox(component), *b = guest_sandbox(component);
    guest_void(a, "drop_passive");
    guest_void(b, "copy_passive", 100);
    assert_int_equal('p', guest_i32(b, "peek", 100));
    guest_ends(a, BHD_TRAP, NULL, "copy_passive", 100);
    bhd_sandbox_free(a);
    bhd_sandbox_free(b);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void limits_are_independent_of_what_others_use(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *full = guest_sandbox(component);
    assert_int_equal(15, guest_i32(full, "grow_until", 1, 100));
    /* Neither a full nor a freed neighbour changes what one may have. */
    for (int i = 0; i < 100; i++) {
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_int_equal(15, guest_i32(sandbox, "grow_until", 1, 100));
        expect_metrics(sandbox, MIB(1), MIB(1), 16, 1);
        bhd_sandbox_free(sandbox);
        assert_int_equal(-1, guest_i32(full, "grow", 1));
    }
    expect_metrics(full, MIB(1), MIB(1), 16, 101);
    bhd_sandbox_free(full);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void out_of_memory_ends_one_sandbox_and_no_other(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *all[20];
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        all[i] = guest_sandbox(component);
        guest_void(all[i], "touch", 17, (int32_t)i + 1);
    }
    for (size_t i = 0; i < COUNT_OF(all); i += 2)
        guest_ends(all[i], BHD_OUT_OF_MEMORY, NULL, "grow", 16);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(i % 2 == 0, bhd_sandbox_is_dead(all[i]));
        if (i % 2) {
            assert_int_equal(i + 1, guest_i32(all[i], "peek", 17));
            assert_int_equal(1, guest_i32(all[i], "grow", 15));
            expect_metrics(all[i], MIB(1), MIB(1), 2, 0);
        }
        bhd_sandbox_free(all[i]);
    }
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_a_tenant_survives_it_however_it_ends),
        cmocka_unit_test(no_byte_survives_when_every_page_is_kept),
        cmocka_unit_test(no_byte_survives_when_no_page_is_kept),
        cmocka_unit_test(no_byte_of_scattered_writes_survives),
        cmocka_unit_test(many_recycled_sandboxes_show_nothing_of_many_tenants),
        cmocka_unit_test(a_recycled_sandbox_has_its_own_data_and_zeros),
        cmocka_unit_test(data_of_one_component_does_not_reach_another),
        cmocka_unit_test(failed_instantiation_leaves_no_byte),
        cmocka_unit_test(no_byte_of_a_gc_heap_survives),
        cmocka_unit_test(no_byte_survives_when_threads_exchange_slots),
        cmocka_unit_test(globals_tables_and_memories_are_not_shared),
        cmocka_unit_test(dropped_segments_are_dropped_in_one_sandbox_only),
        cmocka_unit_test(limits_are_independent_of_what_others_use),
        cmocka_unit_test(out_of_memory_ends_one_sandbox_and_no_other),
    };
    return cmocka_run_group_tests_name("suite 5: isolation security", tests, NULL, NULL);
}
