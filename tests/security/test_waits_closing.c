/*
 * The end of a guest's files, on a file system that does not answer: whoever has such a file last,
 * and on whichever thread, another tenant works meanwhile, and nothing is left when it answers.
 */
#include "support/file_guest.h"
#include "support/process_facts.h"
#include "support/silent_disk.h"
#include "support/submitted.h"

#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Places of a component, and what the library waits at most for what it closes. */
#define PLACES 8
#define CLOSING_SECONDS 0.1

#define SANDBOXES 12
#define FILES 3
#define LONG 120.0
#define SHORT 0.3

typedef struct scene {
    silent_disk disk;
    char local[64];
    bhd_host *host;      /* with one worker */
    file_guest other;    /* the other tenant, on a disk of this machine */
    bhd_component *asks; /* the same, as a component */
    bhd_component *frees;
    bhd_sandbox **freed; /* by the callback or the function of the host */
    size_t count;
    atomic_bool has_freed;
    double seconds; /* that freeing took there */
} scene;

/* -- guests ----------------------------------------------------------------------------------- */

static void tenant(file_guest *f, bhd_host *host, const char *directory, double timeout_seconds)
{
    file_guest base = {.asked = BHD_CAPABILITIES_INIT, .host = host};
    snprintf(base.data, sizeof base.data, "%s", directory);
    base.directory = (bhd_directory){NULL, "/data", BHD_ACCESS_READ_WRITE};
    files_beside(f, &base, timeout_seconds);
}

static bhd_component *asking(bhd_host *host, const char *directory, double timeout_seconds)
{
    char path[512];
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    const bhd_directory granted = {directory, "/data", BHD_ACCESS_READ_WRITE};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.directories = &granted;
    asked.directory_count = 1;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "asking",
                                     .limits = guest_limits(MIB(2)),
                                     .capabilities = &asked};
    options.limits.timeout_seconds = timeout_seconds;
    snprintf(path, sizeof path, "%s/guests/wasi/ask.wasm", BHD_SOURCE_DIR);
    expect_ok(bhd_component_load_file(host, path, &options, &component, &error), &error);
    return component;
}

static bhd_sandbox *ask(bhd_component *component, const char *const *argv, size_t argc)
{
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = argc;
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    return guest_sandbox_with(component, &options);
}

/* Opens files and leaves them open. */
static bhd_sandbox *module_with_files(file_guest *f)
{
    char name[16];
    files_again(f);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        assert_int_equal(0, files_open(f, name, 0, i ? RIGHT_WRITE : RIGHT_READ, NULL));
    }
    bhd_sandbox *sandbox = f->sandbox;
    f->sandbox = NULL;
    return sandbox;
}

static bhd_sandbox *component_with_files(bhd_component *component, bool traps)
{
    static const char *const argv[] = {"ask", "open", "/data/f0", "3", "trap"};
    bhd_sandbox *sandbox = ask(component, argv, traps ? 5 : 4);
    if (traps)
        guest_run_ends(sandbox, BHD_TRAP, NULL);
    else
        assert_int_equal(0, guest_run(sandbox));
    return sandbox;
}

/* -- the scene -------------------------------------------------------------------------------- */

static void free_them(scene *s)
{
    double began = process_seconds();
    for (size_t i = 0; i < s->count; i++)
        bhd_sandbox_free(s->freed[i]);
    s->seconds = process_seconds() - began;
    atomic_store(&s->has_freed, true);
}

static void free_beneath(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)invocation;
    (void)in;
    (void)count;
    free_them(env);
}

static void free_in_callback(void *env, bhd_call *call)
{
    (void)call;
    free_them(env);
}

/* What another tenant does meanwhile, directly and by the host's only worker. */
static void work(scene *s)
{
    static const char *const argv[] = {"ask", "write", "/data/other", "9000", "list", "/data"};
    int32_t fd;
    files_again(&s->other);
    assert_int_equal(0, files_open(&s->other, "free", OPEN_CREATE, RIGHT_WRITE, &fd));
    assert_int_equal(0, files_write(&s->other, fd, "text", 4, 0, NULL));
    assert_int_equal(0, files_close(&s->other, fd));
    bhd_sandbox *sandbox = ask(s->asks, argv, COUNT_OF(argv));
    expect_end(submitted_run(sandbox, NULL), BHD_OK);
    bhd_sandbox_free(sandbox);
}

