/*
 * Stacks of the engine's fibers, on which guests run that may wait: mapped once, guarded below,
 * recycled without cleaning, because a guest cannot address its stack.
 *
 * A pool is shared by all threads of a host; one lock guards it.
 */
#ifndef BHD_MEMORY_STACKS_H
#define BHD_MEMORY_STACKS_H

#include "bulkhead/error.h"

typedef struct bhd__stacks bhd__stacks;
typedef struct bhd__stack bhd__stack;

/* `stack_bytes` is rounded up to pages. At most `keep` free stacks are kept mapped. */
bhd_status bhd__stacks_new(uint64_t stack_bytes, uint64_t keep, bhd__stacks **stacks,
                           bhd_error *error);
/* All stacks must be back. NULL does nothing. */
void bhd__stacks_free(bhd__stacks *stacks);
/* BHD_NO_CAPACITY when the system has no memory or mappings left. */
bhd_status bhd__stacks_acquire(bhd__stacks *stacks, bhd__stack **stack, bhd_error *error);
void bhd__stacks_release(bhd__stacks *stacks, bhd__stack *stack);
/* One past the highest byte; the stack grows down from here. */
uint8_t *bhd__stack_top(const bhd__stack *stack);
/* Usable bytes below the top; the guard lies beneath them. */
uint64_t bhd__stack_bytes(const bhd__stack *stack);

#endif
