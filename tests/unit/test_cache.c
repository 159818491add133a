/*
 * The cache of artefacts among friends: what is kept is found, the bound holds, who goes first.
 * test_cache_hostile.c has its enemies.
 */
#include "support/cache_kit.h"
#include "unit/unit_test.h"

#include "base/alloc.h"
#include "bulkhead/code_cache.h"
#include "compile/cache_entry.h"
#include "compile/cache_room.h"
#include "compile/cache_total.h"

#include <bulkhead_digest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KIB(n) ((size_t)(n)*1024)
#define HOUR 3600

static void set_age(const cache_kit *kit, unsigned number, time_t seconds)
{
    char path[PATH_MAX];
    const struct timespec times[2] = {{0, UTIME_OMIT}, {time(NULL) - seconds, 0}};
    cache_kit_path(kit, number, path);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static time_t age_of(const cache_kit *kit, unsigned number)
{
    char path[PATH_MAX];
    struct stat about;
    cache_kit_path(kit, number, path);
    assert_int_equal(stat(path, &about), 0);
    /* The clock of files may be some milliseconds ahead of that of time(). */
    time_t age = time(NULL) - about.st_mtim.tv_sec;
    return age == -1 ? 0 : age;
}

static bool is_there(const cache_kit *kit, unsigned number)
{
    char path[PATH_MAX];
    cache_kit_path(kit, number, path);
    return access(path, F_OK) == 0;
}

/* -- digests ---------------------------------------------------------------------------------- */

/* FIPS 180-2 B.1 and B.3; RFC 3720 B.4. */
static void digests_are_those_of_the_standards(void **state)
{
    (void)state;
    bhd__cache_identity identity = bhd__cache_identity_of("", NULL, 0);
    bhd__cache_key key = bhd__cache_key_of(&identity, "abc", 3);
    assert_string_equal(key.identity, identity.digits);
    assert_string_equal(key.binary,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    key = bhd__cache_key_of(&identity, million, 1000000);
    free(million);
    assert_string_equal(key.binary,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    key = bhd__cache_key_of(&identity, NULL, 0);
    assert_string_equal(key.binary,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(bhd_engine_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(bhd_engine_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned char i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    assert_int_equal(bhd_engine_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (size_t i = 0; i <= sizeof bytes; i++)
        assert_int_equal(
            bhd_engine_crc32c(bhd_engine_crc32c(0, bytes, i), bytes + i, sizeof bytes - i),
            0x46dd794e);
    assert_int_equal(bhd_engine_crc32c(0, NULL, 0), 0);
}

static void an_identity_depends_on_build_and_configuration(void **state)
{
    (void)state;
    bhd__cache_identity one = bhd__cache_identity_of("build 1", "abc", 3);
    bhd__cache_identity same = bhd__cache_identity_of("build 1", "abc", 3);
    bhd__cache_identity other = bhd__cache_identity_of("build 1", "abd", 3);
    bhd__cache_identity newer = bhd__cache_identity_of("build 2", "abc", 3);
    assert_true(bhd__cache_is_name(one.digits));
    assert_string_equal(one.digits, same.digits);
    assert_string_not_equal(one.digits, other.digits);
    assert_true(bhd__cache_same_build(one.digits, other.digits));
    assert_false(bhd__cache_same_build(one.digits, newer.digits));
    assert_memory_equal(one.digits + 32, newer.digits + 32, 32);
}

static void names_are_64_small_digits(void **state)
{
    (void)state;
    char name[70] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_true(bhd__cache_is_name(name));
    name[64] = '0';
    assert_false(bhd__cache_is_name(name));
    name[63] = '\0';
    assert_false(bhd__cache_is_name(name));
    assert_false(bhd__cache_is_name(""));
    assert_false(bhd__cache_is_name(".."));
    name[63] = 'A';
    name[64] = '\0';
    assert_false(bhd__cache_is_name(name));
    name[63] = '/';
    assert_false(bhd__cache_is_name(name));
}

/* -- keeping and finding ---------------------------------------------------------------------- */

static void what_is_kept_is_found(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 0},          {0, 1},          {0, 0},
                                      {4096, 4096},    {65535, 0},      {65536, 0},
                                      {65536, 1},      {KIB(300), 100}, {KIB(128) - 160, 0},
                                      {100, KIB(200)}, {1, 65535}};
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(16384));
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        assert_false(cache_kit_finds(cache, i, sizes[i][0], sizes[i][1]));
        cache_kit_keep(cache, i, sizes[i][0], sizes[i][1]);
        assert_true(cache_kit_finds(cache, i, sizes[i][0], sizes[i][1]));
    }
    /* Another life finds it too. */
    bhd__cache *other = cache_kit_cache(&kit, KIB(16384));
    for (unsigned i = 0; i < COUNT_OF(sizes); i++)
        assert_true(cache_kit_finds(other, i, sizes[i][0], sizes[i][1]));
    bhd__cache_stats stats = cache_kit_stats(cache);
    assert_int_equal(stats.hits, COUNT_OF(sizes));
    assert_int_equal(stats.misses, COUNT_OF(sizes));
    assert_int_equal(stats.kept, COUNT_OF(sizes));
    assert_int_equal(stats.evicted, 0);
    assert_int_equal(stats.damaged, 0);
    assert_int_equal(cache_kit_look(&kit).files, COUNT_OF(sizes));
    bhd__cache_free(cache);
    bhd__cache_free(other);
    bhd__cache_free(NULL);
    cache_kit_end(&kit);
}

static void an_entry_is_the_users_alone(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct stat about;
    cache_kit kit = cache_kit_begin();
    mode_t before = umask(0);
    bhd__cache *cache = cache_kit_cache(&kit, KIB(1024));
    cache_kit_keep(cache, 1, 100, 10);
    (void)umask(0777);
    cache_kit_keep(cache, 2, 100, 10);
    (void)umask(before);
    for (unsigned i = 1; i <= 2; i++) {
        cache_kit_path(&kit, i, path);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode, S_IFREG | 0400);
        assert_int_equal(about.st_nlink, 1);
        assert_int_equal(about.st_size, 110 + sizeof(bhd__cache_trailer));
        assert_true(cache_kit_finds(cache, i, 100, 10));
    }
    cache_kit_identity_path(&kit, 1, path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode, S_IFDIR | 0700);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* The first one stays: whoever has it open goes on with the same file. */
static void an_entry_that_is_there_is_left(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct stat first, second;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(1024));
    cache_kit_keep(cache, 1, 100, 10);
    cache_kit_path(&kit, 1, path);
    assert_int_equal(stat(path, &first), 0);
    cache_kit_keep(cache, 1, 100, 10);
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(cache_kit_stats(cache).kept, 1);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void an_entry_that_was_refused_makes_room_for_another(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(1024));
    bhd__cache_key key = cache_kit_key(1), other = cache_kit_key(2);
    cache_kit_keep(cache, 1, 100, 10);
    bhd__cache_drop(cache, &other);
    assert_true(cache_kit_finds(cache, 1, 100, 10));
    bhd__cache_drop(cache, &key);
    assert_false(cache_kit_finds(cache, 1, 100, 10));
    assert_int_equal(cache_kit_stats(cache).damaged, 2);
    cache_kit_keep(cache, 1, 200, 20);
    assert_true(cache_kit_finds(cache, 1, 200, 20));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void missing_directories_are_made_for_the_user_alone(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    struct stat about;
    char path[PATH_MAX + 32];
    cache_kit kit = cache_kit_begin(), deep = kit;
    mode_t before = umask(0);
    (void)snprintf(deep.directory, sizeof deep.directory, "%.200s/a//./b/c/", kit.directory);
    bhd__cache *cache = cache_kit_cache(&deep, KIB(1024));
    (void)umask(before);
    for (const char *const *part = (const char *const[]){"a", "a/b", "a/b/c", NULL}; *part;
         part++) {
        (void)snprintf(path, sizeof path, "%.200s/%s", kit.directory, *part);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode, S_IFDIR | 0700);
    }
    cache_kit_keep(cache, 1, 100, 10);
    assert_true(cache_kit_finds(cache, 1, 100, 10));
    bhd__cache_free(cache);

    /* A relative one too; and it is held, wherever the program goes. */
    char *here = getcwd(NULL, 0);
    assert_non_null(here);
    assert_int_equal(chdir(kit.directory), 0);
    assert_int_equal(bhd__cache_new("a/../a/b/c", KIB(1024), &cache, &error), BHD_OK);
    assert_int_equal(chdir(here), 0);
    free(here);
    assert_true(cache_kit_finds(cache, 1, 100, 10));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void an_empty_path_is_refused(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    assert_int_equal(bhd__cache_new("", 1, &cache, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "cache directory: the path is empty");
    assert_null(cache);
    bhd_error_fini(&error);
}

/* -- the bound -------------------------------------------------------------------------------- */

static void what_was_used_longest_ago_goes(void **state)
{
    (void)state;
    enum { FIRST = 20 };
    cache_kit kit = cache_kit_begin();
    /* Room for exactly so many of 16 KiB. */
    bhd__cache *cache = cache_kit_cache(&kit, FIRST * KIB(16));
    for (unsigned i = 0; i < FIRST; i++) {
        cache_kit_keep(cache, i, KIB(16) - sizeof(bhd__cache_trailer), 0);
        set_age(&kit, i, (time_t)(2 + i) * HOUR);
    }
    assert_int_equal(cache_kit_look(&kit).files, FIRST);
    assert_int_equal(cache_kit_look(&kit).weight, FIRST * KIB(16));
    assert_int_equal(cache_kit_stats(cache).evicted, 0);
    /* The oldest is used; then three have to go to get to nine tenths, the new one counted. */
    assert_true(cache_kit_finds(cache, FIRST - 1, KIB(16) - sizeof(bhd__cache_trailer), 0));
    cache_kit_keep(cache, FIRST, 100, 0);
    assert_int_equal(cache_kit_stats(cache).evicted, 3);
    for (unsigned i = 0; i <= FIRST; i++)
        assert_int_equal(is_there(&kit, i), i < FIRST - 4 || i >= FIRST - 1);
    assert_int_equal(cache_kit_look(&kit).weight, (FIRST - 3) * KIB(16) + KIB(4));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void a_use_is_noted_once_an_hour(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(1024));
    cache_kit_keep(cache, 1, 100, 0);
    set_age(&kit, 1, HOUR / 2);
    assert_true(cache_kit_finds(cache, 1, 100, 0));
    assert_in_range(age_of(&kit, 1), HOUR / 2, HOUR);
    set_age(&kit, 1, 2 * HOUR);
    assert_true(cache_kit_finds(cache, 1, 100, 0));
    assert_in_range(age_of(&kit, 1), 0, HOUR / 2);
    /* A clock that was ahead. */
    set_age(&kit, 1, -48 * HOUR);
    assert_true(cache_kit_finds(cache, 1, 100, 0));
    assert_in_range(age_of(&kit, 1), 0, HOUR / 2);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void a_time_ahead_does_not_keep_an_entry(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    for (unsigned i = 0; i < 16; i++) {
        cache_kit_keep(cache, i, 100, 0);
        set_age(&kit, i, i == 5 ? -48 * HOUR : (time_t)(20 - i) * HOUR);
    }
    cache_kit_keep(cache, 16, 100, 0);
    assert_int_equal(cache_kit_stats(cache).evicted, 3);
    assert_false(is_there(&kit, 5));
    assert_false(is_there(&kit, 0));
    assert_true(is_there(&kit, 2));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* The first half of an identity is the build's: another configuration of the same build is one of
 * ours, what an older build has left goes first and takes its directory with it. */
static void other_builds_count_and_go_first(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    for (unsigned i = 0; i < 16; i++) {
        bool is_older = i >= 14;
        unsigned number = i + (is_older ? CACHE_KIT_OLDER : i < 7 ? CACHE_KIT_SISTER : 0);
        cache_kit_keep(cache, number, 100, 0);
        set_age(&kit, number, is_older ? 0 : (time_t)i * HOUR);
    }
    assert_int_equal(cache_kit_look(&kit).weight, KIB(64));
    assert_int_equal(cache_kit_look(&kit).directories, 3);
    cache_kit_keep(cache, 16, 100, 0);
    assert_int_equal(cache_kit_stats(cache).evicted, 3);
    assert_int_equal(cache_kit_look(&kit).directories, 2);
    assert_false(is_there(&kit, 13));
    assert_true(is_there(&kit, 12));
    assert_true(is_there(&kit, CACHE_KIT_SISTER + 6));
    /* Whose directory went makes it anew. */
    cache_kit_keep(cache, CACHE_KIT_OLDER + 20, 100, 0);
    assert_true(cache_kit_finds(cache, CACHE_KIT_OLDER + 20, 100, 0));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- the total that is remembered ------------------------------------------------------------- */

static void put_total(const cache_kit *kit, const void *bytes, size_t size, mode_t mode)
{
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/%s", kit->directory, BHD__CACHE_TOTAL_NAME);
    (void)unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    assert_int_equal(fchmod(file, mode), 0);
    assert_int_equal(close(file), 0);
}

static size_t get_total(const cache_kit *kit, void *bytes, size_t capacity)
{
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/%s", kit->directory, BHD__CACHE_TOTAL_NAME);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    ssize_t size = read(file, bytes, capacity);
    assert_true(size >= 0);
    assert_int_equal(close(file), 0);
    return (size_t)size;
}

static uint64_t total_of(const cache_kit *kit)
{
    bhd__cache_total total = {UINT64_MAX, 0};
    int directory = open(kit->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_read = bhd__cache_total_read(directory, &total);
    assert_int_equal(close(directory), 0);
    return is_read ? total.weight : UINT64_MAX;
}

static void the_total_is_that_of_the_entries(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    for (unsigned i = 0; i < 40; i++) {
        cache_kit_keep(cache, i, i * 300, 0);
        cache_kit_keep(cache, i, i * 300, 0);
        assert_int_equal(total_of(&kit), cache_kit_look(&kit).weight);
        assert_true(total_of(&kit) <= KIB(64));
    }
    assert_int_equal(bhd_code_cache_clear(kit.directory, NULL, NULL, NULL), BHD_OK);
    assert_int_equal(total_of(&kit), UINT64_MAX);
    cache_kit_keep(cache, 1, 100, 0);
    assert_int_equal(total_of(&kit), KIB(4));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* It says that there is room for everything; whoever believed it would exceed the bound. */
static void a_total_that_is_not_sound_is_not_believed(void **state)
{
    (void)state;
    unsigned char bytes[64];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    int directory = open(kit.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int64_t now = (int64_t)time(NULL);
    unsigned next = 100;
    const bhd__cache_total nothing = {0, now}, old = {0, now - 2 * HOUR}, ahead = {0, now + HOUR};
    for (unsigned i = 0; i < 16; i++)
        cache_kit_keep(cache, i, 100, 0);

    /* Sound, it is believed, so that what follows is refused for what is said there. */
    assert_true(bhd__cache_total_write(directory, &nothing));
    const size_t size = get_total(&kit, bytes, sizeof bytes);
    cache_kit_keep(cache, next++, 100, 0);
    assert_int_equal(cache_kit_look(&kit).weight, KIB(68));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put_total(&kit, bytes, size, 0600);
        assert_int_equal(total_of(&kit), UINT64_MAX);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    /* Of another version, and whole. */
    unsigned char other_version[64];
    memcpy(other_version, bytes, size);
    other_version[0] ^= 3;
    const uint32_t crc = bhd_engine_crc32c(0, other_version, size - sizeof crc);
    memcpy(other_version + size - sizeof crc, &crc, sizeof crc);
    put_total(&kit, other_version, size, 0600);
    assert_int_equal(total_of(&kit), UINT64_MAX);
    for (int way = 0; way < 6; way++) {
        char path[PATH_MAX + 32], other[PATH_MAX + 32];
        put_total(&kit, bytes, way == 0 ? size - 1 : size,
                  way == 1   ? 0660
                  : way == 2 ? 0606
                             : 0600);
        (void)snprintf(path, sizeof path, "%s/%s", kit.directory, BHD__CACHE_TOTAL_NAME);
        (void)snprintf(other, sizeof other, "%s/other", kit.directory);
        if (way == 3)
            assert_true(bhd__cache_total_write(directory, &old));
        if (way == 4)
            assert_true(bhd__cache_total_write(directory, &ahead));
        if (way == 5) {
            assert_int_equal(rename(path, other), 0);
            assert_int_equal(symlink("other", path), 0);
        }
        assert_int_equal(total_of(&kit), UINT64_MAX);
        /* Nor is there an entry of the way before, whose count would do. */
        for (unsigned i = 0; i < 3; i++)
            cache_kit_keep(cache, next++, 100, 0);
        assert_true(total_of(&kit) <= KIB(64));
        if (way == 5) {
            struct stat about;
            assert_int_equal(lstat(path, &about), 0);
            assert_true(S_ISREG(about.st_mode));
            assert_int_equal(unlink(other), 0);
        }
        assert_true(cache_kit_look(&kit).weight <= KIB(64));
    }
    assert_int_equal(close(directory), 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* Where it cannot be written, everything is looked at each time. */
static void a_total_that_cannot_be_written_is_no_matter(void **state)
{
    (void)state;
    char path[PATH_MAX + 32];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    (void)snprintf(path, sizeof path, "%s/%s", kit.directory, BHD__CACHE_TOTAL_NAME);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned i = 0; i < 40; i++) {
        cache_kit_keep(cache, i, 100, 0);
        assert_true(cache_kit_finds(cache, i, 100, 0));
        assert_true(cache_kit_look(&kit).weight <= KIB(64));
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    const size_t quarter = KIB(16);
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, 4 * quarter);
    cache_kit_keep(cache, 1, quarter - sizeof(bhd__cache_trailer), 0);
    cache_kit_keep(cache, 2, quarter - sizeof(bhd__cache_trailer), 1);
    assert_true(is_there(&kit, 1));
    assert_false(is_there(&kit, 2));
    bhd__cache_key key = cache_kit_key(3);
    int output = cache_kit_output(3, 10, 0);
    cache_kit_put(cache, &key, output, UINT64_MAX, 1);
    cache_kit_put(cache, &key, output, 1, UINT64_MAX);
    cache_kit_put(cache, &key, output, UINT64_MAX - 100, 0);
    /* What says that it is longer than it is. */
    cache_kit_put(cache, &key, output, 11, 0);
    (void)close(output);
    assert_false(is_there(&kit, 3));
    assert_int_equal(cache_kit_look(&kit).files, 1);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- without memory --------------------------------------------------------------------------- */

static bhd_status live(const cache_kit *kit)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    bhd_status status = bhd__cache_new(kit->directory, KIB(1024), &cache, &error);
    if (status == BHD_OK) {
        cache_kit_keep(cache, 1, 100, 10);
        bool is_found = cache_kit_finds(cache, 1, 100, 10);
        status = is_found ? BHD_OK : BHD_HOST_OUT_OF_MEMORY;
        assert_int_equal(cache_kit_stats(cache).damaged, 0);
        bhd__cache_free(cache);
    }
    bhd_error_fini(&error);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bhd_status status = BHD_HOST_OUT_OF_MEMORY;
    unsigned nth;
    for (nth = 1; status != BHD_OK; nth++) {
        cache_kit kit = cache_kit_begin();
        uint64_t before = bhd__alloc_live();
        bhd__alloc_fail_at(nth, 0);
        status = live(&kit);
        bhd__alloc_fail_at(0, 0);
        assert_int_equal(bhd__alloc_live(), before);
        assert_true(status == BHD_OK || status == BHD_HOST_OUT_OF_MEMORY);
        assert_true(cache_kit_look(&kit).files <= 1);
        cache_kit_end(&kit);
        assert_true(nth < 100);
    }
    assert_true(nth > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standards),
        cmocka_unit_test(an_identity_depends_on_build_and_configuration),
        cmocka_unit_test(names_are_64_small_digits),
        cmocka_unit_test(what_is_kept_is_found),
        cmocka_unit_test(an_entry_is_the_users_alone),
        cmocka_unit_test(an_entry_that_is_there_is_left),
        cmocka_unit_test(an_entry_that_was_refused_makes_room_for_another),
        cmocka_unit_test(missing_directories_are_made_for_the_user_alone),
        cmocka_unit_test(an_empty_path_is_refused),
        cmocka_unit_test(what_was_used_longest_ago_goes),
        cmocka_unit_test(a_use_is_noted_once_an_hour),
        cmocka_unit_test(a_time_ahead_does_not_keep_an_entry),
        cmocka_unit_test(other_builds_count_and_go_first),
        cmocka_unit_test(the_total_is_that_of_the_entries),
        cmocka_unit_test(a_total_that_is_not_sound_is_not_believed),
        cmocka_unit_test(a_total_that_cannot_be_written_is_no_matter),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
