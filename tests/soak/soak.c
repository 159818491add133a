/*
 * A soak: a million sandboxes of well-behaved and hostile guests, on all processors at once.
 *
 *     soak [COUNT [THREADS]]
 *
 * Threads take numbers from one counter and let a guest live for each. A sandbox that has ended
 * goes onto a shelf and is freed later, by whichever thread takes its place there, so that slots
 * come back in any order and from any thread. After each hundredth part all threads stop, the shelf
 * is emptied, and the process is looked at: no sandbox lives, no slot is in use, none is retired,
 * nobody was refused for capacity. When it has warmed up, which is after the first hundredth of a
 * million lives, there are always as many open files and threads as there were, and no more
 * resident memory and mappings than that and a fixed allowance.
 *
 * Every life must end as its guest's line says, with the metrics that it had the first time, and
 * in the end the numbers given to sandboxes and the sums of all metrics are exact.
 */
#include "soak_guests.h"

#include "support/process_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS_IN_ALL 100
/* Lives after which everything that is made once or kept is there: slots with the pages that they
 * keep, and what the allocator holds. */
#define LIVES_TO_WARM_UP 10000
#define SHELF_PLACES 64
#define THREADS_MAX 64
/* One life of these many is slow; one of these many compiles its guest as well. */
#define SLOW_EVERY 128
#define COMPILE_EVERY 1024
/* The same while it warms up: after some hundred compilations, on whichever threads, the allocator
 * has as many heaps as it ever gets, and they are as full. */
#define COMPILE_EVERY_WARMING 64
/* What the allocator and free slots may hold more than after warming up, and than after a tenth of
 * a million lives, when the allocator's heaps have come to what they stay at. */
#define RESIDENT_ALLOWANCE MIB(16)
#define RESIDENT_ALLOWANCE_LATER MIB(6)
#define LIVES_TO_SETTLE 100000
#define MAPPINGS_ALLOWANCE 256
#define DEVIATIONS_SHOWN 20

typedef struct process {
    uint64_t resident, mappings, descriptors, threads;
} process;

typedef struct worker {
    pthread_t thread;
    uint64_t random;
    uint64_t lives[SOAK_GUESTS_MAX], compiled;
    /* Sums of what the metrics said, over lives that are not ended by a deadline. */
    uint64_t growths, denials, output_bytes;
} worker;

static struct soak {
    soak_plan plan;
    uint64_t count, first_lives[SOAK_HOSTS];
    unsigned threads;
    worker workers[THREADS_MAX];
    pthread_barrier_t barrier;
    /* Lives begun so far, and where the present round ends; written between rounds only. */
    atomic_uint_fast64_t next;
    uint64_t round_end;
    _Atomic(bhd_sandbox *) shelf[SHELF_PLACES];
    atomic_uint_fast64_t deviations;
    pthread_mutex_t printing;
    process first, last;
    uint64_t settled; /* resident bytes after LIVES_TO_SETTLE; 0: not yet */
    double began;
} soak;

/* -- deviations ---------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void deviation(const char *format, ...)
{
    if (atomic_fetch_add_explicit(&soak.deviations, 1, memory_order_relaxed) >= DEVIATIONS_SHOWN)
        return;
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&soak.printing);
    fputs("soak: WRONG: ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    pthread_mutex_unlock(&soak.printing);
    va_end(arguments);
}

static void expect_equal(const char *what, uint64_t wanted, uint64_t got)
{
    if (wanted != got)
        deviation("%s: %" PRIu64 " wanted, got %" PRIu64, what, wanted, got);
}

static void expect_at_most(const char *what, uint64_t most, uint64_t got)
{
    if (got > most)
        deviation("%s: at most %" PRIu64 " wanted, got %" PRIu64, what, most, got);
}

/* -- lives --------------------------------------------------------------------------------- */

static uint64_t draw(worker *w)
{
    /* xorshift64* */
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return w->random * UINT64_C(2685821657736338717);
}

static size_t choose(worker *w, soak_class class)
{
    size_t index = (size_t)(draw(w) >> 33) % soak.plan.counts[class];
    return soak.plan.of_class[class][index];
}

static uint64_t lives_to_warm_up(void)
{
    return soak.count / 2 < LIVES_TO_WARM_UP ? soak.count / 2 : LIVES_TO_WARM_UP;
}

static uint64_t compile_every(uint64_t number)
{
    return number < lives_to_warm_up() ? COMPILE_EVERY_WARMING : COMPILE_EVERY;
}

static void compile_one(worker *w, uint64_t number)
{
    soak_class class = number / compile_every(number) % 2 ? SOAK_REFUSED : SOAK_HOSTILE;
    const soak_guest *g = &soak.plan.guests[choose(w, class)];
    bhd_error error = BHD_ERROR_INIT;
    bhd_status wanted = class == SOAK_REFUSED ? g->wanted.status : BHD_OK;
    bhd_status status = soak_compile(&soak.plan, g, &error);
    if (status != wanted)
        deviation("compiling %s: %s wanted, got %s", g->entry.file, bhd_status_name(wanted),
                  bhd_status_name(status));
    w->compiled++;
    bhd_error_fini(&error);
}

