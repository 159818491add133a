/*
 * What tests of values share: values that are the same, and calls of components in one line.
 */
#ifndef BHD_TESTS_VALUE_KIT_H
#define BHD_TESTS_VALUE_KIT_H

#include "real_guest.h"

/* The same type and content, all the way down; numbers bit for bit. */
bool value_equals(const bhd_value *a, const bhd_value *b);

/* Calls a function of a component with one argument or none, which has to succeed, and gives its
 * result (a bool when it has none), for bhd_value_fini. */
bhd_value value_call(bhd_sandbox *sandbox, const char *name, const bhd_value *arguments,
                     size_t count);
/* The same for a call that has to end in `wanted` with `part` (may be NULL) in its message. */
void value_ends(bhd_sandbox *sandbox, bhd_status wanted, const char *part, const char *name,
                const bhd_value *arguments, size_t count);

#endif
