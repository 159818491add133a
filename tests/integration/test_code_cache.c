/*
 * Looking after a cache: what is shown, what is said of it, and what clearing takes and leaves.
 */
#include "support/cache_kit.h"

#include "bulkhead/code_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "engine/code/build.h"
#include "engine/code/translate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOUND (UINT64_C(1) << 24)

typedef struct shown {
    size_t count;
    struct {
        char identity[65], binary[65], problem[80];
        uint64_t bytes, used_at;
        bool is_current;
    } entries[16];
} shown;

static void take(void *env, const bhd_code_cache_entry *entry)
{
    shown *s = env;
    assert_true(s->count < 16);
    (void)snprintf(s->entries[s->count].identity, 65, "%s", entry->identity);
    (void)snprintf(s->entries[s->count].binary, 65, "%s", entry->binary);
    (void)snprintf(s->entries[s->count].problem, 80, "%s",
                   entry->problem != NULL ? entry->problem : "");
    s->entries[s->count].bytes = entry->bytes;
    s->entries[s->count].used_at = entry->used_at;
    s->entries[s->count].is_current = entry->is_current;
    s->count++;
}

typedef bhd_status (*care)(const char *directory, bhd_code_cache_visit visit, void *env,
                           bhd_error *error);

static shown see(const cache_kit *kit, care what)
{
    bhd_error error = BHD_ERROR_INIT;
    shown s = {0};
    if (what(kit->directory, take, &s, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return s;
}

/* What is said of an entry; NULL when it is not shown. */
static const char *problem_of(const shown *s, unsigned number)
{
    bhd__cache_key key = cache_kit_key(number);
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entries[i].binary, key.binary) == 0 &&
            strcmp(s->entries[i].identity, key.identity) == 0)
            return s->entries[i].problem;
    return NULL;
}

/* A file beneath the directory of an identity. */
static void beneath(const cache_kit *kit, const char *name, char *path)
{
    char directory[PATH_MAX];
    cache_kit_identity_path(kit, 1, directory);
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    assert_in_range(length, 1, PATH_MAX - 1);
}

static void touch(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
}

