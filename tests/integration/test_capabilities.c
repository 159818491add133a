/*
 * Capabilities, each denied and each granted, with the real file, variable, clock and socket: as
 * module of preview 1 (ask.core.wasm) and as component of 0.2 (ask.wasm, connect.wat).
 */
#include "support/connect_guest.h"
#include "support/process_facts.h"
#include "support/submitted.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kinds[] = {"wasi/ask.core.wasm", "wasi/ask.wasm"};

/* -- a guest that is asked ----------------------------------------------------------------- */

typedef struct answer {
    bhd_status status;
    int exit_code;
    char text[8192]; /* what it printed */
    char message[BHD_MESSAGE_SIZE];
    uint64_t dropped;
} answer;

static bhd_component_options asking(const char *name, uint64_t bytes, const bhd_capabilities *asked)
{
    return (bhd_component_options){.size = sizeof(bhd_component_options),
                                   .name = name,
                                   .limits = guest_limits(bytes),
                                   .capabilities = asked};
}

static bhd_status load(bhd_host *host, const char *source, const bhd_capabilities *asked,
                       bhd_component **component, bhd_error *error)
{
    char path[512];
    bhd_component_options options = asking("ask", MIB(2), asked);
    options.limits.timeout_seconds = 20;
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
    return bhd_component_load_file(host, path, &options, component, error);
}

static answer run_with(bhd_host *host, const char *source, const bhd_capabilities *asked,
                       const bhd_sandbox_options *extra, const char *const *argv, size_t argc)
{
    static const bhd_sandbox_options defaults = BHD_SANDBOX_OPTIONS_INIT;
    bhd_sandbox_options options = extra ? *extra : defaults;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    answer a = {.exit_code = -1};
    options.argv = argv;
    options.argc = argc;
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    expect_ok(load(host, source, asked, &component, &error), &error);
    expect_ok(bhd_sandbox_new(component, &options, &sandbox, &error), &error);
    a.status = bhd_sandbox_run(sandbox, &a.exit_code, &error);
    snprintf(a.message, sizeof a.message, "%s", error.message);
    size_t size;
    const void *output = bhd_sandbox_output(sandbox, 1, &size, &a.dropped);
    snprintf(a.text, sizeof a.text, "%.*s", (int)size, output ? (const char *)output : "");
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_error_fini(&error);
    return a;
}

#define ASK(host, source, asked, ...)                                                              \
    run_with((host), (source), (asked), NULL, (const char *const[]){"ask", __VA_ARGS__},           \
             sizeof((const char *const[]){"ask", __VA_ARGS__}) / sizeof(char *))

static void answered(const answer *a, const char *text)
{
    if (a->status != BHD_OK)
        print_error("%s: %s\n", bhd_status_name(a->status), a->message);
    assert_int_equal(BHD_OK, a->status);
    assert_string_equal(text, a->text);
}

/* -- a place to work in --------------------------------------------------------------------- */

typedef struct place {
    char root[64], data[80], secret[96];
    bhd_directory directory;
    bhd_capabilities asked;
} place;

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

static void place_init(place *p, bhd_access access)
{
    char path[160];
    snprintf(p->root, sizeof p->root, "/tmp/bulkhead-capabilities-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    snprintf(p->data, sizeof p->data, "%s/data", p->root);
    snprintf(p->secret, sizeof p->secret, "%s/secret", p->root);
    assert_int_equal(0, mkdir(p->data, 0700));
    put(p->secret, "nobody reads this\n");
    snprintf(path, sizeof path, "%s/file", p->data);
    put(path, "what the host wrote\n");
    snprintf(path, sizeof path, "%s/out", p->data);
    assert_int_equal(0, symlink(p->secret, path));
    snprintf(path, sizeof path, "%s/up", p->data);
    assert_int_equal(0, symlink("..", path));
    p->directory = (bhd_directory){p->data, "/data", access};
    p->asked = (bhd_capabilities)BHD_CAPABILITIES_INIT;
    p->asked.directories = &p->directory;
    p->asked.directory_count = 1;
}

static void place_fini(place *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->root);
    assert_int_equal(0, system(command));
}

static long size_of(const place *p, const char *name)
{
    char path[160];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", p->data, name);
    return stat(path, &facts) == 0 ? (long)facts.st_size : -1;
}