static void live_one(worker *w, uint64_t number)
{
    soak_class class = number % SLOW_EVERY == 0 ? SOAK_SLOW
                       : draw(w) >> 63          ? SOAK_HOSTILE
                                                : SOAK_GOOD;
    size_t index = choose(w, class);
    const soak_guest *g = &soak.plan.guests[index];
    char why[128];
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox;
    soak_end end = soak_live(g, &sandbox, &error);
    if (!soak_end_is_right(g, &end, why, sizeof why))
        deviation("life %" PRIu64 ", %s %s %s: %s; %s", number, g->entry.file, g->entry.attack,
                  bhd_on_exceed_text(g->entry.limits.on_exceed), why, error.message);
    bhd_error_fini(&error);
    w->lives[index]++;
    if (!g->may_wait) {
        w->growths += end.growths;
        w->denials += end.denials;
        w->output_bytes += end.output_bytes;
    }
    size_t place = (size_t)(draw(w) >> 33) % SHELF_PLACES;
    bhd_sandbox_free(atomic_exchange_explicit(&soak.shelf[place], sandbox, memory_order_acq_rel));
}

/* -- between rounds ------------------------------------------------------------------------ */

static process look_at_process(void)
{
    return (process){process_resident_bytes(), process_mappings(), process_descriptors(),
                     process_threads()};
}

/* All threads wait meanwhile. */
static void look(unsigned round)
{
    for (size_t i = 0; i < SHELF_PLACES; i++)
        bhd_sandbox_free(atomic_exchange_explicit(&soak.shelf[i], NULL, memory_order_acq_rel));
    for (unsigned i = 0; i < SOAK_HOSTS; i++) {
        bhd_host_stats stats;
        bhd_host_get_stats(soak.plan.hosts[i], &stats, sizeof stats);
        expect_equal("live sandboxes", 0, stats.live_sandboxes);
        expect_equal("slots in use", 0, stats.slots_in_use);
        expect_equal("retired slots", 0, stats.slots_retired);
        expect_equal("refused for capacity", 0, stats.refused_capacity);
    }
    soak.last = look_at_process();
    if (soak.round_end - soak.count / ROUNDS_IN_ALL < lives_to_warm_up())
        soak.first = soak.last;
    expect_equal("open files", soak.first.descriptors, soak.last.descriptors);
    expect_equal("threads", soak.first.threads, soak.last.threads);
    expect_at_most("mappings", soak.first.mappings + MAPPINGS_ALLOWANCE, soak.last.mappings);
    /* Sanitizers keep what was freed. */
    if (!BHD_TESTS_SANITIZED)
        expect_at_most("resident bytes", soak.first.resident + RESIDENT_ALLOWANCE,
                       soak.last.resident);
    if (soak.round_end >= LIVES_TO_SETTLE && soak.settled == 0)
        soak.settled = soak.last.resident;
    if (!BHD_TESTS_SANITIZED && soak.settled > 0)
        expect_at_most("resident bytes since a tenth", soak.settled + RESIDENT_ALLOWANCE_LATER,
                       soak.last.resident);
    if (round % 10 == 9 || round == 0) {
        printf("soak: %3u %% in %.0f s: %" PRIu64 " KiB resident, %" PRIu64 " open files, %" PRIu64
               " mappings\n",
               round + 1, process_seconds() - soak.began, soak.last.resident / 1024,
               soak.last.descriptors, soak.last.mappings);
        fflush(stdout);
    }
}

