/*
 * A program that closes descriptors which it did not open: twice the same one, or all from 3 on.
 * The numbers come to name what it opens next, and none of that may reach a guest: not what another
 * tenant left in a memory, and no directory that was not granted.
 *
 * The cases are generated: at each step of a life every descriptor that the library holds by then
 * is closed or replaced, in a child of its own, and the life goes on. It may end with an error; the
 * engine ends the process where its runtime has lost one. A guest never sees anything else than
 * what it was granted.
 */
#include "support/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { STEPS = 4, FIRST = 3, LAST = 64, ALL = -1 };

typedef enum act {
    CLOSED,
    ANOTHER_DIRECTORY,
    ANOTHER_FILE,
    ANOTHER_PROCESS, /* its pagemap: what the kernel says of pages */
    ACTS,
} act;

/* Shared with the children. */
typedef struct outcome {
    int descriptors; /* of the library, at that step */
    bool is_runtimes;
    bool ended; /* the life came to its end */
    int refused;
} outcome;

static outcome *told;
static char granted[64], secret[64];
static pid_t other;
static bool is_open_before[LAST];

/* Fills its memory, so that a tenant after it would find that. */
static const char filler[] = "(module (memory (export \"memory\") 8) (func (export \"fill\")"
                             " (memory.fill (i32.const 0) (i32.const 0x41) (i32.const 524288))))";

/* Writes what is in the file of its directory to standard output. */
static const char reader[] =
    "(module (import \"wasi_snapshot_preview1\" \"path_open\" (func $open"
    "  (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read"
    "  (param i32 i32 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write"
    "  (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (data (i32.const 0) \"file\") (data (i32.const 16) \"\\40\\00\\00\\00\\40\\00\\00\\00\")"
    " (func (export \"_start\")"
    "  (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)"
    "   (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)) (then unreachable))"
    "  (if (call $read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 20))"
    "   (then unreachable))"
    "  (if (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))"
    "   (then unreachable))))";

typedef struct life {
    bhd_host *host;
    bhd_component *reads, *fills;
    bhd_sandbox *sandbox;
    int step, descriptor;
    act what;
} life;

static int replacement(act what)
{
    char path[64];
    switch (what) {
    case ANOTHER_DIRECTORY:
        return open(secret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    case ANOTHER_FILE:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    case ANOTHER_PROCESS:
        snprintf(path, sizeof path, "/proc/%d/pagemap", (int)other);
        return open(path, O_RDONLY | O_CLOEXEC);
    case CLOSED:
    case ACTS:
        break;
    }
    return -1;
}

static bool is_ours(int number)
{
    return !is_open_before[number] && fcntl(number, F_GETFD) >= 0;
}

static bool is_runtimes(int number)
{
    char name[64], target[64] = "";
    snprintf(name, sizeof name, "/proc/self/fd/%d", number);
    return readlink(name, target, sizeof target - 1) > 0 && strncmp(target, "anon_inode:", 11) == 0;
}

/* The nth descriptor of the library, or every one. */
static void meddle(const life *l)
{
    int found = 0, by = -1, chosen[LAST];
    for (int number = FIRST; number < LAST; number++) {
        if (!is_ours(number))
            continue;
        if (l->descriptor == ALL || told->descriptors == l->descriptor) {
            told->is_runtimes = told->is_runtimes || is_runtimes(number);
            chosen[found++] = number;
        }
        told->descriptors++;
    }
    if (found == 0)
        _exit(0);
    if (l->what != CLOSED)
        CHECK((by = replacement(l->what)) >= 0);
    for (int i = 0; i < found; i++)
        CHECK(by < 0 ? close(chosen[i]) == 0 : dup2(by, chosen[i]) == chosen[i]);
}

static void at(const life *l, int step)
{
    if (l->step == step)
        meddle(l);
}

static bool is_refused(bhd_status status, const bhd_error *error)
{
    if (status == BHD_OK)
        return false;
    if (status != BHD_NOT_SUPPORTED || strstr(error->message, "did not open") == NULL)
        CHECK_STATUS(BHD_OK, status, error);
    told->refused++;
    return true;
}

static void make_component(life *l)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_directory directory = {granted, "/data", BHD_ACCESS_READ};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.directories = &directory;
    asked.directory_count = 1;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "reads",
                                     .limits = guest_limits(MIB(2)),
                                     .capabilities = &asked};
    options.limits.timeout_seconds = 30;
    CHECK_STATUS(BHD_OK,
                 bhd_component_new(l->host, &options, reader, sizeof reader - 1, &l->reads, &error),
                 &error);
}

static bool make_sandbox(life *l)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    bool made = !is_refused(bhd_sandbox_new(l->reads, &options, &l->sandbox, &error), &error);
    bhd_error_fini(&error);
    return made;
}

/* What it reads is what was granted. */
static void run_sandbox(life *l)
{
    static const char wanted[] = "granted\n";
    bhd_error error = BHD_ERROR_INIT;
    int exit_code = -1;
    size_t size = 0;
    bool ran = !is_refused(bhd_sandbox_run(l->sandbox, &exit_code, &error), &error);
    const char *text = bhd_sandbox_output(l->sandbox, 1, &size, NULL);
    CHECK(ran ? size == sizeof wanted - 1 && memcmp(text, wanted, size) == 0 : size == 0);
    bhd_error_fini(&error);
}

