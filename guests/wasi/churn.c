/*
 * Allocates argv[1] KiB (default 64), fills them, checks them and frees them, argv[2] times
 * (default 1). Proves that memory which the guest frees is used again, so that usage stays level
 * however often it runs; and, with more than the limit, that malloc gives NULL and the guest
 * carries on. Prints how many rounds succeeded and failed; exits 0, or 1 if memory did not hold
 * what was written.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) int holds(const unsigned char *block, size_t bytes,
                                           unsigned char value)
{
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != value)
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    unsigned long kib = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    unsigned long succeeded = 0, failed = 0;

    if (kib > SIZE_MAX / 1024) {
        fprintf(stderr, "churn: %lu KiB do not fit a 32-bit address space\n", kib);
        return 2;
    }
    for (unsigned long i = 0; i < rounds; i++) {
        unsigned char value = (unsigned char)(i + 1);
        size_t bytes = (size_t)kib * 1024;
        unsigned char *block = malloc(bytes);

        if (block == NULL) {
            failed++;
            continue;
        }
        memset(block, value, bytes);
        if (!holds(block, bytes, value)) {
            fprintf(stderr, "churn: memory changed under the guest in round %lu\n", i);
            return 1;
        }
        free(block);
        succeeded++;
    }
    printf("%lu KiB: %lu rounds succeeded, %lu failed\n", kib, succeeded, failed);
    return 0;
}
