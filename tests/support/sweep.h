/*
 * Fails the 1st, 2nd, 3rd ... allocation of the library in a whole life until the life succeeds.
 * The engine's own allocations do not pass through our door and cannot be failed here.
 */
#ifndef BHD_TESTS_SWEEP_H
#define BHD_TESTS_SWEEP_H

#include "support/real_guest.h"

/* A life ends with the first status that is not BHD_OK, and leaves nothing. */
typedef bhd_status (*sweep_life)(bhd_error *error);

/* For lives that are not about hosts; NULL: they make their own. */
extern bhd_host *sweep_host;

/* A component out of guests/ or in text with one sandbox, used once. */
bhd_status sweep_live(bhd_host *host, const char *source, const bhd_limits *limits,
                      bhd_status (*use)(bhd_sandbox *sandbox, bhd_error *error), bhd_error *error);
/* One sandbox of a component that was made with `status`, and the end of both. */
bhd_status sweep_use(bhd_status status, bhd_component *component,
                     const bhd_sandbox_options *options,
                     bhd_status (*use)(bhd_sandbox *sandbox, bhd_error *error), bhd_error *error);
/* Runs the sandbox as a command, which has to exit with 0. */
bhd_status sweep_run(bhd_sandbox *sandbox, bhd_error *error);

/* Every failure has to be reported as what it is, and leave nothing behind. */
void sweep(const char *name, sweep_life life);
/* The same with a host of its own, which has to be as good as new afterwards. */
void sweep_on_a_host(const char *name, sweep_life life);
/* With this one, which is freed. */
void sweep_on(bhd_host *host, const char *name, sweep_life life);

#endif
