/*
 * The closed schema of a manifest: the one list of every key that exists, and the check of a
 * document against it. A part of a manifest ([resources.memory] alone, in TOML or JSON) is checked
 * by the same list.
 *
 * docs/MANIFEST.md describes the same list for people; a test compares them.
 */
#ifndef BHD_MANIFEST_SCHEMA_H
#define BHD_MANIFEST_SCHEMA_H

#include "bulkhead/limits.h"
#include "manifest/report.h"

typedef enum bhd__key {
    BHD__KEY_ROOT = 0,
    BHD__KEY_COMPONENT,
    BHD__KEY_NAME,
    BHD__KEY_VERSION,
    BHD__KEY_SOURCE,
    BHD__KEY_RESOURCES,
    BHD__KEY_MEMORY,
    BHD__KEY_MAX_BYTES,
    BHD__KEY_ON_EXCEED,
    BHD__KEY_MAX_TABLE_ELEMENTS,
    BHD__KEY_CPU,
    BHD__KEY_TIMEOUT_SECONDS,
    BHD__KEY_MAX_FUEL,
    BHD__KEY_CAPABILITIES,
    BHD__KEY_ARGS,
    BHD__KEY_ENV,
    BHD__KEY_STDIN,
    BHD__KEY_STDOUT,
    BHD__KEY_STDERR,
    BHD__KEY_DIRECTORIES,
    BHD__KEY_NETWORK,
    BHD__KEY_CLOCKS,
    BHD__KEY_RANDOM,
    BHD__KEY_MAX_WRITTEN_BYTES,
    BHD__KEY_MAX_OPEN_FILES,
    BHD__KEY_MAX_CONNECTIONS,
} bhd__key;

#define BHD__KEY_COUNT 26
/* Words that a choice has at most. */
#define BHD__CHOICES_MAX 3

typedef enum bhd__type {
    BHD__TYPE_TABLE,
    BHD__TYPE_STRING,
    BHD__TYPE_INTEGER, /* from minimum to maximum */
    BHD__TYPE_NUMBER,  /* integer or float, from least to most */
    BHD__TYPE_SIZE,    /* integer bytes or a string by bhd_size_parse, inside the policy */
    BHD__TYPE_BYTES,   /* integer bytes or a string by bhd_size_parse, from minimum to maximum */
    BHD__TYPE_CHOICE,  /* one of a few strings */
    BHD__TYPE_BOOLEAN,
    BHD__TYPE_STRINGS, /* an array of strings */
    BHD__TYPE_TABLES,  /* an array of tables */
} bhd__type;

typedef struct bhd__schema_key {
    const char *path; /* "resources.memory.max_bytes" */
    const char *name; /* its last part */
    bhd__key parent;
    bhd__type type;
    bool is_required;
    uint64_t minimum, maximum;
    double least, most;
    const char *choices[BHD__CHOICES_MAX];
    const char *fallback; /* what holds without the key; NULL: nothing */
    const char *example;  /* a value, as TOML */
    const char *allowed;  /* for "must be ..." */
} bhd__schema_key;

/* Valid for ever; of BHD__KEY_ROOT only the type means something. */
const bhd__schema_key *bhd__schema_get(bhd__key key);

/* Which part of the schema holds for a text. */
typedef enum bhd__schema_part {
    BHD__SCHEMA_MANIFEST,    /* all of it */
    BHD__SCHEMA_MEMORY_TOML, /* [resources.memory] and nothing else */
    BHD__SCHEMA_MEMORY_JSON, /* what is in [resources.memory], as the top of the text */
} bhd__schema_part;

/* Where each key was found, and the limits that were read. */
typedef struct bhd__schema_values {
    uint32_t nodes[BHD__KEY_COUNT]; /* 0: not there */
    bhd_limits_builder builder;
} bhd__schema_values;

/* Reports everything that is wrong; without a finding `values` is what the text says. `policy` has
 * been checked. */
void bhd__schema_check(bhd__schema_part part, const bhd__document *document,
                       const bhd_policy *policy, bhd__schema_values *values, bhd__report *report);

#endif
