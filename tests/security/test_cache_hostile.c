/*
 * The cache and what must not be believed: entries that are damaged, cut, foreign or no files, and
 * directories in which others could put code. Whatever it is, it is not found, nothing outside is
 * touched, and what was compiled anew takes its place.
 */
#include "support/cache_kit.h"
#include "support/child.h"

#include "compile/cache_entry.h"
#include "compile/cache_place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ARTIFACT 70
#define DESCRIPTION 30
#define ENTRY_BYTES (ARTIFACT + DESCRIPTION + sizeof(bhd__cache_trailer))
#define BOUND (UINT64_C(1) << 24)
/* Somebody else; may not exist. */
#define ANOTHER_USER 1234

static bool is_root(void)
{
    return geteuid() == 0;
}

static void make_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    assert_int_equal(fchmod(file, mode), 0);
    assert_int_equal(close(file), 0);
}

static void read_file(const char *path, void *bytes, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(read(file, bytes, size), size);
    assert_int_equal(close(file), 0);
}

/* -- damage ----------------------------------------------------------------------------------- */

/* What is not found is gone and counted, and what is kept in its place is found. */
static void expect_refused(bhd__cache *cache, const cache_kit *kit, const char *what, size_t where)
{
    char path[PATH_MAX];
    struct stat about;
    bhd__cache_stats before = cache_kit_stats(cache);
    bhd__cache_key key = cache_kit_key(1);
    bhd__cache_entry entry;
    cache_kit_path(kit, 1, path);
    if (bhd__cache_find(cache, &key, &entry))
        fail_msg("%s at %zu was found", what, where);
    if (lstat(path, &about) == 0)
        fail_msg("%s at %zu is still there", what, where);
    bhd__cache_stats after = cache_kit_stats(cache);
    assert_int_equal(after.damaged, before.damaged + 1);
    assert_int_equal(after.misses, before.misses + 1);
    assert_int_equal(after.hits, before.hits);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    assert_int_equal(cache_kit_stats(cache).damaged, after.damaged);
}

static void replace(const char *path, const void *bytes, size_t size)
{
    assert_int_equal(unlink(path), 0);
    make_file(path, bytes, size, 0400);
}

