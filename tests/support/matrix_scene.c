/*
 * One cell of the matrix: a sandbox is brought into its state, somebody stands in the right place
 * and calls the function, what is in the way is released, and everything is freed.
 *
 * Whatever is in the way is code of the program, parked at a semaphore: a function of the host
 * beneath the guest, a callback, another guest on the only worker. So a state lasts as long as it
 * is needed, on every machine.
 */
#include "support/matrix.h"

#include "engine/structs.h"
#include "sandbox/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* `parks` is in the way, `places` calls the function, `blocks` holds a worker. */
#define PARTS                                                                                      \
    " (import \"test\" \"parks\" (func $parks)) (import \"test\" \"places\" (func $places))"       \
    " (import \"test\" \"blocks\" (func $blocks))"
#define EXPORTS                                                                                    \
    " (memory (export \"memory\") 1) (data (i32.const 0) \"\\08\\00\\00\\00\\01\\00\\00\\00x\")"   \
    " (func (export \"nop\")) (func (export \"_start\"))"                                          \
    " (func (export \"boom\") unreachable) (func (export \"parks\") call $parks)"                  \
    " (func (export \"places\") call $places) (func (export \"blocks\") call $blocks)"
#define DIRECT "(module" PARTS EXPORTS ")"
/* It can wait, and has written something. */
#define ON_FIBER                                                                                   \
    "(module" PARTS " (import \"test\" \"waits\" (func $waits))"                                   \
    " (import \"wasi_snapshot_preview1\" \"fd_write\""                                             \
    " (func $write (param i32 i32 i32 i32) (result i32)))" EXPORTS                                 \
    " (func (export \"waits\") call $waits) (start $begin) (func $begin (drop (call $write"        \
    " (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"

static void fail(const char *what, int line)
{
    fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
    _exit(3);
}

#define NEED(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))
#define NEED_OK(status) NEED((status) == BHD_OK)

static void rest(void)
{
    const struct timespec pause = {0, 100000};
    (void)nanosleep(&pause, NULL);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t live(const bhd_host *host)
{
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    return stats.live_sandboxes;
}

/* -- in place -------------------------------------------------------------------------------- */

static void stand_and_call(matrix_scene *s)
{
    /* Kept, since the function may be the one that frees the owner's hold of it. */
    bhd_host *host = s->host;
    (void)sem_post(&s->in_place);
    (void)sem_wait(&s->go);
    s->gave = s->function->call(s);
    s->was_released = atomic_load(&s->is_released);
    s->was_freed = live(host) < s->live_before;
    s->was_called_back = s->subject && atomic_load(&s->subject->callbacks) > 0;
    (void)sem_post(&s->done);
    (void)sem_wait(&s->leave);
}

static void park(matrix_scene *s)
{
    (void)sem_post(&s->parked);
    (void)sem_wait(&s->release);
}

static void parks(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    matrix_scene *s = env;
    (void)in;
    (void)count;
    s->invocation = invocation;
    park(s);
}

static void places(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    matrix_scene *s = env;
    (void)in;
    (void)count;
    if (s->place == AT_SAME)
        s->invocation = invocation;
    stand_and_call(s);
}

static void blocks(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    matrix_scene *s = env;
    (void)invocation;
    (void)in;
    (void)count;
    (void)sem_post(&s->blocked);
    (void)sem_wait(&s->unblock);
}

static void waits(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    matrix_scene *s = env;
    (void)in;
    (void)count;
    s->invocation = invocation;
    NEED_OK(bhd_invocation_defer(invocation, NULL));
    (void)sem_post(&s->parked);
}

static void called_back(void *env, bhd_call *call)
{
    matrix_role *role = env;
    (void)call;
    atomic_fetch_add(&role->callbacks, 1);
}

static void park_in_callback(void *env, bhd_call *call)
{
    matrix_role *role = env;
    park(role->scene);
    called_back(role, call);
}

static void place_in_callback(void *env, bhd_call *call)
{
    matrix_role *role = env;
    stand_and_call(role->scene);
    called_back(role, call);
}

static void *place_on_thread(void *env)
{
    stand_and_call(env);
    return NULL;
}

static bhd_status call_export(bhd_sandbox *sandbox, const char *name)
{
    bhd_function *function;
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, NULL);
    return status == BHD_OK ? bhd_sandbox_call(sandbox, function, NULL, 0, NULL, 0, NULL) : status;
}

static void *place_beneath(void *env)
{
    matrix_scene *s = env;
    (void)!call_export(s->sandbox, "places");
    return NULL;
}

