/*
 * A message about one node, and the small parts that messages are made of.
 */
#ifndef BHD_MANIFEST_COMPLAINT_H
#define BHD_MANIFEST_COMPLAINT_H

#include "manifest/schema.h"

typedef struct bhd__complaint {
    char buffer[BHD_MESSAGE_SIZE];
    bhd__text text;
} bhd__complaint;

void bhd__complaint_begin(bhd__complaint *complaint);
/* Begins it with the value and a space. */
void bhd__complaint_begin_value(const bhd__checking *checking, uint32_t node,
                                bhd__complaint *complaint);
/* Adds it to the report: with the path of `node`, at its value or at its key. */
void bhd__complaint_at_value(bhd__checking *checking, bhd__complaint *complaint, uint32_t node);
void bhd__complaint_at_key(bhd__checking *checking, bhd__complaint *complaint, uint32_t node);
/* All of it: the value and what is wrong with it. */
void bhd__complain(bhd__checking *checking, uint32_t node, const char *problem);

/* A number as the text's language writes it: 1_048_576 in TOML, 1048576 in JSON. */
void bhd__add_number(bhd__text *text, const bhd__schema *schema, uint64_t number);
/* A size inside the policy to show in an example: 1 MiB, or the bound that is nearest to it. */
uint64_t bhd__example_bytes(const bhd_policy *policy);

#endif