/* -- variables and arguments ------------------------------------------------------------------ */

static void variables_are_those_that_were_asked_for(void **state)
{
    (void)state;
    static const bhd_variable env[] = {
        {"BHD_TEST_SEEN", NULL}, {"MODE", "fast"}, {"EMPTY", ""}, {"BHD_TEST_UNSET", NULL}};
    static const char *const args[] = {"env", "MODE"};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.env = env;
    asked.env_count = COUNT_OF(env);
    asked.args = args;
    asked.arg_count = COUNT_OF(args);
    assert_int_equal(0, setenv("BHD_TEST_SEEN", "seen", 1));
    assert_int_equal(0, setenv("BHD_TEST_HIDDEN", "hidden", 1));
    bhd_host *host = guest_host();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        answer a = ASK(host, kinds[k], &asked, "env", "BHD_TEST_SEEN", "env", "BHD_TEST_HIDDEN",
                       "env", "BHD_TEST_UNSET", "args");
        answered(&a, "env BHD_TEST_SEEN: seen\nenv BHD_TEST_HIDDEN: not set\n"
                     "env BHD_TEST_UNSET: not set\nargs: 9\nenv MODE: fast\n");
    }
    bhd_host_free(host);
}

/* -- directories ------------------------------------------------------------------------------ */

static void without_a_directory_there_are_no_files(void **state)
{
    (void)state;
    bhd_capabilities nothing = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    place p;
    place_init(&p, BHD_ACCESS_READ);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        answer a =
            ASK(host, kinds[k], &nothing, "cat", p.secret, "cat", "/etc/hostname", "list", "/");
        assert_int_equal(BHD_OK, a.status);
        assert_int_equal(1, a.exit_code);
        assert_null(strstr(a.text, "nobody"));
        assert_null(strstr(a.text, "entries"));
    }
    place_fini(&p);
    bhd_host_free(host);
}

static void a_directory_is_read_and_nothing_leads_out_of_it(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    place p;
    place_init(&p, BHD_ACCESS_READ);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        answer a =
            ASK(host, kinds[k], &p.asked, "cat", "/data/file", "cat", "/data/../secret", "cat",
                "/data/out", "cat", "/data/up/secret", "list", "/data/up", "write", "/data/new",
                "10", "unlink", "/data/file", "rename", "/data/file", "/data/other", "mkdir",
                "/data/d", "1", "resize", "/data/file", "3", "symlink", "/etc", "/data/etc");
        assert_int_equal(BHD_OK, a.status);
        expect_in(a.text, "cat /data/file: what the host wrote\n");
        assert_null(strstr(a.text, "nobody"));
        assert_null(strstr(a.text, "ok"));
        assert_null(strstr(a.text, "entries"));
        assert_int_equal(20, size_of(&p, "file"));
        assert_int_equal(-1, size_of(&p, "new"));
        assert_int_equal(-1, size_of(&p, "d0"));
        assert_int_equal(-1, size_of(&p, "etc"));
    }
    place_fini(&p);
    bhd_host_free(host);
}

static void a_writable_directory_is_written_up_to_its_quota(void **state)
{
    (void)state;
    /* WASI 0.2 has no error of a quota for streams. */
    static const char *const said[] = {
        "write /data/two: 24576 bytes, then Quota exceeded\n",
        "write /data/two: 24576 bytes, then No space left on device\n"};
    bhd_host *host = guest_host();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        place p;
        place_init(&p, BHD_ACCESS_READ_WRITE);
        p.asked.max_written_bytes = 40960;
        answer a = ASK(host, kinds[k], &p.asked, "write", "/data/one", "8192", "cat", "/data/one",
                       "write", "/data/two", "100000", "write", "/data/one", "4096", "mkdir",
                       "/data/d", "3", "resize", "/data/one", "60000");
        assert_int_equal(BHD_OK, a.status);
        expect_in(a.text, "write /data/one: 8192 bytes\n");
        /* Two files and 8 KiB before it; each file counts 4 KiB. */
        expect_in(a.text, said[k]);
        assert_int_equal(8192, size_of(&p, "one"));
        assert_int_equal(24576, size_of(&p, "two"));
        assert_int_equal(-1, size_of(&p, "d0"));
        /* What was not used up is there again for the next sandbox. */
        a = ASK(host, kinds[k], &p.asked, "resize", "/data/one", "44000", "mkdir", "/data/d", "20");
        assert_int_equal(BHD_OK, a.status);
        expect_in(a.text, "resize /data/one: ok\n");
        /* Of what the size adds, a page counts; the rest is a hole. */
        expect_in(a.text, "mkdir /data/d: 9 times, then ");
        assert_int_equal(44000, size_of(&p, "one"));
        place_fini(&p);
    }
    bhd_host_free(host);
}

