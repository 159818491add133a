#include "compile/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Newer than some C libraries. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum {
    SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW,
    CONTENT_SEALS = SIZE_SEALS | F_SEAL_WRITE,
};

int bhd__number_above_standard(int number)
{
    if (number < 0 || number > STDERR_FILENO)
        return number;
    int above = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int reason = errno;
    (void)close(number);
    errno = reason;
    return above;
}

bhd__descriptor bhd__memory_file_new(const char *name)
{
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int number = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (number < 0 && errno == EINVAL) /* before Linux 6.3 */
        number = memfd_create(name, flags);
    number = bhd__number_above_standard(number);
    bhd__descriptor file = bhd__descriptor_of(number);
    if (number >= 0 && file.number < 0) {
        int reason = errno;
        (void)close(number);
        errno = reason;
    }
    return file;
}

bool bhd__memory_file_write(const bhd__descriptor *file, const void *data, size_t size)
{
    const char *bytes = data;
    for (size_t at = 0; at < size;) {
        ssize_t written = pwrite(file->number, bytes + at, size - at, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += (size_t)written;
    }
    return true;
}

bool bhd__memory_file_fix_size(const bhd__descriptor *file)
{
    return fcntl(file->number, F_ADD_SEALS, F_SEAL_SEAL | SIZE_SEALS) == 0;
}

/* Whoever had the file may have sealed it before, against this too; then it must be all of it. */
bool bhd__memory_file_fix(const bhd__descriptor *file)
{
    if (fcntl(file->number, F_ADD_SEALS, F_SEAL_SEAL | CONTENT_SEALS) == 0)
        return true;
    int seals = fcntl(file->number, F_GET_SEALS);
    return seals >= 0 && (seals & CONTENT_SEALS) == CONTENT_SEALS;
}

bool bhd__memory_file_size(const bhd__descriptor *file, uint64_t *bytes)
{
    struct stat about;
    if (fstat(file->number, &about) != 0 || about.st_size < 0)
        return false;
    *bytes = (uint64_t)about.st_size;
    return true;
}