/* False: the test is skipped. */
static bool scene_begin(scene *s)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_imports *imports = NULL;
    *s = (scene){.host = NULL};
    if (!silent_disk_begin(&s->disk)) {
        print_message("skipped: a file system of a program (FUSE) is not for this user\n");
        return false;
    }
    snprintf(s->local, sizeof s->local, "/tmp/bulkhead-closing-XXXXXX");
    assert_non_null(mkdtemp(s->local));
    const bhd_host_function reach = {sizeof reach, "test", "free", "func()",
                                     free_beneath, s,      false};
    expect_ok(bhd_imports_new(&imports, &error), &error);
    expect_ok(bhd_imports_function(imports, &reach, &error), &error);
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.worker_threads = 1;
    options.imports = imports;
    s->host = guest_host_with(&options);
    bhd_imports_free(imports);
    bhd_limits limits = guest_limits(MIB(1));
    s->frees = guest_component(s->host,
                               "(module (import \"test\" \"free\" (func $free))"
                               " (func (export \"nop\")) (func (export \"free\") call $free))",
                               &limits);
    tenant(&s->other, s->host, s->local, LONG);
    s->asks = asking(s->host, s->local, LONG);
    work(s);
    return true;
}

static void scene_end(scene *s)
{
    char command[96];
    bhd_component_free(s->asks);
    bhd_component_free(s->frees);
    files_end(&s->other);
    bhd_host_free(s->host);
    silent_disk_end(&s->disk);
    snprintf(command, sizeof command, "rm -rf '%s'", s->local);
    assert_int_equal(0, system(command));
}

typedef enum where { HERE, IN_CALLBACK, BENEATH_GUEST, PLACES_TO_FREE } where;

static void free_where(scene *s, where place, bhd_sandbox **sandboxes, size_t count)
{
    s->freed = sandboxes;
    s->count = count;
    atomic_store(&s->has_freed, false);
    if (place == HERE) {
        free_them(s);
        return;
    }
    bhd_sandbox *frees = guest_sandbox(s->frees);
    bhd_call_options options = {.size = sizeof options, .callback = free_in_callback};
    options.user_data = s;
    if (place == IN_CALLBACK)
        expect_end(submitted(frees, "nop", NULL, &options), BHD_OK);
    else
        guest_void(frees, "free");
    assert_true(atomic_load(&s->has_freed));
    bhd_sandbox_free(frees);
}

static void await_descriptors(uint64_t wanted)
{
    const struct timespec pause = {0, 1000000};
    double began = process_seconds();
    while (process_descriptors() != wanted) {
        assert_true(process_seconds() - began < 100);
        (void)nanosleep(&pause, NULL);
    }
}

static void answer_all(scene *s, uint64_t descriptors)
{
    silent_disk_about(&s->disk, 0);
    silent_disk_await_open(&s->disk, 0);
    await_descriptors(descriptors);
}

/* -- who waits --------------------------------------------------------------------------------- */

/* Each of 12 sandboxes left three open: 36 wait, on eight threads. */
static void leave_and_free(scene *s)
{
    bhd_sandbox *sandboxes[SANDBOXES];
    file_guest f;
    tenant(&f, s->host, s->disk.root, LONG);
    bhd_component *component = asking(s->host, s->disk.root, LONG);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    for (int kind = 0; kind < 3; kind++)
        for (where place = HERE; place < PLACES_TO_FREE; place++) {
            uint64_t descriptors = process_descriptors(), threads = process_threads();
            for (size_t i = 0; i < SANDBOXES; i++)
                sandboxes[i] =
                    kind == 0 ? module_with_files(&f) : component_with_files(component, kind == 1);
            assert_int_equal(SANDBOXES * FILES, silent_disk_open(&s->disk));
            silent_disk_about(&s->disk, SILENT_FLUSH);
            free_where(s, place, sandboxes, SANDBOXES);
            for (int i = 0; i < 5; i++)
                work(s);
            silent_disk_await_waiting(&s->disk, PLACES);
            assert_int_equal(SANDBOXES * FILES, silent_disk_open(&s->disk));
            assert_true(process_threads() <= threads + PLACES + SPARE_THREADS);
            answer_all(s, descriptors);
        }
    bhd_component_free(component);
    files_end(&f);
}

