/*
 * Does what its arguments say, one after the other, and prints a line for each with what came of
 * it: proves what a capability gives and what its absence denies.
 *
 *     env NAME            the variable, or "not set"
 *     args                how many arguments there are
 *     cat PATH            the file's first line
 *     write PATH BYTES    so many bytes, in pieces of 4 KiB; how many went in
 *     resize PATH BYTES   the file's new size
 *     open PATH COUNT     how many times it could be opened at once
 *     mkdir PATH COUNT    how many directories could be made: PATH0, PATH1, ...
 *     rename FROM TO, unlink PATH, link FROM TO, symlink TARGET PATH
 *     list PATH           how many entries a directory has
 *     stdin               how many bytes come until the end, and a checksum
 *     wait-stdin          waits for standard input with poll
 *     time                whether the clocks run
 *     random              whether two draws differ
 *     sleep SECONDS       for so long
 *     flood BYTES         so many bytes to standard output
 *     trap                ends in unreachable
 *
 * The exit code is 0 when everything went well.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char buffer[4096];

static int tell(const char *what, const char *of, int result)
{
    printf("%s %s: %s\n", what, of, result == 0 ? "ok" : strerror(errno));
    return result != 0;
}

static int cat(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return tell("cat", path, -1);
    int failed = fgets(buffer, sizeof buffer, file) == NULL;
    buffer[strcspn(buffer, "\n")] = '\0';
    printf("cat %s: %s\n", path, failed ? strerror(errno) : buffer);
    fclose(file);
    return failed;
}

static int write_file(const char *path, long bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        return tell("write", path, -1);
    long done = 0;
    ssize_t n = 0;
    memset(buffer, 'x', sizeof buffer);
    while (done < bytes) {
        size_t most = bytes - done < (long)sizeof buffer ? (size_t)(bytes - done) : sizeof buffer;
        n = write(fd, buffer, most);
        if (n < 0)
            break;
        done += n;
    }
    printf("write %s: %ld bytes%s%s\n", path, done, n < 0 ? ", then " : "",
           n < 0 ? strerror(errno) : "");
    close(fd);
    return n < 0;
}

static int resize(const char *path, long bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    int failed = fd < 0 || ftruncate(fd, bytes) != 0;
    tell("resize", path, failed ? -1 : 0);
    if (fd >= 0)
        close(fd);
    return failed;
}

static int open_often(const char *path, long count)
{
    long opened = 0;
    while (opened < count && open(path, O_RDONLY) >= 0)
        opened++;
    printf("open %s: %ld times%s%s\n", path, opened, opened < count ? ", then " : "",
           opened < count ? strerror(errno) : "");
    return opened < count;
}

static int make_directories(const char *path, long count)
{
    long made = 0;
    for (; made < count; made++) {
        snprintf(buffer, sizeof buffer, "%s%ld", path, made);
        if (mkdir(buffer, 0700) != 0)
            break;
    }
    printf("mkdir %s: %ld times%s%s\n", path, made, made < count ? ", then " : "",
           made < count ? strerror(errno) : "");
    return made < count;
}

static int list(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return tell("list", path, -1);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    printf("list %s: %d entries\n", path, count);
    closedir(directory);
    return 0;
}

static int read_input(void)
{
    long bytes = 0;
    unsigned sum = 0;
    ssize_t n;
    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++, bytes++)
            sum = sum * 31 + (unsigned char)buffer[i];
    printf("stdin: %ld bytes, %08x%s%s\n", bytes, sum, n < 0 ? ", then " : "",
           n < 0 ? strerror(errno) : "");
    return n < 0;
}

static int wait_input(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    int n = poll(&p, 1, -1);
    printf("wait-stdin: %s\n", n == 1 ? "ready" : strerror(errno));
    return n != 1;
}

static int tell_time(void)
{
    struct timespec wall, monotonic;
    int failed =
        clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_MONOTONIC, &monotonic) != 0;
    printf("time: %s\n", failed ? strerror(errno) : wall.tv_sec > 1700000000 ? "ok" : "wrong");
    return failed;
}

static int draw(void)
{
    unsigned char one[16], two[16];
    int failed = getentropy(one, sizeof one) != 0 || getentropy(two, sizeof two) != 0;
    printf("random: %s\n", failed                                 ? strerror(errno)
                           : memcmp(one, two, sizeof one) == 0 ? "the same"
                                                                  : "ok");
    return failed;
}

static int flood(long bytes)
{
    memset(buffer, 'y', sizeof buffer);
    for (long done = 0; done < bytes;) {
        size_t most = bytes - done < (long)sizeof buffer ? (size_t)(bytes - done) : sizeof buffer;
        ssize_t n = write(STDOUT_FILENO, buffer, most);
        if (n < 0)
            return 1;
        done += n;
    }
    return 0;
}

/* What needs a path and a number, or two paths. */
static int with_two(const char *verb, const char *path, const char *other)
{
    if (strcmp(verb, "write") == 0)
        return write_file(path, atol(other));
    if (strcmp(verb, "resize") == 0)
        return resize(path, atol(other));
    if (strcmp(verb, "open") == 0)
        return open_often(path, atol(other));
    if (strcmp(verb, "mkdir") == 0)
        return make_directories(path, atol(other));
    if (strcmp(verb, "rename") == 0)
        return tell("rename", path, rename(path, other));
    if (strcmp(verb, "link") == 0)
        return tell("link", path, link(path, other));
    if (strcmp(verb, "symlink") == 0)
        return tell("symlink", other, symlink(path, other));
    return -1;
}

static int with_one(const char *verb, const char *argument)
{
    if (strcmp(verb, "cat") == 0)
        return cat(argument);
    if (strcmp(verb, "list") == 0)
        return list(argument);
    if (strcmp(verb, "unlink") == 0)
        return tell("unlink", argument, unlink(argument));
    if (strcmp(verb, "flood") == 0)
        return flood(atol(argument));
    if (strcmp(verb, "sleep") == 0)
        return (int)sleep((unsigned)atol(argument));
    if (strcmp(verb, "env") == 0) {
        const char *value = getenv(argument);
        printf("env %s: %s\n", argument, value != NULL ? value : "not set");
        return value == NULL;
    }
    return -1;
}

static int alone(const char *verb, int argc)
{
    if (strcmp(verb, "args") == 0)
        return printf("args: %d\n", argc - 1) < 0;
    if (strcmp(verb, "stdin") == 0)
        return read_input();
    if (strcmp(verb, "wait-stdin") == 0)
        return wait_input();
    if (strcmp(verb, "time") == 0)
        return tell_time();
    if (strcmp(verb, "random") == 0)
        return draw();
    if (strcmp(verb, "trap") == 0) {
        fflush(stdout);
        __builtin_trap();
    }
    return -1;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc;) {
        int result = alone(argv[i], argc), used = 1;
        if (result < 0 && i + 1 < argc) {
            result = with_one(argv[i], argv[i + 1]);
            used = 2;
        }
        if (result < 0 && i + 2 < argc) {
            result = with_two(argv[i], argv[i + 1], argv[i + 2]);
            used = 3;
        }
        if (result < 0) {
            printf("what is %s?\n", argv[i]);
            return 2;
        }
        failed |= result;
        i += used;
        fflush(stdout);
    }
    return failed;
}
