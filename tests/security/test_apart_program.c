/*
 * Which program is executed as the compiler: the one that was named, or the one that is where the
 * library is; never one that somebody else could choose. This program looks for it from copies of
 * itself in trees of every kind.
 */
#include "support/child.h"
#include "support/played.h"

#include "compile/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PATH_SIZE = 256, SAID_SIZE = 2048 };

static char tree[] = "/tmp/bhd-program-XXXXXX";

static void path_in_tree(char *path, const char *name)
{
    (void)snprintf(path, PATH_SIZE, "%s/%s", tree, name);
}

static void copy(const char *from, const char *name, mode_t mode)
{
    char path[PATH_SIZE];
    struct stat about;
    path_in_tree(path, name);
    (void)unlink(path);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(0, fstat(in, &about));
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(out, in, NULL, (size_t)left);
        assert_true(sent > 0);
        left -= sent;
    }
    assert_int_equal(0, fchmod(out, mode));
    (void)close(in);
    (void)close(out);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[PATH_SIZE];
    path_in_tree(path, name);
    (void)unlink(path);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    assert_true(out >= 0);
    assert_int_equal(strlen(text), write(out, text, strlen(text)));
    assert_int_equal(0, fchmod(out, mode));
    (void)close(out);
}

static void make_directory(const char *name)
{
    char path[PATH_SIZE];
    path_in_tree(path, name);
    assert_int_equal(0, mkdir(path, 0755));
}

static void remove_name(const char *name)
{
    char path[PATH_SIZE];
    path_in_tree(path, name);
    if (unlink(path) != 0)
        (void)rmdir(path);
}

#define MISSING "No such file or directory"
#define BESIDE "bin/bulkhead-compile"
#define LIBEXEC "libexec/bulkhead/bulkhead-compile"
#define ELSEWHERE "other/bulkhead-compile"

static int begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(tree));
    make_directory("bin");
    make_directory("other");
    make_directory("libexec");
    make_directory("libexec/bulkhead");
    copy("/proc/self/exe", "bin/searcher", 0755);
    return 0;
}

static int end(void **state)
{
    static const char *const names[] = {BESIDE,    LIBEXEC, ELSEWHERE, "bin/searcher",
                                        "named",   "other", "bin",     "libexec/bulkhead",
                                        "libexec", "."};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        remove_name(names[i]);
    (void)rmdir(tree);
    return 0;
}

/* -- where it is looked for -------------------------------------------------------------------- */

/* The other side of it, in the copy. */
static int search_and_say(void)
{
    bhd__program program;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd__program_find(NULL, &program, &error) != BHD_OK)
        return 1;
    printf("%s %s", program.file.number >= 0 ? "found" : "none", program.text);
    bhd__program_close(&program);
    return 0;
}

/* Everything around the process points to where it must not look. */
static void search(char *said)
{
    int ends[2];
    char searcher[PATH_SIZE], other[PATH_SIZE], name[PATH_SIZE], path[PATH_SIZE + 8];
    path_in_tree(searcher, "bin/searcher");
    path_in_tree(other, "other");
    path_in_tree(name, "other/searcher");
    (void)snprintf(path, sizeof path, "PATH=%s", other);
    char *arguments[] = {name, "--search", NULL};
    char *environment[] = {path, "BULKHEAD_COMPILER=/bin/true", NULL};
    assert_int_equal(0, pipe(ends));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        CHECK(dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO);
        CHECK(chdir(other) == 0);
        (void)close(ends[0]);
        (void)execve(searcher, arguments, environment);
        _exit(1);
    }
    (void)close(ends[1]);
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < SAID_SIZE - 1; length += (size_t)got) {
        got = read(ends[0], said + length, SAID_SIZE - 1 - length);
        assert_true(got >= 0);
    }
    said[length] = '\0';
    (void)close(ends[0]);
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void expect_found(const char *name)
{
    char said[SAID_SIZE], wanted[PATH_SIZE * 2];
    search(said);
    /* Below libexec it is found from the library's directory. */
    (void)snprintf(wanted, sizeof wanted, "found %s/%s%s", tree,
                   strcmp(name, LIBEXEC) == 0 ? "bin/../" : "", name);
    assert_string_equal(wanted, said);
}

