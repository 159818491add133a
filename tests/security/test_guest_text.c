/*
 * The end of a guest costs what an end costs, whatever names the guest has in it: a name is shown
 * as a person wrote it, or as it is, and is expanded only when that is known to be cheap.
 *
 * fuzz/fuzz_text.c counts what the end of any guest costs.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include "bulkhead/inspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Far above what 32 frames cost; expanding one of the names below takes hours. */
#define MOST_SECONDS 5.0
#define FRAMES 32

static double thread_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A guest that traps below 40 frames, each of a function of this name. */
static void trap_in(const char *name, size_t size, bhd_error *error)
{
    bomb_text t = {0};
    bomb_put(&t, "(module (func $f (@name \"");
    bomb_bytes(&t, name, size);
    bomb_put(&t, "\") (export \"f\") (param i32) (if (i32.eqz (local.get 0)) (then unreachable))"
                 " (call $f (i32.sub (local.get 0) (i32.const 1))) (drop (memory.size)))"
                 " (memory 1))");
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(t.data, &limits);
    double before = thread_seconds();
    guest_ends(g.sandbox, BHD_TRAP, error, "f", INT32_C(40));
    double seconds = thread_seconds() - before;
    if (seconds > MOST_SECONDS)
        fail_msg("the end took %.1f s with the name %.300s", seconds, name);
    assert_int_equal(FRAMES, error->frame_count);
    guest_end(&g);
    bomb_free(&t);
}

static void expect_shown(const char *name, const char *shown)
{
    bhd_error error = BHD_ERROR_INIT;
    trap_in(name, strlen(name), &error);
    for (size_t i = 0; i < error.frame_count; i++)
        assert_string_equal(shown, error.frames[i].function);
    bhd_error_fini(&error);
}

/* -- what is shown ------------------------------------------------------------------------- */

static void what_is_mangled_is_shown_as_it_was_written(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"_Z3fooi", "foo(int)"},
        {"__Z3fooi", "foo(int)"},
        {"_ZN5store5tableIiLi4EE4growERKNS_4rowsE",
         "store::table<int, 4>::grow(store::rows const&)"},
        {"_ZNSt3__26vectorIiNS_9allocatorIiEEE9push_backB8ne180100EOi",
         "std::__2::vector<int, std::__2::allocator<int> >::push_back[abi:ne180100](int&&)"},
        {"_ZN4core6option6Option6unwrap17h0123456789abcdefE",
         "core::option::Option::unwrap::h0123456789abcdef"},
        {"_RNvNtC5store5table4grow", "store::table::grow"},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        expect_shown(names[i][0], names[i][1]);
}

static void what_is_not_mangled_is_shown_as_it_is(void **state)
{
    (void)state;
    char letter[] = "a";
    for (; *letter <= 'z'; ++*letter)
        expect_shown(letter, letter);
    static const char *const names[] = {
        "St",      "Ss",      "PKc",          "ZN3foo3barE", "RNvC5store4grow",
        "Z3fooi",  "_",       "_Z",           "_R",          "_ZN",
        "_ZN3foo", "__Z",     "_start",       "i32.add",     "_Zfooi",
        "_Z9fooi", "___Z1fv", "_GLOBAL__I_f", "_ZN17h",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        expect_shown(names[i], names[i]);
}

static void a_long_name_is_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = {255, 256, 257, 1000, 1025, 99000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bhd_error error = BHD_ERROR_INIT;
        char *name = test_malloc(sizes[i] + 1);
        memset(name, 'x', sizes[i]);
        name[sizes[i]] = '\0';
        trap_in(name, sizes[i], &error);
        const char *shown = error.frames[FRAMES - 1].function;
        bool cut = sizes[i] > 256;
        assert_int_equal(cut ? 259 : sizes[i], strlen(shown));
        assert_int_equal(0, strncmp(name, shown, 256 < sizes[i] ? 256 : sizes[i]));
        assert_true(!cut || strcmp(shown + 256, "...") == 0);
        test_free(name);
        bhd_error_fini(&error);
    }
}

/* -- what it costs ------------------------------------------------------------------------- */

/* The number of a part, as a reference to it has it. */
static void put_reference(bomb_text *t, unsigned number)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (number == 0)
        bomb_put(t, "S_");
    else if (number <= 36)
        bomb_printf(t, "S%c_", digits[number - 1]);
    else
        bomb_printf(t, "S%c%c_", digits[(number - 1) / 36], digits[(number - 1) % 36]);
}

/* Each part is twice the one before. */
static void put_doubling(bomb_text *t, unsigned parts)
{
    bomb_put(t, "_Z1f1AIiiE");
    for (unsigned i = 0; i < parts; i++) {
        bomb_put(t, "S_I");
        put_reference(t, i);
        put_reference(t, i);
        bomb_put(t, "E");
    }
}

static void a_name_that_doubles_is_not_expanded(void **state)
{
    (void)state;
    for (unsigned parts = 1; parts <= 60; parts += parts < 8 ? 1 : 7) {
        bhd_error error = BHD_ERROR_INIT;
        bomb_text t = {0};
        put_doubling(&t, parts);
        trap_in(t.data, t.size, &error);
        if (parts >= 8)
            assert_int_equal(0, strncmp("_Z1f1AIiiE", error.frames[0].function, 10));
        bomb_free(&t);
        bhd_error_fini(&error);
    }
}

/* What a search for names that take long to read came to, and its likes: the parser tries each
 * expression in several ways. */
