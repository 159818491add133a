/*
 * Threads with small stacks, and stacks that are no thread's. A guest never runs into the end of
 * one: it gets a stack of its own, or the call is refused.
 */
#include "support/child.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PATTERN 0xa5

/* -- on a thread with a stack that the test can look at ------------------------------------- */

typedef struct on_stack {
    bhd_host *host;
    bhd_component *component;
    bhd_status status;
    char message[256];
    void (*body)(struct on_stack *self);
} on_stack;

static void *thread_main(void *env)
{
    on_stack *self = env;
    self->body(self);
    return NULL;
}

/* Runs the body on a thread with `bytes` of stack, and gives how many of them it used. */
static size_t used_of(size_t bytes, on_stack *self)
{
    uint8_t *guard =
        mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(guard != MAP_FAILED);
    assert_int_equal(0, mprotect(guard, PAGE, PROT_NONE));
    uint8_t *stack = guard + PAGE;
    memset(stack, PATTERN, bytes);
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(0, pthread_attr_init(&attributes));
    assert_int_equal(0, pthread_attr_setstack(&attributes, stack, bytes));
    assert_int_equal(0, pthread_create(&thread, &attributes, thread_main, self));
    assert_int_equal(0, pthread_join(thread, NULL));
    pthread_attr_destroy(&attributes);
    size_t untouched = 0;
    while (untouched < bytes && stack[untouched] == PATTERN)
        untouched++;
    munmap(guard, bytes + PAGE);
    return bytes - untouched;
}

static void note(on_stack *self, bhd_status status, bhd_error *error)
{
    self->status = status;
    memcpy(self->message, error->message, sizeof self->message - 1);
    self->message[sizeof self->message - 1] = '\0';
    bhd_error_fini(error);
}

static void call_recursion(on_stack *self)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    int exit_code;
    bhd_status status = bhd_sandbox_new(self->component, NULL, &sandbox, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_run(sandbox, &exit_code, &error);
    bhd_sandbox_free(sandbox);
    note(self, status, &error);
}

static const size_t sizes[] = {KIB(16), KIB(24), KIB(32), KIB(64), KIB(128), KIB(256), KIB(600)};

/* ThreadSanitizer wants almost 1 MiB of each thread's stack for itself, and starts none without. */
#ifdef __SANITIZE_THREAD__
#define SKIP_SMALL_STACKS() skip()
#else
#define SKIP_SMALL_STACKS() (void)0
#endif

/* Frames are large under the sanitizers, and what they keep on a stack larger. */
#define SMALLEST (BHD_TESTS_SANITIZED ? KIB(256) : (size_t)PTHREAD_STACK_MIN)

static void a_call_on_a_small_stack_is_refused_or_leaves_some_of_it(void **state)
{
    (void)state;
    SKIP_SMALL_STACKS();
    static const char *const guests[] = {"basic/recurse.wat", "basic/trap.wat", "wasi/print.wasm"};
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t g = 0; g < COUNT_OF(guests); g++) {
        bhd_component *component = guest_component(host, guests[g], &limits);
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            if (sizes[i] < SMALLEST)
                continue;
            on_stack self = {.component = component, .body = call_recursion};
            size_t used = used_of(sizes[i], &self);
            if (sizes[i] <= KIB(32)) {
                assert_int_equal(BHD_NOT_SUPPORTED, self.status);
                expect_in(self.message, "bytes of stack left");
                assert_true(used < sizes[i]);
            } else {
                assert_int_equal(g < 2 ? BHD_TRAP : BHD_OK, self.status);
                /* Half of what a call wants is still there at the end. */
                assert_true(used < sizes[i] - KIB(16));
            }
        }
        bhd_component_free(component);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- compiling ----------------------------------------------------------------------------- */

static char *nested;

static void compile_nested(on_stack *self)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = NULL;
    bhd_status status = guest_try_component(self->host, nested, &limits, &component, &error);
    bhd_component_free(component);
    note(self, status, &error);
}

static void inspect_nested(on_stack *self)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_status status = bhd_inspect(self->host, nested, strlen(nested), &inspection, &error);
    bhd_inspection_fini(&inspection);
    note(self, status, &error);
}

