/*
 * Why read and not mapped: a disk that fails, or a file that somebody cuts, is an error number of
 * read and would be SIGBUS in a map.
 */
#include "compile/cache_entry.h"

#include "base/checked.h"
#include "base/quiet.h"
#include "compile/cache_place.h"

#include <bulkhead_digest.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK UINT64_C(4096)
/* What the CRC is of, in the trailer. */
#define CHECKED_BYTES offsetof(bhd__cache_trailer, crc)

_Static_assert(sizeof(bhd__cache_trailer) == 176, "the trailer has no gaps");

bhd__cache_trailer bhd__cache_trailer_of(const char *key, const char *identity)
{
    bhd__cache_trailer trailer = {.magic = BHD__CACHE_MAGIC};
    memcpy(trailer.key, key, sizeof trailer.key);
    memcpy(trailer.identity, identity, sizeof trailer.identity);
    return trailer;
}

bool bhd__cache_is_name(const char *text)
{
    return strspn(text, "0123456789abcdef") == BHD__CACHE_DIGITS && text[BHD__CACHE_DIGITS] == '\0';
}

uint64_t bhd__cache_weight(uint64_t file_bytes)
{
    return file_bytes > UINT64_MAX - BLOCK ? UINT64_MAX : (file_bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* All of it, or an errno; EIO when the file ends before. */
static int read_at(int file, void *data, size_t size, uint64_t offset)
{
    char *to = data;
    while (size > 0) {
        ssize_t got = pread(file, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO;
        to += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

static int write_at(int file, const void *data, size_t size, uint64_t offset)
{
    const char *from = data;
    while (size > 0) {
        ssize_t went = pwrite(file, from, size, (off_t)offset);
        if (went < 0 && errno == EINTR)
            continue;
        if (went <= 0)
            return went < 0 ? errno : EIO;
        from += went;
        size -= (size_t)went;
        offset += (uint64_t)went;
    }
    return 0;
}

/* The CRC of the first `size` bytes, which go to `to` as well if that is not negative. */
static int pass_content(int file, int to, uint64_t size, void *buffer, uint32_t *crc)
{
    *crc = 0;
    for (uint64_t at = 0; at < size;) {
        size_t piece = size - at < BHD__CACHE_BUFFER ? (size_t)(size - at) : BHD__CACHE_BUFFER;
        int failed = read_at(file, buffer, piece, at);
        if (failed == 0 && to >= 0)
            failed = write_at(to, buffer, piece, at);
        if (failed != 0)
            return failed;
        *crc = bhd_engine_crc32c(*crc, buffer, piece);
        at += piece;
    }
    return 0;
}

static bool has_magic(const bhd__cache_trailer *end)
{
    return end->magic == BHD__CACHE_MAGIC && end->zero == 0;
}

/* Whether what it says of the content is all that a file of so many bytes has beside it. */
static bool has_size(const bhd__cache_trailer *end, uint64_t file_bytes, uint64_t *content)
{
    return bhd__add_u64(end->artifact_bytes, end->description_bytes, content) &&
           *content == file_bytes - sizeof *end;
}

const char *bhd__cache_entry_check_bytes(const void *data, size_t size, bhd__cache_trailer *trailer)
{
    bhd__cache_trailer end;
    uint64_t content;
    if (size < sizeof end)
        return "it is cut";
    memcpy(&end, (const char *)data + size - sizeof end, sizeof end);
    if (!has_magic(&end))
        return "it is cut, or no entry";
    if (!has_size(&end, size, &content))
        return "its size is another than it says";
    if (bhd_engine_crc32c(bhd_engine_crc32c(0, data, content), &end, CHECKED_BYTES) != end.crc)
        return "its content is damaged";
    *trailer = end;
    return NULL;
}

const char *bhd__cache_entry_check(int file, const char *key, const char *identity, void *buffer,
                                   bhd__cache_trailer *trailer)
{
    struct stat about;
    bhd__cache_trailer end;
    uint64_t content;
    uint32_t crc;
    if (fstat(file, &about) != 0)
        return "it cannot be looked at";
    const char *problem = bhd__cache_place_problem(&about, S_IFREG);
    if (problem != NULL)
        return problem;
    uint64_t size = (uint64_t)about.st_size;
    if (about.st_size < (off_t)sizeof end)
        return "it is cut";
    if (read_at(file, &end, sizeof end, size - sizeof end) != 0)
        return "it cannot be read";
    if (!has_magic(&end))
        return "it is cut, or no entry";
    if (memcmp(end.key, key, sizeof end.key) != 0)
        return "it is of another binary";
    if (memcmp(end.identity, identity, sizeof end.identity) != 0)
        return "it is of another build, configuration or processor";
    if (!has_size(&end, size, &content))
        return "its size is another than it says";
    if (pass_content(file, -1, content, buffer, &crc) != 0)
        return "it cannot be read";
    if (bhd_engine_crc32c(crc, &end, CHECKED_BYTES) != end.crc)
        return "its content is damaged";
    *trailer = end;
    return NULL;
}

static int write_entry(int to, int from, bhd__cache_trailer *end, uint64_t content, void *buffer)
{
    uint32_t crc;
    int failed = pass_content(from, to, content, buffer, &crc);
    if (failed != 0)
        return failed;
    end->crc = bhd_engine_crc32c(crc, end, CHECKED_BYTES);
    return write_at(to, end, sizeof *end, content);
}

bool bhd__cache_entry_write(int to, int from, const bhd__cache_trailer *trailer, void *buffer)
{
    bhd__cache_trailer end = *trailer;
    uint64_t content;
    bhd__quiet quiet;
    if (!bhd__add_u64(end.artifact_bytes, end.description_bytes, &content) ||
        content > LONG_MAX / 2) {
        errno = EFBIG;
        return false;
    }
    bhd__quiet_begin(&quiet);
    int failed = write_entry(to, from, &end, content, buffer);
    bhd__quiet_end(&quiet, failed);
    errno = failed;
    return failed == 0;
}

bool bhd__cache_entry_write_bytes(int to, const void *artifact, const void *description,
                                  const bhd__cache_trailer *trailer)
{
    const uint64_t content = trailer->artifact_bytes + trailer->description_bytes;
    bhd__cache_trailer end = *trailer;
    bhd__quiet quiet;
    end.crc = bhd_engine_crc32c(0, artifact, end.artifact_bytes);
    end.crc = bhd_engine_crc32c(end.crc, description, end.description_bytes);
    end.crc = bhd_engine_crc32c(end.crc, &end, CHECKED_BYTES);
    bhd__quiet_begin(&quiet);
    int failed = write_at(to, artifact, end.artifact_bytes, 0);
    if (failed == 0)
        failed = write_at(to, description, end.description_bytes, end.artifact_bytes);
    if (failed == 0)
        failed = write_at(to, &end, sizeof end, content);
    bhd__quiet_end(&quiet, failed);
    errno = failed;
    return failed == 0;
}
