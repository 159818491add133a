/*
 * Reads the wall clock and, twice, the monotonic clock. Proves that both are granted and sane: the
 * year is at least 2024, and the monotonic clock does not run backwards. Prints "ok" and exits 0,
 * or says what was wrong and exits 1.
 */
#include <stdio.h>
#include <time.h>

#define BEGIN_OF_2024 1704067200

int main(void)
{
    struct timespec wall, before, after;

    if (clock_gettime(CLOCK_REALTIME, &wall) != 0) {
        puts("no wall clock");
        return 1;
    }
    if (clock_gettime(CLOCK_MONOTONIC, &before) != 0 ||
        clock_gettime(CLOCK_MONOTONIC, &after) != 0) {
        puts("no monotonic clock");
        return 1;
    }
    if (wall.tv_sec < BEGIN_OF_2024) {
        puts("the wall clock is wrong");
        return 1;
    }
    if (after.tv_sec < before.tv_sec ||
        (after.tv_sec == before.tv_sec && after.tv_nsec < before.tv_nsec)) {
        puts("the monotonic clock ran backwards");
        return 1;
    }
    puts("ok");
    return 0;
}