static void nothing_may_be_written_with_a_quota_of_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    place p;
    place_init(&p, BHD_ACCESS_READ_WRITE);
    p.asked.max_written_bytes = 0;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        answer a = ASK(host, kinds[k], &p.asked, "write", "/data/file", "1", "resize", "/data/file",
                       "21", "symlink", "file", "/data/s", "link", "/data/file", "/data/l");
        assert_int_equal(BHD_OK, a.status);
        assert_null(strstr(a.text, "ok"));
        assert_int_equal(20, size_of(&p, "file"));
        assert_int_equal(-1, size_of(&p, "s"));
        assert_int_equal(-1, size_of(&p, "l"));
    }
    place_fini(&p);
    bhd_host_free(host);
}

/* The rest of it is in test_files.c and test_listings.c, as a module of preview 1; this is that a
 * component is given the same. */
static void a_component_meets_the_same_in_a_directory(void **state)
{
    (void)state;
    char path[160];
    bhd_host *host = guest_host();
    place p;
    place_init(&p, BHD_ACCESS_READ_WRITE);
    snprintf(path, sizeof path, "%s/pipe", p.data);
    assert_int_equal(0, mkfifo(path, 0600));
    snprintf(path, sizeof path, "%s/no-\xff-text", p.data);
    put(path, "");
    snprintf(path, sizeof path, "%s/d", p.data);
    assert_int_equal(0, mkdir(path, 0700));
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "%s/d/a-long-name-of-a-file-%d", p.data, i);
        put(path, "");
    }
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        answer a = ASK(host, kinds[k], &p.asked, "cat", "/data/pipe", "write", "/data/pipe", "1",
                       "open", "/data/pipe", "1", "list", "/data", "list", "/data/d", "cat",
                       "/data/file/", "unlink", "/data/file/", "rename", "/data/file/", "/data/f");
        answered(&a, "cat /data/pipe: Not supported\nwrite /data/pipe: Not supported\n"
                     "open /data/pipe: 0 times, then Not supported\nlist /data: 5 entries\n"
                     "list /data/d: 500 entries\ncat /data/file/: Not a directory\n"
                     "unlink /data/file/: Not a directory\nrename /data/file/: Not a directory\n");
        a = ASK(host, kinds[k], &p.asked, "cat", "/data/pipe", "trap");
        assert_int_equal(BHD_TRAP, a.status);
        expect_in(a.message, "it asked to open what is neither a file nor a directory");
    }
    place_fini(&p);
    bhd_host_free(host);
}

static void open_files_are_bounded(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    place p;
    place_init(&p, BHD_ACCESS_READ);
    p.asked.max_open_files = 12;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        uint64_t before = process_descriptors();
        answer a = ASK(host, kinds[k], &p.asked, "open", "/data/file", "1000");
        assert_int_equal(BHD_OK, a.status);
        /* The directory is one of them. */
        expect_in(a.text, "open /data/file: 11 times, then ");
        assert_int_equal(before, process_descriptors());
    }
    place_fini(&p);
    bhd_host_free(host);
}

