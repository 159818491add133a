/*
 * The two clocks of the system and the text of a point in time.
 *
 * Why no gmtime: it follows the process's TZ, with which leap seconds may come in, and takes a
 * lock.
 */
#include "base/clock.h"

#include "base/text.h"
#include "bulkhead/metrics.h"

#include <inttypes.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define SECONDS_PER_DAY UINT64_C(86400)

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    /* A clock set before 1970 reads as 0: nothing here can say "earlier". */
    if (clock_gettime(id, &now) != 0 || now.tv_sec < 0)
        return 0;
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t bhd__monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t bhd__utc_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t bhd__seconds_to_ns(double seconds)
{
    const uint64_t most = UINT64_MAX / 2, most_seconds = most / NS_PER_SECOND;
    if (!(seconds > 0))
        return 0; /* NaN too */
    if (seconds >= (double)most_seconds)
        return most;
    return (uint64_t)(seconds * (double)NS_PER_SECOND);
}

/* Year, month and day of the `days`-th day after 1970-01-01. Counts years from March, so that the
 * leap day is the last day of a year, in eras of 400 years, which all have the same days. */
static void civil_date(uint64_t days, uint64_t *year, uint64_t *month, uint64_t *day)
{
    const uint64_t days_to_1970 = 719468; /* from 0000-03-01 */
    const uint64_t days_in_era = 146097, days_in_4_years = 1460, days_in_century = 36524;

    uint64_t since = days + days_to_1970;
    uint64_t era = since / days_in_era;
    uint64_t in_era = since % days_in_era;
    uint64_t year_of_era = (in_era - in_era / days_in_4_years + in_era / days_in_century -
                            in_era / (days_in_era - 1)) /
                           365;
    uint64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t from_march = (5 * in_year + 2) / 153;
    *day = in_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

void bhd__timestamp(uint64_t utc_ns, char *buffer)
{
    uint64_t seconds = utc_ns / NS_PER_SECOND;
    uint64_t of_day = seconds % SECONDS_PER_DAY;
    uint64_t year, month, day;
    civil_date(seconds / SECONDS_PER_DAY, &year, &month, &day);

    bhd__text text;
    bhd__text_init(&text, buffer, BHD_TIMESTAMP_SIZE);
    bhd__text_printf(&text,
                     "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64 "T%02" PRIu64 ":%02" PRIu64
                     ":%02" PRIu64 ".%09" PRIu64 "Z",
                     year, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60,
                     utc_ns % NS_PER_SECOND);
}
