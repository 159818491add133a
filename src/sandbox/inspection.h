/*
 * Inspections that the caller has room for: what it gives is looked at before anything is compiled,
 * and written when everything has gone well.
 */
#ifndef BHD_SANDBOX_INSPECTION_H
#define BHD_SANDBOX_INSPECTION_H

#include "bulkhead/inspection.h"

/* Whether it is one, of this or another version of the header. NULL is. BHD_INVALID_ARGUMENT. */
bhd_status bhd__inspection_check(const bhd_inspection *inspection, bhd_error *error);

/* Gives it what is in `fresh`, in place of what was in it. NULL: nobody asked. */
void bhd__inspection_give(bhd_inspection *inspection, bhd_inspection *fresh);

#endif
