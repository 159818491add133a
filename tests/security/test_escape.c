/*
 * A guest reaches its own memory and nothing else: not one byte past its current size, whatever the
 * instruction, the width, the offset and the history of the memory below it.
 */
#include "support/real_guest.h"

#include <stdio.h>

/* -- every load and store ------------------------------------------------------------------ */

static const struct access {
    const char *name;
    uint64_t width;
    bool store;
    const char *before, *after; /* around the address */
} accesses[] = {
    {"l8", 1, false, "(drop (i32.load8_u offset=%llu ", "))"},
    {"l16", 2, false, "(drop (i64.load16_s offset=%llu align=1 ", "))"},
    {"l32", 4, false, "(drop (f32.load offset=%llu align=1 ", "))"},
    {"l64", 8, false, "(drop (i64.load offset=%llu align=1 ", "))"},
    {"l128", 16, false, "(drop (v128.load offset=%llu align=1 ", "))"},
    {"splat", 8, false, "(drop (v128.load64_splat offset=%llu align=1 ", "))"},
    {"lane", 4, false, "(drop (v128.load32_lane offset=%llu align=1 3 ",
     " (v128.const i64x2 0 0)))"},
    {"s8", 1, true, "(i32.store8 offset=%llu ", " (i32.const 0x11))"},
    {"s16", 2, true, "(i64.store16 offset=%llu align=1 ", " (i64.const 0x1111))"},
    {"s32", 4, true, "(i32.store offset=%llu align=1 ", " (i32.const 0x11111111))"},
    {"s64", 8, true, "(f64.store offset=%llu align=1 ", " (f64.const 1.5))"},
    {"s128", 16, true, "(v128.store offset=%llu align=1 ", " (v128.const i64x2 -1 -1))"},
};
static const unsigned long long offsets[] = {
    0, 1, 7, 65535, 65536, 0x7fffffff, 0x80000000, 0xffff0000, 0xffffffff,
};

/* One function for each access at each offset, "l8_3" for the fourth offset. */
static const char *access_module(void)
{
    static char text[32768];
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "(module (memory (export \"memory\") 1)"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))");
    for (size_t a = 0; a < COUNT_OF(accesses); a++)
        for (size_t o = 0; o < COUNT_OF(offsets); o++) {
            used +=
                (size_t)snprintf(text + used, sizeof text - used,
                                 " (func (export \"%s_%zu\") (param i32) ", accesses[a].name, o);
            const char *rest = strstr(accesses[a].before, "%llu");
            used += (size_t)snprintf(text + used, sizeof text - used, "%.*s%llu%s(local.get 0)%s)",
                                     (int)(rest - accesses[a].before), accesses[a].before,
                                     offsets[o], rest + 4, accesses[a].after);
        }
    used += (size_t)snprintf(text + used, sizeof text - used, ")");
    assert_true(used < sizeof text);
    return text;
}

/* One access by a sandbox of `pages` pages: it works or traps as it must. Makes a new sandbox after
 * a trap. */
static void check_access(bhd_component *component, bhd_sandbox **sandbox, unsigned pages,
                         const struct access *a, size_t offset, uint32_t address)
{
    char name[32];
    snprintf(name, sizeof name, "%s_%zu", a->name, offset);
    bool fits = (uint64_t)address + offsets[offset] + a->width <= PAGES(pages);
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = guest_call(*sandbox, &error, NULL, name, (int32_t)address);
    if (status != (fits ? BHD_OK : BHD_TRAP))
        print_error("%s offset %llu at %u of %u pages\n", name, offsets[offset], address, pages);
    expect_status(fits ? BHD_OK : BHD_TRAP, status, &error);
    if (!fits) {
        expect_in(error.message, "out of bounds memory access");
        bhd_sandbox_free(*sandbox);
        *sandbox = guest_sandbox(component);
        if (pages > 1)
            assert_int_equal(1, guest_i32(*sandbox, "grow", (int32_t)pages - 1));
    }
    bhd_error_fini(&error);
}

