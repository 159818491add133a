/*
 * Sleeps the number of seconds in its first argument (default 3600) inside one host call, then
 * prints "awake" and exits 0. Proves that a deadline also ends a guest which waits in the host,
 * where no guest code runs that could be interrupted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct timespec pause = {0, 0};

    pause.tv_sec = argc > 1 ? (time_t)strtol(argv[1], NULL, 10) : 3600;
    printf("asleep\n");
    fflush(stdout);
    if (nanosleep(&pause, NULL) != 0) {
        perror("nanosleep");
        return 1;
    }
    puts("awake");
    return 0;
}
