/*
 * Exits with the code in its first argument, through exit(), or 0 without one. Proves that the
 * guest's own end reaches the host as an exit and not as a trap. Preview 1 carries the whole
 * number; a component's wasi:cli/exit carries only success (0) or failure, which arrives as 1.
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int code = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;

    printf("exit %d\n", code);
    fflush(stdout);
    exit(code);
}
