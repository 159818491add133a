/*
 * Paths of a guest mean what they mean to the system: every function of preview 1 that takes a
 * path, on every kind of thing that a path can name, with and without a slash at its end, gives the
 * error number that the system gives for the same call on the same tree, and leaves the same tree.
 */
#include "support/file_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- the tree -------------------------------------------------------------------------------- */

static const char *const names[] = {
    "file",   "dir",       "full",         "to-file",    "to-dir",        "to-nothing",
    "pipe",   "to-itself", "nothing",      "file/below", "nothing/below", "to-dir/inside",
    "dir/..", "dir/.",     "full/../file", ".",
};
static const char *const ends[] = {"", "/", "//", "/."};

static void make_tree(int at)
{
    int fd = openat(at, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(4, write(fd, "text", 4));
    assert_int_equal(0, close(fd));
    assert_int_equal(0, mkdirat(at, "dir", 0700));
    assert_int_equal(0, mkdirat(at, "full", 0700));
    fd = openat(at, "full/inside", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(0, close(fd));
    assert_int_equal(0, symlinkat("file", at, "to-file"));
    assert_int_equal(0, symlinkat("dir", at, "to-dir"));
    assert_int_equal(0, symlinkat("missing", at, "to-nothing"));
    assert_int_equal(0, symlinkat("to-itself", at, "to-itself"));
    assert_int_equal(0, mkfifoat(at, "pipe", 0600));
}

typedef struct lines {
    char text[64][160];
    size_t count;
} lines;
static lines *seen; /* nftw passes nothing on */
static size_t root_length;

static int see(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)flag;
    if (at->level == 0)
        return 0;
    char target[64] = "";
    if (S_ISLNK(st->st_mode))
        assert_true(readlink(path, target, sizeof target - 1) > 0);
    assert_true(seen->count < COUNT_OF(seen->text));
    snprintf(seen->text[seen->count++], sizeof seen->text[0], "%s %o %s %ld %lu\n",
             path + root_length + 1, (unsigned)(st->st_mode & S_IFMT), target,
             S_ISREG(st->st_mode) ? (long)st->st_size : 0L,
             S_ISDIR(st->st_mode) ? 0UL : (unsigned long)st->st_nlink);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Everything below, in one order, with its kind, where links lead, sizes and names. */
static void describe(const char *path, lines *all)
{
    all->count = 0;
    seen = all;
    root_length = strlen(path);
    assert_int_equal(0, nftw(path, see, 8, FTW_PHYS));
    qsort(all->text, all->count, sizeof all->text[0], by_text);
}

static bool same(const lines *a, const lines *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->text[i], b->text[i]) == 0;
    return is_same;
}

static int take_away(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    return at->level == 0 ? 0 : remove(path);
}

static void empty(const char *path)
{
    assert_int_equal(0, nftw(path, take_away, 8, FTW_PHYS | FTW_DEPTH));
}

/* -- the functions --------------------------------------------------------------------------- */

typedef struct function {
    const char *name;
    /* On the tree of the system: 0 or an errno. */
    int (*of_system)(int at, const char *path);
    /* In the guest: 0 or a number of preview 1. */
    int32_t (*of_guest)(file_guest *f, const char *path);
    bool changes;
} function;

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int opened(int fd)
{
    if (fd < 0)
        return errno;
    struct stat st;
    assert_int_equal(0, fstat(fd, &st));
    assert_int_equal(0, close(fd));
    /* What is neither is refused in the guest. */
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? 0 : ENOTSUP;
}

#define SYSTEM(name, expression)                                                                   \
    static int name(int at, const char *path)                                                      \
    {                                                                                              \
        return expression;                                                                         \
    }
#define OPENS (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
SYSTEM(system_stat, result(fstatat(at, path, &(struct stat){0}, 0)))
SYSTEM(system_lstat, result(fstatat(at, path, &(struct stat){0}, AT_SYMLINK_NOFOLLOW)))
SYSTEM(system_times, result(utimensat(at, path, (struct timespec[2]){{1, 0}, {1, 0}}, 0)))
SYSTEM(system_link_times,
       result(utimensat(at, path, (struct timespec[2]){{1, 0}, {1, 0}}, AT_SYMLINK_NOFOLLOW)))
SYSTEM(system_open, opened(openat(at, path, OPENS | O_RDONLY)))
SYSTEM(system_open_link, opened(openat(at, path, OPENS | O_RDONLY | O_NOFOLLOW)))
SYSTEM(system_open_directory, opened(openat(at, path, OPENS | O_RDONLY | O_DIRECTORY)))
SYSTEM(system_open_to_write, opened(openat(at, path, OPENS | O_RDWR)))
SYSTEM(system_truncate, opened(openat(at, path, OPENS | O_RDWR | O_TRUNC)))
SYSTEM(system_create, opened(openat(at, path, OPENS | O_RDWR | O_CREAT, 0666)))
SYSTEM(system_create_new, opened(openat(at, path, OPENS | O_RDWR | O_CREAT | O_EXCL, 0666)))
SYSTEM(system_mkdir, result(mkdirat(at, path, 0777)))
SYSTEM(system_rmdir, result(unlinkat(at, path, AT_REMOVEDIR)))
SYSTEM(system_unlink, result(unlinkat(at, path, 0)))
SYSTEM(system_readlink, result((int)readlinkat(at, path, (char[64]){0}, 64)))
SYSTEM(system_symlink, result(symlinkat("target", at, path)))
SYSTEM(system_link_from, result(linkat(at, path, at, "new", 0)))
SYSTEM(system_link_to, result(linkat(at, "file", at, path, 0)))
SYSTEM(system_rename_from, result(renameat(at, path, at, "new")))
SYSTEM(system_rename_to, result(renameat(at, "file", at, path)))
SYSTEM(system_rename_directory_to, result(renameat(at, "dir", at, path)))

static int32_t stat_with(file_guest *f, const char *path, int32_t follow)
{
    int32_t size = files_text(f, 0, path);
    return guest_i32(f->sandbox, "path_filestat_get", (int32_t)3, follow, (int32_t)TEXT_0, size,
                     (int32_t)BUFFER_AT);
}

static int32_t times_with(file_guest *f, const char *path, int32_t follow)
{
    int32_t size = files_text(f, 0, path);
    return guest_i32(f->sandbox, "path_filestat_set_times", (int32_t)3, follow, (int32_t)TEXT_0,
                     size, (int64_t)1000000000, (int64_t)1000000000, (int32_t)5);
}

static int32_t open_with(file_guest *f, const char *path, int32_t follow, int32_t flags,
                         int64_t rights)
{
    int32_t size = files_text(f, 0, path);
    int32_t errno_ = guest_i32(f->sandbox, "path_open", (int32_t)3, follow, (int32_t)TEXT_0, size,
                               flags, rights, (int64_t)0, (int32_t)0, (int32_t)RESULT_AT);
    if (errno_ == 0)
        assert_int_equal(0, files_close(f, (int32_t)files_u32(f, RESULT_AT)));
    return errno_;
}

/* Both paths, of a function that takes two. */
static int32_t two(file_guest *f, const char *name, const char *from, const char *to)
{
    int32_t from_size = files_text(f, 0, from), to_size = files_text(f, 1, to);
    if (strcmp(name, "path_link") == 0)
        return guest_i32(f->sandbox, name, (int32_t)3, (int32_t)0, (int32_t)TEXT_0, from_size,
                         (int32_t)3, (int32_t)TEXT_1, to_size);
    if (strcmp(name, "path_symlink") == 0)
        return guest_i32(f->sandbox, name, (int32_t)TEXT_0, from_size, (int32_t)3, (int32_t)TEXT_1,
                         to_size);
    return guest_i32(f->sandbox, name, (int32_t)3, (int32_t)TEXT_0, from_size, (int32_t)3,
                     (int32_t)TEXT_1, to_size);
}

#define GUEST(name, expression)                                                                    \
    static int32_t name(file_guest *f, const char *path)                                           \
    {                                                                                              \
        return expression;                                                                         \
    }
#define RIGHTS (RIGHT_READ | RIGHT_WRITE)
GUEST(guest_stat, stat_with(f, path, 1))
GUEST(guest_lstat, stat_with(f, path, 0))
GUEST(guest_times, times_with(f, path, 1))
GUEST(guest_link_times, times_with(f, path, 0))
GUEST(guest_open, open_with(f, path, 1, 0, RIGHT_READ))
GUEST(guest_open_link, open_with(f, path, 0, 0, RIGHT_READ))
GUEST(guest_open_directory, open_with(f, path, 1, OPEN_DIRECTORY, RIGHT_READ))
GUEST(guest_open_to_write, open_with(f, path, 1, 0, RIGHTS))
GUEST(guest_truncate, open_with(f, path, 1, OPEN_TRUNCATE, RIGHTS))
GUEST(guest_create, open_with(f, path, 1, OPEN_CREATE, RIGHTS))
GUEST(guest_create_new, open_with(f, path, 1, OPEN_CREATE | OPEN_EXCLUSIVE, RIGHTS))
GUEST(guest_mkdir, files_do(f, "path_create_directory", path))
GUEST(guest_rmdir, files_do(f, "path_remove_directory", path))
GUEST(guest_unlink, files_do(f, "path_unlink_file", path))
GUEST(guest_symlink, two(f, "path_symlink", "target", path))
GUEST(guest_link_from, two(f, "path_link", path, "new"))
GUEST(guest_link_to, two(f, "path_link", "file", path))
GUEST(guest_rename_from, two(f, "path_rename", path, "new"))
GUEST(guest_rename_to, two(f, "path_rename", "file", path))
GUEST(guest_rename_directory_to, two(f, "path_rename", "dir", path))

static int32_t guest_readlink(file_guest *f, const char *path)
{
    int32_t size = files_text(f, 0, path);
    return guest_i32(f->sandbox, "path_readlink", (int32_t)3, (int32_t)TEXT_0, size,
                     (int32_t)BUFFER_AT, (int32_t)64, (int32_t)RESULT_AT);
}

static const function functions[] = {
    {"stat", system_stat, guest_stat, false},
    {"lstat", system_lstat, guest_lstat, false},
    {"times", system_times, guest_times, false},
    {"times of a link", system_link_times, guest_link_times, false},
    {"open", system_open, guest_open, false},
    {"open without following", system_open_link, guest_open_link, false},
    {"open a directory", system_open_directory, guest_open_directory, false},
    {"open to write", system_open_to_write, guest_open_to_write, false},
    {"truncate", system_truncate, guest_truncate, true},
    {"create", system_create, guest_create, true},
    {"create new", system_create_new, guest_create_new, true},
    {"mkdir", system_mkdir, guest_mkdir, true},
    {"rmdir", system_rmdir, guest_rmdir, true},
    {"unlink", system_unlink, guest_unlink, true},
    {"readlink", system_readlink, guest_readlink, false},
    {"symlink", system_symlink, guest_symlink, true},
    {"link from", system_link_from, guest_link_from, true},
    {"link to", system_link_to, guest_link_to, true},
    {"rename from", system_rename_from, guest_rename_from, true},
    {"rename to", system_rename_to, guest_rename_to, true},
    {"rename a directory to", system_rename_directory_to, guest_rename_directory_to, true},
};

static int32_t number_of(int errno_)
{
    static const struct {
        int of_system;
        int32_t of_wasi;
    } numbers[] = {
        {0, 0},
        {EBUSY, 10},
        {EEXIST, WASI_EXIST},
        {EINVAL, WASI_INVAL},
        {EISDIR, WASI_ISDIR},
        {ELOOP, WASI_LOOP},
        {ENOENT, WASI_NOENT},
        {ENOTDIR, WASI_NOTDIR},
        {ENOTEMPTY, WASI_NOTEMPTY},
        {ENOTSUP, WASI_NOTSUP},
        {ENXIO, WASI_NOTSUP}, /* of a pipe that is opened to write */
        {EPERM, WASI_PERM},
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].of_system == errno_)
            return numbers[i].of_wasi;
    return -errno_;
}