static void check_all_accesses(bhd_component *component, unsigned pages)
{
    bhd_sandbox *sandbox = guest_sandbox(component);
    if (pages > 1)
        assert_int_equal(1, guest_i32(sandbox, "grow", (int32_t)pages - 1));
    for (size_t a = 0; a < COUNT_OF(accesses); a++)
        for (size_t o = 0; o < COUNT_OF(offsets); o++) {
            /* Where this access just fits, if it does, and one byte further. */
            uint64_t last = PAGES(pages) - accesses[a].width - offsets[o];
            const uint32_t addresses[] = {
                (uint32_t)last,
                (uint32_t)last + 1,
                (uint32_t)PAGES(pages) - 1,
                (uint32_t)PAGES(pages),
                (uint32_t)PAGES(pages + 1),
                0,
                0x7fffffff,
                0x80000000,
                0xffffffff,
            };
            for (size_t i = 0; i < COUNT_OF(addresses); i++)
                check_access(component, &sandbox, pages, &accesses[a], o, addresses[i]);
        }
    bhd_sandbox_free(sandbox);
}

/* Neighbours before and after, full of a pattern that must be there at the end. */
static void check_between_neighbours(unsigned pages, bool recycle)
{
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(2));
    bhd_component *neighbour = guest_component(host, "basic/grow.wat", &limits);
    bhd_component *component = guest_component(host, access_module(), &limits);
    bhd_sandbox *big = guest_sandbox(neighbour);
    bhd_sandbox *near[3];
    for (size_t i = 0; i < COUNT_OF(near); i++) {
        near[i] = guest_sandbox(neighbour);
        guest_void(near[i], "fill", 0, (int)PAGE, 0x77);
    }
    if (recycle) {
        /* The slot between them has been 20 pages large. */
        assert_int_equal(1, guest_i32(big, "grow", 19));
        guest_void(big, "fill", 0, (int)PAGES(20), 0x55);
    }
    bhd_sandbox_free(big);
    check_all_accesses(component, pages);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == 4);
    for (size_t i = 0; i < COUNT_OF(near); i++) {
        assert_true(guest_i64(near[i], "sum", 0, (int)PAGE) == (int64_t)PAGE * 0x77);
        bhd_sandbox_free(near[i]);
    }
    bhd_component_free(neighbour);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void every_access_stops_at_the_last_byte(void **state)
{
    (void)state;
    check_between_neighbours(1, false);
}

static void every_access_stops_at_the_last_byte_after_growth(void **state)
{
    (void)state;
    check_between_neighbours(3, false);
}

static void every_access_stops_at_the_last_byte_of_a_recycled_memory(void **state)
{
    (void)state;
    check_between_neighbours(1, true);
    check_between_neighbours(5, true);
}

/* -- memory that was bigger for somebody else ---------------------------------------------- */