/* The name is made to mean another directory after the component was loaded. */
static void the_directory_is_the_one_that_was_granted(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    place p;
    place_init(&p, BHD_ACCESS_READ);
    bhd_component *component = NULL;
    expect_ok(load(host, kinds[0], &p.asked, &component, &error), &error);
    char moved[96];
    snprintf(moved, sizeof moved, "%s/moved", p.root);
    assert_int_equal(0, rename(p.data, moved));
    assert_int_equal(0, symlink("/etc", p.data));
    static const char *const argv[] = {"ask", "cat", "/data/file", "cat", "/data/passwd"};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
    int exit_code;
    expect_ok(bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    size_t size;
    const char *text = bhd_sandbox_output(sandbox, 1, &size, NULL);
    assert_non_null(text);
    assert_non_null(memmem(text, size, "what the host wrote", 19));
    assert_null(memmem(text, size, "root", 4));
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    place_fini(&p);
    bhd_host_free(host);
}

/* -- clocks and random numbers ----------------------------------------------------------------- */

static void clocks_run_only_for_those_who_have_them(void **state)
{
    (void)state;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    answer a = ASK(host, kinds[0], &asked, "time");
    answered(&a, "time: Capabilities insufficient\n");
    a = ASK(host, kinds[1], &asked, "time");
    assert_int_equal(BHD_CAPABILITY_DENIED, a.status);
    expect_in(a.message, "the guest called wasi:clocks/");
    expect_in(a.message, "it asks for the time, which it does not declare (capabilities.clocks");
    /* To sleep is not to know what time it is. */
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        a = ASK(host, kinds[k], &asked, "sleep", "0");
        assert_int_equal(BHD_OK, a.status);
    }
    asked.clocks = true;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        a = ASK(host, kinds[k], &asked, "time");
        answered(&a, "time: ok\n");
    }
    bhd_host_free(host);
}

static void random_numbers_come_only_to_those_who_have_them(void **state)
{
    (void)state;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    answer a = ASK(host, kinds[0], &asked, "random");
    answered(&a, "random: Capabilities insufficient\n");
    a = ASK(host, kinds[1], &asked, "random");
    assert_int_equal(BHD_CAPABILITY_DENIED, a.status);
    expect_in(a.message, "it asks for random numbers, which it does not declare");
    asked.random = true;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        a = ASK(host, kinds[k], &asked, "random");
        answered(&a, "random: ok\n");
    }
    bhd_host_free(host);
}

static void a_trap_after_a_denial_says_what_was_denied(void **state)
{
    (void)state;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    answer a = ASK(host, kinds[0], &asked, "random", "trap");
    assert_int_equal(BHD_TRAP, a.status);
    expect_in(a.message, "; before that, it asked for random numbers, which it does not declare "
                         "(capabilities.random = true)");
    bhd_host_free(host);
}

/* -- standard streams -------------------------------------------------------------------------- */

static void input_comes_only_to_those_who_have_it(void **state)
{
    (void)state;
    static const char text[] = "three\nlines\nof input\n";
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_input = (bhd_input){BHD_INPUT_BYTES, text, sizeof text - 1};
    static const char *const argv[] = {"ask", "stdin"};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        asked.standard_input = false;
        answer a = run_with(host, kinds[k], &asked, &options, argv, 2);
        answered(&a, "stdin: 0 bytes, 00000000\n");
        asked.standard_input = true;
        a = run_with(host, kinds[k], &asked, &options, argv, 2);
        assert_int_equal(BHD_OK, a.status);
        expect_in(a.text, "stdin: 21 bytes, ");
        options.standard_input.source = BHD_INPUT_NONE;
        a = run_with(host, kinds[k], &asked, &options, argv, 2);
        answered(&a, "stdin: 0 bytes, 00000000\n");
        options.standard_input.source = BHD_INPUT_BYTES;
    }
    bhd_host_free(host);
}

/* The process's own input is read by the guest as far as it asks, and waited for. */
static void inherited_input_is_waited_for(void **state)
{
    (void)state;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_input.source = BHD_INPUT_INHERIT;
    static const char *const argv[] = {"ask", "wait-stdin", "stdin"};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.standard_input = true;
    int saved = dup(STDIN_FILENO);
    assert_true(saved >= 0);
    bhd_host *host = guest_host();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        int ends[2];
        assert_int_equal(0, pipe(ends));
        assert_int_equal(STDIN_FILENO, dup2(ends[0], STDIN_FILENO));
        pid_t writer = fork();
        if (writer == 0) {
            usleep(50000);
            _exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
        }
        close(ends[1]);
        answer a = run_with(host, kinds[k], &asked, &options, argv, COUNT_OF(argv));
        assert_int_equal(BHD_OK, a.status);
        expect_in(a.text, "wait-stdin: ready\nstdin: 4 bytes, ");
        close(ends[0]);
    }
    assert_int_equal(STDIN_FILENO, dup2(saved, STDIN_FILENO));
    close(saved);
    bhd_host_free(host);
}

