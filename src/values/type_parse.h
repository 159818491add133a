/*
 * Types of functions out of text; bhd_type_parse is in bulkhead/value.h.
 */
#ifndef BHD_VALUES_TYPE_PARSE_H
#define BHD_VALUES_TYPE_PARSE_H

#include "values/type.h"

/* Fields, items, cases or flags that a type in a text may have. */
#define BHD__TYPE_PARTS_MAX 1000

/* "func(size: u32, name: string) -> result<list<u8>, string>": the parameters as a record, the
 * result as a tuple of one or none; both the caller's to free. Errors as bhd_type_parse. */
bhd_status bhd__type_parse_function(const char *text, bhd_type **parameters, bhd_type **results,
                                    bhd_error *error);

#endif