static void *place_under(void *env)
{
    matrix_scene *s = env;
    (void)!call_export(s->executors, "places");
    return NULL;
}

static void *park_beneath(void *env)
{
    matrix_scene *s = env;
    (void)!call_export(s->sandbox, "parks");
    return NULL;
}

static void *free_the_sandbox(void *env)
{
    matrix_scene *s = env;
    bhd_sandbox_free(s->sandbox);
    return NULL;
}

static void start(matrix_scene *s, void *(*work)(void *env))
{
    NEED(pthread_create(&s->threads[s->thread_count++], NULL, work, s) == 0);
}

/* -- for all cells --------------------------------------------------------------------------- */

static bhd_imports *imports_of(matrix_scene *s)
{
    static const struct {
        const char *name;
        bhd_host_callback callback;
        bool may_wait;
    } functions[] = {
        {"parks", parks, false},
        {"places", places, false},
        {"blocks", blocks, false},
        {"waits", waits, true},
    };
    const bhd_host_resource thing = {sizeof thing, "test", "thing", NULL, NULL};
    bhd_imports *imports = NULL;
    NEED_OK(bhd_imports_new(&imports, NULL));
    NEED_OK(bhd_imports_resource(imports, &thing, NULL));
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const bhd_host_function function = {
            sizeof function,       "test", functions[i].name,    "func()",
            functions[i].callback, s,      functions[i].may_wait};
        NEED_OK(bhd_imports_function(imports, &function, NULL));
    }
    return imports;
}

static bhd_host *host_of(matrix_scene *s, uint32_t workers)
{
    bhd_host *host = NULL;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.worker_threads = workers;
    options.imports = s->imports;
    NEED_OK(bhd_host_new(&options, &host, NULL));
    return host;
}

static bhd_component *component_of(bhd_host *host, const char *text)
{
    bhd_component *component = NULL;
    bhd_component_options options = {.size = sizeof options, .name = "guest"};
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&builder, 1 << 20);
    bhd_limits_builder_timeout_seconds(&builder, 1000);
    NEED_OK(bhd_limits_builder_build(&builder, NULL, &options.limits, NULL));
    NEED_OK(bhd_component_new(host, &options, text, strlen(text), &component, NULL));
    return component;
}

static void end_host(matrix_scene *s)
{
    bhd_component_free(s->direct);
    bhd_component_free(s->on_fiber);
    bhd_host_free(s->host);
    s->direct = s->on_fiber = NULL;
    s->host = NULL;
}

/* What a cell needs and an earlier one has not left. */
static void begin(matrix_scene *s)
{
    static const char manifest[] = "[component]\nname = \"made\"\nversion = \"1.0.0\"\n"
                                   "source = \"add.wat\"\n"
                                   "[resources.memory]\nmax_bytes = \"1MiB\"\n";
    uint32_t workers = s->state == IN_QUEUED ? 1 : 3;
    if (!s->imports)
        s->imports = imports_of(s);
    if (!s->manifest)
        NEED_OK(bhd_manifest_parse(manifest, sizeof manifest - 1,
                                   BHD_SOURCE_DIR "/guests/basic/Component.toml", NULL,
                                   &s->manifest, NULL));
    if (s->host && (!s->direct || s->workers != workers))
        end_host(s);
    if (!s->host) {
        s->workers = workers;
        s->host = host_of(s, workers);
        s->direct = component_of(s->host, DIRECT);
        s->on_fiber = component_of(s->host, ON_FIBER);
    }
    if (!s->other_host && s->place == AT_OF_HOST) {
        s->other_host = host_of(s, 1);
        s->elsewhere = component_of(s->other_host, DIRECT);
    }
}

void matrix_end(matrix_scene *s)
{
    end_host(s);
    bhd_component_free(s->elsewhere);
    bhd_host_free(s->other_host);
    bhd_imports_free(s->imports);
    bhd_manifest_free(s->manifest);
}

/* -- one cell -------------------------------------------------------------------------------- */

static void clear(matrix_scene *s)
{
    sem_t *const all[] = {&s->in_place, &s->go,      &s->done,    &s->leave,
                          &s->parked,   &s->release, &s->blocked, &s->unblock};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        (void)sem_init(all[i], 0, 0);
    matrix_role *const roles[] = {&s->own, &s->executor, &s->blocker};
    for (size_t i = 0; i < 3; i++) {
        roles[i]->scene = s;
        roles[i]->call = NULL;
        atomic_init(&roles[i]->callbacks, 0);
    }
    atomic_init(&s->is_released, false);
    s->sandbox = s->executors = s->blockers = NULL;
    s->invocation = NULL;
    s->subject = NULL;
    s->thread_count = 0;
    s->has_answered = s->has_freed_sandbox = s->has_freed_call = s->has_freed_handle = false;
    s->made_call = NULL;
    s->made_sandbox = NULL;
    s->made_component = NULL;
}

