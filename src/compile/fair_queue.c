#include "compile/fair_queue.h"

#include "base/alloc.h"

#include <assert.h>
#include <stddef.h>

bool bhd__fair_queue_init(bhd__fair_queue *queue, uint32_t most)
{
    assert(most > 0);
    *queue = (bhd__fair_queue){.most = most};
    queue->places = bhd__calloc(most, sizeof *queue->places);
    return queue->places != NULL;
}

void bhd__fair_queue_fini(bhd__fair_queue *queue)
{
    assert(queue->held == 0 && queue->waiting == 0);
    bhd__free(queue->places);
    queue->places = NULL;
}

/* -- the list of groups, each by the first of it ----------------------------------------------- */

static bool are_of_one_group(const bhd__queue_entry *first, uint64_t group)
{
    return group != 0 && first->group == group;
}

/* Where the pointer to a group's first is: of the last of them, one to NULL. */
static bhd__queue_entry **link_of(bhd__fair_queue *queue, uint64_t group)
{
    bhd__queue_entry **link = &queue->first_group;
    while (*link != NULL && !are_of_one_group(*link, group))
        link = &(*link)->next_group;
    return link;
}

/* The one behind it is the first now, in the same place; without one the group is gone. */
static void drop_first(bhd__queue_entry **link)
{
    bhd__queue_entry *first = *link;
    *link = first->next_group;
    if (first->behind != NULL) {
        first->behind->next_group = first->next_group;
        *link = first->behind;
    }
}

static void move_to_end(bhd__queue_entry **link)
{
    bhd__queue_entry *first = *link;
    *link = first->next_group;
    while (*link != NULL)
        link = &(*link)->next_group;
    first->next_group = NULL;
    *link = first;
}

/* ---------------------------------------------------------------------------------------------- */

void bhd__fair_queue_add(bhd__fair_queue *queue, bhd__queue_entry *entry, uint64_t group)
{
    *entry = (bhd__queue_entry){.group = group};
    queue->waiting++;
    bhd__queue_entry **link = link_of(queue, group);
    while (*link != NULL)
        link = &(*link)->behind;
    *link = entry;
}

void bhd__fair_queue_remove(bhd__fair_queue *queue, bhd__queue_entry *entry)
{
    assert(entry->place == NULL && queue->waiting > 0);
    queue->waiting--;
    for (bhd__queue_entry **link = &queue->first_group; *link != NULL;
         link = &(*link)->next_group) {
        if (*link == entry) {
            drop_first(link);
            return;
        }
        if (!are_of_one_group(*link, entry->group))
            continue;
        for (link = &(*link)->behind; *link != entry; link = &(*link)->behind)
            continue;
        *link = entry->behind;
        return;
    }
}

static uint32_t held_by(const bhd__fair_queue *queue, uint64_t group)
{
    uint32_t held = 0;
    if (group == 0)
        return 0;
    for (uint32_t i = 0; i < queue->most; i++)
        held += queue->places[i].is_held && queue->places[i].group == group;
    return held;
}

static bhd__place *free_place(bhd__fair_queue *queue)
{
    bhd__place *place = queue->places;
    while (place->is_held)
        place++;
    return place;
}

bhd__queue_entry *bhd__fair_queue_serve(bhd__fair_queue *queue)
{
    bhd__queue_entry **link = &queue->first_group;
    while (*link != NULL && held_by(queue, (*link)->group) >= queue->most - queue->held)
        link = &(*link)->next_group;
    bhd__queue_entry *next = *link;
    if (next == NULL)
        return NULL;
    drop_first(link);
    if (next->behind != NULL)
        move_to_end(link);
    queue->waiting--;
    queue->held++;
    next->place = free_place(queue);
    *next->place = (bhd__place){.group = next->group, .is_held = true};
    return next;
}

void bhd__fair_queue_give_back(bhd__fair_queue *queue, bhd__place *place)
{
    assert(place->is_held && queue->held > 0);
    place->is_held = false;
    queue->held--;
    bhd__queue_entry **link = link_of(queue, place->group);
    if (*link != NULL)
        move_to_end(link);
}
