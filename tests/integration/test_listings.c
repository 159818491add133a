/*
 * Directories that a guest reads: entries that are removed meanwhile hide no others, every cookie
 * leads back to its place, names that a guest cannot say are left out, and reading all of a
 * directory costs as much as it has entries.
 */
#include "support/file_guest.h"
#include "support/process_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 24 };

typedef struct entry {
    uint64_t next;
    uint8_t kind;
    char name[256];
} entry;

/* The entries that are whole in what the guest was given; `*at` goes on after the last of them. */
static size_t parse(file_guest *f, uint32_t used, entry *entries, size_t most)
{
    static unsigned char bytes[65536];
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_sandbox_read(f->sandbox, NULL, BUFFER_AT, bytes, used, &error), &error);
    size_t count = 0;
    for (uint32_t at = 0; at + HEAD <= used && count < most;) {
        uint32_t length;
        memcpy(&length, bytes + at + 16, sizeof length);
        assert_true(length < sizeof entries->name);
        if (at + HEAD + length > used)
            break;
        entry *e = &entries[count++];
        memcpy(&e->next, bytes + at, sizeof e->next);
        e->kind = bytes[at + 20];
        memcpy(e->name, bytes + at + HEAD, length);
        e->name[length] = '\0';
        at += HEAD + length;
    }
    return count;
}

static bool is_dots(const entry *e)
{
    return strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0;
}

static int32_t open_directory(file_guest *f, const char *path)
{
    int32_t fd;
    assert_int_equal(0, files_open(f, path, OPEN_DIRECTORY, RIGHT_READ, &fd));
    return fd;
}

static void put_files(file_guest *f, const char *directory, unsigned count)
{
    char name[64];
    assert_int_equal(0, mkdir(files_path(f, directory), 0700));
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/file-%05u", directory, i);
        files_put(f, name, "");
    }
}

/* As libraries do it: with a buffer, from the cookie of the last entry that was whole, until the
 * buffer is not full any more. Gives the entries without "." and ".."; `each` may be NULL. */
static unsigned walk(file_guest *f, int32_t fd, uint32_t size,
                     void (*each)(file_guest *f, const entry *e))
{
    static entry entries[4096];
    unsigned found = 0;
    uint64_t cookie = 0;
    for (;;) {
        uint32_t used;
        assert_int_equal(0, files_list(f, fd, cookie, size, &used));
        assert_true(used <= size);
        size_t count = parse(f, used, entries, COUNT_OF(entries));
        for (size_t i = 0; i < count; i++) {
            cookie = entries[i].next;
            if (is_dots(&entries[i]))
                continue;
            found++;
            if (each)
                each(f, &entries[i]);
        }
        if (used < size)
            return found;
        assert_true(count > 0);
    }
}

static void remove_it(file_guest *f, const entry *e)
{
    char path[300];
    snprintf(path, sizeof path, "many/%s", e->name);
    assert_int_equal(0, files_do(f, "path_unlink_file", path));
}

static void what_is_removed_while_it_is_listed_hides_nothing(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {512, 4096, 32768};
    file_guest f;
    files_begin(&f, 0, 60);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        put_files(&f, "many", 1000);
        int32_t fd = open_directory(&f, "many");
        assert_int_equal(1000, walk(&f, fd, sizes[i], remove_it));
        assert_int_equal(0, walk(&f, fd, sizes[i], NULL));
        assert_int_equal(0, files_close(&f, fd));
        assert_int_equal(0, files_do(&f, "path_remove_directory", "many"));
    }
    files_end(&f);
}

