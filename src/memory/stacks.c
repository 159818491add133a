/*
 * The pool of stacks: [guard][stack], the newest free one first.
 *
 * The guard is 64 KiB although one page would catch a guest: compiled code and Rust touch every
 * page of a frame in order, but functions of the host that a guest calls, and the C library under
 * them, may have frames that step over a page.
 *
 * A free stack keeps the pages that its users touched, so that free stacks hold at most `keep` *
 * `stack_bytes` resident. The lock guards the list and the counters and is never held over a system
 * call.
 */
#include "memory/stacks.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"
#include "memory/address_space.h"
#include "memory/os.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

enum { GUARD_BYTES = 64 * 1024 };

struct bhd__stack {
    uint8_t *mapping;
    uint64_t bytes; /* above the guard */
    bhd__stack *older;
};

struct bhd__stacks {
    uint64_t stack_bytes, span_bytes, keep;
    pthread_mutex_t lock;
    /* Under the lock. */
    uint64_t free, in_use;
    bhd__stack *newest;
};

bhd_status bhd__stacks_new(uint64_t stack_bytes, uint64_t keep, bhd__stacks **stacks,
                           bhd_error *error)
{
    uint64_t page = bhd__os_page_bytes(), rounded, span;
    if (stack_bytes == 0)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "stack_bytes: a stack of 0 bytes is none");
    if (!bhd__add_u64(stack_bytes, page - 1, &rounded) ||
        !bhd__add_u64(rounded - rounded % page, GUARD_BYTES, &span))
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "stack_bytes: %" PRIu64 " and a guard are more than 64 bits can count",
                         stack_bytes);
    bhd__stacks *made = bhd__calloc(1, sizeof *made);
    if (made == NULL)
        return bhd__fail_no_memory(error);
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        bhd__free(made);
        return bhd__fail_no_memory(error);
    }
    made->stack_bytes = span - GUARD_BYTES;
    made->span_bytes = span;
    made->keep = keep;
    *stacks = made;
    return BHD_OK;
}

/* Where the system refuses to unmap, the range stays taken, without pages and out of reach. */
static void end_stack(const bhd__stacks *stacks, bhd__stack *stack)
{
    const bhd__os *os = bhd__os_get();
    if (os->unmap(stack->mapping, stacks->span_bytes) != 0) {
        (void)os->discard(stack->mapping, stacks->span_bytes);
        (void)os->protect(stack->mapping, stacks->span_bytes, 0);
    }
    bhd__free(stack);
}

void bhd__stacks_free(bhd__stacks *stacks)
{
    if (stacks == NULL)
        return;
    assert(stacks->in_use == 0);
    while (stacks->newest != NULL) {
        bhd__stack *stack = stacks->newest;
        stacks->newest = stack->older;
        end_stack(stacks, stack);
    }
    (void)pthread_mutex_destroy(&stacks->lock);
    bhd__free(stacks);
}

static bhd_status map_stack(const bhd__stacks *stacks, bhd__stack **stack, bhd_error *error)
{
    const bhd__os *os = bhd__os_get();
    bhd__stack *made = bhd__calloc(1, sizeof *made);
    if (made == NULL)
        return bhd__fail_no_memory(error);
    made->mapping = os->reserve(stacks->span_bytes);
    if (made->mapping == NULL) {
        bhd_status status = bhd__fail_reserve(error, "stack", stacks->span_bytes, errno);
        bhd__free(made);
        return status;
    }
    if (os->protect(made->mapping + GUARD_BYTES, stacks->stack_bytes, 1) != 0) {
        bhd_status status = bhd__fail_protect(error, "stack", stacks->stack_bytes, errno);
        end_stack(stacks, made);
        return status;
    }
    made->bytes = stacks->stack_bytes;
    *stack = made;
    return BHD_OK;
}

bhd_status bhd__stacks_acquire(bhd__stacks *stacks, bhd__stack **stack, bhd_error *error)
{
    (void)pthread_mutex_lock(&stacks->lock);
    bhd__stack *found = stacks->newest;
    stacks->in_use++;
    if (found != NULL) {
        stacks->newest = found->older;
        stacks->free--;
    }
    (void)pthread_mutex_unlock(&stacks->lock);
    if (found == NULL) {
        bhd_status status = map_stack(stacks, &found, error);
        if (status != BHD_OK) {
            (void)pthread_mutex_lock(&stacks->lock);
            stacks->in_use--;
            (void)pthread_mutex_unlock(&stacks->lock);
            return status;
        }
    }
    *stack = found;
    return BHD_OK;
}

void bhd__stacks_release(bhd__stacks *stacks, bhd__stack *stack)
{
    (void)pthread_mutex_lock(&stacks->lock);
    assert(stacks->in_use > 0);
    bool keep = stacks->free < stacks->keep;
    stacks->in_use--;
    if (keep) {
        stack->older = stacks->newest;
        stacks->newest = stack;
        stacks->free++;
    }
    (void)pthread_mutex_unlock(&stacks->lock);
    if (!keep)
        end_stack(stacks, stack);
}

uint8_t *bhd__stack_top(const bhd__stack *stack)
{
    return stack->mapping + GUARD_BYTES + stack->bytes;
}

uint64_t bhd__stack_bytes(const bhd__stack *stack)
{
    return stack->bytes;
}
