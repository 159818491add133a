/*
 * A fuzz target without a fuzzer: hands it every file of the given directories, in the order of
 * their names, and with --cut also the same files cut short.
 *
 *     PROGRAM [--cut] [DIRECTORY | FILE]...
 *
 * A property that does not hold ends the process, which says at last what the input was.
 */
#include "fuzz_input.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_CAPACITY ((size_t)1 << 20)
#define CUTS 200

/* What is replayed now; read by the signal handler. */
static char current[4096];

static void on_abort(int number)
{
    static const char before[] = "replay: the input was ";
    (void)!write(STDERR_FILENO, before, sizeof before - 1);
    (void)!write(STDERR_FILENO, current, strlen(current));
    (void)!write(STDERR_FILENO, "\n", 1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static _Noreturn void give_up(const char *path, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", path, why);
    exit(1);
}

/* Out of a buffer of exactly that size, so that a sanitizer sees a byte too many. */
static void replay_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL)
        give_up(current, "not enough memory");
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void replay_file(const char *path, bool cut)
{
    static uint8_t bytes[FILE_CAPACITY];
    (void)snprintf(current, sizeof current, "%s", path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        give_up(path, strerror(errno));
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    if (size == sizeof bytes)
        give_up(path, "larger than any input");
    replay_bytes(bytes, size);
    if (!cut)
        return;
    size_t step = size / CUTS + 1;
    for (size_t length = size; length > 0;) {
        length = length > step ? length - step : 0;
        (void)snprintf(current, sizeof current, "%s, the first %zu bytes", path, length);
        replay_bytes(bytes, length);
    }
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t replay_directory(const char *directory, bool cut)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_input, alphasort);
    if (count < 0)
        give_up(directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[2048];
        (void)snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        replay_file(path, cut);
        free(entries[i]);
    }
    free(entries);
    return (size_t)count;
}

int main(int argc, char **argv)
{
    size_t replayed = 0;
    bool cut = argc > 1 && strcmp(argv[1], "--cut") == 0;
    (void)signal(SIGABRT, on_abort);
    for (int i = cut ? 2 : 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) != 0)
            give_up(argv[i], strerror(errno));
        if (S_ISDIR(status.st_mode)) {
            replayed += replay_directory(argv[i], cut);
        } else {
            replay_file(argv[i], cut);
            replayed++;
        }
    }
    if (replayed == 0)
        give_up(argv[0], "nothing to replay");
    printf("%zu inputs replayed\n", replayed);
    return 0;
}
