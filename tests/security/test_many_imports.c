/*
 * Judging and linking imports takes time as their number: what is compared is the processor time of
 * the thread that loads, for so many imports and for eight times as many. It was 64 times as much.
 * What is exported takes no more time because of a name that all of it has in its type.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include <time.h>

#define TIMES 8
/* Between what is linear, which is 8, and what is quadratic. */
#define RATIO_MAX 32.0
#define TRIES 2

static double thread_seconds(void)
{
    struct timespec now;
    assert_int_equal(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct shape {
    const char *name, *before, *part; /* `%1$u` is the number of an import */
    unsigned few;
    bhd_status wanted;
    const char *said;
} shape;

static const shape shapes[] = {
    {"functions that nobody has", "(component (type $t (func))",
     "(import \"a%1$u\" (func (type $t)))", 2500, BHD_IMPORT_UNKNOWN, "and more"},
    {"resources that nobody has", "(component ", "(import \"a%1$u\" (type (sub resource)))", 6000,
     BHD_IMPORT_UNKNOWN, "and more"},
    {"functions of resources", "(component ",
     /* Types with names: for others, making the binary takes the square of their number. */
     "(import \"a%1$u\" (type $r%1$u (sub resource)))"
     "(type $o%1$u (own $r%1$u)) (type $f%1$u (func (param \"a\" $o%1$u)))"
     "(import \"f%1$u\" (func (type $f%1$u)))",
     2500, BHD_IMPORT_UNKNOWN, "and more"},
};

static double load(bhd_host *host, const shape *s, unsigned count)
{
    double best = 1e9;
    bomb_text text = {0};
    bomb_put(&text, s->before);
    for (unsigned i = 0; i < count; i++)
        bomb_printf(&text, s->part, i);
    bomb_put(&text, ")");
    wasm_byte_vec_t binary = bomb_binary(&text);
    for (int i = 0; i < TRIES; i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bhd_component_options options = {
            .size = sizeof options, .name = "imports", .limits = guest_limits(MIB(1))};
        double began = thread_seconds();
        bhd_status status =
            bhd_component_new(host, &options, binary.data, binary.size, &component, &error);
        double took = thread_seconds() - began;
        best = took < best ? took : best;
        expect_status(s->wanted, status, &error);
        if (s->said)
            expect_in(error.message, s->said);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    wasm_byte_vec_delete(&binary);
    return best;
}

static void imports_take_time_as_their_number(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = MIB(64);
    bhd_host *host = guest_host_with(&options);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        double few = load(host, &shapes[i], shapes[i].few);
        double many = load(host, &shapes[i], shapes[i].few * TIMES);
        print_message("%s: %.3f s, %.3f s for %d times as many\n", shapes[i].name, few, many,
                      TIMES);
        assert_true(many < few * RATIO_MAX);
    }
    bhd_host_free(host);
}

/* Before exports of $f, whose type has a name of `letters` letters. */
static void put_named(bomb_text *text, unsigned letters)
{
    bomb_put(text, "(component (core module $m (func (export \"f\") (param i32)))"
                   " (core instance $i (instantiate $m)) (type $e (enum \"");
    for (unsigned i = 0; i < letters; i++)
        bomb_put(text, "n");
    bomb_put(text, "\")) (export $x \"e\" (type $e))"
                   " (func $f (param \"p\" $x) (canon lift (core func $i \"f\")))");
}

#ifdef __SANITIZE_ADDRESS__
#define LONG_RATIO_MAX 5
#else
#define LONG_RATIO_MAX 3
#endif

/* It was six times as much: 13 s for 330,000 exports, which are 4 MB. */
static void a_long_name_takes_no_time_for_each_use(void **state)
{
    (void)state;
    static const unsigned letters[] = {10, 90000};
    double took[2];
    bhd_host *host = guest_host();
    for (size_t i = 0; i < 2; i++) {
        bomb_text before = {0};
        put_named(&before, letters[i]);
        const shape s = {"exports", before.data, "(export \"f%1$u\" (func $f))", 0, BHD_OK, NULL};
        took[i] = load(host, &s, 20000);
        bomb_free(&before);
    }
    print_message("%.3f s, %.3f s with a name of %u letters\n", took[0], took[1], letters[1]);
    /* What a sanitizer does for each byte is as much again. */
    assert_true(took[1] < took[0] * LONG_RATIO_MAX);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_take_time_as_their_number),
        cmocka_unit_test(a_long_name_takes_no_time_for_each_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