static void every_cookie_leads_back_to_its_place(void **state)
{
    (void)state;
    static entry all[1100], again[1100];
    file_guest f;
    files_begin(&f, 0, 60);
    put_files(&f, "many", 1000);
    int32_t fd = open_directory(&f, "many");
    size_t count = 0;
    uint64_t cookie = 0;
    uint32_t used;
    do {
        assert_int_equal(0, files_list(&f, fd, cookie, 8192, &used));
        count += parse(&f, used, all + count, COUNT_OF(all) - count);
        cookie = all[count - 1].next;
    } while (used == 8192);
    assert_int_equal(1002, count);
    /* Backwards, in leaps, and with another descriptor, that never was there. */
    int32_t other = open_directory(&f, "many");
    for (size_t i = 0; i < 120; i++) {
        size_t at = (i * 7919) % (count - 1);
        assert_int_equal(0, files_list(&f, i % 3 ? fd : other, all[at].next, 400, &used));
        size_t n = parse(&f, used, again, COUNT_OF(again));
        assert_true(n > 0 || used == 0);
        for (size_t k = 0; k < n && at + 1 + k < count; k++)
            assert_string_equal(all[at + 1 + k].name, again[k].name);
    }
    /* The end is the end, until there is more; 0 is the beginning. */
    assert_int_equal(0, files_list(&f, fd, all[count - 1].next, 400, &used));
    assert_int_equal(0, used);
    files_put(&f, "many/new", "");
    assert_int_equal(1001, walk(&f, fd, 4096, NULL));
    /* What no directory ever gave is an error or some place, and nothing worse. */
    (void)files_list(&f, fd, UINT64_MAX, 400, &used);
    (void)files_list(&f, fd, UINT64_C(1) << 62, 400, &used);
    assert_int_equal(1001, walk(&f, fd, 4096, NULL));
    files_end(&f);
}

/* A buffer that ends within an entry has the beginning of it, whichever byte that is. */
static void a_buffer_of_any_size_is_filled(void **state)
{
    (void)state;
    static unsigned char whole[512], part[512];
    bhd_error error = BHD_ERROR_INIT;
    file_guest f;
    files_begin(&f, 0, 60);
    put_files(&f, "few", 3);
    int32_t fd = open_directory(&f, "few");
    uint32_t all, used;
    assert_int_equal(0, files_list(&f, fd, 0, sizeof whole, &all));
    assert_true(all < sizeof whole);
    expect_ok(bhd_sandbox_read(f.sandbox, NULL, BUFFER_AT, whole, all, &error), &error);
    for (uint32_t size = 0; size <= all + 1; size++) {
        assert_int_equal(0, files_list(&f, fd, 0, size, &used));
        assert_int_equal(size < all ? size : all, used);
        expect_ok(bhd_sandbox_read(f.sandbox, NULL, BUFFER_AT, part, used, &error), &error);
        assert_memory_equal(whole, part, used);
    }
    files_end(&f);
}

static unsigned strange;
static void see_kind(file_guest *f, const entry *e)
{
    (void)f;
    static const struct {
        const char *name;
        uint8_t kind;
    } kinds[] = {{"file", 4}, {"directory", 3}, {"link", 7}, {"pipe", 0}, {"z\xc3\xa4hl", 4}};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, e->name) == 0) {
            assert_int_equal(kinds[i].kind, e->kind);
            return;
        }
    strange++;
}

static void a_name_that_is_no_text_is_left_out_and_others_stay(void **state)
{
    (void)state;
    file_guest f;
    files_begin(&f, 0, 60);
    assert_int_equal(0, mkdir(files_path(&f, "mixed"), 0700));
    files_put(&f, "mixed/file", "");
    files_put(&f, "mixed/\xff\xfe", "");
    files_put(&f, "mixed/z\xc3\xa4hl", "");
    assert_int_equal(0, mkdir(files_path(&f, "mixed/directory"), 0700));
    assert_int_equal(0, symlink("file", files_path(&f, "mixed/link")));
    assert_int_equal(0, mkfifo(files_path(&f, "mixed/pipe"), 0600));
    int32_t fd = open_directory(&f, "mixed");
    strange = 0;
    assert_int_equal(5, walk(&f, fd, 4096, see_kind));
    assert_int_equal(5, walk(&f, fd, 40, see_kind));
    assert_int_equal(0, strange);
    /* More of them than are read at once. */
    char name[64];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "mixed/\xff-%d", i);
        files_put(&f, name, "");
    }
    assert_int_equal(5, walk(&f, fd, 4096, see_kind));
    files_end(&f);
}