/* Every bit of a small entry, its trailer included. */
static void a_changed_bit_is_seen(void **state)
{
    (void)state;
    char path[PATH_MAX];
    unsigned char bytes[ENTRY_BYTES];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    read_file(path, bytes, sizeof bytes);
    /* The same bytes again are found: what is refused below is refused for the bit. */
    replace(path, bytes, sizeof bytes);
    assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        replace(path, bytes, sizeof bytes);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        expect_refused(cache, &kit, "a changed bit", bit);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void another_length_is_seen(void **state)
{
    (void)state;
    char path[PATH_MAX];
    unsigned char bytes[3 * ENTRY_BYTES] = {0};
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    read_file(path, bytes, ENTRY_BYTES);
    for (size_t length = 0; length < sizeof bytes; length++) {
        if (length == ENTRY_BYTES)
            continue;
        replace(path, bytes, length);
        expect_refused(cache, &kit, "a length", length);
    }
    /* Bytes put in before it, or taken out of the middle: the trailer is whole. */
    for (size_t more = 1; more < 2 * ENTRY_BYTES; more++) {
        unsigned char shifted[3 * ENTRY_BYTES] = {0};
        memcpy(shifted + more, bytes, ENTRY_BYTES);
        replace(path, shifted, more + ENTRY_BYTES);
        expect_refused(cache, &kit, "more bytes before it", more);
    }
    for (size_t less = 1; less <= ARTIFACT; less++) {
        replace(path, bytes + less, ENTRY_BYTES - less);
        expect_refused(cache, &kit, "less bytes before it", less);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* Where a large entry is read in pieces. */
static void damage_at_the_end_of_a_piece_is_seen(void **state)
{
    (void)state;
    const size_t size = 3 * BHD__CACHE_BUFFER + 17;
    static const size_t places[] = {0,
                                    BHD__CACHE_BUFFER - 1,
                                    BHD__CACHE_BUFFER,
                                    2 * BHD__CACHE_BUFFER - 1,
                                    2 * BHD__CACHE_BUFFER,
                                    3 * BHD__CACHE_BUFFER,
                                    3 * BHD__CACHE_BUFFER + 16};
    char path[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_path(&kit, 7, path);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        unsigned char byte;
        cache_kit_keep(cache, 7, size, 0);
        assert_true(cache_kit_finds(cache, 7, size, 0));
        assert_int_equal(chmod(path, 0600), 0);
        int file = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(file, &byte, 1, (off_t)places[i]), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, (off_t)places[i]), 1);
        assert_int_equal(close(file), 0);
        assert_false(cache_kit_finds(cache, 7, size, 0));
        assert_int_equal(access(path, F_OK), -1);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* Each check alone, by what it says; the words are those of `bulkhead cache verify`. */
static void each_refusal_says_why(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* in the trailer */
        unsigned char flip;
        size_t length; /* of the file; 0: all of it */
        const char *why;
    } cases[] = {
        {0, 0, 0, NULL},
        {0, 0, sizeof(bhd__cache_trailer) - 1, "it is cut"},
        {0, 0, ENTRY_BYTES - 1, "it is cut, or no entry"},
        {offsetof(bhd__cache_trailer, magic), 1, 0, "it is cut, or no entry"},
        {offsetof(bhd__cache_trailer, zero), 1, 0, "it is cut, or no entry"},
        {offsetof(bhd__cache_trailer, key), 1, 0, "it is of another binary"},
        {offsetof(bhd__cache_trailer, identity), 1, 0,
         "it is of another build, configuration or processor"},
        {offsetof(bhd__cache_trailer, artifact_bytes), 1, 0, "its size is another than it says"},
        {offsetof(bhd__cache_trailer, description_bytes) + 7, 0x80, 0,
         "its size is another than it says"},
        {offsetof(bhd__cache_trailer, crc), 1, 0, "its content is damaged"},
    };
    bhd__cache_key key = cache_kit_key(1);
    bhd__cache_trailer trailer;
    char path[PATH_MAX];
    unsigned char bytes[ENTRY_BYTES];
    void *buffer = malloc(BHD__CACHE_BUFFER);
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    read_file(path, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = ARTIFACT + DESCRIPTION + cases[i].at;
        bytes[at] ^= cases[i].flip;
        replace(path, bytes, cases[i].length > 0 ? cases[i].length : sizeof bytes);
        bytes[at] ^= cases[i].flip;
        int file = open(path, O_RDONLY | O_CLOEXEC);
        const char *why = bhd__cache_entry_check(file, key.binary, key.identity, buffer, &trailer);
        assert_int_equal(why == NULL, cases[i].why == NULL);
        if (why != NULL)
            assert_string_equal(why, cases[i].why);
        assert_int_equal(close(file), 0);
    }
    int directory = open(kit.directory, O_RDONLY | O_CLOEXEC);
    assert_string_equal(
        bhd__cache_entry_check(directory, key.binary, key.identity, buffer, &trailer),
        "it is not a regular file");
    assert_int_equal(close(directory), 0);
    free(buffer);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- what is no entry ------------------------------------------------------------------------- */

/* A whole entry of another binary, and of another build, under this name. */
static void an_entry_of_something_else_is_seen(void **state)
{
    (void)state;
    char path[PATH_MAX], other_path[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_path(&kit, 1, path);
    static const unsigned others[] = {2, CACHE_KIT_SISTER + 1, CACHE_KIT_OLDER + 1};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cache_kit_keep(cache, others[i], ARTIFACT, DESCRIPTION);
        assert_true(cache_kit_finds(cache, others[i], ARTIFACT, DESCRIPTION));
        cache_kit_path(&kit, others[i], other_path);
        if (i == 0)
            cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
        assert_int_equal(rename(other_path, path), 0);
        expect_refused(cache, &kit, "an entry of something else", i);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void what_others_may_write_is_refused(void **state)
{
    (void)state;
    char path[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    for (mode_t mode = 0; mode <= 0777; mode++) {
        assert_int_equal(chmod(path, mode), 0);
        if ((mode & 0022) != 0 || (!is_root() && (mode & 0400) == 0))
            expect_refused(cache, &kit, "a mode", mode);
        else
            assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    }
    if (is_root()) {
        assert_int_equal(chmod(path, 0400), 0);
        assert_int_equal(chown(path, ANOTHER_USER, (gid_t)-1), 0);
        expect_refused(cache, &kit, "somebody else's file", 0);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* What it leads to is a whole entry, of the right user, and stays as it is. */
static void a_link_is_not_followed(void **state)
{
    (void)state;
    char path[PATH_MAX], elsewhere[PATH_MAX + 16];
    struct stat before, after;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", kit.directory);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(stat(elsewhere, &before), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    expect_refused(cache, &kit, "a link", 0);
    assert_int_equal(stat(elsewhere, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    expect_refused(cache, &kit, "a link to nowhere", 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, path), 0);
    expect_refused(cache, &kit, "a link to itself", 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void make_socket(const char *path)
{
    /* The name of a socket is short: it is made beneath its directory. */
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char directory[PATH_MAX];
    (void)snprintf(directory, sizeof directory, "%s", path);
    char *last = strrchr(directory, '/');
    *last = '\0';
    char *here = getcwd(NULL, 0);
    assert_non_null(here);
    assert_int_equal(chdir(directory), 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", last + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(close(listener), 0);
    assert_int_equal(chdir(here), 0);
    free(here);
}

/* Whatever it is, opening it does not wait. */
static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    char path[PATH_MAX], inside[PATH_MAX + 16];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    cache_kit_path(&kit, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(cache, &kit, "a FIFO", 0);
    assert_int_equal(unlink(path), 0);
    make_socket(path);
    expect_refused(cache, &kit, "a socket", 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(cache, &kit, "a directory", 0);
    assert_int_equal(unlink(path), 0);
    /* /dev/zero, where a device may be made. */
    if (mknod(path, S_IFCHR | 0600, (dev_t)(1 << 8 | 5)) == 0)
        expect_refused(cache, &kit, "a device", 0);
    /* A directory with something in it stays, and is in nobody's way. */
    (void)unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(inside, sizeof inside, "%s/mine", path);
    make_file(inside, "x", 1, 0600);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    assert_int_equal(access(inside, F_OK), 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- directories ------------------------------------------------------------------------------ */

/* Each case of a directory has a kit with DIRECTORY = KIT/a/b. */
typedef struct scene {
    cache_kit kit;
    char top[128], middle[160], path[192], identity[320];
} scene;

static scene scene_begin(void)
{
    scene s = {.kit = cache_kit_begin()};
    (void)snprintf(s.top, sizeof s.top, "%.100s", s.kit.directory);
    (void)snprintf(s.middle, sizeof s.middle, "%s/a", s.top);
    (void)snprintf(s.path, sizeof s.path, "%s/b", s.middle);
    (void)snprintf(s.identity, sizeof s.identity, "%s/%s", s.path, cache_kit_key(1).identity);
    assert_int_equal(mkdir(s.middle, 0700), 0);
    assert_int_equal(mkdir(s.path, 0700), 0);
    assert_int_equal(mkdir(s.identity, 0700), 0);
    return s;
}

static bhd__cache *open_scene(const scene *s, bhd_error *error)
{
    bhd__cache *cache = NULL;
    bhd_status status = bhd__cache_new(s->path, BOUND, &cache, error);
    assert_int_equal(status == BHD_OK, cache != NULL);
    return cache;
}

static void expect_used(const scene *s)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = open_scene(s, &error);
    if (cache == NULL)
        fail_msg("%s", error.message);
    bhd__cache_free(cache);
}

/* `about` is the place on the way that the message names, NULL for the directory itself; `why` is
 * what it says of it. */
static void expect_no_cache(const scene *s, const char *about, const char *why)
{
    char wanted[BHD_MESSAGE_SIZE];
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = open_scene(s, &error);
    assert_null(cache);
    assert_int_equal(error.code, BHD_FILE_UNREADABLE);
    (void)snprintf(wanted, sizeof wanted, "cache directory %s: %s%s%s", s->path,
                   about != NULL ? about : "", about != NULL ? ": " : "", why);
    if (strncmp(error.message, wanted, strlen(wanted)) != 0)
        fail_msg("%s\nis not about\n%s", error.message, wanted);
    assert_non_null(strstr(error.message, "name another directory"));
    bhd_error_fini(&error);
}

static const char wants_chmod[] =
    "others may write to it; compiled code is kept only where nobody else can replace it: take "
    "that right away (chmod go-w), or name another directory";

static void a_directory_that_others_may_change_is_refused(void **state)
{
    (void)state;
    scene s = scene_begin();
    expect_used(&s);
    for (mode_t mode = 0700; mode <= 0777; mode++) {
        bool is_open = (mode & 0022) != 0;
        assert_int_equal(chmod(s.path, mode), 0);
        if (is_open)
            expect_no_cache(&s, NULL, wants_chmod);
        else
            expect_used(&s);
        /* Others may not move what is in a sticky one, but put something there. */
        assert_int_equal(chmod(s.path, mode | S_ISVTX), 0);
        if (is_open)
            expect_no_cache(&s, NULL, wants_chmod);
        assert_int_equal(chmod(s.path, 0700), 0);

        assert_int_equal(chmod(s.middle, mode), 0);
        if (is_open)
            expect_no_cache(&s, s.middle, wants_chmod);
        else
            expect_used(&s);
        assert_int_equal(chmod(s.middle, mode | S_ISVTX), 0);
        expect_used(&s);
        assert_int_equal(chmod(s.middle, 0700), 0);
    }
    cache_kit_end(&s.kit);
}

/* What is in it is not found, and nothing is put there. */
static void the_directory_of_an_identity_is_refused_alike(void **state)
{
    (void)state;
    char elsewhere[PATH_MAX];
    scene s = scene_begin();
    bhd_error error = BHD_ERROR_INIT;
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", s.top);
    for (int way = 0; way < 5; way++) {
        if (way == 2 && !is_root())
            continue;
        bhd__cache *cache = open_scene(&s, &error);
        assert_non_null(cache);
        cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
        assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
        if (way < 2)
            assert_int_equal(chmod(s.identity, way == 0 ? 0720 : 0702), 0);
        if (way == 2)
            assert_int_equal(chown(s.identity, ANOTHER_USER, (gid_t)-1), 0);
        if (way >= 3)
            assert_int_equal(rename(s.identity, elsewhere), 0);
        if (way == 3)
            assert_int_equal(symlink(elsewhere, s.identity), 0);
        if (way == 4)
            make_file(s.identity, "x", 1, 0600);
        assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
        cache_kit_content content = cache_kit_look(&s.kit);
        cache_kit_keep(cache, 2, ARTIFACT, DESCRIPTION);
        assert_int_equal(cache_kit_look(&s.kit).files, content.files);
        assert_int_equal(cache_kit_stats(cache).damaged, 1);
        bhd__cache_free(cache);
        if (way >= 3) {
            assert_int_equal(unlink(s.identity), 0);
            assert_int_equal(rename(elsewhere, s.identity), 0);
        }
        assert_int_equal(chmod(s.identity, 0700), 0);
        assert_int_equal(chown(s.identity, geteuid(), (gid_t)-1), 0);
    }
    cache_kit_end(&s.kit);
}

static void a_directory_of_another_user_is_refused(void **state)
{
    (void)state;
    static const char why[] =
        "it belongs to another user; compiled code is kept only where nobody else can replace it: "
        "give it to this user (chown), or name another directory";
    if (!is_root())
        skip();
    scene s = scene_begin();
    assert_int_equal(chown(s.path, ANOTHER_USER, (gid_t)-1), 0);
    expect_no_cache(&s, NULL, why);
    assert_int_equal(chown(s.path, 0, (gid_t)-1), 0);
    assert_int_equal(chown(s.middle, ANOTHER_USER, (gid_t)-1), 0);
    expect_no_cache(&s, s.middle, why);
    /* Sticky or not: whoever owns a directory may do everything in it. */
    assert_int_equal(chmod(s.middle, 01777), 0);
    expect_no_cache(&s, s.middle, why);
    cache_kit_end(&s.kit);
}

static void links_on_the_way(void **state)
{
    (void)state;
    char elsewhere[160], loop[PATH_MAX];
    scene s = scene_begin();
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", s.top);
    assert_int_equal(rename(s.middle, elsewhere), 0);
    /* One's own is followed, absolute or not. */
    assert_int_equal(symlink(elsewhere, s.middle), 0);
    expect_used(&s);
    assert_int_equal(unlink(s.middle), 0);
    assert_int_equal(symlink("./elsewhere/../elsewhere//", s.middle), 0);
    expect_used(&s);
    /* What it leads to is looked at as the rest. */
    assert_int_equal(chmod(elsewhere, 0777), 0);
    expect_no_cache(&s, elsewhere, wants_chmod);
    assert_int_equal(chmod(elsewhere, 0700), 0);
    if (is_root()) {
        assert_int_equal(lchown(s.middle, ANOTHER_USER, (gid_t)-1), 0);
        expect_no_cache(&s, s.middle, "it is a link of another user; ");
    }
    assert_int_equal(unlink(s.middle), 0);
    assert_int_equal(symlink("a", s.middle), 0);
    (void)snprintf(loop, sizeof loop, "%s", s.middle);
    expect_no_cache(&s, loop, "Too many levels of symbolic links");
    assert_int_equal(unlink(s.middle), 0);
    assert_int_equal(rename(elsewhere, s.middle), 0);

    /* The directory itself is none, whatever follows the name. */
    assert_int_equal(rename(s.path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, s.path), 0);
    expect_no_cache(&s, NULL, "it is a link; ");
    scene slashes = s;
    (void)strncat(slashes.path, "//./", sizeof slashes.path - strlen(slashes.path) - 1);
    expect_no_cache(&slashes, NULL, "it is a link; ");
    cache_kit_end(&s.kit);
}

static void what_is_no_directory_is_refused(void **state)
{
    (void)state;
    scene s = scene_begin();
    char elsewhere[160];
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", s.top);
    assert_int_equal(rename(s.middle, elsewhere), 0);
    make_file(s.middle, "x", 1, 0600);
    expect_no_cache(&s, s.middle, "Not a directory; ");
    scene in_proc = s;
    (void)snprintf(in_proc.path, sizeof in_proc.path, "/proc/bulkhead/code");
    expect_no_cache(&in_proc, "/proc/bulkhead", "No such file or directory; ");
    cache_kit_end(&s.kit);
}

/* -- changes beneath a cache that is open ----------------------------------------------------- */

static void a_directory_that_is_opened_to_others_later_is_left(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    assert_int_equal(chmod(kit.directory, 0777), 0);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 2, ARTIFACT, DESCRIPTION);
    assert_int_equal(cache_kit_look(&kit).files, 1);
    assert_int_equal(chmod(kit.directory, 0755), 0);
    assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void a_directory_that_vanishes_is_no_trouble(void **state)
{
    (void)state;
    char path[PATH_MAX];
    scene s = scene_begin();
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = open_scene(&s, &error);
    cache_kit kit = s.kit;
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    (void)snprintf(path, sizeof path, "%s/%s", s.identity, cache_kit_key(1).binary);
    /* That of the identity is made anew. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(s.identity), 0);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    assert_true(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    /* The whole cache is not. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(s.identity), 0);
    cache_kit whole = s.kit;
    (void)snprintf(whole.directory, sizeof whole.directory, "%s", s.path);
    cache_kit_count_anew(&whole);
    assert_int_equal(rmdir(s.path), 0);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    assert_false(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    assert_int_equal(cache_kit_stats(cache).damaged, 0);
    assert_int_equal(cache_kit_look(&kit).files, 0);
    bhd__cache_free(cache);
    cache_kit_end(&s.kit);
}

/* A program that closes what it did not open, and puts a directory of its own in its place. */
static void body_of_closed_descriptors(void *env)
{
    const scene *s = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    CHECK(bhd__cache_new(s->path, BOUND, &cache, &error) == BHD_OK);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    CHECK(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_content before = cache_kit_look(&s->kit);
    for (int fd = 3; fd < 64; fd++)
        (void)close(fd);
    int mine = open(s->top, O_RDONLY | O_DIRECTORY);
    for (int fd = 3; fd < 16; fd++)
        (void)dup2(mine, fd);
    CHECK(!cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 2, ARTIFACT, DESCRIPTION);
    bhd__cache_free(cache);
    for (int fd = 3; fd < 16; fd++)
        CHECK(fcntl(fd, F_GETFD) >= 0);
    CHECK(cache_kit_look(&s->kit).files == before.files);
    CHECK(cache_kit_look(&s->kit).directories == before.directories);
}

static void a_closed_descriptor_is_nobodys_directory(void **state)
{
    (void)state;
    scene s = scene_begin();
    child_succeeds(body_of_closed_descriptors, &s);
    cache_kit_end(&s.kit);
}

/* -- as a user without privileges ------------------------------------------------------------- */

static void become_nobody(void)
{
    if (!is_root())
        return;
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setresgid(ANOTHER_USER, ANOTHER_USER, ANOTHER_USER) == 0);
    CHECK(setresuid(ANOTHER_USER, ANOTHER_USER, ANOTHER_USER) == 0);
}

/* Root's entries are believed; what cannot be kept is not. */
static void body_of_roots_cache(void *env)
{
    const cache_kit *kit = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    become_nobody();
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    CHECK(cache_kit_finds(cache, 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, 2, ARTIFACT, DESCRIPTION);
    CHECK(!cache_kit_finds(cache, 2, ARTIFACT, DESCRIPTION));
    CHECK(cache_kit_stats(cache).kept == 0 && cache_kit_stats(cache).damaged == 0);
    bhd__cache_free(cache);
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    CHECK(!cache_kit_finds(cache, CACHE_KIT_OLDER + 1, ARTIFACT, DESCRIPTION));
    cache_kit_keep(cache, CACHE_KIT_OLDER + 1, ARTIFACT, DESCRIPTION);
    CHECK(cache_kit_stats(cache).kept == 0);
    bhd__cache_free(cache);
}

static void a_directory_that_can_only_be_read_is_used(void **state)
{
    (void)state;
    char identity[PATH_MAX], path[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, ARTIFACT, DESCRIPTION);
    bhd__cache_free(cache);
    cache_kit_path(&kit, 1, path);
    cache_kit_identity_path(&kit, 1, identity);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(identity, 0555), 0);
    assert_int_equal(chmod(kit.directory, 0555), 0);
    child_succeeds(body_of_roots_cache, &kit);
    assert_int_equal(chmod(kit.directory, 0700), 0);
    assert_int_equal(chmod(identity, 0700), 0);
    cache_kit_content content = cache_kit_look(&kit);
    assert_int_equal(content.files, 1);
    assert_int_equal(content.directories, 1);
    cache_kit_end(&kit);
}

/* What another user has left in a place where both may write is none of the cache's. */
static void body_of_a_trap(void *env)
{
    const char *trap = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    become_nobody();
    CHECK(bhd__cache_new(trap, BOUND, &cache, &error) == BHD_FILE_UNREADABLE);
    CHECK(strstr(error.message, "it belongs to another user; ") != NULL);
    bhd_error_fini(&error);
}

static void another_users_directory_in_a_shared_one_is_a_trap(void **state)
{
    (void)state;
    char trap[160];
    if (!is_root())
        skip();
    cache_kit kit = cache_kit_begin();
    (void)snprintf(trap, sizeof trap, "%.100s/trap", kit.directory);
    assert_int_equal(mkdir(trap, 0755), 0);
    assert_int_equal(chown(trap, ANOTHER_USER + 1, (gid_t)-1), 0);
    assert_int_equal(chmod(kit.directory, 01777), 0);
    child_succeeds(body_of_a_trap, trap);
    cache_kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_bit_is_seen),
        cmocka_unit_test(another_length_is_seen),
        cmocka_unit_test(damage_at_the_end_of_a_piece_is_seen),
        cmocka_unit_test(each_refusal_says_why),
        cmocka_unit_test(an_entry_of_something_else_is_seen),
        cmocka_unit_test(what_others_may_write_is_refused),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_directory_that_others_may_change_is_refused),
        cmocka_unit_test(the_directory_of_an_identity_is_refused_alike),
        cmocka_unit_test(a_directory_of_another_user_is_refused),
        cmocka_unit_test(links_on_the_way),
        cmocka_unit_test(what_is_no_directory_is_refused),
        cmocka_unit_test(a_directory_that_is_opened_to_others_later_is_left),
        cmocka_unit_test(a_directory_that_vanishes_is_no_trouble),
        cmocka_unit_test(a_closed_descriptor_is_nobodys_directory),
        cmocka_unit_test(a_directory_that_can_only_be_read_is_used),
        cmocka_unit_test(another_users_directory_in_a_shared_one_is_a_trap),
    };
    return cmocka_run_group_tests_name("cache_hostile", tests, NULL, NULL);
}
