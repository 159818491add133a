/**
 * \file bulkhead/error.h
 *
 * The whole account of one failure.
 *
 * A bhd_error belongs to the caller: initialise it with BHD_ERROR_INIT, pass its address, read it,
 * and call bhd_error_fini once at the end. A function that fails replaces what was in it; a
 * function that succeeds leaves it alone. Every function that takes one accepts NULL.
 *
 *     bhd_error error = BHD_ERROR_INIT;
 *     if (bhd_sandbox_run(sandbox, &exit_code, &error) != BHD_OK)
 *         fprintf(stderr, "%s\n", error.message);
 *     bhd_error_fini(&error);
 *
 * Texts that come from a guest (names of components, exports and functions, trap messages) are
 * escaped: no control characters, no terminal escapes, no bidirectional marks.
 */
#ifndef BULKHEAD_ERROR_H
#define BULKHEAD_ERROR_H

#include "metrics.h"
#include "status.h"

/** Longest message, terminator included. Longer ones end in "...". */
#define BHD_MESSAGE_SIZE 1024
/** Longest component name and version in an account, terminators included. */
#define BHD_NAME_SIZE 129
#define BHD_VERSION_SIZE 257

/** One place of a manifest and what is wrong there. */
typedef struct bhd_diagnostic {
    /** From 1; 0 when the complaint is about something that is not there. */
    uint32_t line;
    /** From 1, in characters. */
    uint32_t column;
    /** "resources.memory.max_bytes"; empty for a syntax error. */
    char *key;
    /** What is wrong and what to write: one line without the position. Lines of an example to
     *  paste, indented by four spaces, may follow it. */
    char *message;
} bhd_diagnostic;

/** One function on the guest's stack. */
typedef struct bhd_frame {
    /** From the name section, demangled; NULL when the binary has none. */
    char *function;
    /** Name of the core module; may be NULL. */
    char *module;
    uint32_t function_index;
    /** Byte offset of the instruction in the binary; SIZE_MAX if unknown. */
    size_t module_offset;
    /** Where that is in source text, from the line programs (DWARF) of a guest that was built with
     *  -g: as the compiler wrote it, relative to where it ran. NULL and 0 if unknown. */
    char *file;
    uint32_t line;
} bhd_frame;

/** What was asked for when memory ran out. */
typedef enum bhd_memory_kind {
    BHD_MEMORY_LINEAR = 0,  /**< a linear memory wanted to grow; bytes */
    BHD_MEMORY_GC_HEAP = 1, /**< the heap of garbage-collected objects wanted to grow; bytes */
    BHD_MEMORY_TABLE = 2,   /**< a table wanted to grow or to begin; elements */
    BHD_MEMORY_INITIAL = 3, /**< a linear memory wanted to begin; bytes */
} bhd_memory_kind;

/** "linear memory", "GC heap", "table", "initial memory". Never NULL. */
BHD_BEGIN_DECLS
BHD_PUBLIC const char *bhd_memory_kind_text(bhd_memory_kind kind);
BHD_END_DECLS

/** The account of one out-of-memory. */
typedef struct bhd_out_of_memory {
    char component[BHD_NAME_SIZE];
    char version[BHD_VERSION_SIZE];
    /** Number of the sandbox, from 1, unique in its host. */
    uint64_t sandbox;
    bhd_memory_kind kind;
    /** What the refused growth wanted in addition: bytes, or elements of a table. */
    uint64_t requested;
    /** What was in use, in the same unit. */
    uint64_t in_use;
    /** The limit, in the same unit. */
    uint64_t limit;
    /** At the refusal, with peak, refusals so far and the UTC time. */
    bhd_memory_metrics metrics;
    /** The trap that followed the refusal, or empty when the growth itself was the end. */
    char cause[256];
    /** What to do about it. */
    char hint[512];
} bhd_out_of_memory;

typedef struct bhd_error {
    bhd_status code;
    /** One line; of several diagnostics, how many there are and the first. Always terminated. */
    char message[BHD_MESSAGE_SIZE];
    /** When a value was outside its range: the value and the range, in the unit of the message. */
    bool has_range;
    uint64_t value, range_minimum, range_maximum;
    /** Manifest and configuration text: everything that is wrong, in the order of the text. */
    bhd_diagnostic *diagnostics;
    size_t diagnostic_count;
    /** BHD_OUT_OF_MEMORY: the account. Otherwise NULL. */
    bhd_out_of_memory *out_of_memory;
    /** The guest's stack where it ended, innermost first. */
    bhd_frame *frames;
    size_t frame_count;
} bhd_error;

#define BHD_ERROR_INIT                                                                             \
    {                                                                                              \
        BHD_OK, {0}, false, 0, 0, 0, NULL, 0, NULL, NULL, 0                                        \
    }

BHD_BEGIN_DECLS

/** Frees what the error holds and makes it as initialised. NULL and a zeroed struct do nothing. */
BHD_PUBLIC void bhd_error_fini(bhd_error *error);

/**
 * Writes the whole account for a person: the out-of-memory account, or every diagnostic as
 * "SOURCE:LINE:COLUMN: KEY: MESSAGE", or else the message; then the guest's stack and the hint.
 * Several lines, each with a newline. `source` names the manifest and may be NULL. A NULL `error`
 * gives an empty text.
 *
 * Like snprintf: writes at most `capacity` bytes with the terminator, returns the length of the
 * whole text. Any thread.
 */
BHD_PUBLIC size_t bhd_error_to_text(const bhd_error *error, const char *source, char *buffer,
                                    size_t capacity);

BHD_END_DECLS

#endif
