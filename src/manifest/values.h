/*
 * Checks of values that stand alone, one for each kind of row; lists are in capabilities.h. The
 * rules themselves are in limits/rules.h, size.c and base/identity.h: here they get a key, a
 * place and what to write instead.
 */
#ifndef BHD_MANIFEST_VALUES_H
#define BHD_MANIFEST_VALUES_H

#include "manifest/schema.h"

/* Strings: as `text`. */
bhd__check bhd__check_name, bhd__check_version, bhd__check_source;
/* One of the row's choices: its number. */
bhd__check bhd__check_choice;
bhd__check bhd__check_boolean;
/* An integer, or bytes, from the row's minimum to its maximum. */
bhd__check bhd__check_amount;
/* Numbers that are limits: refused with the words of the limits' own rules. */
bhd__check bhd__check_max_bytes, bhd__check_table_elements, bhd__check_fuel;
/* As `real`. */
bhd__check bhd__check_timeout;

#endif