static bhd_sandbox *sandbox_of(matrix_scene *s, bhd_component *component)
{
    bhd_sandbox *sandbox = NULL;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    options.user_data = s;
    NEED_OK(bhd_sandbox_new(component, &options, &sandbox, NULL));
    return sandbox;
}

static void submit(matrix_role *role, bhd_sandbox *sandbox, const char *name,
                   bhd_call_callback callback)
{
    bhd_function *function;
    bhd_call_options options = {.size = sizeof options, .callback = callback, .user_data = role};
    NEED_OK(bhd_sandbox_function(sandbox, name, &function, NULL));
    NEED_OK(bhd_sandbox_submit(sandbox, function, NULL, 0, &options, &role->call, NULL));
}

static void make_sandbox(matrix_scene *s)
{
    bool is_on_fiber =
        s->state == IN_WAITING || strcmp(s->function->name, "bhd_sandbox_output") == 0;
    s->sandbox = sandbox_of(s, is_on_fiber ? s->on_fiber : s->direct);
    NEED_OK(bhd_sandbox_function(s->sandbox, "nop", &s->nop, NULL));
    NEED_OK(bhd_sandbox_resource(s->sandbox, "test", "thing", s, &s->handle, NULL));
}

/* In states that somebody is in, the same thread is where that somebody is. */
static void take_own_place(matrix_scene *s)
{
    switch (s->state) {
    case IN_CALLED:
    case IN_FREED:
        start(s, place_beneath);
        break;
    case IN_RUNNING:
        submit(&s->own, s->sandbox, "places", called_back);
        break;
    case IN_CALLBACK:
        submit(&s->own, s->sandbox, "nop", place_in_callback);
        break;
    default:
        start(s, place_on_thread);
    }
}

static void take_place(matrix_scene *s)
{
    switch (s->place) {
    case AT_SAME:
        take_own_place(s);
        break;
    case AT_OTHER:
        start(s, place_on_thread);
        break;
    case AT_OF_THIS:
        submit(&s->executor, s->sandbox, "nop", place_in_callback);
        break;
    case AT_OF_ANOTHER:
        s->executors = sandbox_of(s, s->direct);
        submit(&s->executor, s->executors, "nop", place_in_callback);
        break;
    case AT_OF_HOST:
        s->executors = sandbox_of(s, s->elsewhere);
        submit(&s->executor, s->executors, "nop", place_in_callback);
        break;
    case AT_UNDER:
        s->executors = sandbox_of(s, s->direct);
        start(s, place_under);
        break;
    default:
        s->executors = sandbox_of(s, s->direct);
        submit(&s->executor, s->executors, "places", called_back);
    }
    (void)sem_wait(&s->in_place);
}

/* The one worker has something to do. */
static void block_the_worker(matrix_scene *s)
{
    if (s->place == AT_OF_THIS || s->place == AT_OF_ANOTHER || s->place == AT_BENEATH)
        return;
    s->blockers = sandbox_of(s, s->direct);
    submit(&s->blocker, s->blockers, "blocks", called_back);
    (void)sem_wait(&s->blocked);
}

/* The guest waits, and the worker is back from it. A worker leaves a task and puts it to sleep, or
 * into the queue again, under the scheduler's lock, which asking for deadlines takes: no worker had
 * a task before it, and none has one and none is queued after it. Then it sleeps until somebody
 * wakes it: nobody but this test does. */
static void await_sleep(matrix_scene *s)
{
    bhd__scheduler *scheduler = s->host->engine->scheduler;
    (void)sem_wait(&s->parked);
    if (s->place == AT_BENEATH)
        return; /* which is on a worker, and where it makes no difference */
    for (bool is_asleep = false; !is_asleep; rest()) {
        if (bhd__scheduler_is_busy(scheduler))
            continue;
        (void)bhd__scheduler_expire(scheduler);
        is_asleep = !bhd__scheduler_is_crowded(scheduler) && !bhd__scheduler_is_busy(scheduler);
    }
}

/* It is dead as soon as it is closed; whoever hangs before that, the test ends. */
static void begin_freeing(matrix_scene *s)
{
    start(s, free_the_sandbox);
    while (!bhd_sandbox_is_dead(s->sandbox))
        rest();
}