/* Neither here nor there; an installation on this machine may be found last. */
static void expect_not_found(const char *beside, const char *libexec)
{
    char said[SAID_SIZE], wanted[SAID_SIZE];
    search(said);
    if (strncmp(said, "found ", 6) == 0) {
        assert_null(strstr(said, tree));
        return;
    }
    (void)snprintf(wanted, sizeof wanted, "none %s/" BESIDE ": %s; %s/bin/../" LIBEXEC ": %s; ",
                   tree, beside, tree, libexec);
    assert_memory_equal(wanted, said, strlen(wanted));
    expect_in(said + strlen(wanted), "/libexec/bulkhead/bulkhead-compile: " MISSING);
}

static void test_where_the_library_is(void **state)
{
    (void)state;
    copy(played_path, ELSEWHERE, 0755); /* what all of PATH, name and directory name */
    expect_not_found(MISSING, MISSING);
    copy(played_path, LIBEXEC, 0755);
    expect_found(LIBEXEC);
    copy(played_path, BESIDE, 0755);
    expect_found(BESIDE);
    remove_name(LIBEXEC);
    expect_found(BESIDE);
    remove_name(BESIDE);
}

/* What is in the way of a good one does not hide it, and says why it was not taken. */
static void test_what_is_no_program(void **state)
{
    (void)state;
    make_directory(BESIDE);
    expect_not_found("it is not a regular file", MISSING);
    copy(played_path, LIBEXEC, 0755);
    expect_found(LIBEXEC);
    remove_name(BESIDE);
    copy(played_path, BESIDE, 0644);
    expect_found(LIBEXEC);
    remove_name(LIBEXEC);
    expect_not_found("it is not executable", MISSING);
    remove_name(BESIDE);
}

/* Where all may write, anybody can put one beside a program. */
static void test_what_somebody_else_may_have_put_there(void **state)
{
    (void)state;
    static const char others[] = "others may write to it (chmod go-w)",
                      others_there[] = "others may write to its directory (chmod go-w)";
    char path[PATH_SIZE], directory[PATH_SIZE];
    path_in_tree(directory, "bin");
    copy(played_path, BESIDE, 0757);
    expect_not_found(others, MISSING);
    copy(played_path, BESIDE, 0775);
    expect_not_found(others, MISSING);
    copy(played_path, BESIDE, 0755);
    static const mode_t modes[] = {0757, 0775, 01777};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(0, chmod(directory, modes[i]));
        expect_not_found(others_there, MISSING);
        /* That of another place is another matter. */
        copy(played_path, LIBEXEC, 0755);
        expect_found(LIBEXEC);
        remove_name(LIBEXEC);
    }
    assert_int_equal(0, chmod(directory, 0755));
    expect_found(BESIDE);
    path_in_tree(path, BESIDE);
    if (geteuid() == 0) {
        assert_int_equal(0, chown(path, 12345, 12345));
        expect_not_found("it belongs to another user", MISSING);
        /* But who has the library has its compiler. */
        char searcher[PATH_SIZE];
        path_in_tree(searcher, "bin/searcher");
        assert_int_equal(0, chown(searcher, 12345, 12345));
        expect_found(BESIDE);
        assert_int_equal(0, chown(directory, 12345, 12345));
        expect_found(BESIDE);
        assert_int_equal(0, chown(searcher, 0, 0));
        assert_int_equal(0, chown(path, 0, 0));
        expect_not_found("its directory belongs to another user", MISSING);
        assert_int_equal(0, chown(directory, 0, 0));
    }
    remove_name(BESIDE);
}

/* -- the one that was named ----------------------------------------------------------------- */

static void expect_refused(const char *path, const char *message)
{
    bhd__compiler_options options = played_options();
    bhd__compiler *compiler = NULL;
    bhd__compiled compiled;
    bhd_error error = BHD_ERROR_INIT;
    played_traces before = played_look();
    options.path = path;
    expect_ok(bhd__compiler_new(&options, &compiler, &error), &error);
    expect_status(BHD_NO_COMPILER, played_compile(compiler, PLAYED_GOOD, &compiled, &error),
                  &error);
    if (message != NULL)
        assert_string_equal(message, error.message);
    bhd_error_fini(&error);
    bhd__compiler_free(compiler);
    played_expect_no_traces(&before);
}

#define NAME_IT                                                                                    \
    ". Install bulkhead-compile of this build, or name it (host option compiler_path, --compiler)"
#define NOT_OURS(program, code)                                                                    \
    "compiler " program ": it is not Bulkhead's compiler: it ended with exit code " code           \
    " and without a report" NAME_IT