/* GHSA-6wgr-89rj-399p: the next tenant could read what the protection of the last one allowed. */
static void a_recycled_memory_is_no_larger_than_its_new_tenant(void **state)
{
    (void)state;
    static const char five_pages[] =
        "(module (memory (export \"memory\") 5)"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
        " (func (export \"touch\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
        " (func (export \"peek\") (param i32) (result i32) (i32.load8_u (local.get 0))))";
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(2));
    bhd_component *big = guest_component(host, "basic/grow.wat", &limits);
    bhd_component *small = guest_component(host, five_pages, &limits);
    static const struct {
        const char *name;
        uint64_t address;
    } tries[] = {
        {"peek", PAGES(15)}, {"touch", PAGES(15)},    {"peek", PAGES(5)},
        {"touch", PAGES(5)}, {"peek", PAGES(20) - 1}, {"peek", PAGES(20)},
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        bhd_sandbox *a = guest_sandbox(big);
        assert_int_equal(1, guest_i32(a, "grow", 19));
        guest_void(a, "fill", 0, (int)PAGES(20), 0x99);
        bhd_sandbox_free(a);
        bhd_sandbox *b = guest_sandbox(small);
        assert_int_equal(0, guest_i32(b, "peek", (int)PAGES(5) - 1));
        guest_ends(b, BHD_TRAP, NULL, tries[i].name, (int32_t)tries[i].address, 1);
        bhd_sandbox_free(b);
        /* One more page is one more page. */
        b = guest_sandbox(small);
        assert_int_equal(5, guest_i32(b, "grow", 1));
        assert_int_equal(0, guest_i32(b, "peek", (int)PAGES(6) - 1));
        guest_ends(b, BHD_TRAP, NULL, "peek", (int32_t)PAGES(6));
        bhd_sandbox_free(b);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots == 1);
    bhd_component_free(big);
    bhd_component_free(small);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_memory_without_pages_has_no_byte(void **state)
{
    (void)state;
    static const char empty[] =
        "(module (memory 0) (func (export \"peek\") (param i32) (result i32)"
        " (i32.load8_u (local.get 0)))"
        " (func (export \"fill\") (param i32 i32)"
        "  (memory.fill (local.get 0) (i32.const 1) (local.get 1))))";
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(2));
    bhd_component *big = guest_component(host, "basic/grow.wat", &limits);
    bhd_component *none = guest_component(host, empty, &limits);
    const int32_t addresses[] = {0, 1, 65535, 65536, -1};
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        bhd_sandbox *a = guest_sandbox(big);
        assert_int_equal(1, guest_i32(a, "grow", 19));
        bhd_sandbox_free(a);
        bhd_sandbox *b = guest_sandbox(none);
        guest_void(b, "fill", 0, 0);
        guest_ends(b, BHD_TRAP, NULL, "peek", addresses[i]);
        bhd_sandbox_free(b);
        b = guest_sandbox(none);
        guest_ends(b, BHD_TRAP, NULL, "fill", 0, 1);
        bhd_sandbox_free(b);
    }
    bhd_component_free(big);
    bhd_component_free(none);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- bulk operations ----------------------------------------------------------------------- */

static void bulk_operations_stop_at_the_last_byte(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t a, b, c;
        bool fits;
    } tries[] = {
        {"fill", 65536, 0, 0, true},
        {"fill", 65537, 0, 0, false},
        {"fill", 65535, 1, 0, true},
        {"fill", 65535, 2, 0, false},
        {"fill", 0, 65536, 0, true},
        {"fill", 0, 65537, 0, false},
        {"fill", 1, 65536, 0, false},
        {"fill", 0, 0xffffffff, 0, false},
        {"fill", 0xffffffff, 1, 0, false},
        {"fill", 0xffffffff, 0xffffffff, 0, false},
        {"fill", 0x80000000, 0x80000000, 0, false},
        {"copy", 65536, 65536, 0, true},
        {"copy", 0, 1, 65535, true},
        {"copy", 1, 0, 65535, true},
        {"copy", 0, 1, 65536, false},
        {"copy", 1, 0, 65536, false},
        {"copy", 65537, 0, 0, false},
        {"copy", 0, 65537, 0, false},
        {"copy", 0, 0xffffffff, 1, false},
        {"copy", 0xffffffff, 0, 1, false},
        {"copy", 0x80000000, 0x80000000, 0x80000000, false},
        {"init", 65520, 0, 16, true},
        {"init", 65521, 0, 16, false},
        {"init", 0, 0, 17, false},
        {"init", 0, 16, 0, true},
        {"init", 0, 17, 0, false},
        {"init", 0, 15, 2, false},
        {"init", 0, 0xffffffff, 1, false},
        {"init", 0xffffffff, 0, 1, false},
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/trap.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        bhd_status status = guest_call(g.sandbox, NULL, NULL, tries[i].name, (int32_t)tries[i].a,
                                       (int32_t)tries[i].b, (int32_t)tries[i].c);
        if (status != (tries[i].fits ? BHD_OK : BHD_TRAP))
            print_error("%s(%u, %u, %u)\n", tries[i].name, tries[i].a, tries[i].b, tries[i].c);
        expect_status(tries[i].fits ? BHD_OK : BHD_TRAP, status, NULL);
        if (!tries[i].fits)
            guest_again(&g);
    }
    guest_end(&g);
}