static void nest(const char *open, size_t depth)
{
    static const char begin[] = "(module (memory 1) (func ";
    size_t each = strlen(open);
    nested = malloc(sizeof begin + (each + 1) * depth + 3);
    assert_non_null(nested);
    char *to = nested;
    memcpy(to, begin, sizeof begin - 1);
    to += sizeof begin - 1;
    for (size_t i = 0; i < depth; i++, to += each)
        memcpy(to, open, each);
    memset(to, ')', depth + 2);
    to[depth + 2] = '\0';
}

static void compiling_takes_no_more_of_a_small_stack_however_deep_the_binary(void **state)
{
    (void)state;
    SKIP_SMALL_STACKS();
    static const char *const shapes[] = {"(block ", "(loop "};
    bhd_host *host = guest_host();
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (size_t depth = 1; depth <= 400; depth *= 400) {
            nest(shapes[s], depth);
            for (size_t i = 0; i < COUNT_OF(sizes); i++) {
                if (sizes[i] < SMALLEST)
                    continue;
                on_stack self = {.host = host, .body = compile_nested};
                size_t used = used_of(sizes[i], &self);
                assert_true(used < sizes[i]);
                assert_true(self.status == BHD_OK || self.status == BHD_COMPONENT_INVALID);
                bhd_status compiled = self.status;
                self.body = inspect_nested;
                used = used_of(sizes[i], &self);
                assert_true(used < sizes[i]);
                assert_int_equal(compiled, self.status);
            }
            free(nested);
        }
    bhd_host_free(host);
}

/* -- a stack of the program's own making ----------------------------------------------------- */

static ucontext_t outside, inside;
static on_stack *coroutine_self;

static void coroutine_main(void)
{
    coroutine_self->body(coroutine_self);
}

/* The engine's own check would let a guest have 512 KiB of these 128, which lie above the thread's
 * stack or below it. */
static void a_guest_on_a_coroutine_has_a_stack_of_its_own(void **state)
{
    (void)state;
    if (BHD_TESTS_SANITIZED)
        skip(); /* they would have to be told of each change of stacks */
    const size_t bytes = KIB(128);
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/recurse.wat", &limits);
    on_stack self = {.component = component, .body = call_recursion};
    uint8_t *guard =
        mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(guard != MAP_FAILED);
    assert_int_equal(0, mprotect(guard, PAGE, PROT_NONE));
    assert_int_equal(0, getcontext(&inside));
    inside.uc_stack.ss_sp = guard + PAGE;
    inside.uc_stack.ss_size = bytes;
    inside.uc_link = &outside;
    coroutine_self = &self;
    makecontext(&inside, coroutine_main, 0);
    assert_int_equal(0, swapcontext(&outside, &inside));
    assert_int_equal(BHD_TRAP, self.status);
    expect_in(self.message, "call stack exhausted");
    munmap(guard, bytes + PAGE);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void *coroutine_thread(void *env)
{
    a_guest_on_a_coroutine_has_a_stack_of_its_own(env);
    return NULL;
}

/* Stacks that are mapped later lie below the main thread's, and above other threads' that were
 * mapped still later: both sides are tried. */
static void so_on_a_thread_whose_stack_is_below_it(void **state)
{
    pthread_t thread;
    if (BHD_TESTS_SANITIZED)
        skip();
    /* The coroutine's mapping is taken from a gap above a stack that is placed far below. */
    pthread_attr_t attributes;
    uint8_t *low = mmap((void *)(uintptr_t)(UINT64_C(1) << 32), MIB(2), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(low != MAP_FAILED);
    assert_int_equal(0, pthread_attr_init(&attributes));
    assert_int_equal(0, pthread_attr_setstack(&attributes, low, MIB(2)));
    assert_int_equal(0, pthread_create(&thread, &attributes, coroutine_thread, state));
    assert_int_equal(0, pthread_join(thread, NULL));
    pthread_attr_destroy(&attributes);
    munmap(low, MIB(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_on_a_small_stack_is_refused_or_leaves_some_of_it),
        cmocka_unit_test(compiling_takes_no_more_of_a_small_stack_however_deep_the_binary),
        cmocka_unit_test(a_guest_on_a_coroutine_has_a_stack_of_its_own),
        cmocka_unit_test(so_on_a_thread_whose_stack_is_below_it),
    };
    return cmocka_run_group_tests_name("small_stacks", tests, NULL, NULL);
}
