/*
 * The guests of a soak: every attack of guests/hostile/index.txt with on_exceed deny and trap, and
 * well-behaved ones, each with how its life must end.
 *
 * Guests are made once, before the threads start, and are read-only from then on.
 */
#ifndef BHD_TESTS_SOAK_GUESTS_H
#define BHD_TESTS_SOAK_GUESTS_H

#include "support/hostile.h"

#define SOAK_GUESTS_MAX 1024
#define SOAK_HOSTS 3

/* Which guests come how often. */
typedef enum soak_class {
    SOAK_GOOD,    /* well-behaved and quick */
    SOAK_HOSTILE, /* hostile and quick */
    SOAK_SLOW,    /* waits for its deadline, or takes more than a millisecond */
    SOAK_REFUSED, /* never gets a sandbox: refused when it is compiled */
    SOAK_CLASSES
} soak_class;

/* What a life came to. */
typedef struct soak_end {
    bhd_status status;
    int64_t value; /* exit code or result, for BHD_OK */
    uint64_t growths, denials, peak_bytes, table_elements, output_bytes;
} soak_end;

typedef struct soak_guest {
    hostile_entry entry; /* file, function, limits */
    char argument[16];   /* argv[1] of a command; empty: none */
    int64_t number;      /* argument of a function */
    bool may_wait;       /* is ended by its deadline, so how far it comes differs */
    soak_class class;
    unsigned host;
    bhd_component *component; /* NULL for SOAK_REFUSED */
    bool owns_component;      /* false: it is another guest's too */
    soak_end wanted;
} soak_guest;

typedef struct soak_plan {
    bhd_host *hosts[SOAK_HOSTS];
    soak_guest guests[SOAK_GUESTS_MAX];
    size_t count;
    /* Guests by class, as indices. */
    size_t of_class[SOAK_CLASSES][SOAK_GUESTS_MAX], counts[SOAK_CLASSES];
} soak_plan;

/* Compiles everything, lets each guest live once, and keeps what its life came to for comparison.
 * `lives` counts these first sandboxes by host. Ends the process when one of them is not as it
 * should be. */
void soak_plan_make(soak_plan *plan, uint64_t lives[SOAK_HOSTS]);
void soak_plan_free(soak_plan *plan);

/* One life; `*sandbox` is NULL when it could not begin, and the caller frees it. */
soak_end soak_live(const soak_guest *g, bhd_sandbox **sandbox, bhd_error *error);

/* Compiles the guest once more and frees what that gives; the status. */
bhd_status soak_compile(const soak_plan *plan, const soak_guest *g, bhd_error *error);

/* Whether a life ended as it should; otherwise `why` says what differs. */
bool soak_end_is_right(const soak_guest *g, const soak_end *end, char *why, size_t capacity);

#endif