static void *work(void *shared)
{
    worker *w = shared;
    for (unsigned round = 0; round < ROUNDS_IN_ALL; round++) {
        for (;;) {
            uint64_t number = atomic_fetch_add_explicit(&soak.next, 1, memory_order_relaxed);
            if (number >= soak.round_end)
                break;
            if (number % compile_every(number) == 0)
                compile_one(w, number);
            live_one(w, number);
        }
        if (pthread_barrier_wait(&soak.barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            look(round);
            /* Each thread took one number too many. */
            atomic_store_explicit(&soak.next, soak.round_end, memory_order_relaxed);
            soak.round_end = soak.count * (round + 2) / ROUNDS_IN_ALL;
        }
        pthread_barrier_wait(&soak.barrier);
    }
    return NULL;
}

/* -- the account --------------------------------------------------------------------------- */

/* Every host has given out as many numbers as lives began in it, no more and no fewer. */
static void check_numbers(const uint64_t lives[SOAK_HOSTS])
{
    for (unsigned i = 0; i < SOAK_HOSTS; i++) {
        bhd_limits limits = guest_limits(MIB(1));
        bhd_component *component = guest_component(soak.plan.hosts[i], "basic/add.wat", &limits);
        bhd_sandbox *sandbox = guest_sandbox(component);
        expect_equal("number of the last sandbox", soak.first_lives[i] + lives[i] + 1,
                     bhd_sandbox_id(sandbox));
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
    }
}

static void account(double seconds)
{
    static const bhd_status statuses[] = {
        BHD_OK,   BHD_OUT_OF_MEMORY, BHD_TIMEOUT,          BHD_OUT_OF_FUEL,
        BHD_TRAP, BHD_EXIT,          BHD_CAPABILITY_DENIED};
    uint64_t ends[COUNT_OF(statuses)] = {0}, lives[SOAK_HOSTS] = {0}, total = 0, compiled = 0;
    uint64_t growths = 0, denials = 0, output_bytes = 0;
    for (unsigned t = 0; t < soak.threads; t++) {
        const worker *w = &soak.workers[t];
        compiled += w->compiled;
        growths += w->growths;
        denials += w->denials;
        output_bytes += w->output_bytes;
        for (size_t i = 0; i < soak.plan.count; i++) {
            const soak_guest *g = &soak.plan.guests[i];
            uint64_t n = w->lives[i];
            total += n;
            lives[g->host] += n;
            for (size_t s = 0; s < COUNT_OF(statuses); s++)
                ends[s] += g->wanted.status == statuses[s] ? n : 0;
            if (g->may_wait)
                continue;
            growths -= n * g->wanted.growths;
            denials -= n * g->wanted.denials;
            output_bytes -= n * g->wanted.output_bytes;
        }
    }
    uint64_t ended = 0;
    printf("\n%-28s %12" PRIu64 "\n", "sandboxes", total);
    for (size_t s = 0; s < COUNT_OF(statuses); s++) {
        printf("  %-26s %12" PRIu64 "\n", bhd_status_name(statuses[s]), ends[s]);
        ended += ends[s];
    }
    expect_equal("sandboxes", soak.count, total);
    expect_equal("sum over the outcomes", total, ended);
    expect_equal("growths beyond the sum over the guests", 0, growths);
    expect_equal("refusals beyond the sum over the guests", 0, denials);
    expect_equal("bytes written beyond the sum over the guests", 0, output_bytes);
    check_numbers(lives);
    printf("%-28s %12" PRIu64 "\n", "compilations beside them", compiled);
    printf("%-28s %12u\n", "threads that made them", soak.threads);
    printf("%-28s %12.0f\n%-28s %12.0f\n", "seconds", seconds, "sandboxes a second",
           (double)total / seconds);
    printf("%-28s %12s %12s\n", "", "warmed up", "at the end");
#define ROW(name, field, unit)                                                                     \
    printf("%-28s %12" PRIu64 " %12" PRIu64 "\n", name, soak.first.field / (unit),                 \
           soak.last.field / (unit))
    ROW("resident KiB", resident, 1024);
    ROW("open files", descriptors, 1);
    ROW("mappings", mappings, 1);
    ROW("threads of the process", threads, 1);
#undef ROW
}

static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0' || number < least || number > most) {
        fprintf(stderr, "soak: %s is not a number from %" PRIu64 " to %" PRIu64 "\n", text, least,
                most);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    soak.count = argc > 1 ? number_of(argv[1], ROUNDS_IN_ALL, UINT64_C(1) << 40) : 1000000;
    soak.threads = (unsigned)(argc > 2         ? number_of(argv[2], 1, THREADS_MAX)
                              : processors > 1 ? (uint64_t)processors
                                               : 2);
    if (soak.threads > THREADS_MAX)
        soak.threads = THREADS_MAX;
    soak.round_end = soak.count / ROUNDS_IN_ALL;
    pthread_mutex_init(&soak.printing, NULL);
    pthread_barrier_init(&soak.barrier, NULL, soak.threads);
    soak_plan_make(&soak.plan, soak.first_lives);
    printf("soak: %" PRIu64 " sandboxes of %zu well-behaved, %zu hostile and %zu slow guests, %u "
           "threads\n",
           soak.count, soak.plan.counts[SOAK_GOOD], soak.plan.counts[SOAK_HOSTILE],
           soak.plan.counts[SOAK_SLOW], soak.threads);
    soak.began = process_seconds();
    for (unsigned i = 0; i < soak.threads; i++) {
        soak.workers[i].random = UINT64_C(88172645463325252) + i;
        if (pthread_create(&soak.workers[i].thread, NULL, work, &soak.workers[i]) != 0) {
            fprintf(stderr, "soak: thread %u cannot be started\n", i);
            return 1;
        }
    }
    for (unsigned i = 0; i < soak.threads; i++)
        pthread_join(soak.workers[i].thread, NULL);
    account(process_seconds() - soak.began);
    soak_plan_free(&soak.plan);
    uint64_t wrong = atomic_load_explicit(&soak.deviations, memory_order_relaxed);
    printf("%s: %" PRIu64 " deviations\n", wrong ? "FAILED" : "held", wrong);
    return wrong ? 1 : 0;
}
