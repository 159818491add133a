/*
 * Replays fuzz/corpus/manifest, whole and cut short, through the property of fuzz/fuzz_manifest.c.
 */
#include "unit_test.h"

#include "../../fuzz/fuzz_manifest.c"

#include <dirent.h>
#include <stdio.h>

#ifndef BHD_SOURCE_DIR
#define BHD_SOURCE_DIR getenv("BHD_SOURCE_DIR")
#endif

#define MOST_SEEDS 200
#define SEED_CAPACITY 65536

static char directory[1024];

static size_t read_seed(const char *name, uint8_t *bytes)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t size = fread(bytes, 1, SEED_CAPACITY, file);
    fclose(file);
    assert_true(size < SEED_CAPACITY);
    return size;
}

static void test_seed(void **state)
{
    static uint8_t bytes[SEED_CAPACITY];
    size_t size = read_seed(*state, bytes);
    /* Out of a buffer of exactly that size, so that a sanitizer sees a byte too many. */
    size_t step = size / 200 + 1;
    for (size_t length = size;; length = length > step ? length - step : 0) {
        uint8_t *exact = malloc(length == 0 ? 1 : length);
        assert_non_null(exact);
        memcpy(exact, bytes, length);
        assert_int_equal(LLVMFuzzerTestOneInput(exact, length), 0);
        free(exact);
        if (length == 0)
            break;
    }
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    static char names[MOST_SEEDS][128];
    static struct CMUnitTest tests[MOST_SEEDS];
    const char *root = BHD_SOURCE_DIR;
    if (root == NULL) {
        fprintf(stderr, "BHD_SOURCE_DIR is not set\n");
        return 1;
    }
    snprintf(directory, sizeof directory, "%s/fuzz/corpus/manifest", root);
    struct dirent **entries;
    int count = scandir(directory, &entries, is_seed, alphasort);
    if (count < 20 || count > MOST_SEEDS) {
        fprintf(stderr, "%s: %d seeds\n", directory, count);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%.100s", entries[i]->d_name);
        tests[i] = (struct CMUnitTest){names[i], test_seed, NULL, NULL, names[i]};
        free(entries[i]);
    }
    free(entries);
    return _cmocka_run_group_tests("manifest corpus", tests, (size_t)count, NULL, NULL);
}
