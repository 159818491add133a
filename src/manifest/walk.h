/*
 * The walk that compares a document with a schema.
 */
#ifndef BHD_MANIFEST_WALK_H
#define BHD_MANIFEST_WALK_H

#include "manifest/schema.h"

/* Reports everything that is wrong; without a finding `stated` is what the text says. `policy` has
 * been checked. */
void bhd__schema_check(const bhd__schema *schema, const bhd__document *document,
                       const bhd_policy *policy, bhd__stated *stated, bhd__report *report);

#endif
