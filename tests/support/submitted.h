/*
 * Submitted calls for tests: submit in one line, and expectations of what became of a call.
 */
#ifndef BHD_TESTS_SUBMITTED_H
#define BHD_TESTS_SUBMITTED_H

#include "support/real_guest.h"

/* An exported function of no parameters or of one i64. */
bhd_call *submitted(bhd_sandbox *sandbox, const char *name, const int64_t *argument,
                    const bhd_call_options *options);
bhd_call *submitted_run(bhd_sandbox *sandbox, const bhd_call_options *options);

/* Waits for the call; fails the test unless it came to `wanted`. The call is not freed. */
void submitted_expect(bhd_call *call, bhd_status wanted, const char *file, int line);
#define expect_outcome(call, wanted) submitted_expect((call), (wanted), __FILE__, __LINE__)
/* The same, and frees the call. */
#define expect_end(call, wanted)                                                                   \
    do {                                                                                           \
        bhd_call *expect_end_ = (call);                                                            \
        expect_outcome(expect_end_, wanted);                                                       \
        bhd_call_free(expect_end_);                                                                \
    } while (0)

#endif
