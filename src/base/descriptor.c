#include "base/descriptor.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Not the C library's fstat, which newer ones make of a call that takes a path, and which nobody
 * may make any more in a process that has locked itself. */
static int describe(int number, struct stat *found)
{
#if defined(SYS_fstat) && defined(__LP64__)
    return (int)syscall(SYS_fstat, number, found);
#else
    return fstat(number, found);
#endif
}

/* What the kernel remembers of the file: a file system of the network, or of a program, that is
 * asked may never answer. Where there is a filter against the call, any answer is better. */
bhd__identity bhd__identity_of(int number)
{
    struct statx known;
    struct stat found;
    if (number < 0)
        return (bhd__identity){.is_known = false};
    if (statx(number, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_TYPE, &known) == 0)
        return (bhd__identity){true, known.stx_mode & S_IFMT,
                               makedev(known.stx_dev_major, known.stx_dev_minor), known.stx_ino,
                               makedev(known.stx_rdev_major, known.stx_rdev_minor)};
    if (describe(number, &found) != 0)
        return (bhd__identity){.is_known = false};
    return (bhd__identity){true, found.st_mode & S_IFMT, found.st_dev, found.st_ino, found.st_rdev};
}

bool bhd__identity_is(const bhd__identity *was, int number)
{
    bhd__identity now = bhd__identity_of(number);
    return was->is_known && now.is_known && now.type == was->type && now.device == was->device &&
           now.file == was->file && now.special == was->special;
}

bhd__descriptor bhd__descriptor_of(int number)
{
    bhd__identity is = bhd__identity_of(number);
    return (bhd__descriptor){is.is_known ? number : -1, is};
}

bool bhd__descriptor_is(const bhd__descriptor *descriptor, int number)
{
    return bhd__identity_is(&descriptor->is, number);
}

void bhd__descriptor_close(bhd__descriptor *descriptor)
{
    if (descriptor->number >= 0 && bhd__descriptor_is(descriptor, descriptor->number))
        (void)close(descriptor->number);
    descriptor->number = -1;
}

#define FLOOR_MAX 65536
/* A process with hardly any has none for guests. */
#define FLOOR_MIN 16

static int the_floor;

static void find_floor(void)
{
    struct rlimit most;
    the_floor = FLOOR_MAX;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur / 2 < FLOOR_MAX)
        the_floor = (int)(most.rlim_cur / 2);
    if (the_floor < FLOOR_MIN)
        the_floor = FLOOR_MIN;
}

int bhd__descriptor_floor(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find_floor);
    return the_floor;
}
