/*
 * Ends in `unreachable` to which a branch leads straight, in each way that compilers write one. The
 * engine makes one trap of both, at the place of the branch.
 */

__attribute__((export_name("run"))) int run(int number);
__attribute__((export_name("otherwise"))) int otherwise(int number);
__attribute__((export_name("behind"))) int behind(int number);

int run(int number)
{
    if (number == 1)
        __builtin_trap();
    return number;
}

int otherwise(int number)
{
    if (number != 1)
        return number + 2;
    else
        __builtin_trap();
}

int behind(int number)
{
    for (int i = 0; i < 3; i++)
        if (number * i == 2)
            __builtin_trap();
    return number;
}
