#include "compile/cache_total.h"

#include "base/quiet.h"
#include "compile/cache_place.h"

#include <bulkhead_digest.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x316c61746f5445)
#define BELIEVED_SECONDS 3600

typedef struct content {
    uint64_t magic;
    bhd__cache_total total;
    uint32_t zero;
    uint32_t crc; /* of what is before it; a write may have been cut */
} content;

_Static_assert(sizeof(content) == 32, "the content has no gaps");

static uint32_t crc_of(const content *c)
{
    return bhd_engine_crc32c(0, c, offsetof(content, crc));
}

static int open_checked(int directory, int flags)
{
    struct stat about;
    int file = openat(directory, BHD__CACHE_TOTAL_NAME,
                      flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file >= 0 && (fstat(file, &about) != 0 ||
                      bhd__cache_place_problem(&about, S_IFREG) != NULL || about.st_nlink != 1)) {
        (void)close(file);
        file = -1;
    }
    return file;
}

bool bhd__cache_total_read(int directory, bhd__cache_total *total)
{
    content c;
    int64_t now = (int64_t)time(NULL);
    int file = open_checked(directory, O_RDONLY);
    if (file < 0)
        return false;
    bool is_whole = pread(file, &c, sizeof c, 0) == (ssize_t)sizeof c && c.magic == MAGIC &&
                    c.zero == 0 && c.crc == crc_of(&c);
    (void)close(file);
    if (!is_whole || c.total.counted_at > now || now - c.total.counted_at > BELIEVED_SECONDS)
        return false;
    *total = c.total;
    return true;
}

bool bhd__cache_total_write(int directory, const bhd__cache_total *total)
{
    content c = {.magic = MAGIC, .total = *total};
    bhd__cache_total left;
    bhd__quiet quiet;
    int file = open_checked(directory, O_WRONLY | O_CREAT);
    c.crc = crc_of(&c);
    bhd__quiet_begin(&quiet);
    bool is_written = file >= 0 && pwrite(file, &c, sizeof c, 0) == (ssize_t)sizeof c;
    bhd__quiet_end(&quiet, is_written ? 0 : errno);
    if (file >= 0)
        (void)close(file);
    /* Whatever is there instead goes, and the next one finds nothing. */
    return is_written || unlinkat(directory, BHD__CACHE_TOTAL_NAME, 0) == 0 ||
           !bhd__cache_total_read(directory, &left);
}
