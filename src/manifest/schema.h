/*
 * What a schema is made of. A key that exists is one row: its type, what is allowed, the words for
 * both, the check of its value, and where the value goes. Whoever walks over a document (walk.h)
 * knows rows and no keys.
 *
 * Structs only. Rows are constant; what is being checked belongs to the function that checks.
 */
#ifndef BHD_MANIFEST_SCHEMA_H
#define BHD_MANIFEST_SCHEMA_H

#include "bulkhead/capabilities.h"
#include "bulkhead/limits.h"
#include "manifest/report.h"

/* Rows that a schema has at most. */
#define BHD__ROWS_MAX 32
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

typedef struct bhd__row bhd__row;
typedef struct bhd__checking bhd__checking;

/* What a text states. */
typedef struct bhd__stated {
    const char *name, *version, *source; /* in the document; NULL: not there */
    bhd_limits_builder limits;
    bhd_capabilities capabilities;            /* but for the lists, which are nodes: */
    uint32_t args, env, directories, network; /* 0: not there */
} bhd__stated;

/* One value as it was found. A check sets what its type has; the rest is 0. */
typedef struct bhd__found {
    uint32_t node;
    const char *text; /* a string, in the document */
    uint64_t number;  /* an integer, bytes, true, or which of the choices */
    double real;
} bhd__found;

/* The node has a kind that the row's type takes. Reports what is wrong with it, or finds it right;
 * `found` means something if it does. */
typedef void bhd__check(bhd__checking *checking, const bhd__row *row, bhd__found *found);
typedef void bhd__keep(bhd__stated *stated, const bhd__found *found);
/* The node has another kind: adds the value that was probably meant, or gives false. */
typedef bool bhd__add_meant(const bhd__checking *checking, uint32_t node, bhd__text *text);
/* The key is required and missing. */
typedef void bhd__report_missing(bhd__checking *checking, const bhd__row *row);

struct bhd__row {
    const char *path; /* "resources.memory.max_bytes" */
    bhd__type type;
    bool is_required;
    uint64_t minimum, maximum;
    double least, most;
    const char *choices[BHD__CHOICES_MAX];
    const char *refusal;  /* of a string that is no choice; NULL: "is not" and `allowed` */
    const char *fallback; /* what holds without the key; NULL: nothing */
    const char *example;  /* a value, as TOML; of a table its header; NULL: a size in the policy */
    const char *allowed;  /* for "must be ..." */
    bhd__check *check;    /* of all but tables, and so is: */
    bhd__keep *keep;
    bhd__add_meant *meant;        /* NULL: a number */
    bhd__report_missing *missing; /* NULL: with `allowed` and `example` */
};

/* The keys that a text may have: those rows that lie in `scope`, and the tables around it. */
typedef struct bhd__schema {
    const bhd__row *rows;
    size_t count;
    const char *scope; /* the path of a table; "": all */
    const char *top;   /* the table that the text itself is */
    bool is_json;
} bhd__schema;

/* What the functions that check one document share. */
struct bhd__checking {
    const bhd__schema *schema;
    const bhd__document *document;
    const bhd_policy *policy;
    bhd__report *report;
};

#endif
