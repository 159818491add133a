/*
 * Whose binaries are compiled when: one group's that take for ever leave room for everybody else's,
 * and whoever has what came out of a compilation has a turn for as long.
 */
#include "support/compile_bombs.h"
#include "support/played.h"

#include "engine/code/obtain.h"
#include "sandbox/life.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* -- by a compiler that does as it is told ----------------------------------------------------- */

static const char goes_on[] = "began\nsleep";

typedef struct job {
    pthread_t thread;
    bhd__compiler *compiler;
    const char *script;
    uint64_t group;
    atomic_bool cancelled, has_ended;
    bhd_status status;
    bhd_error error;
} job;

static void *compile_it(void *argument)
{
    job *j = argument;
    bhd__compiled compiled;
    const bhd__compile_request request = {
        .binary = j->script, .size = strlen(j->script), .client = {j->group, &j->cancelled}};
    j->status = bhd__compile_apart(j->compiler, &request, &compiled, &j->error);
    if (j->status == BHD_OK)
        played_release(&compiled);
    atomic_store(&j->has_ended, true);
    return NULL;
}

static void start(job *j, bhd__compiler *compiler, uint64_t group, const char *script)
{
    *j = (job){.compiler = compiler, .script = script, .group = group, .error = BHD_ERROR_INIT};
    assert_int_equal(0, pthread_create(&j->thread, NULL, compile_it, j));
}

static void expect_end(job *j, bhd_status wanted)
{
    assert_int_equal(0, pthread_join(j->thread, NULL));
    expect_status(wanted, j->status, &j->error);
    bhd_error_fini(&j->error);
}

static bhd__compiler *patient(uint32_t at_once)
{
    bhd__compiler_options options = played_options();
    options.max_seconds = 3600;
    options.max_at_once = at_once;
    return played_compiler_new(&options);
}

static void stop(job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        atomic_store(&jobs[i].cancelled, true);
    for (size_t i = 0; i < count; i++)
        expect_end(&jobs[i], BHD_CANCELLED);
}

/* Of four places one group gets two, the next one, and whoever comes has the last. */
static void others_do_not_wait_for_one_groups_bombs(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(4);
    job bombs[8], more[4], good;
    pid_t warden, process;
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        start(&bombs[i], compiler, 1, goes_on);
    played_await(getpid(), &warden, &process);
    start(&good, compiler, 2, PLAYED_GOOD);
    expect_end(&good, BHD_OK);
    for (size_t i = 0; i < COUNT_OF(more); i++)
        start(&more[i], compiler, 2, goes_on);
    for (uint64_t group = 0; group <= 4; group++) {
        start(&good, compiler, group == 2 ? 5 : group, PLAYED_GOOD);
        if (group == 1) { /* behind its bombs */
            (void)usleep(50000);
            assert_false(atomic_load(&good.has_ended));
            atomic_store(&good.cancelled, true);
            expect_end(&good, BHD_CANCELLED);
        } else {
            expect_end(&good, BHD_OK);
        }
    }
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        assert_false(atomic_load(&bombs[i].has_ended));
    stop(bombs, COUNT_OF(bombs));
    stop(more, COUNT_OF(more));
    bhd__compiler_free(compiler);
}

enum { CALLERS = 12, PLACES = 3 };

typedef struct callers {
    bhd__compiler *compiler;
    atomic_uint outputs, most_outputs, rounds;
} callers;

static void *compile_and_look(void *argument)
{
    callers *c = argument;
    for (int i = 0; i < ROUNDS(20); i++) {
        bhd__compiled compiled;
        bhd_status status = played_compile(c->compiler, PLAYED_GOOD, &compiled, NULL);
        if (status != BHD_OK)
            continue;
        unsigned now = atomic_fetch_add(&c->outputs, 1) + 1;
        unsigned most = atomic_load(&c->most_outputs);
        while (now > most && !atomic_compare_exchange_weak(&c->most_outputs, &most, now))
            continue;
        (void)usleep(2000);
        atomic_fetch_sub(&c->outputs, 1);
        played_release(&compiled);
        atomic_fetch_add(&c->rounds, 1);
    }
    return NULL;
}

static void there_are_never_more_outputs_than_turns(void **state)
{
    (void)state;
    callers c = {.compiler = patient(PLACES)};
    pthread_t threads[CALLERS];
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, compile_and_look, &c));
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
    assert_int_equal(CALLERS * ROUNDS(20), atomic_load(&c.rounds));
    assert_true(atomic_load(&c.most_outputs) <= PLACES);
    bhd__compiler_free(c.compiler);
}

/* -- real binaries ----------------------------------------------------------------------------- */

static const char small[] = "(module (func (export \"f\")))";

typedef struct loader {
    pthread_t thread;
    bhd_host *host;
    const void *binary;
    size_t size;
    bhd_component_options options;
    atomic_bool has_ended;
    bhd_status status;
    bhd_error error;
} loader;

static void *load_it(void *argument)
{
    loader *l = argument;
    bhd_component *component = NULL;
    l->status = bhd_component_new(l->host, &l->options, l->binary, l->size, &component, &l->error);
    bhd_component_free(component);
    atomic_store(&l->has_ended, true);
    return NULL;
}

