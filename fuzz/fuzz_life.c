/*
 * Property: whatever is done with hosts, components and sandboxes in whatever order, also with
 * handles given up early, a full host, a heap that runs out and guests that end badly, every
 * status, counter and byte of memory is what a plain model says, and at the end nothing is left.
 *
 * An input is a sequence of operations (life_model.h has the model). Most inputs use one world of
 * host and compiled components that lives as long as the process; one in four makes its own, so
 * that host and components can be given up while sandboxes live.
 */
#include "life_model.h"

#define MOST_STEPS 120

static void call_by_choice(life *l, tenant *t, fuzz_input *input)
{
    uint32_t number = fuzz_choice(input, 20);
    l->agrees = fuzz_byte(input) % 8 != 0;
    switch (fuzz_choice(input, 9)) {
    case 0:
    case 1:
        life_grow(l, t, "grow", number);
        break;
    case 2:
        life_grow(l, t, "greedy", number);
        break;
    case 3:
        life_grow(l, t, "grow", UINT32_MAX - number);
        break;
    case 4:
        life_grow_table(l, t, number * 8);
        break;
    case 5:
        life_count(l, t);
        break;
    case 6:
    case 7:
        life_store(l, t, (uint32_t)fuzz_number(input, 3), fuzz_byte(input));
        break;
    case 8:
        if (number < 7)
            life_end(l, t, "trap", BHD_TRAP);
        else if (number < 10)
            life_pursue(l, t, number - 6);
        else
            life_wrong_calls(l, t);
        break;
    default:
        life_spin(l, t);
        break;
    }
}

static void copy_by_choice(life *l, tenant *t, fuzz_input *input)
{
    bool write = fuzz_byte(input) & 1;
    uint64_t near = (uint64_t)t->pages * LIFE_PAGE;
    uint64_t offset = fuzz_number(input, 3);
    size_t size = fuzz_byte(input);
    switch (fuzz_choice(input, 3)) {
    case 0:
        break;
    case 1: /* up to the end of the memory, or a byte less or more */
        offset = near - size + offset % 3 - 1;
        break;
    case 2:
        offset = UINT64_MAX - offset;
        break;
    default:
        size = SIZE_MAX - size;
        break;
    }
    life_copy(l, t, write, offset, size);
}

static void step(life *l, fuzz_input *input)
{
    uint32_t what = fuzz_choice(input, 15);
    tenant *t = &l->tenants[fuzz_choice(input, LIFE_TENANTS - 1)];
    switch (what) {
    case 0:
    case 1:
    case 2:
        life_new(l, t, fuzz_choice(input, LIFE_GUESTS - 1), 0);
        break;
    case 3:
        life_new(l, t, fuzz_choice(input, LIFE_GUESTS - 1), fuzz_choice(input, 40) + 1);
        break;
    case 4:
        life_free(l, t);
        break;
    case 5:
        life_run(l, t);
        break;
    case 6:
    case 7:
        copy_by_choice(l, t, input);
        break;
    case 8:
        if (fuzz_byte(input) < 32)
            life_drop_host(l);
        break;
    case 9:
        life_cancel(l, t);
        life_drop_component(l, fuzz_choice(input, LIFE_GUESTS - 1));
        break;
    default:
        call_by_choice(l, t, input);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    bool own = fuzz_byte(&input) % 4 == 0 && size > 1;
    life *l = life_begin(own);
    for (int i = 0; i < MOST_STEPS && fuzz_has_more(&input); i++) {
        step(l, &input);
        life_compare(l);
    }
    life_finish(l);
    return 0;
}
