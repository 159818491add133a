/**
 * \file bulkhead/host.h
 *
 * The process-wide part: the engine, the slots in which linear memories live, the clock that ends
 * calls at their deadline, and the policy.
 *
 * One host serves a whole process; several are possible and share nothing. Every function may be
 * called from any thread. Components and sandboxes keep their host alive, so the order of freeing
 * does not matter.
 *
 * A host uses the process's handlers of SIGSEGV, SIGILL and SIGFPE: the engine installs its own
 * with the first host, turns faults in guest code into traps and passes all others on to the
 * handler that was there before. Beside the caller's threads there are for each host one clock,
 * from its first sandbox on, and its workers, from its first submitted call on (call.h); and for
 * the whole process the compiler's pool, from the first compilation on, and WASI's runtime, from
 * the first call of a guest that imports WASI on; both have as many threads as there are
 * processors. The clock blocks all signals, and workers all but those of faults; the others take
 * them as any thread of the program does.
 *
 * A child of fork has none of these threads. Once a process has made a host, whatever would enter
 * the engine is BHD_NOT_SUPPORTED in its children, and freeing hosts, components and sandboxes does
 * nothing there. A first host made after fork, and exec, work. docs/ISOLATION.md says more about
 * signals, stacks and fork.
 */
#ifndef BULKHEAD_HOST_H
#define BULKHEAD_HOST_H

#include "capabilities.h"
#include "imports.h"
#include "limits.h"

typedef struct bhd_host bhd_host;

/** Proposals that are off unless the host's options ask for them. */
typedef enum bhd_feature {
    BHD_FEATURE_GC = 1 << 0, /**< garbage collection and function references; the heap counts */
} bhd_feature;

/** Where binaries are compiled. */
typedef enum bhd_compile {
    /** Each in a process of its own that has nothing but the binary, and bounds of memory and time.
     *  Nothing that a binary makes the compiler do reaches this process, except through the code
     *  that it makes. */
    BHD_COMPILE_APART = 0,
    /** In this process, without bounds of time and memory: for programs that trust every binary.
     *  One that is dear to compile takes as long and as much as it likes, and one that ends the
     *  compiler ends the process. */
    BHD_COMPILE_HERE = 1,
} bhd_compile;

typedef struct bhd_host_options {
    size_t size; /**< of this struct; see bulkhead.h */
    /** The range that every component's memory limit must lie in. */
    bhd_policy policy;
    /** Sandboxes that may live at once. Address space is reserved as they are made, 4 GiB and a
     *  guard for each linear memory; a number that cannot fit is BHD_INVALID_ARGUMENT. */
    uint32_t max_sandboxes;
    /** Linear memories, tables and core instances that one sandbox may have. */
    uint32_t max_memories, max_tables, max_instances;
    /** Largest binary that is compiled, in bytes; functions in it, and bytes of the largest. They
     *  bound what a host holds for it. */
    uint64_t max_component_bytes;
    uint32_t max_functions;
    uint64_t max_function_bytes;
    uint64_t reserved; /**< not used; 0 */
    /** Stack of guest code, in bytes; a deeper recursion is a trap. */
    uint64_t max_stack_bytes;
    /** Resident bytes that a free slot may keep for its next tenant, zeroed; the rest goes back to
     *  the system. */
    uint64_t slot_keep_bytes;
    /** The same for all free slots together. */
    uint64_t slots_keep_bytes;
    /** bhd_feature values, or-ed. */
    uint32_t features;
    /** The program replaces handlers of SIGSEGV, SIGILL or SIGFPE after its first host, and its
     *  handlers call those that they replaced, with all three arguments. False: sandboxes are
     *  refused when a handler has been replaced. */
    bool chained_signals;
    /** Threads that run submitted calls (call.h), started with the first of them. 0: as many as
     *  there are processors. */
    uint32_t worker_threads;
    /** What components may have of what they ask for; copied. NULL: nothing. */
    const bhd_grants *grants;
    /** Functions that every component may import; held. NULL: none. */
    bhd_imports *imports;
    /** Frames have the file and the line (error.h) of guests that were built with -g. The host
     *  keeps at most 4 MiB of a component for that, and reads it once when a guest ends. */
    bool debug_info;
    /** Bytes of the host that one sandbox may take beside what its limits count: its globals,
     *  passive element segments (16 each), imports, functions that are exported or in an element
     *  segment, data segments (a record of each), core instances, and what its components need to
     *  call each other and the host. They are summed in the binary before anything is compiled,
     *  times the instances that it makes, and never less than they are; more is
     *  BHD_COMPONENT_TOO_LARGE. `bulkhead inspect` shows the number. */
    uint64_t max_instance_bytes;
    /** A bhd_compile. */
    uint32_t compile;
    /** Compilations at once; others wait for their turn, in the order in which they came unless
     *  they are of groups (bhd_component_options.compile_group). */
    uint32_t max_compilations;
    /** What compiling one binary may take: seconds from the start of its process, bytes of the
     *  process, bytes of what comes out. More is BHD_COMPONENT_TOO_LARGE. Honest programs of many
     *  megabytes take half a gigabyte and half a minute. */
    uint64_t max_compile_seconds, max_compile_bytes, max_artifact_bytes;
    /** The program that compiles, `bulkhead-compile` of the same build; copied. NULL: where it was
     *  installed, or beside the library or the program. A host is made without it as well, and
     *  each compilation is BHD_NO_COMPILER then. */
    const char *compiler_path;
    /** Where compiled code is kept, named by the content of the binary and by who compiled it how;
     *  copied. NULL: nowhere. Whoever may write there may run code in this process: the directory
     *  and all in it must be this user's or root's, and nobody else's to write. */
    const char *cache_directory;
    /** Bytes that it may take; what was used longest ago goes first. */
    uint64_t max_cache_bytes;
    /** Components may be such as were compiled before (precompiled.h). They are machine code:
     *  whoever could write one runs anything in this process. False: they are refused. */
    bool allow_precompiled;
} bhd_host_options;

