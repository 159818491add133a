/*
 * What the process was asked and what it answers: the exchange (compile/exchange.h), which is its
 * standard error.
 *
 * Every way out of the program ends in compiler_end, from any thread and from a signal handler; the
 * first one counts. Nothing here allocates or needs more than exit_group from the system.
 */
#ifndef BHD_COMPILER_OUTCOME_H
#define BHD_COMPILER_OUTCOME_H

#include "compile/exchange.h"

#include <stdbool.h>

/* False unless standard error is an exchange, in which it says that the process has begun. Before
 * anything else. */
bool compiler_open_exchange(void);

/* A copy, so that what was checked is what is used. */
const bhd__compile_job *compiler_job(void);

/* What compiler_end publishes. Written by the main thread, or by who is about to end it all. */
bhd__compile_report *compiler_report(void);

/* Puts the text where the host looks for it, over what the process may have printed. */
void compiler_say(const char *text);
/* Ends the process for want of a step of the confinement; for an error of the system that is none
 * of the binary's. With the text of an errno. */
_Noreturn void compiler_not_confined(const char *step, int number);
_Noreturn void compiler_failed(const char *what, int number);

_Noreturn void compiler_end(bhd__verdict verdict);

#endif
