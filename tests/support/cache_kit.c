#include "support/cache_kit.h"

#include "compile/cache_entry.h"
#include "compile/cache_total.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

cache_kit cache_kit_begin(void)
{
    cache_kit kit = {.directory = "/tmp/bulkhead-cache-XXXXXX"};
    assert_non_null(mkdtemp(kit.directory));
    return kit;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void cache_kit_end(cache_kit *kit)
{
    assert_int_equal(nftw(kit->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

bhd__cache *cache_kit_cache(const cache_kit *kit, uint64_t max_bytes)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    if (bhd__cache_new(kit->directory, max_bytes, &cache, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return cache;
}

bhd__cache_key cache_kit_key(unsigned number)
{
    bool is_older = number >= CACHE_KIT_OLDER;
    bool is_sister = !is_older && number >= CACHE_KIT_SISTER;
    unsigned binary = number % CACHE_KIT_SISTER;
    bhd__cache_identity identity =
        bhd__cache_identity_of(is_older ? "build 0" : "build 1", is_sister ? "one" : "two", 3);
    return bhd__cache_key_of(&identity, &binary, sizeof binary);
}

static unsigned char byte_of(unsigned number, size_t at)
{
    return (unsigned char)(number * 31 + at * 7 + (at >> 8));
}

int cache_kit_output(unsigned number, size_t artifact_bytes, size_t description_bytes)
{
    size_t size = artifact_bytes + description_bytes;
    unsigned char *bytes = malloc(size + 1);
    int file = memfd_create("output", MFD_CLOEXEC);
    if (bytes == NULL || file < 0)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_of(number, i);
    if (pwrite(file, bytes, size, 0) != (ssize_t)size)
        abort();
    free(bytes);
    return file;
}

void cache_kit_put(bhd__cache *cache, const bhd__cache_key *key, int output,
                   uint64_t artifact_bytes, uint64_t description_bytes)
{
    const bhd__cache_entry entry = {
        .file = output, .artifact_bytes = artifact_bytes, .description_bytes = description_bytes};
    bhd__cache_keep(cache, key, &entry);
}

void cache_kit_keep(bhd__cache *cache, unsigned number, size_t artifact_bytes,
                    size_t description_bytes)
{
    bhd__cache_key key = cache_kit_key(number);
    int output = cache_kit_output(number, artifact_bytes, description_bytes);
    cache_kit_put(cache, &key, output, artifact_bytes, description_bytes);
    (void)close(output);
}

bool cache_kit_is(bhd__cache_entry *entry, unsigned number, size_t artifact_bytes,
                  size_t description_bytes)
{
    size_t size = artifact_bytes + description_bytes;
    unsigned char *bytes = malloc(size + 1);
    bool is_right = bytes != NULL && entry->artifact_bytes == artifact_bytes &&
                    entry->description_bytes == description_bytes &&
                    pread(entry->file, bytes, size, 0) == (ssize_t)size;
    for (size_t i = 0; is_right && i < size; i++)
        is_right = bytes[i] == byte_of(number, i);
    free(bytes);
    (void)close(entry->file);
    return is_right;
}

bool cache_kit_finds(bhd__cache *cache, unsigned number, size_t artifact_bytes,
                     size_t description_bytes)
{
    bhd__cache_key key = cache_kit_key(number);
    bhd__cache_entry entry;
    if (!bhd__cache_find(cache, &key, &entry))
        return false;
    assert_true(cache_kit_is(&entry, number, artifact_bytes, description_bytes));
    return true;
}

void cache_kit_path(const cache_kit *kit, unsigned number, char *path)
{
    bhd__cache_key key = cache_kit_key(number);
    int length = snprintf(path, PATH_MAX, "%s/%s/%s", kit->directory, key.identity, key.binary);
    assert_in_range(length, 1, PATH_MAX - 1);
}

void cache_kit_identity_path(const cache_kit *kit, unsigned number, char *path)
{
    cache_kit_path(kit, number, path);
    *strrchr(path, '/') = '\0';
}

void cache_kit_count_anew(const cache_kit *kit)
{
    char path[PATH_MAX];
    int length = snprintf(path, PATH_MAX, "%.100s/" BHD__CACHE_TOTAL_NAME, kit->directory);
    assert_in_range(length, 1, PATH_MAX - 1);
    assert_int_equal(unlink(path), 0);
}

static cache_kit_content seen;

static int look_at_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    if (strcmp(path + where->base, BHD__CACHE_TOTAL_NAME) == 0)
        return 0;
    if (kind == FTW_D && where->level > 0)
        seen.directories++;
    if (kind == FTW_F || kind == FTW_SL)
        seen.files++;
    if (kind == FTW_F)
        seen.weight += bhd__cache_weight((uint64_t)about->st_size);
    return 0;
}

cache_kit_content cache_kit_look(const cache_kit *kit)
{
    memset(&seen, 0, sizeof seen);
    (void)nftw(kit->directory, look_at_one, 16, FTW_PHYS);
    return seen;
}

bhd__cache_stats cache_kit_stats(const bhd__cache *cache)
{
    bhd__cache_stats stats;
    bhd__cache_get_stats(cache, &stats);
    return stats;
}
