#include "base/identity.h"

#include "bulkhead/error.h"

#include <string.h>

static int is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

const char *bhd__name_problem(const char *name)
{
    size_t length = strlen(name);
    if (length == 0)
        return "is empty; write 1 to 128 characters out of A-Z a-z 0-9 . _ -";
    if (length >= BHD_NAME_SIZE)
        return "is longer than 128 characters";
    for (size_t i = 0; i < length; i++)
        if (!is_name_character(name[i]))
            return "has a character other than A-Z a-z 0-9 . _ -";
    if (name[0] == '.')
        return "begins with a dot";
    return NULL;
}
