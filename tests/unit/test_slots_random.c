/*
 * Slots over a long time: random life against a model, many threads, and no drift of resources.
 */
#include "slots_kit.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>

#define RESERVATION (512 * KIB)
#define STEP (64 * KIB)

/* -- A model of the pool ----------------------------------------------------------------------- */

enum { MODEL_SLOTS = 12, OPERATIONS = 10000 };

struct model_slot {
    bhd__slot *slot;
    uint64_t bytes;
    uint8_t *shadow; /* what the slot must contain */
};

struct model {
    struct model_slot used[MODEL_SLOTS], unused[MODEL_SLOTS]; /* unused: oldest first */
    size_t used_count, unused_count;
};

/* Which free slot the pool has to choose: of the same size, or the last; -1 when none is free. */
static int expected_choice(const struct model *model, uint64_t bytes)
{
    for (int i = (int)model->unused_count - 1; i >= 0; i--)
        if (model->unused[i].bytes == bytes)
            return i;
    return (int)model->unused_count - 1;
}

static void model_acquire(struct model *model, bhd__slots *slots, uint64_t bytes)
{
    bhd__slot *slot = NULL;
    bhd_status status = bhd__slots_acquire(slots, bytes, &slot, NULL);
    if (model->used_count == MODEL_SLOTS) {
        assert_int_equal(status, BHD_NO_CAPACITY);
        return;
    }
    assert_int_equal(status, BHD_OK);
    int choice = expected_choice(model, bytes);
    if (choice >= 0) {
        assert_ptr_equal(slot, model->unused[choice].slot);
        free(model->unused[choice].shadow);
        for (size_t i = (size_t)choice + 1; i < model->unused_count; i++)
            model->unused[i - 1] = model->unused[i];
        model->unused_count--;
    }
    assert_zero(slot);
    struct model_slot now = {slot, bytes, calloc(1, RESERVATION)};
    assert_non_null(now.shadow);
    model->used[model->used_count++] = now;
}

static void model_release(struct model *model, bhd__slots *slots, size_t index)
{
    struct model_slot gone = model->used[index];
    model->used[index] = model->used[--model->used_count];
    model->unused[model->unused_count++] = gone;
    bhd__slots_release(slots, gone.slot);
}

static void model_grow(struct model_slot *slot, uint64_t bytes)
{
    assert_int_equal(bhd__slot_grow(slot->slot, bytes, NULL), BHD_OK);
    slot->bytes = bytes > slot->bytes ? bytes : slot->bytes;
}

static void model_write(struct model_slot *slot, uint64_t *seed)
{
    if (slot->bytes == 0)
        return;
    uint64_t start = next_random(seed) % slot->bytes;
    uint64_t length = next_random(seed) % (slot->bytes - start) + 1;
    length = next_random(seed) % 3 == 0 ? length : 1;
    int value = (int)(next_random(seed) % 256);
    memset(bhd__slot_base(slot->slot) + start, value, length);
    memset(slot->shadow + start, value, length);
}

static void model_check(const struct model *model, const bhd__slots *slots)
{
    bhd__slots_stats stats;
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.in_use, model->used_count);
    assert_int_equal(stats.slots, model->used_count + model->unused_count);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.reserved_bytes, stats.slots * (RESERVATION + 128 * KIB));
}

static void test_ten_thousand_random_operations_agree_with_a_model(void **state)
{
    (void)state;
    struct model model;
    uint64_t seed = 20240229, live_before = bhd__alloc_live();
    bhd__slots *slots = pool_of(RESERVATION, MODEL_SLOTS, 64 * KIB);
    memset(&model, 0, sizeof model);
    for (int i = 0; i < OPERATIONS; i++) {
        size_t index = model.used_count ? next_random(&seed) % model.used_count : 0;
        uint64_t bytes = next_random(&seed) % 9 * STEP, action = next_random(&seed) % 10;
        if (action < 3 || model.used_count == 0)
            model_acquire(&model, slots, bytes);
        else if (action < 5)
            model_grow(&model.used[index], bytes);
        else if (action < 8)
            model_write(&model.used[index], &seed);
        else
            model_release(&model, slots, index);
        model_check(&model, slots);
        for (size_t k = 0; k < model.used_count; k++) {
            const struct model_slot *slot = &model.used[k];
            assert_int_equal(bhd__slot_bytes(slot->slot), slot->bytes);
            if (i % 16 == 0)
                assert_memory_equal(bhd__slot_base(slot->slot), slot->shadow, slot->bytes);
            if (i % 256 == 0)
                assert_exact(slot->slot, slot->bytes);
        }
    }
    while (model.used_count > 0)
        model_release(&model, slots, 0);
    for (size_t i = 0; i < model.unused_count; i++)
        free(model.unused[i].shadow);
    bhd__slots_free(slots);
    assert_int_equal(bhd__alloc_live(), live_before);
}