/* A guest that closes ends at its deadline, whether it has a thread for that or waits for one. */
static void close_and_wait(scene *s)
{
    static const char *const argv[][4] = {{"ask", "write", "/data/f0", "1"},
                                          {"ask", "cat", "/data/f0"}};
    file_guest f;
    tenant(&f, s->host, s->disk.root, SHORT);
    bhd_component *component = asking(s->host, s->disk.root, SHORT);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    for (int kind = 0; kind < 4; kind++) {
        uint64_t descriptors = process_descriptors(), threads = process_threads();
        bhd_sandbox *sandboxes[PLACES + 2];
        for (size_t i = 0; i < COUNT_OF(sandboxes); i++)
            sandboxes[i] = kind < 2 ? module_with_files(&f)
                                    : ask(component, argv[kind - 2], kind == 2 ? 4 : 3);
        silent_disk_about(&s->disk, SILENT_FLUSH);
        for (size_t i = 0; i < COUNT_OF(sandboxes); i++) {
            if (kind == 0)
                guest_ends(sandboxes[i], BHD_TIMEOUT, NULL, "fd_close", (int32_t)4);
            else if (kind == 1)
                guest_ends(sandboxes[i], BHD_TIMEOUT, NULL, "fd_renumber", (int32_t)4, (int32_t)5);
            else
                guest_run_ends(sandboxes[i], BHD_TIMEOUT, NULL);
            bhd_sandbox_free(sandboxes[i]);
            work(s);
        }
        assert_true(process_threads() <= threads + PLACES + SPARE_THREADS);
        answer_all(s, descriptors);
    }
    bhd_component_free(component);
    files_end(&f);
}

static const struct way {
    const char *name; /* as in the table of docs/ISOLATION.md */
    void (*wait)(scene *s);
} ways[] = {
    {"closing a file", close_and_wait},
    {"a file that a guest leaves open", leave_and_free},
};

static void nobody_waits_for_another_to_close(void **state)
{
    (void)state;
    scene s;
    if (!scene_begin(&s))
        return;
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        ways[i].wait(&s);
    scene_end(&s);
}

/* -- what else has a file last ----------------------------------------------------------------- */

/* The guest has ended when its file is there at last, and nobody wants it. */
static void what_was_opened_too_late_takes_no_thread_of_its_own(void **state)
{
    (void)state;
    scene s;
    file_guest f;
    if (!scene_begin(&s))
        return;
    tenant(&f, s.host, s.disk.root, SHORT);
    uint64_t descriptors = process_descriptors(), threads = process_threads();
    for (int round = 0; round < 4; round++) {
        silent_disk_about(&s.disk, SILENT_OPEN | SILENT_FLUSH);
        for (int i = 0; i < PLACES; i++) {
            bhd_error error = BHD_ERROR_INIT;
            files_again(&f);
            int32_t size = files_text(&f, 0, "f0");
            guest_ends(f.sandbox, BHD_TIMEOUT, &error, "path_open", (int32_t)3, (int32_t)1,
                       (int32_t)TEXT_0, size, (int32_t)0, (int64_t)RIGHT_READ, (int64_t)0,
                       (int32_t)0, (int32_t)RESULT_AT);
            bhd_error_fini(&error);
        }
        silent_disk_about(&s.disk, SILENT_FLUSH);
        silent_disk_await_open(&s.disk, PLACES);
        silent_disk_await_waiting(&s.disk, PLACES);
        work(&s);
    }
    assert_true(process_threads() <= threads + PLACES + SPARE_THREADS);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    answer_all(&s, descriptors - 1);
    files_end(&f);
    scene_end(&s);
}