/* The guest of basic/trap.wat with the largest offsets that WebAssembly has. */
static void the_largest_offsets_reach_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"load_far", "store_far", "load_next_page"};
    static const uint32_t addresses[] = {0, 1, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/trap.wat", &limits);
    for (size_t n = 0; n < COUNT_OF(names); n++)
        for (size_t i = 0; i < COUNT_OF(addresses); i++) {
            guest_ends(g.sandbox, BHD_TRAP, NULL, names[n], (int32_t)addresses[i]);
            guest_again(&g);
        }
    guest_end(&g);
}

/* CVE-2023-26489: an address made by a shift was folded into a wider one. */
static void shifted_addresses_wrap_at_32_bits(void **state)
{
    (void)state;
    static const char shifts[] =
        "(module (memory 1) (data (i32.const 0) \"\\2a\")"
        " (func (export \"s1\") (param i32) (result i32)"
        "  (i32.load8_u (i32.shl (local.get 0) (i32.const 1))))"
        " (func (export \"s3\") (param i32) (result i32)"
        "  (i32.load8_u (i32.shl (local.get 0) (i32.const 3))))"
        " (func (export \"sum\") (param i32 i32) (result i32)"
        "  (i32.load8_u (i32.add (local.get 0) (local.get 1))))"
        " (func (export \"off\") (param i32) (result i32)"
        "  (i32.load8_u offset=4294967288 (i32.shl (local.get 0) (i32.const 3)))))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(shifts, &limits);
    assert_int_equal(42, guest_i32(g.sandbox, "s1", (int32_t)0x80000000));
    assert_int_equal(42, guest_i32(g.sandbox, "s3", (int32_t)0xe0000000));
    assert_int_equal(42, guest_i32(g.sandbox, "sum", -8, 8));
    guest_ends(g.sandbox, BHD_TRAP, NULL, "off", 1);
    guest_again(&g);
    guest_ends(g.sandbox, BHD_TRAP, NULL, "s3", 0x1fffffff);
    guest_end(&g);
}

/* -- tables -------------------------------------------------------------------------------- */

static void calls_through_tables_stay_in_the_table(void **state)
{
    (void)state;
    static const struct {
        int32_t index;
        const char *text;
    } tries[] = {
        {1, "indirect call type mismatch"}, {2, "uninitialized element"},
        {3, "uninitialized element"},       {4, "undefined element: out of bounds table access"},
        {-1, "out of bounds table access"}, {0x7fffffff, "out of bounds table access"},
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/table_grow.wat", &limits);
    assert_int_equal(42, guest_i32(g.sandbox, "call", 0));
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        bhd_error error = BHD_ERROR_INIT;
        guest_ends(g.sandbox, BHD_TRAP, &error, "call", tries[i].index);
        expect_in(error.message, tries[i].text);
        bhd_error_fini(&error);
        guest_again(&g);
    }
    guest_ends(g.sandbox, BHD_TRAP, NULL, "fill_over");
    guest_again(&g);
    guest_ends(g.sandbox, BHD_TRAP, NULL, "get_over");
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_access_stops_at_the_last_byte),
        cmocka_unit_test(every_access_stops_at_the_last_byte_after_growth),
        cmocka_unit_test(every_access_stops_at_the_last_byte_of_a_recycled_memory),
        cmocka_unit_test(a_recycled_memory_is_no_larger_than_its_new_tenant),
        cmocka_unit_test(a_memory_without_pages_has_no_byte),
        cmocka_unit_test(bulk_operations_stop_at_the_last_byte),
        cmocka_unit_test(the_largest_offsets_reach_nothing),
        cmocka_unit_test(shifted_addresses_wrap_at_32_bits),
        cmocka_unit_test(calls_through_tables_stay_in_the_table),
    };
    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
