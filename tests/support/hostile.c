#include "support/hostile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* -- the catalogue ------------------------------------------------------------------------- */

static _Noreturn void bad_line(unsigned line, const char *why)
{
    fprintf(stderr, "guests/hostile/index.txt:%u: %s\n", line, why);
    exit(1);
}

static bhd_status status_named(const char *name, unsigned line)
{
    static const bhd_status all[] = {
#define ONE(identifier, value, text) BHD_##identifier,
        BHD_STATUS_MAP(ONE)
#undef ONE
    };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (strcmp(bhd_status_name(all[i]), name) == 0)
            return all[i];
    bad_line(line, "no such status");
}

static void read_options(char *options, hostile_entry *entry, unsigned line)
{
    char *rest = NULL;
    for (char *one = strtok_r(options, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        if (strcmp(one, "gc") == 0)
            entry->gc = true;
        else if (strncmp(one, "t=", 2) == 0)
            entry->limits.timeout_seconds = strtod(one + 2, NULL);
        else if (strncmp(one, "f=", 2) == 0)
            entry->limits.max_fuel = strtoull(one + 2, NULL, 10);
        else if (strncmp(one, "e=", 2) == 0)
            entry->limits.max_table_elements = strtoull(one + 2, NULL, 10);
        else if (strcmp(one, "-") != 0)
            bad_line(line, "no such option");
    }
}

size_t hostile_index(hostile_entry *entries, size_t capacity)
{
    FILE *file = fopen(BHD_SOURCE_DIR "/guests/hostile/index.txt", "re");
    if (!file)
        bad_line(0, "cannot be opened");
    char text[512];
    size_t count = 0;
    for (unsigned line = 1; fgets(text, sizeof text, file); line++) {
        if (text[0] == '#' || text[0] == '\n')
            continue;
        if (count == capacity)
            bad_line(line, "more entries than there is room for");
        hostile_entry *e = &entries[count++];
        *e = (hostile_entry){.limits = guest_limits(0)};
        char deny[32], trap[32], options[64];
        uint64_t kib;
        if (sscanf(text, "%95s %63s %" SCNu64 " %31s %31s %63s %191[^\n]", e->file, e->attack, &kib,
                   deny, trap, options, e->text) != 7)
            bad_line(line, "seven columns are needed");
        e->limits.max_memory_bytes = KIB(kib);
        e->wanted[BHD_ON_EXCEED_DENY] = status_named(deny, line);
        e->wanted[BHD_ON_EXCEED_TRAP] = status_named(trap, line);
        read_options(options, e, line);
        if (strcmp(e->text, "-") == 0)
            e->text[0] = '\0';
    }
    fclose(file);
    return count;
}

/* -- neighbours ---------------------------------------------------------------------------- */

#define CANARY_BYTES 262144

static uint8_t canaries[2][CANARY_BYTES];
static int64_t answers[2]; /* what has to be computed over them */

/* What neighbour.wat computes over its memory: FNV-1a, 64 bits. */
static int64_t answer_of(const uint8_t *bytes)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < CANARY_BYTES; i++)
        h = (h ^ bytes[i]) * UINT64_C(1099511628211);
    return (int64_t)h;
}

/* The same for all attacks, so made once. */
static void draw_canaries(void)
{
    if (answers[0] != 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        for (size_t at = 0; at < CANARY_BYTES; at++)
            canaries[i][at] = (uint8_t)(at * 31 + (at >> 8) * 7 + i + 1);
        answers[i] = answer_of(canaries[i]);
    }
}

/* It computes for a third of a millisecond; the rest of the processor is for who attacks. */
#define PAUSE_MICROSECONDS 2000

static void *compute(void *shared)
{
    neighbours *n = shared;
    do {
        bhd_value result = {.type = BHD_I64, .of.i64 = 0};
        bhd_status status = guest_call(n->sandboxes[0], NULL, &result, "answer");
        if (status != BHD_OK || result.of.i64 != answers[0])
            atomic_fetch_add_explicit(&n->wrong, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&n->computed, 1, memory_order_relaxed);
        usleep(PAUSE_MICROSECONDS);
    } while (!atomic_load_explicit(&n->stop, memory_order_relaxed));
    return NULL;
}