static void input_that_never_ends_ends_at_the_deadline(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDIN_FILENO);
    assert_int_equal(0, pipe(ends));
    assert_int_equal(STDIN_FILENO, dup2(ends[0], STDIN_FILENO));
    static const char *const argv[] = {"ask", "stdin"};
    bhd_host *host = guest_host();
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.standard_input = true;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        char path[512];
        bhd_component_options options = asking("ask", MIB(2), &asked);
        options.limits.timeout_seconds = 0.1;
        snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, kinds[k]);
        expect_ok(bhd_component_load_file(host, path, &options, &component, &error), &error);
        bhd_sandbox_options sandbox_options = BHD_SANDBOX_OPTIONS_INIT;
        sandbox_options.argv = argv;
        sandbox_options.argc = COUNT_OF(argv);
        sandbox_options.standard_input.source = BHD_INPUT_INHERIT;
        bhd_sandbox *sandbox = guest_sandbox_with(component, &sandbox_options);
        int exit_code;
        expect_status(BHD_TIMEOUT, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
        bhd_sandbox_free(sandbox);
        /* On a worker, which it does not hold meanwhile. */
        sandbox = guest_sandbox_with(component, &sandbox_options);
        expect_end(submitted_run(sandbox, NULL), BHD_TIMEOUT);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    assert_int_equal(STDIN_FILENO, dup2(saved, STDIN_FILENO));
    close(saved);
    close(ends[0]);
    close(ends[1]);
    bhd_host_free(host);
}

static void captured_output_is_bounded(void **state)
{
    (void)state;
    static const char *const argv[] = {"ask", "flood", "100000"};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        options.capture_bytes = 5000;
        answer a = run_with(host, kinds[k], &asked, &options, argv, COUNT_OF(argv));
        assert_int_equal(BHD_OK, a.status);
        assert_int_equal(0, a.exit_code);
        assert_int_equal(5000, strlen(a.text));
        assert_int_equal(95000, a.dropped);
        options.capture_bytes = 0;
        a = run_with(host, kinds[k], &asked, &options, argv, COUNT_OF(argv));
        assert_int_equal(0, strlen(a.text));
        assert_int_equal(100000, a.dropped);
    }
    /* A component that wants no output has none, whatever the host would do with it. */
    asked.standard_output = BHD_OUTPUT_NONE;
    options.capture_bytes = 5000;
    answer a = run_with(host, kinds[0], &asked, &options, argv, COUNT_OF(argv));
    assert_int_equal(BHD_OK, a.status);
    assert_int_equal(0, strlen(a.text));
    assert_int_equal(0, a.dropped);
    bhd_host_free(host);
}

/* -- network ---------------------------------------------------------------------------------- */

/* connect.wat with this function as "run" and this port as its own. */
static bhd_component *connecting(bhd_host *host, const char *function, uint16_t port,
                                 const bhd_capabilities *asked, double timeout_seconds)
{
    size_t size;
    char *text = connect_text(function, port, &size);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = asking("connect", MIB(1), asked);
    options.limits.timeout_seconds = timeout_seconds;
    expect_ok(bhd_component_new(host, &options, text, size, &component, &error), &error);
    free(text);
    return component;
}

/* 0: connected, 1: denied. */
static int connect_as(bhd_host *host, const char *function, uint16_t port,
                      const bhd_capabilities *asked)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = connecting(host, function, port, asked, 20);
    bhd_sandbox *sandbox = guest_sandbox(component);
    int exit_code = -1;
    expect_ok(bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    return exit_code;
}

