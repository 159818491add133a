/* In a folder of its own, so that its name has one in front. */
static __attribute__((noinline)) int divide(int number, int by)
{
    return number /
           by;
}
