/*
 * Names and texts of bhd_status, both from its one list. Any thread.
 */
#include "bulkhead/status.h"

const char *bhd_status_name(bhd_status status)
{
    switch (status) {
#define BHD_STATUS_NAME(identifier, value, text)                                                   \
    case BHD_##identifier:                                                                         \
        return #identifier;
        BHD_STATUS_MAP(BHD_STATUS_NAME)
#undef BHD_STATUS_NAME
    }
    return "UNKNOWN";
}

const char *bhd_status_text(bhd_status status)
{
    switch (status) {
#define BHD_STATUS_TEXT(identifier, value, text)                                                   \
    case BHD_##identifier:                                                                         \
        return text;
        BHD_STATUS_MAP(BHD_STATUS_TEXT)
#undef BHD_STATUS_TEXT
    }
    return "unknown status";
}
