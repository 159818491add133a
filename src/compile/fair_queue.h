/*
 * Who is next: a fair queue (of flows, as routers have them) in front of a number of places. It
 * decides and does not wait; turns.h is what waits.
 *
 * Whoever comes belongs to a group. Inside a group the order is that of coming; groups take turns
 * (round robin): one that gets a place or gives one back goes behind all others that wait. A group
 * that holds `h` places gets another one only while more than `h` are free (a dynamic threshold, as
 * switches share their buffers by). So, of `most` places:
 *
 * - a group that holds none waits only while no place is free, and ahead of it are only groups that
 *   held none either and waited when it came, each once: with K of them it waits for K + 1 places
 *   to become free;
 * - one group alone holds at most half of the places, rounded up, and the last free one is given
 *   only to a group that holds none: it takes about log2(most) + 1 groups to hold them all.
 *
 * Group 0 is not one: each who comes with it is a group of its own.
 *
 * No lock and no memory of its own but the places: whoever waits brings an entry.
 */
#ifndef BHD_COMPILE_FAIR_QUEUE_H
#define BHD_COMPILE_FAIR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* One of the places. */
typedef struct bhd__place {
    uint64_t group;
    bool is_held;
} bhd__place;

typedef struct bhd__queue_entry bhd__queue_entry;

struct bhd__queue_entry {
    uint64_t group;
    bhd__place *place; /* NULL: it waits */
    /* The queue's. */
    bhd__queue_entry *behind;     /* the next of its group */
    bhd__queue_entry *next_group; /* of the first of a group: the first of the next one */
};

typedef struct bhd__fair_queue {
    bhd__place *places;
    uint32_t most, held;
    uint32_t waiting;
    bhd__queue_entry *first_group; /* the first of its group */
} bhd__fair_queue;

/* `most` is not 0. False without memory. */
bool bhd__fair_queue_init(bhd__fair_queue *queue, uint32_t most);
/* When nobody waits and no place is held. */
void bhd__fair_queue_fini(bhd__fair_queue *queue);

/* Behind all of its group. The entry stays where it is until it has a place or is removed. */
void bhd__fair_queue_add(bhd__fair_queue *queue, bhd__queue_entry *entry, uint64_t group);
/* Who waits no more, without having got a place. */
void bhd__fair_queue_remove(bhd__fair_queue *queue, bhd__queue_entry *entry);

/* Gives a place to who is next; NULL: nobody who waits may have one now. After each entry that is
 * added and each place that is given back, until it gives NULL. */
bhd__queue_entry *bhd__fair_queue_serve(bhd__fair_queue *queue);
void bhd__fair_queue_give_back(bhd__fair_queue *queue, bhd__place *place);

#endif
