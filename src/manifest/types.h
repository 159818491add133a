/*
 * Which kinds of node a type takes, and what to say of all others.
 */
#ifndef BHD_MANIFEST_TYPES_H
#define BHD_MANIFEST_TYPES_H

#include "manifest/schema.h"

/* `kind` is one of bulkhead_toml.h or BHD__KIND_NULL. */
bool bhd__type_takes(bhd__type type, uint32_t kind);

/* The last part of the row's path. */
const char *bhd__row_name(const bhd__row *row);

/* The node of the row has a kind that its type does not take. */
void bhd__report_wrong_type(bhd__checking *checking, const bhd__row *row, uint32_t node);

#endif
