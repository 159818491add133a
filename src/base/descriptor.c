#include "base/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What the kernel remembers of the file: a file system of the network, or of a program, that is
 * asked may never answer. Where there is a filter against the call, any answer is better. */
bhd__descriptor bhd__descriptor_of(int number)
{
    struct statx known;
    struct stat found;
    if (number < 0)
        return (bhd__descriptor){-1, 0, 0};
    if (statx(number, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &known) == 0)
        return (bhd__descriptor){number, makedev(known.stx_dev_major, known.stx_dev_minor),
                                 known.stx_ino};
    if (fstat(number, &found) != 0)
        return (bhd__descriptor){-1, 0, 0};
    return (bhd__descriptor){number, found.st_dev, found.st_ino};
}

bool bhd__descriptor_is(const bhd__descriptor *descriptor, int number)
{
    bhd__descriptor now = bhd__descriptor_of(number);
    return now.number >= 0 && now.device == descriptor->device && now.file == descriptor->file;
}

void bhd__descriptor_close(bhd__descriptor *descriptor)
{
    if (descriptor->number >= 0 && bhd__descriptor_is(descriptor, descriptor->number))
        (void)close(descriptor->number);
    descriptor->number = -1;
}
