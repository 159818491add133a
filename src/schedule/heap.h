/*
 * A heap of things that belong to somebody else: the one with the smallest key first, of equal ones
 * the one that came first. Memory is reserved before, so that putting something in cannot fail.
 *
 * No lock: whoever owns the heap has one.
 */
#ifndef BHD_SCHEDULE_HEAP_H
#define BHD_SCHEDULE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A member of what is put into a heap. Zeroed: in none. */
typedef struct bhd__heap_item {
    uint64_t key;
    uint64_t arrival; /* given by the heap */
    size_t place;     /* from 1; 0: in no heap */
} bhd__heap_item;

typedef struct bhd__heap {
    bhd__heap_item **items;
    size_t count, capacity;
    uint64_t arrivals;
} bhd__heap;

/* Room for `count` items in all. False without memory. */
bool bhd__heap_reserve(bhd__heap *heap, size_t count);
void bhd__heap_fini(bhd__heap *heap);
/* Into the room that is reserved. The item is in no heap. */
void bhd__heap_put(bhd__heap *heap, bhd__heap_item *item, uint64_t key);
/* Does nothing when the item is in no heap. */
void bhd__heap_remove(bhd__heap *heap, bhd__heap_item *item);
/* NULL: the heap is empty. */
bhd__heap_item *bhd__heap_first(const bhd__heap *heap);

#endif
