#include "grants/disk_quota.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* a - b, but not less than nothing. */
static uint64_t beyond(uint64_t a, uint64_t b)
{
    return a - least(a, b);
}

/* a + b, but not more than there are numbers. */
static uint64_t sum(uint64_t a, uint64_t b)
{
    return a + least(b, UINT64_MAX - a);
}

uint64_t bhd__quota_left(const bhd__quota *quota, uint64_t most)
{
    return beyond(most, quota->used);
}

uint64_t bhd__quota_writable(const bhd__quota *quota, uint64_t most)
{
    return sum(bhd__quota_left(quota, most), quota->credit);
}

bool bhd__quota_take(bhd__quota *quota, uint64_t most, uint64_t bytes)
{
    if (bytes > bhd__quota_left(quota, most))
        return false;
    quota->used += bytes;
    return true;
}

void bhd__quota_give(bhd__quota *quota, uint64_t bytes)
{
    quota->used = beyond(quota->used, bytes);
}

bhd__reserved bhd__quota_reserve(bhd__quota *quota, uint64_t most, uint64_t space, uint64_t bytes)
{
    bhd__reserved reserved = {.space = least(space, bhd__quota_left(quota, most)),
                              .credit = least(quota->credit, bytes)};
    quota->used += reserved.space;
    quota->credit -= reserved.credit;
    return reserved;
}

bool bhd__reserved_pays(const bhd__reserved *reserved, uint64_t spent, uint64_t space,
                        uint64_t bytes)
{
    uint64_t price = sum(space, beyond(beyond(bytes, space), reserved->credit));
    return price <= beyond(reserved->space, spent);
}

bool bhd__quota_reserve_whole(bhd__quota *quota, uint64_t most, uint64_t space, uint64_t bytes,
                              bhd__reserved *reserved)
{
    uint64_t whole = space > bytes ? space : bytes;
    if (!bhd__quota_take(quota, most, whole))
        return false;
    *reserved = (bhd__reserved){.space = whole, .credit = 0};
    return true;
}

void bhd__quota_settle(bhd__quota *quota, uint64_t most, const bhd__reserved *reserved,
                       uint64_t space, uint64_t bytes)
{
    uint64_t without_space = beyond(bytes, space);
    uint64_t from_credit = least(reserved->credit, without_space);
    uint64_t price = sum(space, without_space - from_credit);
    quota->credit = sum(quota->credit, sum(reserved->credit - from_credit, beyond(space, bytes)));
    bhd__quota_give(quota, beyond(reserved->space, price));
    /* The file system may have given more for it than could be known before. */
    quota->used += least(beyond(price, reserved->space), bhd__quota_left(quota, most));
}
