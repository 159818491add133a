/*
 * A well-behaved WASI command. It proves that a component built from ordinary C, with the ordinary
 * C library, runs inside the memory that its Component.toml declares: it greets, prints its
 * arguments, works on about 100 KiB of heap, and gives them back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORK_BYTES ((size_t)100 * 1024)

/* Fills the block with a pattern and adds it up again, so that every page of it is really used. */
static __attribute__((noinline)) unsigned long use_memory(unsigned char *block, size_t bytes)
{
    unsigned long sum = 0;

    for (size_t i = 0; i < bytes; i++)
        block[i] = (unsigned char)(i * 31 + 7);
    for (size_t i = 0; i < bytes; i++)
        sum += block[i];
    return sum;
}

int main(int argc, char **argv)
{
    unsigned char *block;

    printf("Hello from inside the bulkhead!\n");
    for (int i = 1; i < argc; i++)
        printf("  argument %d: %s\n", i, argv[i]);

    block = malloc(WORK_BYTES);
    if (block == NULL) {
        fprintf(stderr, "hello: no memory for %zu bytes\n", WORK_BYTES);
        return 1;
    }
    printf("Worked on %zu bytes of memory, checksum %lu.\n", WORK_BYTES,
           use_memory(block, WORK_BYTES));
    free(block);
    return 0;
}