static void load(loader *l, bhd_host *host, uint64_t group, const void *binary, size_t size)
{
    *l = (loader){.host = host, .binary = binary, .size = size, .error = BHD_ERROR_INIT};
    l->options = (bhd_component_options)BHD_COMPONENT_OPTIONS_INIT;
    l->options.name = "x";
    l->options.limits = guest_limits(MIB(1));
    l->options.compile_group = group;
    expect_ok(bhd_cancellation_new(&l->options.cancellation, NULL), NULL);
    assert_int_equal(0, pthread_create(&l->thread, NULL, load_it, l));
}

static void expect_loaded(loader *l, bhd_status wanted)
{
    assert_int_equal(0, pthread_join(l->thread, NULL));
    expect_status(wanted, l->status, &l->error);
    bhd_error_fini(&l->error);
    bhd_cancellation_free(l->options.cancellation);
}

/* Takes the compiler minutes. */
static void put_bomb(bomb_text *binary)
{
    for (size_t i = 0; i < known_bomb_count; i++)
        if (strcmp(known_bombs[i].name, "values alive over blocks") == 0)
            compile_bomb_make(&known_bombs[i], 900000, 0, binary);
    assert_true(binary->size > 500000);
}

static void *inspect_it(void *argument)
{
    loader *l = argument;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    inspection.compile_group = 1;
    inspection.cancellation = l->options.cancellation;
    l->status = bhd_inspect(l->host, small, sizeof small - 1, &inspection, NULL);
    bhd_inspection_fini(&inspection);
    atomic_store(&l->has_ended, true);
    return NULL;
}

static void *precompile_it(void *argument)
{
    loader *l = argument;
    bhd_precompile_options options = BHD_PRECOMPILE_OPTIONS_INIT;
    options.compile_group = 1;
    options.cancellation = l->options.cancellation;
    l->status =
        bhd_precompile(l->host, &options, small, sizeof small - 1, "/tmp/bhd-never-made", NULL);
    atomic_store(&l->has_ended, true);
    return NULL;
}

/* What else there is that compiles for a group has its turn behind what the group has under way. */
static void expect_behind_the_bombs(bhd_host *host)
{
    static void *(*const others[])(void *) = {inspect_it, precompile_it};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        loader l = {.host = host, .error = BHD_ERROR_INIT};
        expect_ok(bhd_cancellation_new(&l.options.cancellation, NULL), NULL);
        assert_int_equal(0, pthread_create(&l.thread, NULL, others[i], &l));
        (void)usleep(100000);
        assert_false(atomic_load(&l.has_ended));
        bhd_cancellation_cancel(l.options.cancellation);
        expect_loaded(&l, BHD_CANCELLED);
    }
}

static void everybody_else_loads_beside_one_groups_bombs(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_compile_seconds = 3600;
    options.max_compile_bytes = UINT64_C(8) << 30;
    options.max_compilations = 2;
    bhd_host *host = guest_host_with(&options);
    bomb_text text = {0};
    loader bombs[4], good;
    put_bomb(&text);
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        load(&bombs[i], host, 1, text.data, text.size);
    for (uint64_t i = 0; i < 6; i++) {
        load(&good, host, i == 1 ? UINT64_MAX : i, small, sizeof small - 1);
        expect_loaded(&good, BHD_OK);
    }
    /* Whatever it is for. */
    for (uint64_t group = 0; group <= 2; group += 2) {
        bhd_inspection inspection = BHD_INSPECTION_INIT;
        inspection.compile_group = group;
        expect_ok(bhd_inspect(host, small, sizeof small - 1, &inspection, NULL), NULL);
        assert_true(inspection.compile_group == group);
        bhd_inspection_fini(&inspection);
    }
    expect_behind_the_bombs(host);
    for (size_t i = 0; i < COUNT_OF(bombs); i++) {
        if (atomic_load(&bombs[i].has_ended))
            expect_status(BHD_CANCELLED, bombs[i].status, &bombs[i].error);
        bhd_cancellation_cancel(bombs[i].options.cancellation);
    }
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        expect_loaded(&bombs[i], BHD_CANCELLED);
    bomb_free(&text);
    bhd_host_free(host);
}

/* The turn goes on until what the compiler has made is in memory once only. */
static void who_has_an_artefact_has_its_turn(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_compilations = 1;
    bhd_host *host = guest_host_with(&options);
    bhd__artifact artifact;
    loader other;
    expect_ok(bhd__artifact_get(host->engine, false, false, small, sizeof small - 1, NULL,
                                &artifact, NULL),
              NULL);
    load(&other, host, 0, small, sizeof small - 1);
    (void)usleep(200000);
    assert_false(atomic_load(&other.has_ended));
    bhd__artifact_fini(&artifact);
    expect_loaded(&other, BHD_OK);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_do_not_wait_for_one_groups_bombs),
        cmocka_unit_test(there_are_never_more_outputs_than_turns),
        cmocka_unit_test(everybody_else_loads_beside_one_groups_bombs),
        cmocka_unit_test(who_has_an_artefact_has_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