static void entries_are_listed_by_their_use(void **state)
{
    (void)state;
    char path[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    const time_t now = time(NULL);
    assert_int_equal(see(&kit, bhd_code_cache_list).count, 0);
    for (unsigned i = 0; i < 4; i++) {
        const struct timespec times[2] = {{0, UTIME_OMIT}, {now - (time_t)(10 - i) * 3600, 0}};
        cache_kit_keep(cache, i, i * 5000, 7);
        cache_kit_path(&kit, i, path);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    /* Of this build: the last to go. */
    bhd__cache_identity current = bhd__cache_identity_of(bhd__engine_build(), "x", 1);
    bhd__cache_key key = bhd__cache_key_of(&current, "y", 1);
    int output = cache_kit_output(1, 100, 0);
    cache_kit_put(cache, &key, output, 100, 0);
    assert_int_equal(close(output), 0);

    shown s = see(&kit, bhd_code_cache_list);
    assert_int_equal(s.count, 5);
    assert_string_equal(s.entries[0].binary, key.binary);
    assert_string_equal(s.entries[0].identity, current.digits);
    assert_true(s.entries[0].is_current);
    for (unsigned i = 0; i < 4; i++) {
        key = cache_kit_key(3 - i);
        assert_string_equal(s.entries[1 + i].binary, key.binary);
        assert_string_equal(s.entries[1 + i].identity, key.identity);
        assert_string_equal(s.entries[1 + i].problem, "");
        assert_false(s.entries[1 + i].is_current);
        assert_int_equal(s.entries[1 + i].bytes, ((3 - i) * 5000 / 4096 + 1) * 4096);
        assert_int_equal(s.entries[1 + i].used_at, (uint64_t)now - (7 + i) * 3600);
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* Looking is no use, and changes nothing. */
static void verifying_tells_the_damaged_from_the_whole(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct stat before, after;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    for (unsigned i = 0; i < 7; i++)
        cache_kit_keep(cache, i, 1000, 7);
    cache_kit_keep(cache, CACHE_KIT_OLDER + 1, 1000, 7);
    cache_kit_path(&kit, 1, path);
    assert_int_equal(chmod(path, 0600), 0);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(file, "?", 1, 500), 1);
    assert_int_equal(close(file), 0);
    cache_kit_path(&kit, 2, path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 900), 0);
    cache_kit_path(&kit, 3, path);
    assert_int_equal(chmod(path, 0666), 0);
    cache_kit_path(&kit, 4, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    cache_kit_path(&kit, 5, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    const struct timespec times[2] = {{0, UTIME_OMIT}, {1000000000, 0}};
    cache_kit_path(&kit, 6, path);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(stat(path, &before), 0);

    char dead[PATH_MAX];
    beneath(&kit, "new-ffeeddccbbaa99887766554433221100", dead);
    touch(dead);
    shown s = see(&kit, bhd_code_cache_verify);
    assert_int_equal(s.count, 8);
    assert_string_equal(problem_of(&s, 0), "");
    assert_string_equal(problem_of(&s, 1), "its content is damaged");
    assert_string_equal(problem_of(&s, 2), "it is cut, or no entry");
    assert_string_equal(problem_of(&s, 3), "others may write to it");
    assert_string_equal(problem_of(&s, 4), "it is not a regular file");
    assert_string_equal(problem_of(&s, 5), "it is not a regular file");
    assert_string_equal(problem_of(&s, 6), "");
    assert_string_equal(problem_of(&s, CACHE_KIT_OLDER + 1), "");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(access(dead, F_OK), 0);
    assert_int_equal(cache_kit_look(&kit).files, 8);

    /* A list sees what can be seen from outside. */
    s = see(&kit, bhd_code_cache_list);
    assert_int_equal(s.count, 8);
    assert_string_equal(problem_of(&s, 1), "");
    assert_string_equal(problem_of(&s, 3), "others may write to it");
    assert_int_equal(access(dead, F_OK), 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void clearing_takes_entries_and_nothing_else(void **state)
{
    (void)state;
    static const char *const others[] = {"README", "0123", "new-photo", ".hidden"};
    char path[PATH_MAX], outside[PATH_MAX], dead[PATH_MAX], living[PATH_MAX], linked[PATH_MAX];
    cache_kit kit = cache_kit_begin(), elsewhere = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    bhd__cache *of_elsewhere = cache_kit_cache(&elsewhere, BOUND);
    for (unsigned i = 0; i < 5; i++)
        cache_kit_keep(cache, i, 1000, 7);
    cache_kit_keep(cache, CACHE_KIT_OLDER + 1, 1000, 7);
    cache_kit_keep(cache, CACHE_KIT_SISTER + 1, 1000, 7);
    cache_kit_keep(of_elsewhere, 1, 1000, 7);

    /* A link in place of an entry goes, what it leads to stays. */
    cache_kit_path(&kit, 1, path);
    assert_int_equal(unlink(path), 0);
    cache_kit_path(&elsewhere, 1, outside);
    assert_int_equal(symlink(outside, path), 0);
    /* A link in place of an identity is neither followed nor taken. */
    cache_kit_identity_path(&elsewhere, 1, outside);
    int length = snprintf(linked, sizeof linked, "%.100s/%064d", kit.directory, 7);
    assert_in_range(length, 1, PATH_MAX - 1);
    assert_int_equal(symlink(outside, linked), 0);
    /* Files of the user, beside the entries and beside their directories. */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        beneath(&kit, others[i], path);
        touch(path);
        length = snprintf(path, sizeof path, "%.100s/%s", kit.directory, others[i]);
        assert_in_range(length, 1, PATH_MAX - 1);
        touch(path);
    }
    beneath(&kit, "new-00112233445566778899aabbccddeeff", living);
    beneath(&kit, "new-ffeeddccbbaa99887766554433221100", dead);
    touch(living);
    touch(dead);
    int writer = open(living, O_WRONLY | O_CLOEXEC);
    assert_int_equal(flock(writer, LOCK_EX), 0);

    shown s = see(&kit, bhd_code_cache_clear);
    assert_int_equal(s.count, 8);
    assert_string_equal(problem_of(&s, 1), "");
    for (size_t i = 0; i < s.count; i++)
        if (s.entries[i].binary[0] == '\0')
            assert_string_equal(s.entries[i].problem,
                                "it is no directory that only this user can change");
    assert_int_equal(access(living, F_OK), 0);
    assert_int_equal(access(dead, F_OK), -1);
    cache_kit_content content = cache_kit_look(&kit);
    assert_int_equal(content.files, 2 * 4 + 2);
    assert_int_equal(content.directories, 1);
    assert_int_equal(cache_kit_look(&elsewhere).files, 1);
    for (unsigned i = 0; i < 5; i++)
        assert_false(cache_kit_finds(cache, i, 1000, 7));
    /* The cache goes on. */
    cache_kit_keep(cache, 1, 1000, 7);
    assert_true(cache_kit_finds(cache, 1, 1000, 7));
    assert_int_equal(close(writer), 0);
    bhd__cache_free(cache);
    bhd__cache_free(of_elsewhere);
    cache_kit_end(&kit);
    cache_kit_end(&elsewhere);
}

/* Also of a directory without an entry, and of one with nothing but a dead writer's file. */
static void a_cleared_cache_is_empty(void **state)
{
    (void)state;
    char path[PATH_MAX], dead[PATH_MAX + 48];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    for (unsigned i = 0; i < 5; i++)
        cache_kit_keep(cache, i, 1000, 7);
    cache_kit_keep(cache, CACHE_KIT_OLDER + 1, 1000, 7);
    for (int i = 1; i <= 2; i++) {
        int length = snprintf(path, sizeof path, "%.100s/%064d", kit.directory, i);
        assert_in_range(length, 1, PATH_MAX - 1);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    (void)snprintf(dead, sizeof dead, "%s/new-ffeeddccbbaa99887766554433221100", path);
    touch(dead);
    assert_int_equal(bhd_code_cache_clear(kit.directory, NULL, NULL, NULL), BHD_OK);
    assert_int_equal(cache_kit_look(&kit).files, 0);
    assert_int_equal(cache_kit_look(&kit).directories, 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void what_cannot_be_removed_is_told(void **state)
{
    (void)state;
    char path[PATH_MAX], inside[PATH_MAX + 8];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, 1000, 7);
    cache_kit_path(&kit, 2, path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(inside, sizeof inside, "%s/mine", path);
    touch(inside);
    shown s = see(&kit, bhd_code_cache_clear);
    assert_int_equal(s.count, 2);
    assert_string_equal(problem_of(&s, 1), "");
    assert_string_equal(problem_of(&s, 2), "Is a directory");
    assert_int_equal(access(inside, F_OK), 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void other_directories_are_refused(void **state)
{
    (void)state;
    static const care cares[] = {bhd_code_cache_list, bhd_code_cache_verify, bhd_code_cache_clear};
    char message[BHD_MESSAGE_SIZE], missing[PATH_MAX];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, 1000, 7);
    assert_int_equal(chmod(kit.directory, 0777), 0);
    (void)snprintf(missing, sizeof missing, "%.100s/missing", kit.directory);
    for (size_t i = 0; i < sizeof cares / sizeof *cares; i++) {
        bhd_error error = BHD_ERROR_INIT;
        shown s = {0};
        assert_int_equal(cares[i](NULL, take, &s, &error), BHD_INVALID_ARGUMENT);
        assert_string_equal(error.message, "cache directory: no path was given");
        assert_int_equal(cares[i]("", take, &s, &error), BHD_INVALID_ARGUMENT);
        assert_int_equal(cares[i](kit.directory, take, &s, &error), BHD_FILE_UNREADABLE);
        assert_non_null(strstr(error.message, "others may write to it; "));
        assert_int_equal(chmod(kit.directory, 0700), 0);
        assert_int_equal(cares[i](missing, take, &s, &error), BHD_FILE_NOT_FOUND);
        (void)snprintf(message, sizeof message, "cache directory %.120s: file not found", missing);
        assert_string_equal(error.message, message);
        assert_int_equal(chmod(kit.directory, 0777), 0);
        assert_int_equal(s.count, 0);
        bhd_error_fini(&error);
    }
    assert_int_equal(cache_kit_look(&kit).files, 1);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const care cares[] = {bhd_code_cache_list, bhd_code_cache_verify, bhd_code_cache_clear};
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    for (size_t i = 0; i < sizeof cares / sizeof *cares; i++) {
        bhd_status status = BHD_HOST_OUT_OF_MEMORY;
        cache_kit_keep(cache, 1, 1000, 7);
        for (unsigned nth = 1; status != BHD_OK; nth++) {
            bhd_error error = BHD_ERROR_INIT;
            shown s = {0};
            uint64_t before = bhd__alloc_live();
            bhd__alloc_fail_at(nth, 0);
            status = cares[i](kit.directory, take, &s, &error);
            bhd__alloc_fail_at(0, 0);
            assert_true(status == BHD_OK || status == BHD_HOST_OUT_OF_MEMORY);
            assert_int_equal(s.count, status == BHD_OK);
            bhd_error_fini(&error);
            assert_int_equal(bhd__alloc_live(), before);
            assert_true(nth < 50);
        }
    }
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_listed_by_their_use),
        cmocka_unit_test(verifying_tells_the_damaged_from_the_whole),
        cmocka_unit_test(clearing_takes_entries_and_nothing_else),
        cmocka_unit_test(a_cleared_cache_is_empty),
        cmocka_unit_test(what_cannot_be_removed_is_told),
        cmocka_unit_test(other_directories_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("code_cache", tests, NULL, NULL);
}
