#include "support/crew.h"

#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>

/* Guests run on these, so they are as small as an embedder's may be. */
#define STACK_BYTES ((size_t)2 << 20)

static void *member_main(void *env)
{
    crew_member *member = env;
    (void)pthread_barrier_wait(member->start);
    member->work(member);
    return NULL;
}

bool crew_note(crew_member *member, bool holds, const char *what, const bhd_error *error,
               const char *file, int line)
{
    if (!holds && member->failure[0] == '\0')
        snprintf(member->failure, sizeof member->failure, "member %u: %s:%d: %.120s: %.200s",
                 member->number, file, line, what, error ? error->message : "");
    return holds;
}

void crew_run(unsigned count, void (*work)(crew_member *member), void *shared)
{
    crew_member *members = calloc(count, sizeof *members);
    pthread_barrier_t start;
    pthread_attr_t attributes;
    assert_non_null(members);
    assert_int_equal(0, pthread_barrier_init(&start, NULL, count));
    assert_int_equal(0, pthread_attr_init(&attributes));
    assert_int_equal(0, pthread_attr_setstacksize(&attributes, STACK_BYTES));
    for (unsigned i = 0; i < count; i++) {
        members[i].number = i;
        members[i].shared = shared;
        members[i].work = work;
        members[i].start = &start;
        /* The others would wait at the barrier for ever. */
        if (pthread_create(&members[i].thread, &attributes, member_main, &members[i]) != 0) {
            print_error("thread %u of %u cannot be started\n", i, count);
            abort();
        }
    }
    unsigned failures = 0;
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(members[i].thread, NULL);
        if (members[i].failure[0] != '\0' && failures++ < 5)
            print_error("%s\n", members[i].failure);
    }
    pthread_attr_destroy(&attributes);
    pthread_barrier_destroy(&start);
    free(members);
    assert_int_equal(0, failures);
}
