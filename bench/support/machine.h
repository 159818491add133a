/*
 * The machine a bench runs on: its description, its clock, and one processor to stay on.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

typedef struct machine {
    char kernel[160];    /* "Linux 6.1.0" */
    char processor[128]; /* as the kernel names it, or "unknown" */
    long processors;     /* online */
    int pinned_to;       /* -1: not pinned */
} machine;

static inline void machine_processor(char *name, size_t capacity)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(name, capacity, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        snprintf(name, capacity, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

static inline void machine_describe(machine *m)
{
    struct utsname kernel;
    memset(m, 0, sizeof *m);
    if (uname(&kernel) == 0)
        snprintf(m->kernel, sizeof m->kernel, "%s %s", kernel.sysname, kernel.release);
    machine_processor(m->processor, sizeof m->processor);
    m->processors = sysconf(_SC_NPROCESSORS_ONLN);
    m->pinned_to = -1;
}

/* Keeps the calling thread, and threads that it starts from now on, on the last processor that it
 * may use: the first one has most of the interrupts. */
static inline void machine_pin(machine *m)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    int last = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed))
            last = cpu;
    if (last < 0)
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)last, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        m->pinned_to = last;
}

static inline double machine_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

#endif
