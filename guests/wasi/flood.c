/*
 * Writes argv[1] MiB (default 1) of lines to stdout. Proves that output passes through the host in
 * bounded buffers: the host's own memory must not grow with what a guest prints. Exits 0, or 1 when
 * stdout did not take everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64
#define MIB (1024ul * 1024ul)

int main(int argc, char **argv)
{
    unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    char line[LINE_BYTES];

    memset(line, '~', sizeof line);
    line[sizeof line - 1] = '\n';
    for (unsigned long m = 0; m < mib; m++)
        for (unsigned long i = 0; i < MIB / sizeof line; i++)
            if (fwrite(line, sizeof line, 1, stdout) != 1) {
                fputs("flood: stdout took no more\n", stderr);
                return 1;
            }
    return fflush(stdout) == 0 ? 0 : 1;
}
