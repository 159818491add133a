/*
 * What host and compiler process tell each other: one memory file of a fixed size. Its first page
 * has the job, which the host writes before the process starts, and the report, which the process
 * writes last; text follows: the message of a refusal, or what the process's last words were.
 *
 * Both are of one build, which is compared before anything else is read. The host believes nothing
 * in the report without how the process ended (apart.h).
 */
#ifndef BHD_COMPILE_EXCHANGE_H
#define BHD_COMPILE_EXCHANGE_H

#include "bulkhead/status.h"

#include <stddef.h>
#include <stdint.h>

#define BHD__REPORT_MAGIC UINT64_C(0x31746f7065526862)
#define BHD__REPORT_BEGAN UINT64_C(0x316e616765426862)
#define BHD__BUILD_BYTES 96
#define BHD__SETTINGS_BYTES 512

/* Where the text begins in the file, and where the file ends. */
#define BHD__REPORT_TEXT_OFFSET ((size_t)4096)
#define BHD__REPORT_TEXT_BYTES ((size_t)16384)
#define BHD__REPORT_FILE_BYTES (BHD__REPORT_TEXT_OFFSET + BHD__REPORT_TEXT_BYTES)

typedef enum bhd__verdict {
    BHD__VERDICT_NONE = 0,
    /* The process's; its exit code is 64 more. */
    BHD__VERDICT_COMPILED = 1,
    BHD__VERDICT_REFUSED = 2,       /* `status`, the text, and the range */
    BHD__VERDICT_OUT_OF_MEMORY = 3, /* an allocation of `wanted_bytes` failed */
    BHD__VERDICT_NOT_CONFINED = 4,  /* it could not give up what it has to; the text says what */
    BHD__VERDICT_FORBIDDEN = 5,     /* system call number `wanted_bytes` */
    BHD__VERDICT_OTHER_BUILD = 6,   /* the text is the process's build */
    /* The host's. */
    BHD__VERDICT_OUT_OF_TIME = 16,
    BHD__VERDICT_OUTPUT_TOO_LARGE,
    BHD__VERDICT_CRASHED,     /* `signal` or `exit_code`; the text is its last words */
    BHD__VERDICT_KILLED,      /* SIGKILL that was not the host's */
    BHD__VERDICT_CANCELLED,   /* the host's own, when it was asked to */
    BHD__VERDICT_LOST,        /* nobody knows how it ended */
    BHD__VERDICT_NEVER_BEGAN, /* no program of ours, or one that the system could not load */
} bhd__verdict;

#define BHD__EXIT_CODE_OF(verdict) (64 + (int)(verdict))

/* Written by the host. */
typedef struct bhd__compile_job {
    char build[BHD__BUILD_BYTES]; /* terminated */
    uint64_t max_data_bytes;      /* RLIMIT_DATA */
    uint64_t max_cpu_ms;
    uint64_t max_output_bytes; /* artefact and description together */
    uint32_t threads;          /* 0: it compiles on the one it has */
    uint32_t settings_bytes;
    unsigned char settings[BHD__SETTINGS_BYTES]; /* the engine room's */
} bhd__compile_job;

/* Written by the process, `magic` last. */
typedef struct bhd__compile_report {
    /* BHD__REPORT_BEGAN, before anything can fail: it tells a compiler that crashed from a program
     * that is none, and from one that the system could not load. */
    uint64_t began;
    uint64_t magic;
    uint32_t verdict;
    uint32_t status; /* bhd_status of a refusal */
    uint64_t value, minimum, maximum;
    uint32_t has_range;
    uint32_t text_bytes;
    /* Standard output: the artefact, which is not there when there is only a description, then the
     * description. */
    uint64_t artifact_bytes, description_bytes;
    uint64_t wanted_bytes;
    uint64_t peak_bytes;   /* of its heap, as far as it knows */
    uint32_t landlock_abi; /* 0: there is none */
    uint32_t has_filter;
} bhd__compile_report;

/* The first page. */
typedef struct bhd__exchange_page {
    bhd__compile_job job;
    bhd__compile_report report;
} bhd__exchange_page;

#endif