/* -- the matrix ------------------------------------------------------------------------------ */

static unsigned compare(file_guest *f, const char *model, const function *what, const char *path)
{
    static lines here, there;
    int at = open(model, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    int wanted = what->of_system(at, path);
    assert_int_equal(0, close(at));
    int32_t got = what->of_guest(f, path);
    unsigned wrong = 0;
    if (number_of(wanted) != got) {
        print_error("%s of \"%s\": %d, the system says %d (%s)\n", what->name, path, got,
                    number_of(wanted), strerror(wanted));
        wrong = 1;
    }
    if (what->changes || wrong) {
        describe(f->data, &here);
        describe(model, &there);
        if (!same(&here, &there)) {
            print_error("%s of \"%s\" leaves another tree than the system\n", what->name, path);
            wrong++;
        }
    }
    return wrong;
}

static void renew(file_guest *f, const char *model)
{
    const char *const both[] = {f->data, model};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        empty(both[i]);
        int at = open(both[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(at >= 0);
        make_tree(at);
        assert_int_equal(0, close(at));
    }
}

static void paths_mean_what_they_mean_to_the_system(void **state)
{
    (void)state;
    file_guest f;
    char model[96], path[64];
    unsigned wrong = 0, cells = 0;
    files_begin(&f, MIB(64), 60);
    snprintf(model, sizeof model, "%s/model", f.root);
    assert_int_equal(0, mkdir(model, 0700));
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        renew(&f, model);
        for (size_t n = 0; n < COUNT_OF(names); n++)
            for (size_t e = 0; e < COUNT_OF(ends); e++) {
                snprintf(path, sizeof path, "%s%s", names[n], ends[e]);
                wrong += compare(&f, model, &functions[i], path);
                cells++;
                if (functions[i].changes)
                    renew(&f, model);
            }
    }
    print_message("%u cells\n", cells);
    assert_int_equal(0, wrong);
    files_end(&f);
}

/* Through a link that leads out, by "..", or from the root, nothing is reached, and nothing is
 * learned of whether it is there. */
static void nothing_leads_out(void **state)
{
    (void)state;
    static const char *const ways[] = {"out/.",       "out/secret", "up/data/../../data",
                                       "..",          "../secret",  "/",
                                       "/etc",        "/nothing",   "dir/../../secret",
                                       "out/nothing", "../nothing", "../secret/.",
                                       "../../etc",   "up/..",      "dir/../..",
                                       "up/secret",   "out/../x",   "../data/file"};
    file_guest f;
    char secret[128];
    unsigned wrong = 0;
    files_begin(&f, MIB(1), 20);
    snprintf(secret, sizeof secret, "%s/secret", f.root);
    assert_int_equal(0, mkdir(secret, 0700));
    assert_int_equal(0, mkdir(files_path(&f, "dir"), 0700));
    files_put(&f, "file", "text");
    assert_int_equal(0, symlink("../secret", files_path(&f, "out")));
    assert_int_equal(0, symlink("..", files_path(&f, "up")));
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            int32_t errno_ = functions[i].of_guest(&f, ways[w]);
            if (errno_ != WASI_PERM) {
                print_error("%s of \"%s\": %d\n", functions[i].name, ways[w], errno_);
                wrong++;
            }
        }
    /* A slash after the link: what follows it is refused, and the link itself is what is not. */
    assert_int_equal(WASI_PERM, guest_stat(&f, "out"));
    assert_int_equal(WASI_PERM, guest_lstat(&f, "out/"));
    assert_int_equal(WASI_PERM, guest_readlink(&f, "out/"));
    assert_int_equal(WASI_PERM, guest_link_from(&f, "out/"));
    assert_int_equal(WASI_PERM, guest_open(&f, "out/"));
    assert_int_equal(WASI_PERM, guest_times(&f, "out"));
    assert_int_equal(0, guest_lstat(&f, "out"));
    assert_int_equal(0, wrong);
    files_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_mean_what_they_mean_to_the_system),
        cmocka_unit_test(nothing_leads_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