static bhd_component *on_the_disk(const scene *s, const char *source, double timeout_seconds)
{
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    const bhd_directory granted = {s->disk.root, "/data", BHD_ACCESS_READ_WRITE};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.directories = &granted;
    asked.directory_count = 1;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "waits",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = &asked};
    options.limits.timeout_seconds = timeout_seconds;
    expect_ok(bhd_component_new(s->host, &options, source, strlen(source), &component, &error),
              &error);
    return component;
}

/* A component that drops the descriptor first and the stream of the file then. */
static const char streams[] =
    "(component"
    " (import \"wasi:io/streams@0.2.0\" (instance $io"
    "  (export \"input-stream\" (type (sub resource)))))"
    " (alias export $io \"input-stream\" (type $stream))"
    " (import \"wasi:filesystem/types@0.2.0\" (instance $types"
    "  (alias outer 1 $stream (type $in)) (export \"descriptor\" (type $fd (sub resource)))"
    "  (type $codes (enum \"access\" \"would-block\" \"already\" \"bad-descriptor\" \"busy\""
    "   \"deadlock\" \"quota\" \"exist\" \"file-too-large\" \"illegal-byte-sequence\""
    "   \"in-progress\" \"interrupted\" \"invalid\" \"io\" \"is-directory\" \"loop\""
    "   \"too-many-links\" \"message-size\" \"name-too-long\" \"no-device\" \"no-entry\""
    "   \"no-lock\" \"insufficient-memory\" \"insufficient-space\" \"not-directory\""
    "   \"not-empty\" \"not-recoverable\" \"unsupported\" \"no-tty\" \"no-such-device\""
    "   \"overflow\" \"not-permitted\" \"pipe\" \"read-only\" \"invalid-seek\""
    "   \"text-file-busy\" \"cross-device\"))"
    "  (export \"error-code\" (type $code (eq $codes)))"
    "  (type $pf (flags \"symlink-follow\")) (export \"path-flags\" (type $path (eq $pf)))"
    "  (type $of (flags \"create\" \"directory\" \"exclusive\" \"truncate\"))"
    "  (export \"open-flags\" (type $how (eq $of)))"
    "  (type $df (flags \"read\" \"write\" \"file-integrity-sync\" \"data-integrity-sync\""
    "   \"requested-write-sync\" \"mutate-directory\"))"
    "  (export \"descriptor-flags\" (type $flags (eq $df)))"
    "  (export \"[method]descriptor.open-at\" (func (param \"self\" (borrow $fd))"
    "   (param \"path-flags\" $path) (param \"path\" string) (param \"open-flags\" $how)"
    "   (param \"flags\" $flags) (result (result (own $fd) (error $code)))))"
    "  (export \"[method]descriptor.read-via-stream\" (func (param \"self\" (borrow $fd))"
    "   (param \"offset\" u64) (result (result (own $in) (error $code)))))))"
    " (alias export $types \"descriptor\" (type $descriptor))"
    " (import \"wasi:filesystem/preopens@0.2.0\" (instance $given"
    "  (alias outer 1 $descriptor (type $d)) (export \"descriptor\" (type $fd (eq $d)))"
    "  (export \"get-directories\" (func (result (list (tuple (own $fd) string)))))))"
    " (core module $memories (memory (export \"memory\") 1) (global $at (mut i32) (i32.const 1024))"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (global.get $at)"
    "   (global.set $at (i32.add (global.get $at) (i32.const 256)))))"
    " (core instance $m (instantiate $memories))"
    " (alias core export $m \"memory\" (core memory $memory))"
    " (alias core export $m \"realloc\" (core func $realloc))"
    " (core func $dirs (canon lower (func $given \"get-directories\") (memory $memory)"
    "  (realloc $realloc)))"
    " (core func $open (canon lower (func $types \"[method]descriptor.open-at\")"
    "  (memory $memory)))"
    " (core func $read (canon lower (func $types \"[method]descriptor.read-via-stream\")"
    "  (memory $memory)))"
    " (core func $drop (canon resource.drop $descriptor))"
    " (core func $drop_stream (canon resource.drop $stream))"
    " (core module $main (import \"m\" \"memory\" (memory 1))"
    "  (import \"h\" \"dirs\" (func $dirs (param i32)))"
    "  (import \"h\" \"open\" (func $open (param i32 i32 i32 i32 i32 i32 i32)))"
    "  (import \"h\" \"read\" (func $read (param i32 i64 i32)))"
    "  (import \"h\" \"drop\" (func $drop (param i32)))"
    "  (import \"h\" \"drop_stream\" (func $drop_stream (param i32)))"
    "  (data (i32.const 16) \"f0\")"
    "  (func (export \"close\") (call $dirs (i32.const 64))"
    "   (call $open (i32.load (i32.load (i32.const 64))) (i32.const 1) (i32.const 16)"
    "    (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 80))"
    "   (if (i32.load8_u (i32.const 80)) (then unreachable))"
    "   (call $read (i32.load (i32.const 84)) (i64.const 0) (i32.const 96))"
    "   (if (i32.load8_u (i32.const 96)) (then unreachable))"
    "   (call $drop (i32.load (i32.const 84)))"
    "   (call $drop_stream (i32.load (i32.const 100)))))"
    " (core instance $i (instantiate $main (with \"m\" (instance $m)) (with \"h\" (instance"
    "  (export \"dirs\" (func $dirs)) (export \"open\" (func $open))"
    "  (export \"read\" (func $read)) (export \"drop\" (func $drop))"
    "  (export \"drop_stream\" (func $drop_stream))))))"
    " (func (export \"close\") (canon lift (core func $i \"close\"))))";

