#include "support/bomb_watch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MICROSECONDS 3000

/* NULL when the process is gone. */
static FILE *open_about(long process, const char *file)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", process, file);
    FILE *about = fopen(path, "re");
    if (!about && errno != ENOENT && errno != ESRCH) {
        perror(path);
        abort();
    }
    return about;
}

/* 0 when it is gone. */
static long parent_of(long process)
{
    char line[512];
    long parent = 0;
    FILE *about = open_about(process, "stat");
    if (!about)
        return 0;
    if (fgets(line, sizeof line, about)) {
        /* The name may have anything in it, parentheses too. */
        const char *end = strrchr(line, ')');
        if (end && sscanf(end, ") %*c %ld", &parent) != 1)
            parent = 0;
    }
    fclose(about);
    return parent;
}

/* Between this process and one that compiles stands the warden, which shares its memory and, until
 * exec, so does that one. */
static bool compiles(long process)
{
    char line[64] = "";
    FILE *about = open_about(process, "cmdline");
    if (!about)
        return false;
    size_t size = fread(line, 1, sizeof line - 1, about);
    fclose(about);
    line[size] = '\0';
    return strstr(line, "bulkhead-compile") != NULL;
}

static void each_process(void (*visit)(long process, void *env), void *env)
{
    DIR *directory = opendir("/proc");
    if (!directory) {
        perror("/proc");
        abort();
    }
    for (const struct dirent *e = readdir(directory); e; e = readdir(directory))
        if (isdigit((unsigned char)e->d_name[0]))
            visit(strtol(e->d_name, NULL, 10), env);
    closedir(directory);
}

/* -- who compiles --------------------------------------------------------------------------- */

static void keep_most(uint64_t *most, uint64_t kib)
{
    if (kib * 1024 > *most)
        *most = kib * 1024;
}

static void look_at(long process, bomb_watch *watch)
{
    char line[128];
    uint64_t kib;
    FILE *about = open_about(process, "status");
    if (!about)
        return;
    while (fgets(line, sizeof line, about)) {
        if (sscanf(line, "VmData: %" SCNu64, &kib) == 1)
            keep_most(&watch->data_bytes, kib);
        else if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
            keep_most(&watch->anonymous_bytes, kib);
        else if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            keep_most(&watch->resident_bytes, kib);
    }
    fclose(about);
    watch->looks++;
}

typedef struct search {
    bomb_watch *watch;
    unsigned found;
} search;

static void visit_compiler(long process, void *env)
{
    search *s = env;
    long parent = parent_of(process);
    if (parent <= 1 || parent_of(parent) != (long)getpid() || !compiles(process))
        return;
    s->found++;
    look_at(process, s->watch);
}

static void *look(void *shared)
{
    bomb_watch *watch = shared;
    while (!atomic_load_explicit(&watch->stop, memory_order_relaxed)) {
        search s = {watch, 0};
        each_process(visit_compiler, &s);
        if (s.found > watch->at_once)
            watch->at_once = s.found;
        usleep(LOOK_MICROSECONDS);
    }
    return NULL;
}

void bomb_watch_begin(bomb_watch *watch)
{
    memset(watch, 0, sizeof *watch);
    if (pthread_create(&watch->thread, NULL, look, watch) != 0)
        abort();
}

void bomb_watch_end(bomb_watch *watch)
{
    atomic_store_explicit(&watch->stop, true, memory_order_relaxed);
    pthread_join(watch->thread, NULL);
}

/* -- what is left --------------------------------------------------------------------------- */

static void count_child(long process, void *env)
{
    *(unsigned *)env += parent_of(process) == (long)getpid();
}

unsigned bomb_watch_children(void)
{
    unsigned count = 0;
    each_process(count_child, &count);
    return count;
}
