#include "base/descriptor.h"

#include <sys/stat.h>
#include <unistd.h>

bhd__descriptor bhd__descriptor_of(int number)
{
    struct stat found;
    if (number < 0 || fstat(number, &found) != 0)
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
