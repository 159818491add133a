/*
 * Traps in known lines, built with -g: frames have files and lines. Nothing else is needed, so it
 * is built without a C library.
 */
#include "inner/divide.h"

static __attribute__((noinline)) int halve(int number, int times)
{
    if (times == 0)
        return divide(number, times);
    return halve(number, times - 1) + 1;
}

__attribute__((export_name("run"))) int run(int times);

int run(int times)
{
    int sum = halve(1, times);
    return sum + 1;
}
