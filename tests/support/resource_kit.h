/*
 * What tests of resources share: calls and drops in each of the three ways in which there are any,
 * on handles that a component gave.
 */
#ifndef BHD_TESTS_RESOURCE_KIT_H
#define BHD_TESTS_RESOURCE_KIT_H

#include "support/value_kit.h"

/* On the thread that calls; there, on a fiber; by a worker of the host. */
typedef enum resource_way { DIRECTLY, ON_A_FIBER, SUBMITTED, WAYS } resource_way;

/* A sandbox whose calls go that way. `imports` may be NULL. */
guest resource_guest(resource_way way, const char *source, const bhd_limits *limits,
                     bhd_imports *imports);

/* Runs the tests on a thread whose stack is smaller than a guest's may be, for the second way. */
int resource_main(int (*tests)(void));

/* The result is for bhd_value_fini, and a bool when there is none. */
bhd_status resource_try(guest *g, resource_way way, const char *name, const bhd_value *arguments,
                        size_t count, bhd_value *result, bhd_error *error);
bhd_status resource_try_drop(guest *g, resource_way way, const bhd_value *value, bhd_error *error);

/* The same for what has to succeed. */
bhd_value resource_call(guest *g, resource_way way, const char *name, const bhd_value *arguments,
                        size_t count);
/* Drops what the value owns, and frees it. */
void resource_drop(guest *g, resource_way way, bhd_value *value);
/* What has to be refused with exactly this message; the sandbox lives on. */
void resource_refused(guest *g, resource_way way, const char *message, const char *name,
                      const bhd_value *arguments, size_t count);

#endif
