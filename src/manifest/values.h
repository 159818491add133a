/*
 * The check of one value of a manifest: its type, its range, and what to write instead.
 */
#ifndef BHD_MANIFEST_VALUES_H
#define BHD_MANIFEST_VALUES_H

#include "manifest/schema.h"

/* What the functions that check one document share. */
typedef struct bhd__checking {
    bhd__schema_part part;
    const bhd__document *document;
    const bhd_policy *policy;
    bhd__schema_values *values;
    bhd__report *report;
    bool is_mistyped[BHD__KEY_COUNT]; /* an unknown key seems to be this one */
} bhd__checking;

/* A message about one node. */
typedef struct bhd__complaint {
    char buffer[BHD_MESSAGE_SIZE];
    bhd__text text;
} bhd__complaint;

void bhd__complaint_begin(bhd__complaint *complaint);
/* Adds it to the report: with the path of `node`, at its value. */
void bhd__complaint_at_value(bhd__checking *checking, bhd__complaint *complaint, uint32_t node);

/* Begins it with the value and a space. */
void bhd__complaint_begin_value(const bhd__checking *checking, uint32_t node,
                                bhd__complaint *complaint);

/* Checks the value of a key that is not a table and keeps it in the limits, if it is one. */
void bhd__value_check(bhd__checking *checking, bhd__key key, uint32_t node);
/* The node of a key that is a table is something else. */
void bhd__value_not_a_table(bhd__checking *checking, bhd__key key, uint32_t node);

/* The value has another type than the key's. */
void bhd__value_wrong_type(bhd__checking *checking, bhd__key key, uint32_t node);
/* A rule of limit_check.h or size.c has refused; its words become the message. */
void bhd__value_refused(bhd__checking *checking, uint32_t node, bhd_error *refusal,
                        const char *advice);
/* True with the number when it is one that a limit could have; otherwise it is reported. */
bool bhd__value_integer(bhd__checking *checking, bhd__key key, uint32_t node, uint64_t *number);

/* "524288 to 4194304 bytes (512 KiB to 4 MiB)" */
void bhd__add_policy_range(bhd__text *text, const bhd_policy *policy);
/* A size inside the policy to show in an example: 1 MiB, or the bound that is nearest to it. */
uint64_t bhd__example_bytes(const bhd_policy *policy);
/* A number as the text's language writes it: 1_048_576 in TOML, 1048576 in JSON. */
void bhd__add_number(bhd__text *text, bhd__schema_part part, uint64_t number);

#endif
