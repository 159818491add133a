/*
 * The guests of the life-cycle target: what they are made of and what is known of them.
 */
#ifndef BHD_FUZZ_LIFE_GUESTS_H
#define BHD_FUZZ_LIFE_GUESTS_H

#include "bulkhead/limits.h"

#include <stdbool.h>

typedef struct life_guest {
    const char *text;
    bool has_functions;    /* the functions of the able guest */
    bool is_command;       /* may be run */
    bool is_component;     /* of the component model: its memory cannot be reached */
    bhd_status new_status; /* what making a sandbox gives */
    bhd_on_exceed on_exceed;
    uint64_t fuel;
    double timeout_seconds;
    int exit_code;   /* of a command */
    bool dies;       /* after it has run */
    uint64_t prints; /* bytes each time it runs */
    unsigned table_elements;
} life_guest;

extern const life_guest life_guests[];

#endif