static void connections_go_where_they_were_granted(void **state)
{
    (void)state;
    uint16_t port, other;
    int fd = connect_listen(&port), other_fd = connect_listen(&other);
    bhd_endpoint network[] = {{"127.0.0.1", port}, {"LocalHost", 1}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT, nothing = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = COUNT_OF(network);
    bhd_host *host = guest_host();
    assert_int_equal(0, connect_as(host, "run", port, &asked));
    assert_int_equal(1, connect_as(host, "run", port, &nothing));
    /* The same host, another port. */
    assert_int_equal(1, connect_as(host, "run", other, &asked));
    assert_int_equal(1, connect_as(host, "listen", port, &asked));
    /* By name: what the system says that the name is. */
    network[0].host = "localhost";
    assert_int_equal(0, connect_as(host, "run", port, &asked));
    assert_int_equal(0, connect_as(host, "named", port, &asked));
    assert_int_equal(1, connect_as(host, "unnamed", port, &asked));
    assert_int_equal(1, connect_as(host, "named", port, &nothing));
    close(fd);
    close(other_fd);
    bhd_host_free(host);
}

static void a_socket_that_never_answers_ends_at_the_deadline(void **state)
{
    (void)state;
    uint16_t port;
    int fd = connect_listen(&port);
    bhd_endpoint network[] = {{"127.0.0.1", port}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = 1;
    bhd_host *host = guest_host();
    /* To one that answers it comes back. */
    bhd_component *patient = connecting(host, "answer", port, &asked, 60);
    bhd_sandbox *sandbox = guest_sandbox(patient);
    bhd_call *call = submitted_run(sandbox, NULL);
    struct pollfd listener = {fd, POLLIN, 0};
    assert_int_equal(1, poll(&listener, 1, 60000));
    int peer = accept(fd, NULL, NULL);
    assert_int_equal(1, write(peer, "!", 1));
    expect_end(call, BHD_OK);
    close(peer);
    bhd_sandbox_free(sandbox);
    bhd_component_free(patient);

    bhd_component *component = connecting(host, "answer", port, &asked, 0.3);
    uint64_t before = process_descriptors();
    sandbox = guest_sandbox(component);
    guest_run_ends(sandbox, BHD_TIMEOUT, NULL);
    bhd_sandbox_free(sandbox);
    sandbox = guest_sandbox(component);
    expect_end(submitted_run(sandbox, NULL), BHD_TIMEOUT);
    bhd_sandbox_free(sandbox);
    assert_int_equal(before, process_descriptors());
    bhd_component_free(component);
    close(fd);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void connections_are_bounded(void **state)
{
    (void)state;
    bhd_endpoint network[] = {{"127.0.0.1", 1}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = 1;
    asked.max_connections = 3;
    bhd_host *host = guest_host();
    uint64_t before = process_descriptors();
    assert_int_equal(0, connect_as(host, "many", 1, &asked));
    assert_int_equal(before, process_descriptors());
    bhd_host_free(host);
}

static void a_core_module_cannot_have_the_network(void **state)
{
    (void)state;
    bhd_endpoint network[] = {{"127.0.0.1", 1}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = 1;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_status(BHD_NOT_SUPPORTED, load(host, kinds[0], &asked, &component, &error), &error);
    expect_in(error.message, "capabilities.network: a core module has no way");
    bhd_error_fini(&error);
    bhd_host_free(host);
}

/* -- two keys ---------------------------------------------------------------------------------- */

static void what_is_not_granted_is_refused_at_load_all_at_once(void **state)
{
    (void)state;
    place p;
    place_init(&p, BHD_ACCESS_READ_WRITE);
    const bhd_directory reads[] = {{p.data, NULL, BHD_ACCESS_READ}};
    const bhd_grants grants = {
        .size = sizeof grants, .directories = reads, .directory_count = 1, .clocks = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.grants = &grants;
    bhd_variable env[] = {{"HOME", NULL}, {"MODE", "fine"}};
    bhd_endpoint network[] = {{"example.org", 443}};
    p.asked.env = env;
    p.asked.env_count = 2;
    p.asked.network = network;
    p.asked.endpoint_count = 1;
    p.asked.clocks = p.asked.random = p.asked.standard_input = true;
    bhd_host *host = guest_host_with(&options);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_status(BHD_CAPABILITY_DENIED, load(host, kinds[1], &p.asked, &component, &error),
                  &error);
    static const char *const keys[] = {"capabilities.env", "capabilities.network",
                                       "capabilities.random", "capabilities.stdin",
                                       "capabilities.directories"};
    static const char *const flags[] = {"--allow-env=HOME", "--allow-net=example.org:443",
                                        "--allow-random", "--allow-stdin", ":rw"};
    assert_int_equal(COUNT_OF(keys), error.diagnostic_count);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_string_equal(keys[i], error.diagnostics[i].key);
        expect_in(error.diagnostics[i].message, flags[i]);
    }
    bhd_error_fini(&error);
    /* What is granted, or below it, is not in the way. */
    place_fini(&p);
    bhd_host_free(host);
}

static void what_lies_below_a_grant_is_granted_and_beside_it_not(void **state)
{
    (void)state;
    place p;
    place_init(&p, BHD_ACCESS_READ);
    char beside[96], below[96], through[128];
    snprintf(beside, sizeof beside, "%s/database", p.root);
    snprintf(below, sizeof below, "%s/deep", p.data);
    snprintf(through, sizeof through, "%s/../database", p.data);
    assert_int_equal(0, mkdir(beside, 0700));
    assert_int_equal(0, mkdir(below, 0700));
    const bhd_directory granted[] = {{p.data, NULL, BHD_ACCESS_READ}};
    const bhd_grants grants = {.size = sizeof grants, .directories = granted, .directory_count = 1};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.grants = &grants;
    bhd_host *host = guest_host_with(&options);
    const struct {
        const char *path;
        bhd_status wanted;
    } cases[] = {{p.data, BHD_OK},
                 {below, BHD_OK},
                 {beside, BHD_CAPABILITY_DENIED},
                 {p.root, BHD_CAPABILITY_DENIED},
                 {through, BHD_CAPABILITY_DENIED},
                 {"/nowhere/at/all", BHD_FILE_NOT_FOUND}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        p.directory.host = cases[i].path;
        expect_status(cases[i].wanted, load(host, kinds[0], &p.asked, &component, &error), &error);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    place_fini(&p);
    bhd_host_free(host);
}

static void requests_that_cannot_be_are_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    static const bhd_variable twice[] = {{"A", "1"}, {"A", "2"}}, odd[] = {{"A=B", "1"}};
    static const bhd_directory same[] = {{"/tmp", "/d", BHD_ACCESS_READ},
                                         {"/var", "/d", BHD_ACCESS_READ}};
    static const bhd_endpoint nowhere[] = {{"host", 0}};
    static const char *const bytes[] = {"\xff"};
    bhd_capabilities wrong[8];
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        wrong[i] = (bhd_capabilities)BHD_CAPABILITIES_INIT;
    wrong[0].env = twice;
    wrong[0].env_count = 2;
    wrong[1].env = odd;
    wrong[1].env_count = 1;
    wrong[2].directories = same;
    wrong[2].directory_count = 2;
    wrong[3].network = nowhere;
    wrong[3].endpoint_count = 1;
    wrong[4].args = bytes;
    wrong[4].arg_count = 1;
    wrong[5].max_open_files = 0;
    wrong[6].standard_output = BHD_OUTPUT_CALLBACK;
    wrong[7].arg_count = 1000;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        expect_status(BHD_INVALID_ARGUMENT, load(host, kinds[0], &wrong[i], &component, &error),
                      &error);
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_those_that_were_asked_for),
        cmocka_unit_test(without_a_directory_there_are_no_files),
        cmocka_unit_test(a_directory_is_read_and_nothing_leads_out_of_it),
        cmocka_unit_test(a_writable_directory_is_written_up_to_its_quota),
        cmocka_unit_test(nothing_may_be_written_with_a_quota_of_nothing),
        cmocka_unit_test(a_component_meets_the_same_in_a_directory),
        cmocka_unit_test(open_files_are_bounded),
        cmocka_unit_test(the_directory_is_the_one_that_was_granted),
        cmocka_unit_test(clocks_run_only_for_those_who_have_them),
        cmocka_unit_test(random_numbers_come_only_to_those_who_have_them),
        cmocka_unit_test(a_trap_after_a_denial_says_what_was_denied),
        cmocka_unit_test(input_comes_only_to_those_who_have_it),
        cmocka_unit_test(inherited_input_is_waited_for),
        cmocka_unit_test(input_that_never_ends_ends_at_the_deadline),
        cmocka_unit_test(captured_output_is_bounded),
        cmocka_unit_test(connections_go_where_they_were_granted),
        cmocka_unit_test(a_socket_that_never_answers_ends_at_the_deadline),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(a_core_module_cannot_have_the_network),
        cmocka_unit_test(what_is_not_granted_is_refused_at_load_all_at_once),
        cmocka_unit_test(what_lies_below_a_grant_is_granted_and_beside_it_not),
        cmocka_unit_test(requests_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests_name("capabilities", tests, NULL, NULL);
}