/* Its last reference goes with the stream, and what goes with that was written when it is gone. */
static void a_guest_waits_for_the_end_of_its_stream(void **state)
{
    (void)state;
    scene s;
    if (!scene_begin(&s))
        return;
    uint64_t descriptors = process_descriptors();
    bhd_component *component = on_the_disk(&s, streams, SHORT);
    bhd_sandbox *sandbox = guest_sandbox(component);
    guest_void(sandbox, "close");
    silent_disk_await_open(&s.disk, 0);
    silent_disk_about(&s.disk, SILENT_FLUSH);
    guest_ends(sandbox, BHD_TIMEOUT, NULL, "close");
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    work(&s);
    answer_all(&s, descriptors);
    scene_end(&s);
}

typedef struct beginning {
    bhd_component *component;
    bhd_status status;
    bhd_error error;
} beginning;

static void *begin_it(void *env)
{
    beginning *b = env;
    bhd_sandbox *sandbox = NULL;
    b->status = bhd_sandbox_new(b->component, NULL, &sandbox, &b->error);
    return NULL;
}

/* Its files are closed with it, in bhd_sandbox_new. It is at a read when the disk falls silent
 * about closing: opening closes, too, the number that a file is given first. */
static void a_guest_that_ends_at_its_start_keeps_nobody(void **state)
{
    (void)state;
    static const char source[] =
        "(module (import \"wasi_snapshot_preview1\" \"path_open\" (func $open"
        " (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read"
        " (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 0) \"f0\") (start $begin)"
        " (data (i32.const 16) \"\\40\\00\\00\\00\\40\\00\\00\\00\")"
        " (func $begin (if (call $open (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 2)"
        "  (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 128))"
        "  (then (loop (br 0))))"
        "  (if (call $read (i32.load (i32.const 128)) (i32.const 16) (i32.const 1) (i32.const 24))"
        "  (then (loop (br 0)))) unreachable))";
    scene s;
    pthread_t thread;
    if (!scene_begin(&s))
        return;
    beginning b = {.component = on_the_disk(&s, source, LONG), .error = BHD_ERROR_INIT};
    uint64_t descriptors = process_descriptors();
    silent_disk_about(&s.disk, SILENT_READ);
    assert_int_equal(0, pthread_create(&thread, NULL, begin_it, &b));
    silent_disk_await_waiting(&s.disk, 1);
    silent_disk_about(&s.disk, SILENT_FLUSH);
    assert_int_equal(0, pthread_join(thread, NULL));
    expect_status(BHD_TRAP, b.status, &b.error);
    work(&s);
    silent_disk_await_waiting(&s.disk, 1);
    answer_all(&s, descriptors);
    bhd_error_fini(&b.error);
    bhd_component_free(b.component);
    scene_end(&s);
}