static double processor_seconds(void)
{
    struct rusage used;
    assert_int_equal(0, getrusage(RUSAGE_SELF, &used));
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double seconds_of_walking(file_guest *f, const char *directory, unsigned count)
{
    double least = 1e9;
    int32_t fd = open_directory(f, directory);
    for (int i = 0; i < 5; i++) {
        double before = processor_seconds();
        assert_int_equal(count, walk(f, fd, 1024, NULL));
        double took = processor_seconds() - before;
        least = took < least ? took : least;
    }
    assert_int_equal(0, files_close(f, fd));
    return least;
}

/* Sixteen times the entries take some sixteen times as long, and not 256 times. */
static void reading_a_directory_costs_what_it_has(void **state)
{
    (void)state;
    file_guest f;
    files_begin(&f, 0, 60);
    put_files(&f, "small", 500);
    put_files(&f, "large", 8000);
    double small = seconds_of_walking(&f, "small", 500);
    double large = seconds_of_walking(&f, "large", 8000);
    print_message("500 entries %.1f ms, 8,000 entries %.1f ms\n", small * 1e3, large * 1e3);
    assert_true(large < small * 80);
    files_end(&f);
}

/* A listing has a descriptor of its own, beside that of its directory. The granted directory and 31
 * that are listed are 63 of the 64 that a guest may have by default. */
static void listings_are_open_files(void **state)
{
    (void)state;
    enum { PAIRS = 31, BOTH = 64 };
    int32_t fds[PAIRS], last, more;
    uint32_t used;
    file_guest f;
    files_begin(&f, 0, 60);
    assert_int_equal(0, mkdir(files_path(&f, "empty"), 0700));
    uint64_t before = process_descriptors();
    for (size_t i = 0; i < PAIRS; i++) {
        fds[i] = open_directory(&f, "empty");
        assert_int_equal(0, walk(&f, fds[i], 512, NULL));
    }
    last = open_directory(&f, "empty");
    assert_int_equal(WASI_NFILE, files_list(&f, last, 0, 512, &used));
    assert_int_equal(WASI_NFILE, files_list(&f, 3, 0, 512, &used));
    assert_int_equal(WASI_NFILE, files_open(&f, "empty", OPEN_DIRECTORY, RIGHT_READ, &more));
    /* Of the granted directory there is one already. */
    assert_int_equal(BOTH - 1, process_descriptors() - before);
    /* What has begun goes on, and what is closed makes room for two. */
    assert_int_equal(0, walk(&f, fds[0], 512, NULL));
    assert_int_equal(0, files_close(&f, fds[0]));
    assert_int_equal(0, walk(&f, last, 512, NULL));
    assert_int_equal(1, walk(&f, 3, 512, NULL));
    assert_int_equal(WASI_NFILE, files_open(&f, "empty", OPEN_DIRECTORY, RIGHT_READ, &more));
    assert_int_equal(BOTH - 1, process_descriptors() - before);
    /* A second listing of the same directory is the first one. */
    for (int i = 0; i < 100; i++)
        assert_int_equal(1, walk(&f, 3, 512, NULL));
    assert_int_equal(BOTH - 1, process_descriptors() - before);
    files_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_removed_while_it_is_listed_hides_nothing),
        cmocka_unit_test(every_cookie_leads_back_to_its_place),
        cmocka_unit_test(a_buffer_of_any_size_is_filled),
        cmocka_unit_test(a_name_that_is_no_text_is_left_out_and_others_stay),
        cmocka_unit_test(reading_a_directory_costs_what_it_has),
        cmocka_unit_test(listings_are_open_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