void neighbours_begin(neighbours *n, bhd_host *host)
{
    bhd_limits limits = guest_limits(CANARY_BYTES);
    memset(n, 0, sizeof *n);
    n->component = guest_component(host, "hostile/neighbour.wat", &limits);
    /* Between them is a slot that is free for the attack. */
    n->sandboxes[0] = guest_sandbox(n->component);
    bhd_sandbox *gap = guest_sandbox(n->component);
    n->sandboxes[1] = guest_sandbox(n->component);
    bhd_sandbox_free(gap);
    draw_canaries();
    for (size_t i = 0; i < 2; i++) {
        bhd_error error = BHD_ERROR_INIT;
        expect_ok(bhd_sandbox_write(n->sandboxes[i], NULL, 0, canaries[i], CANARY_BYTES, &error),
                  &error);
    }
    assert_int_equal(0, pthread_create(&n->thread, NULL, compute, n));
    n->is_running = true;
}

bool neighbours_stop(neighbours *n)
{
    if (!n->is_running)
        return false;
    atomic_store_explicit(&n->stop, true, memory_order_relaxed);
    pthread_join(n->thread, NULL);
    n->is_running = false;
    return true;
}

void neighbours_end(neighbours *n)
{
    static uint8_t seen[CANARY_BYTES];
    (void)neighbours_stop(n);
    assert_int_equal(0, atomic_load(&n->wrong));
    assert_true(atomic_load(&n->computed) > 0);
    for (size_t i = 0; i < 2; i++) {
        bhd_error error = BHD_ERROR_INIT;
        expect_ok(bhd_sandbox_read(n->sandboxes[i], NULL, 0, seen, CANARY_BYTES, &error), &error);
        assert_memory_equal(canaries[i], seen, CANARY_BYTES);
        assert_true(guest_i64(n->sandboxes[i], "answer") == answers[i]);
        expect_metrics(n->sandboxes[i], CANARY_BYTES, CANARY_BYTES, 1, 0);
        bhd_sandbox_free(n->sandboxes[i]);
    }
    bhd_component_free(n->component);
}

/* -- cost ---------------------------------------------------------------------------------- */

void process_forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    assert_non_null(file);
    fputs("5", file);
    assert_int_equal(0, fclose(file));
}

uint64_t process_peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    char line[128];
    uint64_t kib = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            break;
    fclose(file);
    assert_true(kib > 0);
    return KIB(kib);
}

/* -- binaries ------------------------------------------------------------------------------ */

size_t hostile_read(const char *name, uint8_t **data)
{
    char path[512];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, name);
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 0, SEEK_END));
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    *data = malloc((size_t)size);
    assert_non_null(*data);
    assert_int_equal(size, fread(*data, 1, (size_t)size, file));
    fclose(file);
    return (size_t)size;
}

bhd_status hostile_component(const hostile_entry *entry, bhd_host *host, const bhd_limits *limits,
                             bhd_component **component, bhd_error *error)
{
    static const char plain[] = "(canon lift (core func $main \"run\")";
    if (strncmp(entry->attack, "run:", 4) != 0)
        return guest_try_component(host, entry->file, limits, component, error);
    uint8_t *text;
    size_t size = hostile_read(entry->file, &text);
    const char *at = memmem(text, size, plain, sizeof plain - 1);
    assert_non_null(at);
    size_t head = (size_t)(at - (const char *)text), tail = head + sizeof plain - 1;
    char *whole = malloc(size + sizeof entry->attack + 64);
    assert_non_null(whole);
    snprintf(whole, size + sizeof entry->attack + 64,
             "%.*s(canon lift (core func $main \"%s\")%.*s", (int)head, (char *)text,
             entry->attack + 4, (int)(size - tail), (char *)text + tail);
    bhd_capabilities clocks = BHD_CAPABILITIES_INIT;
    clocks.clocks = true;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "guest",
                                     .version = "1.2.3",
                                     .limits = *limits,
                                     .capabilities = &clocks};
    bhd_status status = bhd_component_new(host, &options, whole, strlen(whole), component, error);
    free(whole);
    free(text);
    return status;
}
