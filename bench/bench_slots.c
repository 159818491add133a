/*
 * What a tenancy of a slot costs: taking it, using it, giving it back clean. Without the engine, so
 * that a change of the memory room can be judged by itself.
 *
 * Each line is the median of the runs and the fastest and slowest run, in nanoseconds for one
 * tenancy. The last lines turn single means off: no hint which pages are resident, nothing kept.
 */
#include "support/machine.h"
#include "support/samples.h"

#include "memory/os.h"
#include "memory/slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS 15
#define TENANCIES 20000
#define RESERVATION (UINT64_C(1) << 32)
#define GUARD UINT64_C(65536)
#define MIB UINT64_C(1048576)
#define KEEP UINT64_C(262144)

typedef struct tenancy {
    const char *title;
    uint64_t bytes, then; /* sizes of one tenant and the next */
    unsigned pages;       /* that each writes to */
    uint64_t keep;
    bool grows; /* by 64 KiB at the end of its life, so that the next takes that away again */
    bool hints;
} tenancy;

static const tenancy tenancies[] = {
    {"untouched, 1 MiB", MIB, MIB, 0, KEEP, false, true},
    {"one page touched", MIB, MIB, 1, KEEP, false, true},
    {"32 pages touched", MIB, MIB, 32, KEEP, false, true},
    {"untouched, the next is larger or smaller", MIB, 2 * MIB, 0, KEEP, false, true},
    {"32 pages touched, the next is larger or smaller", MIB, 2 * MIB, 32, KEEP, false, true},
    {"one page touched, grows by 64 KiB", MIB, MIB, 1, KEEP, true, true},
    {"one page touched, no hint", MIB, MIB, 1, KEEP, false, false},
    {"32 pages touched, no hint", MIB, MIB, 32, KEEP, false, false},
    {"one page touched, nothing kept", MIB, MIB, 1, 0, false, true},
    {"32 pages touched, nothing kept", MIB, MIB, 32, 0, false, true},
};

static int no_answer(void *address, size_t bytes, unsigned char *pages)
{
    (void)address;
    (void)bytes;
    (void)pages;
    return -1;
}

static void must(bhd_status status, const bhd_error *error)
{
    if (status == BHD_OK)
        return;
    fprintf(stderr, "bench: %s\n", error->message);
    exit(1);
}

/* Touched pages lie apart, as a guest's stack, data and heap do. */
static void use(const tenancy *t, bhd__slots *slots, uint64_t bytes)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__slot *slot = NULL;
    must(bhd__slots_acquire(slots, bytes, &slot, &error), &error);
    volatile uint8_t *base = bhd__slot_base(slot);
    uint64_t distance = t->pages > 1 ? MIB / t->pages : 0;
    for (unsigned i = 0; i < t->pages; i++)
        base[i * distance] = 1;
    if (t->grows)
        must(bhd__slot_grow(slot, bytes + 65536, &error), &error);
    bhd__slots_release(slots, slot);
}

static double run(const tenancy *t, bhd__slots *slots)
{
    double start = machine_now_ns();
    for (int i = 0; i < TENANCIES; i++)
        use(t, slots, i % 2 == 0 ? t->bytes : t->then);
    return (machine_now_ns() - start) / TENANCIES;
}

static void measure(const tenancy *t)
{
    bhd__slots_options options = {.mode = BHD__SLOTS_GUARD,
                                  .reservation_bytes = RESERVATION,
                                  .guard_bytes = GUARD,
                                  .max_slots = 16,
                                  .keep_bytes = t->keep,
                                  .keep_all_bytes = 16 * t->keep};
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    bhd__os os = *bhd__os_get();
    samples series = {0};
    if (!t->hints) {
        os.resident = no_answer;
        bhd__os_replace(&os);
    }
    must(bhd__slots_new(&options, &slots, &error), &error);
    (void)run(t, slots);
    for (int i = 0; i < RUNS; i++)
        samples_add(&series, run(t, slots));
    bhd__slots_free(slots);
    bhd__os_replace(NULL);
    summary s = samples_summary(&series);
    printf("%-48s %9.0f %9.0f %9.0f\n", t->title, s.median, s.minimum, s.maximum);
}

int main(void)
{
    machine here;
    machine_describe(&here);
    machine_pin(&here);
    printf("%s, %s\n", here.processor, here.kernel);
    printf("%-48s %9s %9s %9s\n", "one tenancy of a slot, ns", "median", "min", "max");
    for (size_t i = 0; i < sizeof tenancies / sizeof tenancies[0]; i++)
        measure(&tenancies[i]);
    return 0;
}
