#include "support/process_facts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A test that cannot see the process proves nothing, so it ends. */
static FILE *open_or_end(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        abort();
    }
    return file;
}

static void statm(uint64_t *address_pages, uint64_t *resident_pages)
{
    FILE *file = open_or_end("/proc/self/statm");
    unsigned long long address, resident;
    if (fscanf(file, "%llu %llu", &address, &resident) != 2)
        abort();
    fclose(file);
    *address_pages = address;
    *resident_pages = resident;
}

uint64_t process_resident_bytes(void)
{
    uint64_t address, resident;
    statm(&address, &resident);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_address_bytes(void)
{
    uint64_t address, resident;
    statm(&address, &resident);
    return address * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_mappings(void)
{
    FILE *file = open_or_end("/proc/self/maps");
    uint64_t lines = 0;
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        lines += c == '\n';
    fclose(file);
    return lines;
}

static uint64_t entries(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory) {
        perror(path);
        abort();
    }
    uint64_t count = 0;
    for (const struct dirent *e = readdir(directory); e; e = readdir(directory))
        count += e->d_name[0] != '.';
    closedir(directory);
    return count;
}

uint64_t process_threads(void)
{
    return entries("/proc/self/task");
}

uint64_t process_descriptors(void)
{
    /* One of them is the directory itself. */
    return entries("/proc/self/fd") - 1;
}

double process_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