#define BHD_HOST_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(bhd_host_options), BHD_POLICY_INIT, 1000, 16, 16, 64, UINT64_C(16777216), 50000,    \
            UINT64_C(1048576), 0, UINT64_C(524288), UINT64_C(262144), UINT64_C(67108864), 0,       \
            false, 0, NULL, NULL, true, UINT64_C(262144), BHD_COMPILE_APART, 4, 60,                \
            UINT64_C(1073741824), UINT64_C(268435456), NULL, NULL, UINT64_C(1073741824), false     \
    }

/** What a host has and uses; a snapshot. */
typedef struct bhd_host_stats {
    uint64_t live_sandboxes;   /**< sandboxes now */
    uint64_t max_sandboxes;    /**< the option */
    uint64_t slots;            /**< slots mapped: in use and free */
    uint64_t slots_in_use;     /**< linear memories now */
    uint64_t slots_retired;    /**< slots unmapped because they could not be made clean */
    uint64_t reserved_bytes;   /**< address space of all slots */
    uint64_t refused_capacity; /**< requests answered with BHD_NO_CAPACITY */
} bhd_host_stats;

BHD_BEGIN_DECLS

/**
 * Whether bhd_host_new would take these options, as far as they alone decide it: each number lies
 * in its range, and the grants are such as can be given. BHD_INVALID_ARGUMENT ("host option NAME:
 * ..."), BHD_POLICY_INVALID.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_host_options_check(const bhd_host_options *options,
                                                          bhd_error *error);

/**
 * Makes a host. `options` NULL means BHD_HOST_OPTIONS_INIT; copied.
 *
 * Errors: BHD_INVALID_ARGUMENT (a number that cannot be: the message says which, and what fits),
 * BHD_POLICY_INVALID, BHD_FILE_UNREADABLE (cache_directory cannot be used: why, and what to do),
 * BHD_NOT_SUPPORTED (in a child of fork), BHD_HOST_OUT_OF_MEMORY, BHD_INTERNAL. The caller frees
 * `*host`.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_host_new(const bhd_host_options *options, bhd_host **host,
                                                bhd_error *error);

/** Gives up the caller's hold; the host ends with its last component and sandbox. NULL does
 *  nothing. */
BHD_PUBLIC void bhd_host_free(bhd_host *host);

/** The policy of this host. Valid as long as the host. */
BHD_PUBLIC const bhd_policy *bhd_host_policy(const bhd_host *host);

/** Writes as much of the numbers as `size` bytes take: sizeof *stats. Any thread, at any time. In a
 *  child of fork the numbers of slots are 0. */
BHD_PUBLIC void bhd_host_get_stats(const bhd_host *host, bhd_host_stats *stats, size_t size);

BHD_END_DECLS

#endif
