/*
 * Looks for everything that a guest is not given: environment variables, files of the host, a
 * directory, standard input. Proves that none of them is there. Prints what it found, one line for
 * each attempt; exits 0 when there was nothing and 1 when anything of the host was visible.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int variables(void)
{
    int count = 0;

    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        count++;
    printf("environment: %d variables\n", count);
    return count != 0;
}

static int readable(const char *path)
{
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        printf("read %s: %s\n", path, strerror(errno));
        return 0;
    }
    printf("read %s: OPEN\n", path);
    fclose(file);
    return 1;
}

static int writable(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    if (fd < 0) {
        printf("create %s: %s\n", path, strerror(errno));
        return 0;
    }
    printf("create %s: OPEN\n", path);
    close(fd);
    return 1;
}

static int listable(const char *path)
{
    DIR *directory = opendir(path);

    if (directory == NULL) {
        printf("list %s: %s\n", path, strerror(errno));
        return 0;
    }
    printf("list %s: OPEN\n", path);
    closedir(directory);
    return 1;
}

static int standard_input(void)
{
    char byte;
    ssize_t got = read(STDIN_FILENO, &byte, 1);

    if (got > 0) {
        printf("stdin: DATA\n");
        return 1;
    }
    printf("stdin: %s\n", got == 0 ? "empty" : strerror(errno));
    return 0;
}

int main(void)
{
    int found = 0;

    found |= variables();
    found |= readable("/etc/passwd");
    found |= readable("Component.toml");
    found |= writable("/tmp/bulkhead-guest-was-here");
    found |= listable("/");
    found |= listable(".");
    found |= standard_input();
    puts(found ? "found something" : "found nothing");
    return found;
}