static void test_what_cannot_be_executed(void **state)
{
    (void)state;
    expect_refused("/nonexistent/bulkhead-compile",
                   "there is no compiler: /nonexistent/bulkhead-compile: No such file or "
                   "directory" NAME_IT);
    expect_refused("", "there is no compiler: : No such file or directory" NAME_IT);
    expect_refused("/tmp", "there is no compiler: /tmp: it is not a regular file" NAME_IT);
    expect_refused("/dev/null",
                   "there is no compiler: /dev/null: it is not a regular file" NAME_IT);
    expect_refused("/etc/passwd",
                   "there is no compiler: /etc/passwd: it is not executable" NAME_IT);
    expect_refused("/tmp/\x1b[31mred", "there is no compiler: /tmp/\\x1b[31mred: No such file or "
                                       "directory" NAME_IT);
    char path[PATH_SIZE], wanted[PATH_SIZE * 2];
    path_in_tree(path, "named");
    write_file("named", "no program", 0755);
    (void)snprintf(wanted, sizeof wanted,
                   "compiler %s: it is not Bulkhead's compiler: it is no program that this system "
                   "knows" NAME_IT,
                   path);
    expect_refused(path, wanted);
    /* What a script would be run by gets no file of its own. */
    write_file("named", "#!/bin/sh\necho never\n", 0755);
    (void)snprintf(wanted, sizeof wanted,
                   "compiler %s: it is not Bulkhead's compiler: it is a script, or needs a program "
                   "that is not there" NAME_IT,
                   path);
    expect_refused(path, wanted);
    remove_name("named");
}

static void test_a_path_without_end(void **state)
{
    (void)state;
    static char path[8192];
    (void)memset(path, '\x1b', sizeof path - 1);
    bhd__program program;
    expect_ok(bhd__program_find(path, &program, NULL), &(bhd_error)BHD_ERROR_INIT);
    assert_true(program.file.number < 0);
    expect_in(program.text, "...: File name too long");
    expect_refused(path, NULL);
}

static void test_a_pipe_is_not_waited_for(void **state)
{
    (void)state;
    char path[PATH_SIZE], wanted[PATH_SIZE * 2];
    path_in_tree(path, "named");
    assert_int_equal(0, mkfifo(path, 0700));
    (void)snprintf(wanted, sizeof wanted,
                   "there is no compiler: %s: it is not a regular file" NAME_IT, path);
    expect_refused(path, wanted);
    remove_name("named");
}

static void test_what_is_another_program(void **state)
{
    (void)state;
    char wanted[512];
    expect_refused("/bin/true", NOT_OURS("/bin/true", "0") "; it wrote nothing");
    expect_refused("/bin/false", NOT_OURS("/bin/false", "1") "; it wrote nothing");
    /* Writes all that it reads, which is the binary, to its standard output. */
    (void)snprintf(wanted, sizeof wanted,
                   NOT_OURS("/bin/cat", "0") "; it wrote %zu bytes to its standard output",
                   strlen(PLAYED_GOOD));
    expect_refused("/bin/cat", wanted);
    /* Says why it does not want to. */
    expect_refused("/usr/bin/mkdir",
                   NOT_OURS("/usr/bin/mkdir", "1") "; it wrote: bulkhead-compile: missing operand; "
                                                   "Try 'bulkhead-compile --help' for more "
                                                   "information.");
    /* Writes without end. */
    expect_refused("/usr/bin/yes",
                   "compiler /usr/bin/yes: it was ended by signal 25 (SIGXFSZ), and had not begun: "
                   "it is not Bulkhead's compiler, or the system cannot run it" NAME_IT
                   "; it wrote 1048576 bytes to its standard output");
}

/* As when a new version is installed while the host runs. */
static void test_what_was_found_is_what_is_executed(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    bhd__compiler_options options = played_options();
    bhd__compiler *compiler;
    bhd__compiled compiled;
    bhd_error error = BHD_ERROR_INIT;
    copy(played_path, "named", 0755);
    path_in_tree(path, "named");
    options.path = path;
    compiler = played_compiler_new(&options);
    copy("/bin/false", "named", 0755);
    expect_ok(played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    played_release(&compiled);
    remove_name("named");
    expect_ok(played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    played_release(&compiled);
    bhd__compiler_free(compiler);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--search") == 0)
        return search_and_say();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_the_library_is),
        cmocka_unit_test(test_what_is_no_program),
        cmocka_unit_test(test_what_somebody_else_may_have_put_there),
        cmocka_unit_test(test_what_cannot_be_executed),
        cmocka_unit_test(test_a_path_without_end),
        cmocka_unit_test(test_a_pipe_is_not_waited_for),
        cmocka_unit_test(test_what_is_another_program),
        cmocka_unit_test(test_what_was_found_is_what_is_executed),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