/* What is still to be closed is no other component's, whatever address that one is given, and does
 * not keep the host. */
static void what_is_left_keeps_neither_component_nor_host(void **state)
{
    (void)state;
    scene s;
    file_guest f;
    if (!scene_begin(&s))
        return;
    uint64_t descriptors = process_descriptors();
    bhd_host *host = guest_host();
    for (int i = 0; i < 4; i++) {
        bhd_sandbox *sandboxes[PLACES];
        silent_disk_about(&s.disk, 0);
        silent_disk_await_waiting(&s.disk, 0);
        tenant(&f, host, s.disk.root, LONG);
        bhd_sandbox_free(f.sandbox);
        f.sandbox = NULL;
        for (int k = 0; k < PLACES; k++)
            sandboxes[k] = module_with_files(&f);
        silent_disk_about(&s.disk, SILENT_FLUSH);
        for (int k = 0; k < PLACES; k++)
            bhd_sandbox_free(sandboxes[k]);
        files_end(&f);
        tenant(&f, host, s.local, LONG);
        assert_int_equal(0, files_open(&f, "mine", OPEN_CREATE, RIGHT_WRITE, NULL));
        files_end(&f);
    }
    bhd_host_free(host);
    work(&s);
    answer_all(&s, descriptors);
    scene_end(&s);
}

/* So there is never more to be closed than there was open. */
static void a_component_whose_files_wait_opens_no_more(void **state)
{
    (void)state;
    scene s;
    file_guest f;
    bhd_sandbox *sandboxes[PLACES];
    if (!scene_begin(&s))
        return;
    tenant(&f, s.host, s.disk.root, SHORT);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    uint64_t descriptors = process_descriptors();
    for (int i = 0; i < PLACES; i++)
        sandboxes[i] = module_with_files(&f);
    silent_disk_about(&s.disk, SILENT_FLUSH);
    free_where(&s, HERE, sandboxes, PLACES);
    silent_disk_await_waiting(&s.disk, PLACES);
    for (int i = 0; i < 3; i++) {
        bhd_error error = BHD_ERROR_INIT;
        files_again(&f);
        int32_t size = files_text(&f, 0, "f0");
        guest_ends(f.sandbox, BHD_TIMEOUT, &error, "path_open", (int32_t)3, (int32_t)1,
                   (int32_t)TEXT_0, size, (int32_t)0, (int64_t)RIGHT_READ, (int64_t)0, (int32_t)0,
                   (int32_t)RESULT_AT);
        bhd_error_fini(&error);
        assert_int_equal(PLACES * FILES, silent_disk_open(&s.disk));
    }
    work(&s);
    answer_all(&s, descriptors + 1);
    files_end(&f);
    scene_end(&s);
}

/* -- free means closed ------------------------------------------------------------------------- */

static bool is_local(const char *path)
{
    struct statfs fs;
    assert_int_equal(0, statfs(path, &fs));
    return fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC || fs.f_type == 0x58465342 ||
           fs.f_type == BTRFS_SUPER_MAGIC;
}

static void files_of_this_machine_are_closed_when_their_sandbox_is_freed(void **state)
{
    (void)state;
    scene s = {.host = NULL};
    bhd_sandbox *sandboxes[SANDBOXES];
    if (!scene_begin(&s))
        return;
    if (!is_local(s.local)) {
        print_message("skipped: /tmp is no disk of this machine\n");
        scene_end(&s);
        return;
    }
    file_guest f;
    tenant(&f, s.host, s.local, LONG);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        files_put(&f, name, "text");
    }
    bhd_component *component = asking(s.host, s.local, LONG);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    for (int kind = 0; kind < 3; kind++)
        for (where place = HERE; place < PLACES_TO_FREE; place++) {
            uint64_t descriptors = process_descriptors();
            for (size_t i = 0; i < SANDBOXES; i++)
                sandboxes[i] =
                    kind == 0 ? module_with_files(&f) : component_with_files(component, kind == 1);
            assert_true(process_descriptors() >= descriptors + SANDBOXES * FILES);
            free_where(&s, place, sandboxes, SANDBOXES);
            assert_int_equal(descriptors, process_descriptors());
        }
    bhd_component_free(component);
    files_end(&f);
    scene_end(&s);
}