static void a_name_that_is_read_again_and_again_is_not_read(void **state)
{
    (void)state;
    static const char *const names[] = {
        "_ZcvMRptI1mLZ1_oquazS0_ILS_IsDv2_C2IRSsIctlOOiT_IS_IlyT_IctVT0_IquRsreVPssL1alPTeixC2rO2p"
        "n2ngD0yisLZpsxw1fMGCDp1f1adlzaDv2_Pf",
    };
    static const char *const nested[][2] = {
        {"LZ1fI", "EvE"}, {"T_I", "E"},  {"S_I", "E"},  {"cvT_I", "E"}, {"X", "E"},
        {"LT_I", "E"},    {"DTcl", "E"}, {"F", "E"},    {"M", "i"},     {"sr", "1a"},
        {"A", "_i"},      {"1aI", "E"},  {"NT_I", "E"}, {"PF", "E"},    {"IJ", "E"},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        expect_shown(names[i], names[i]);
    for (size_t i = 0; i < COUNT_OF(nested); i++)
        for (unsigned depth = 5; depth <= 40; depth += 7) {
            bhd_error error = BHD_ERROR_INIT;
            bomb_text t = {0};
            bomb_put(&t, "_Z1fI1aE");
            for (unsigned d = 0; d < depth; d++)
                bomb_put(&t, nested[i][0]);
            /* Whole, and without what would end it. */
            for (unsigned d = 0; depth % 2 && d < depth; d++)
                bomb_put(&t, nested[i][1]);
            trap_in(t.data, t.size, &error);
            bomb_free(&t);
            bhd_error_fini(&error);
        }
}

static void a_reference_of_rust_is_followed_until_the_room_is_full(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bomb_text t = {0};
    /* Tuples of two references to the tuple before: B_ is at 0, behind the _R. */
    bomb_put(&t, "_RIC1aTuuE");
    size_t before = 4 + 2;
    for (int i = 0; i < 30; i++) {
        static const char digits[] =
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        size_t at = t.size - 2, number = before - 2;
        char reference[8];
        (void)snprintf(reference, sizeof reference, "B%.1s%c_",
                       number > 62 ? &digits[(number - 1) / 62] : "", digits[(number - 1) % 62]);
        bomb_printf(&t, "T%s%sE", reference, reference);
        before = at + 2;
    }
    bomb_put(&t, "E");
    trap_in(t.data, t.size, &error);
    assert_true(strlen(error.frames[0].function) <= 259);
    bomb_free(&t);
    bhd_error_fini(&error);
}

/* -- refusals ------------------------------------------------------------------------------- */

static void a_refusal_shows_as_much_of_a_name_as_it_has_room_for(void **state)
{
    (void)state;
    static const char *const shapes[][2] = {
        {"(module (import \"", "\" \"f\" (func)))"},
        {"(module (import \"env\" \"", "\" (func)))"},
        {"(component (import \"a\" (func)) (export \"", "\" (func 0)))"},
        {"(module (func $", " (nonsense)))"},
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bomb_text t = {0};
        bomb_put(&t, shapes[i][0]);
        for (int n = 0; n < 99000 / 8; n++)
            bomb_put(&t, "_Z1fIiEv");
        bomb_put(&t, shapes[i][1]);
        double before = thread_seconds();
        bhd_status status = guest_try_component(host, t.data, &limits, &component, &error);
        assert_true(thread_seconds() - before < MOST_SECONDS);
        assert_true(status != BHD_OK && component == NULL);
        assert_true(strlen(error.message) > 20 && strlen(error.message) < BHD_MESSAGE_SIZE);
        bomb_free(&t);
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

/* A type is in a binary once, and in what inspect says for each export that has it. The validator
 * allows a million types of parameters in all. */
static void what_inspect_says_of_types_is_bounded(void **state)
{
    (void)state;
    enum { EXPORTS = 1090, MOST = (4 << 20) + EXPORTS * 80 };
    bomb_text t = {0};
    bomb_put(&t, "(module (func $f (param");
    for (int i = 0; i < 910; i++)
        bomb_put(&t, " i32");
    bomb_put(&t, "))");
    for (int i = 0; i < EXPORTS; i++)
        bomb_printf(&t, "(export \"%d\" (func $f))", i);
    bomb_put(&t, ")");
    bhd_host *host = guest_host();
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_inspect(host, t.data, t.size, &inspection, &error), &error);
    assert_int_equal(EXPORTS, inspection.export_count);
    size_t all = 0;
    for (size_t i = 0; i < inspection.export_count; i++)
        all += strlen(inspection.exports[i].type);
    assert_true(strlen(inspection.exports[0].type) > 4000);
    assert_true(all > MIB(3) && all < MOST);
    bhd_inspection_fini(&inspection);
    bhd_host_free(host);
    bomb_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_mangled_is_shown_as_it_was_written),
        cmocka_unit_test(what_is_not_mangled_is_shown_as_it_is),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(a_name_that_doubles_is_not_expanded),
        cmocka_unit_test(a_name_that_is_read_again_and_again_is_not_read),
        cmocka_unit_test(a_reference_of_rust_is_followed_until_the_room_is_full),
        cmocka_unit_test(a_refusal_shows_as_much_of_a_name_as_it_has_room_for),
        cmocka_unit_test(what_inspect_says_of_types_is_bounded),
    };
    return cmocka_run_group_tests_name("guest_text", tests, NULL, NULL);
}