/* -- Threads ----------------------------------------------------------------------------------- */

enum { THREADS = 8 };

struct crew {
    bhd__slots *slots;
    int rounds;
    atomic_uint wrong;   /* contents that should not have been there */
    atomic_uint refused; /* BHD_NO_CAPACITY */
    atomic_uint others;  /* any other failure */
};

struct worker {
    struct crew *crew;
    uint64_t seed;
    uint8_t mark;
};

static bool holds_only(const uint8_t *bytes, uint64_t count, uint8_t mark)
{
    for (uint64_t i = 0; i < count; i += 64)
        if (bytes[i] != mark)
            return false;
    return true;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct crew *crew = worker->crew;
    for (int i = 0; i < crew->rounds; i++) {
        uint64_t bytes = next_random(&worker->seed) % 5 * STEP;
        uint64_t more = bytes + next_random(&worker->seed) % 4 * STEP;
        bhd__slot *slot = NULL;
        bhd_status status = bhd__slots_acquire(crew->slots, bytes, &slot, NULL);
        if (status != BHD_OK) {
            atomic_fetch_add(status == BHD_NO_CAPACITY ? &crew->refused : &crew->others, 1);
            continue;
        }
        uint8_t *base = bhd__slot_base(slot);
        bool good = first_dirt(base, bytes) == bytes;
        memset(base, worker->mark, bytes);
        if (bhd__slot_grow(slot, more, NULL) == BHD_OK) {
            good = good && first_dirt(base + bytes, more - bytes) == more - bytes;
            good = good && holds_only(base, bytes, worker->mark);
            for (uint64_t at = bytes; at < more; at += page_bytes())
                base[at] = worker->mark;
        }
        good = good && holds_only(base, bytes, worker->mark);
        atomic_fetch_add(&crew->wrong, !good);
        bhd__slots_release(crew->slots, slot);
    }
    return NULL;
}

static void run_crew(struct crew *crew)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){crew, 1000003u * (i + 1), (uint8_t)(0x10 + i)};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crew->wrong), 0);
    assert_int_equal(atomic_load(&crew->others), 0);
}

static void test_eight_threads_get_only_clean_slots(void **state)
{
    (void)state;
    struct crew crew = {.slots = pool_of(RESERVATION, THREADS, 64 * KIB),
                        .rounds = UNDER_SANITIZER ? 200 : 600};
    bhd__slots_stats stats;
    run_crew(&crew);
    assert_int_equal(atomic_load(&crew.refused), 0);
    bhd__slots_get_stats(crew.slots, &stats);
    assert_true(stats.slots >= 1 && stats.slots <= THREADS);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.retired, 0);
    bhd__slots_free(crew.slots);
}

static void test_threads_that_find_no_slot_are_told_and_go_on(void **state)
{
    (void)state;
    struct crew crew = {.slots = pool_of(RESERVATION, 2, 64 * KIB),
                        .rounds = UNDER_SANITIZER ? 200 : 600};
    bhd__slots_stats stats;
    run_crew(&crew);
    bhd__slots_get_stats(crew.slots, &stats);
    assert_true(stats.slots <= 2);
    assert_int_equal(stats.in_use, 0);
    bhd__slot *one = acquired(crew.slots, STEP), *two = acquired(crew.slots, STEP);
    bhd__slots_release(crew.slots, one);
    bhd__slots_release(crew.slots, two);
    bhd__slots_free(crew.slots);
}

/* Every fifth call fails. */
static const bhd__os *real_os;
static atomic_uint calls;

static bool fifth(void)
{
    errno = ENOMEM;
    return atomic_fetch_add(&calls, 1) % 5 == 4;
}

static void *shaky_reserve(size_t bytes)
{
    return fifth() ? NULL : real_os->reserve(bytes);
}

static int shaky_protect(void *address, size_t bytes, int accessible)
{
    return fifth() ? -1 : real_os->protect(address, bytes, accessible);
}

static int shaky_discard(void *address, size_t bytes)
{
    return fifth() ? -1 : real_os->discard(address, bytes);
}

