/*
 * Prints the number of its arguments and each of them on a line of its own, in brackets. Proves
 * that the guest sees exactly the arguments that the host gave, the program's name included, with
 * spaces, empty strings and UTF-8 untouched. Exits 0.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("%d arguments\n", argc);
    for (int i = 0; i < argc; i++)
        printf("%d: [%s]\n", i, argv[i]);
    return 0;
}