static void take_state(matrix_scene *s)
{
    bool is_there = s->place == AT_SAME; /* whoever calls the function has seen to it */
    s->subject = &s->own;
    switch (s->state) {
    case IN_NEW:
        break;
    case IN_IDLE:
    case IN_ENDED:
        submit(&s->own, s->sandbox, s->state == IN_IDLE ? "nop" : "boom", called_back);
        NEED(bhd_call_wait(s->own.call, BHD_WAIT_FOREVER));
        break;
    case IN_CALLED:
        if (!is_there)
            start(s, park_beneath);
        break;
    case IN_QUEUED:
        block_the_worker(s);
        submit(&s->own, s->sandbox, "nop", called_back);
        break;
    case IN_RUNNING:
        if (!is_there)
            submit(&s->own, s->sandbox, "parks", called_back);
        break;
    case IN_WAITING:
        submit(&s->own, s->sandbox, "waits", called_back);
        await_sleep(s);
        return;
    case IN_FREED:
        if (s->place == AT_OF_THIS)
            s->subject = &s->executor;
        is_there = is_there || s->place == AT_OF_THIS;
        /* fall through */
    default:
        if (!is_there)
            submit(&s->own, s->sandbox, "nop", park_in_callback);
    }
    bool is_parked = s->state == IN_CALLED || s->state == IN_RUNNING || s->state == IN_CALLBACK ||
                     s->state == IN_FREED;
    if (is_parked && !is_there)
        (void)sem_wait(&s->parked);
    if (s->state == IN_FREED)
        begin_freeing(s);
}

static void release_all(matrix_scene *s)
{
    atomic_store(&s->is_released, true);
    (void)sem_post(&s->release);
    (void)sem_post(&s->unblock);
    if (s->state == IN_WAITING && !s->has_answered)
        (void)!bhd_invocation_return(s->invocation, NULL, 0, NULL);
}

/* What has to wait has some time to show that it does not; everything else has as long as it
 * takes. */
static void call_function(matrix_scene *s)
{
    s->live_before = live(s->host);
    (void)sem_post(&s->go);
    if (s->expected == 'W') {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 10000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        bool is_done = sem_timedwait(&s->done, &until) == 0;
        release_all(s);
        if (!is_done)
            (void)sem_wait(&s->done);
    } else {
        (void)sem_wait(&s->done);
        release_all(s);
    }
    (void)sem_post(&s->leave);
}

static char came_to(const matrix_scene *s)
{
    const char *name = s->function->name;
    bool frees = strcmp(name, "bhd_sandbox_free") == 0;
    bool frees_call = strcmp(name, "bhd_call_free") == 0;
    if (s->gave != '+')
        return s->gave;
    if (s->was_released)
        return frees && !s->was_freed ? 'L' : 'W';
    if ((frees && !s->was_freed) || (frees_call && !s->was_called_back))
        return 'L';
    return '+';
}

static void free_calls(matrix_scene *s)
{
    matrix_role *const roles[] = {&s->own, &s->executor, &s->blocker};
    for (size_t i = 0; i < 3; i++)
        if (!(s->has_freed_call && s->subject == roles[i]))
            bhd_call_free(roles[i]->call);
    bhd_call_free(s->made_call);
}

/* Everything is gone in the end, whoever was the last one out. */
static bool is_gone(const bhd_host *host)
{
    double began = seconds();
    while (live(host) > 0 && seconds() - began < 20)
        rest();
    return live(host) == 0;
}

static char clean_up(matrix_scene *s, bhd_host *host, char result)
{
    for (size_t i = 0; i < s->thread_count; i++)
        (void)pthread_join(s->threads[i], NULL);
    free_calls(s);
    if (!s->has_freed_sandbox && s->state != IN_FREED)
        bhd_sandbox_free(s->sandbox);
    bhd_sandbox_free(s->executors);
    bhd_sandbox_free(s->blockers);
    bhd_sandbox_free(s->made_sandbox);
    bhd_component_free(s->made_component);
    if (!s->has_freed_handle)
        bhd_value_fini(&s->handle);
    if (!is_gone(host))
        return 'R';
    double began = seconds();
    bool has_call = s->own.call != NULL;
    while (has_call && atomic_load(&s->own.callbacks) == 0 && seconds() - began < 20)
        rest();
    return has_call && atomic_load(&s->own.callbacks) != 1 ? 'C' : result;
}

char matrix_play(matrix_scene *s)
{
    begin(s);
    clear(s);
    bhd_host *host = s->host;
    make_sandbox(s);
    take_place(s);
    take_state(s);
    call_function(s);
    char result = clean_up(s, host, came_to(s));
    if (!s->host)
        end_host(s); /* which the function has freed but for its components */
    return result;
}