/* Elsewhere, too, if the file system answers; a busy machine may be later than is waited for. */
static void others_are_closed_if_their_file_system_answers(void **state)
{
    (void)state;
    scene s;
    file_guest f;
    int closed = 0, rounds = 20;
    if (!scene_begin(&s))
        return;
    tenant(&f, s.host, s.disk.root, LONG);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    for (int i = 0; i < rounds; i++) {
        uint64_t descriptors = process_descriptors();
        bhd_sandbox_free(module_with_files(&f));
        closed += process_descriptors() == descriptors;
        answer_all(&s, descriptors);
    }
    assert_true(closed > rounds / 2);
    files_end(&f);
    scene_end(&s);
}

/* -- how long it waits ------------------------------------------------------------------------- */

enum { MANY = 40 };

/* Once for a component that does not answer, and not again for each of its sandboxes. */
static void waiting_in_vain_is_waiting_once(void **state)
{
    (void)state;
    scene s;
    file_guest f;
    bhd_sandbox *sandboxes[MANY];
    if (!scene_begin(&s))
        return;
    tenant(&f, s.host, s.disk.root, LONG);
    bhd_sandbox_free(f.sandbox);
    f.sandbox = NULL;
    uint64_t descriptors = process_descriptors();
    for (int i = 0; i < MANY; i++)
        sandboxes[i] = module_with_files(&f);
    silent_disk_about(&s.disk, SILENT_FLUSH);
    free_where(&s, HERE, sandboxes, MANY);
    assert_true(s.seconds > CLOSING_SECONDS / 2 && s.seconds < MANY * CLOSING_SECONDS);
    answer_all(&s, descriptors);
    files_end(&f);
    scene_end(&s);
}

/* Others may be waiting for the thread: not at all, for whichever component. */
static void code_that_the_library_calls_does_not_wait(void **state)
{
    (void)state;
    scene s;
    if (!scene_begin(&s))
        return;
    for (where place = IN_CALLBACK; place < PLACES_TO_FREE; place++) {
        static file_guest all[MANY];
        bhd_sandbox *sandboxes[MANY];
        for (int i = 0; i < MANY; i++) {
            tenant(&all[i], s.host, s.disk.root, LONG);
            assert_int_equal(0, files_open(&all[i], "f0", 0, RIGHT_READ, NULL));
            sandboxes[i] = all[i].sandbox;
            all[i].sandbox = NULL;
        }
        silent_disk_about(&s.disk, SILENT_FLUSH);
        free_where(&s, place, sandboxes, MANY);
        assert_true(s.seconds < MANY * CLOSING_SECONDS);
        silent_disk_about(&s.disk, 0);
        silent_disk_await_open(&s.disk, 0);
        for (int i = 0; i < MANY; i++)
            files_end(&all[i]);
    }
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_another_to_close),
        cmocka_unit_test(what_was_opened_too_late_takes_no_thread_of_its_own),
        cmocka_unit_test(a_guest_waits_for_the_end_of_its_stream),
        cmocka_unit_test(a_guest_that_ends_at_its_start_keeps_nobody),
        cmocka_unit_test(what_is_left_keeps_neither_component_nor_host),
        cmocka_unit_test(a_component_whose_files_wait_opens_no_more),
        cmocka_unit_test(files_of_this_machine_are_closed_when_their_sandbox_is_freed),
        cmocka_unit_test(others_are_closed_if_their_file_system_answers),
        cmocka_unit_test(waiting_in_vain_is_waiting_once),
        cmocka_unit_test(code_that_the_library_calls_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
