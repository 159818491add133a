#include "schedule/heap.h"

#include "base/alloc.h"

#include <assert.h>

bool bhd__heap_reserve(bhd__heap *heap, size_t count)
{
    if (count <= heap->capacity)
        return true;
    size_t capacity = heap->capacity ? heap->capacity : 16;
    while (capacity < count)
        capacity *= 2;
    bhd__heap_item **items = bhd__realloc_array(heap->items, capacity, sizeof *items);
    if (!items)
        return false;
    heap->items = items;
    heap->capacity = capacity;
    return true;
}

void bhd__heap_fini(bhd__heap *heap)
{
    bhd__free(heap->items);
    *heap = (bhd__heap){0};
}

static bool is_before(const bhd__heap_item *a, const bhd__heap_item *b)
{
    return a->key != b->key ? a->key < b->key : a->arrival < b->arrival;
}

/* Places count from 1: the parent of `place` is place / 2, its children 2 * place and the next. */
static void set(bhd__heap *heap, size_t place, bhd__heap_item *item)
{
    heap->items[place - 1] = item;
    item->place = place;
}

static void move_up(bhd__heap *heap, size_t place, bhd__heap_item *item)
{
    while (place > 1 && is_before(item, heap->items[place / 2 - 1])) {
        set(heap, place, heap->items[place / 2 - 1]);
        place /= 2;
    }
    set(heap, place, item);
}

static void move_down(bhd__heap *heap, size_t place, bhd__heap_item *item)
{
    for (;;) {
        size_t child = 2 * place;
        if (child > heap->count)
            break;
        if (child < heap->count && is_before(heap->items[child], heap->items[child - 1]))
            child++;
        if (!is_before(heap->items[child - 1], item))
            break;
        set(heap, place, heap->items[child - 1]);
        place = child;
    }
    set(heap, place, item);
}

void bhd__heap_put(bhd__heap *heap, bhd__heap_item *item, uint64_t key)
{
    assert(item->place == 0 && heap->count < heap->capacity);
    item->key = key;
    item->arrival = heap->arrivals++;
    heap->count++;
    move_up(heap, heap->count, item);
}

void bhd__heap_remove(bhd__heap *heap, bhd__heap_item *item)
{
    if (item->place == 0)
        return;
    size_t place = item->place;
    bhd__heap_item *last = heap->items[heap->count - 1];
    heap->count--;
    item->place = 0;
    if (last == item)
        return;
    if (place > 1 && is_before(last, heap->items[place / 2 - 1]))
        move_up(heap, place, last);
    else
        move_down(heap, place, last);
}

bhd__heap_item *bhd__heap_first(const bhd__heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}
