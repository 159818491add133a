/*
 * Writes one line to stdout and one to stderr. Proves that the two streams arrive whole, apart from
 * each other, and nowhere else. Exits 0.
 */
#include <stdio.h>

int main(void)
{
    fputs("a line on stdout\n", stdout);
    fputs("a line on stderr\n", stderr);
    return 0;
}