static void end_sandbox(life *l)
{
    bhd_sandbox_free(l->sandbox);
    l->sandbox = NULL;
}

/* A tenant, and the next one in its place. */
static void fill_and_look(life *l)
{
    static unsigned char bytes[524288];
    bhd_error error = BHD_ERROR_INIT;
    for (int tenant = 0; tenant < 3; tenant++) {
        bhd_sandbox *s = child_sandbox(l->fills);
        CHECK_STATUS(BHD_OK, bhd_sandbox_read(s, NULL, 0, bytes, sizeof bytes, &error), &error);
        for (size_t i = 0; i < sizeof bytes; i++)
            CHECK(bytes[i] == 0);
        CHECK_STATUS(BHD_OK, guest_call(s, &error, NULL, "fill"), &error);
        bhd_sandbox_free(s);
    }
}

static void live(void *env)
{
    life *l = env;
    /* What the engine says when it ends the process is no output of this test. */
    CHECK(freopen("/dev/null", "w", stderr) != NULL);
    for (int number = 0; number < LAST; number++)
        is_open_before[number] = fcntl(number, F_GETFD) >= 0;
    l->host = child_host(false);
    l->fills = child_component(l->host, filler);
    fill_and_look(l);
    make_component(l);
    at(l, 0);
    if (make_sandbox(l)) {
        at(l, 1);
        run_sandbox(l);
        end_sandbox(l);
    }
    at(l, 2);
    fill_and_look(l);
    if (make_sandbox(l)) {
        at(l, 3);
        run_sandbox(l);
        fill_and_look(l);
        end_sandbox(l);
    }
    bhd_component_free(l->reads);
    bhd_component_free(l->fills);
    bhd_host_free(l->host);
    told->ended = true;
}

static void check_end(const life *l, int status)
{
    bool by_the_engine = told->is_runtimes && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!well && !by_the_engine)
        fail_msg("step %d, descriptor %d, act %d: status %#x", l->step, l->descriptor, (int)l->what,
                 status);
}

/* How many cases there were. */
static int meddle_at(int step, act what, int *refused)
{
    int cases = 0;
    for (int descriptor = ALL;; descriptor++) {
        life l = {.step = step, .descriptor = descriptor, .what = what};
        memset(told, 0, sizeof *told);
        int status = child_status(live, &l);
        if (descriptor >= told->descriptors)
            return cases;
        check_end(&l, status);
        *refused += told->refused;
        cases++;
    }
}

static void check_act(act what)
{
    int cases = 0, refused = 0;
    for (int step = 0; step < STEPS; step++) {
        int of_step = meddle_at(step, what, &refused);
        assert_true(of_step >= 2); /* the granted directory's, and all */
        cases += of_step;
    }
    print_message("%d cases, %d refusals\n", cases, refused);
    assert_true(refused >= STEPS);
}

static void a_life_without_meddling_is_complete(void **state)
{
    (void)state;
    life l = {.step = -1};
    memset(told, 0, sizeof *told);
    child_succeeds(live, &l);
    assert_true(told->ended);
    assert_int_equal(0, told->refused);
}

static void closed_descriptors_reach_no_guest(void **state)
{
    (void)state;
    check_act(CLOSED);
}

static void descriptors_that_became_a_directory_reach_no_guest(void **state)
{
    (void)state;
    check_act(ANOTHER_DIRECTORY);
}

static void descriptors_that_became_a_file_reach_no_guest(void **state)
{
    (void)state;
    check_act(ANOTHER_FILE);
}

static void descriptors_that_became_another_process_reach_no_guest(void **state)
{
    (void)state;
    check_act(ANOTHER_PROCESS);
}

static void put_file(const char *directory, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/file", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

static int begin(void **state)
{
    (void)state;
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    snprintf(granted, sizeof granted, "/tmp/bulkhead-granted-XXXXXX");
    snprintf(secret, sizeof secret, "/tmp/bulkhead-secret-XXXXXX");
    assert_non_null(mkdtemp(granted));
    assert_non_null(mkdtemp(secret));
    put_file(granted, "granted\n");
    put_file(secret, "secret\n");
    other = fork();
    if (other == 0)
        for (;;)
            pause();
    return other > 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    (void)kill(other, SIGKILL);
    (void)waitpid(other, NULL, 0);
    char *const directories[] = {granted, secret};
    for (size_t i = 0; i < COUNT_OF(directories); i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/file", directories[i]);
        (void)unlink(path);
        (void)rmdir(directories[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_without_meddling_is_complete),
        cmocka_unit_test(closed_descriptors_reach_no_guest),
        cmocka_unit_test(descriptors_that_became_a_directory_reach_no_guest),
        cmocka_unit_test(descriptors_that_became_a_file_reach_no_guest),
        cmocka_unit_test(descriptors_that_became_another_process_reach_no_guest),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
