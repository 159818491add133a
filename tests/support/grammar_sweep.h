/*
 * The sweep of the grammar: every vector of the binary format (grammar.h) with 0, 1, 10, 1,000 and
 * more items, alone and in 64 instances. Each binary is refused with an error that says what is too
 * large, or one sandbox of it costs at most what it is charged and 1 MiB, is made or has failed by
 * its deadline, and so has a call; and what loading it keeps, code apart, is bounded by its size.
 * The process never ends, whether a binary is loaded or inspected.
 *
 * What compiling takes while it lasts is the matter of the compiler's process and of other tests.
 * Resident memory is measured, so the programs that run this have names with _rss.
 *
 *     PROGRAM [NAME]             those in whose name it is
 *     BHD_LONG=1                 100,000 items too, and as many as are allowed: `make sweep`
 *     BHD_GRAMMAR_TABLE=FILE     writes the table of docs/GRAMMAR.md
 *     BHD_GRAMMAR_KEEP=DIRECTORY keeps the binaries that failed
 *     BHD_VERBOSE=1              prints every attempt
 */
#ifndef BHD_TESTS_GRAMMAR_SWEEP_H
#define BHD_TESTS_GRAMMAR_SWEEP_H

#include "support/grammar.h"

typedef struct grammar_part {
    const grammar_vector *rows;
    size_t count;
} grammar_part;

/* Runs a test for each row, and gives what main returns. */
int grammar_sweep(const char *name, const grammar_part *parts, size_t part_count, int argc,
                  char **argv);

#endif