static int shaky_resident(void *address, size_t bytes, unsigned char *pages)
{
    return fifth() ? -1 : real_os->resident(address, bytes, pages);
}

static void test_threads_on_a_failing_system_get_only_clean_slots(void **state)
{
    (void)state;
    struct crew crew = {.slots = pool_of(RESERVATION, THREADS, 64 * KIB),
                        .rounds = UNDER_SANITIZER ? 150 : 400};
    bhd__slots_stats stats;
    uint64_t live_before = bhd__alloc_live() - 1;
    real_os = bhd__os_get();
    bhd__os shaky = *real_os;
    shaky.reserve = shaky_reserve;
    shaky.protect = shaky_protect;
    shaky.discard = shaky_discard;
    shaky.resident = shaky_resident;
    bhd__os_replace(&shaky);
    run_crew(&crew);
    bhd__os_replace(NULL);
    bhd__slots_get_stats(crew.slots, &stats);
    assert_int_equal(stats.in_use, 0);
    assert_true(stats.retired > 0);
    assert_int_equal(stats.reserved_bytes, stats.slots * (RESERVATION + 128 * KIB));
    bhd__slot *all[THREADS];
    for (int i = 0; i < THREADS; i++)
        all[i] = acquired(crew.slots, STEP);
    for (int i = 0; i < THREADS; i++)
        bhd__slots_release(crew.slots, all[i]);
    bhd__slots_free(crew.slots);
    assert_int_equal(bhd__alloc_live(), live_before);
}

/* -- Drift ------------------------------------------------------------------------------------- */

struct footprint {
    uint64_t address_space, resident; /* pages, by /proc/self/statm */
    uint64_t mappings;
};

static struct footprint footprint_now(void)
{
    struct footprint now = {0, 0, 0};
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%" SCNu64 " %" SCNu64, &now.address_space, &now.resident), 2);
    fclose(file);
    file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        now.mappings += c == '\n';
    fclose(file);
    return now;
}

/* The allocator of a sanitizer maps for itself; a drift would still be far more than that. */
static void assert_no_drift(const struct footprint *before, const struct footprint *after)
{
    if (UNDER_SANITIZER) {
        assert_true(after->mappings <= before->mappings + 16);
        return;
    }
    assert_int_equal(after->address_space, before->address_space);
    assert_int_equal(after->mappings, before->mappings);
    assert_true(after->resident <= before->resident + 64);
}

static void tenants(bhd__slots *slots, int count)
{
    for (int i = 0; i < count; i++) {
        bhd__slot *slot = acquired(slots, (uint64_t)(i % 3) * STEP);
        grown(slot, RESERVATION);
        bhd__slot_base(slot)[(uint64_t)i * 4099 % RESERVATION] = 1;
        bhd__slots_release(slots, slot);
    }
}

static void test_nothing_drifts_over_many_tenants(void **state)
{
    (void)state;
    int count = UNDER_SANITIZER ? 10000 : 100000;
    bhd__slots *slots = pool_of(RESERVATION, 4, 64 * KIB);
    tenants(slots, 1000);
    uint64_t live = bhd__alloc_live();
    struct footprint before = footprint_now();
    tenants(slots, count);
    struct footprint after = footprint_now();
    assert_no_drift(&before, &after);
    assert_int_equal(bhd__alloc_live(), live);
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

static void test_nothing_drifts_over_many_pools(void **state)
{
    (void)state;
    struct footprint before = {0, 0, 0};
    for (int i = 0; i < 2000; i++) {
        bhd__slots *slots = pool_of(RESERVATION, 4, 64 * KIB);
        bhd__slot *a = acquired(slots, STEP), *b = acquired(slots, RESERVATION);
        memset(bhd__slot_base(a), 1, STEP);
        bhd__slots_release(slots, a);
        bhd__slots_release(slots, b);
        bhd__slots_free(slots);
        if (i == 10)
            before = footprint_now();
    }
    struct footprint after = footprint_now();
    assert_no_drift(&before, &after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_random_operations_agree_with_a_model),
        cmocka_unit_test(test_eight_threads_get_only_clean_slots),
        cmocka_unit_test(test_threads_that_find_no_slot_are_told_and_go_on),
        cmocka_unit_test(test_threads_on_a_failing_system_get_only_clean_slots),
        cmocka_unit_test(test_nothing_drifts_over_many_tenants),
        cmocka_unit_test(test_nothing_drifts_over_many_pools),
    };
    return cmocka_run_group_tests_name("slots_random", tests, NULL, NULL);
}
