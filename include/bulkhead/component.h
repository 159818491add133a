/**
 * \file bulkhead/component.h
 *
 * Compiled code with its limits: immutable, shared between threads, instantiated many times.
 *
 * A component is a component-model component or a core module, binary or text (WAT).
 */
#ifndef BULKHEAD_COMPONENT_H
#define BULKHEAD_COMPONENT_H

#include "cancellation.h"
#include "host.h"
#include "manifest.h"

typedef struct bhd_component bhd_component;

typedef enum bhd_component_kind {
    BHD_KIND_MODULE = 0,    /**< a core module */
    BHD_KIND_COMPONENT = 1, /**< a component of the component model */
} bhd_component_kind;

/** What a binary is called and what it may use, when there is no manifest. */
typedef struct bhd_component_options {
    size_t size;         /**< of this struct; see bulkhead.h */
    const char *name;    /**< for reports; 1 to 128 of A-Z a-z 0-9 . _ - */
    const char *version; /**< for reports; NULL: "0.0.0" */
    bhd_limits limits;   /**< made by bhd_limits_builder_build */
    /** What it asks for; relative host paths are relative to the working directory. Copied. NULL:
     *  BHD_CAPABILITIES_INIT. */
    const bhd_capabilities *capabilities;
    bhd_imports *imports; /**< functions that it may import, before the host's; may be NULL */
    /** Ends the compilation, from any thread; see cancellation.h. NULL: nothing ends it but its
     *  bounds and bhd_host_free. */
    bhd_cancellation *cancellation;
    /** For whom it is compiled: any number that the program has for a tenant, the same for all of
     *  one tenant's binaries. When more wait than bhd_host_options.max_compilations, groups take
     *  turns, and one group alone compiles at most half of that number at once, rounded up, so that
     *  nobody's binaries keep everybody else's waiting (docs/EMBEDDING.md says how long). 0: a
     *  group of its own. */
    uint64_t compile_group;
    /** Filled with what the binary declares when the component is made (inspection.h): initialised
     *  by the caller, who later gives it to bhd_inspection_fini. NULL: nobody asks. */
    struct bhd_inspection *inspection;
} bhd_component_options;

#define BHD_COMPONENT_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(bhd_component_options), NULL, NULL, {0, 0, 0, 0, BHD_ON_EXCEED_DENY}, NULL, NULL,   \
            NULL, 0, NULL                                                                          \
    }

BHD_BEGIN_DECLS

/**
 * Compiles `size` bytes at `binary`; nothing of them is kept. `options` is copied. Unless the host
 * says otherwise (bhd_host_options.compile), that is done in a process of its own, which this
 * thread starts and waits for; the program sees no signal and no child of it.
 *
 * Refused here, before any code runs: a binary that is not valid (BHD_COMPONENT_INVALID), that uses
 * what guests may not use (BHD_COMPONENT_UNSUPPORTED), that starts with more memory or more table
 * elements than its limits (BHD_COMPONENT_TOO_LARGE, with both numbers in `error`), that imports
 * what nobody provides (BHD_IMPORT_UNKNOWN, all of them in the message), that asks for what the
 * host does not grant (BHD_CAPABILITY_DENIED, each of them a diagnostic), for a directory that
 * cannot be opened (BHD_FILE_NOT_FOUND, BHD_FILE_UNREADABLE) or for what its kind cannot have
 * (BHD_NOT_SUPPORTED: a core module has no network), limits outside the host's policy (as
 * bhd_limits_check), a binary above max_component_bytes (BHD_FILE_TOO_LARGE), one that is too dear
 * to compile (BHD_COMPONENT_TOO_LARGE, naming the host's option) or that ends the compiler
 * (BHD_COMPILER_FAILED), and one that was compiled before (precompiled.h) unless the host allows it
 * (BHD_NOT_SUPPORTED) and it is of this build and its options (BHD_COMPONENT_UNSUPPORTED); who
 * could have written those bytes is the caller's to know, bhd_precompiled_check_file says it of a
 * file. Also BHD_NO_COMPILER, BHD_NO_CAPACITY, BHD_CANCELLED. Takes milliseconds
 * to seconds, and at most max_compile_seconds from when its turn has come. Any thread.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_component_new(bhd_host *host,
                                                     const bhd_component_options *options,
                                                     const void *binary, size_t size,
                                                     bhd_component **component, bhd_error *error);

/** Reads and compiles the file that the manifest names (bhd_manifest_source), with the manifest's
 *  name, version and limits. The manifest is copied. Also BHD_FILE_NOT_FOUND,
 *  BHD_FILE_UNREADABLE. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_component_load(bhd_host *host, const bhd_manifest *manifest,
                                                      bhd_component **component, bhd_error *error);

/** The same with limits that replace the manifest's; see bhd_limits_tighten. The options' name and
 *  version are used in reports, and `path` is read. A precompiled component is loaded only if
 *  nobody but this user and root could have written the file, links followed; otherwise
 *  BHD_FILE_UNREADABLE. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_component_load_file(bhd_host *host, const char *path,
                                                           const bhd_component_options *options,
                                                           bhd_component **component,
                                                           bhd_error *error);

/** Sandboxes keep their component alive. NULL does nothing. */
BHD_PUBLIC void bhd_component_free(bhd_component *component);

/** Valid as long as the component; any thread. */
BHD_PUBLIC const char *bhd_component_name(const bhd_component *component);
BHD_PUBLIC const char *bhd_component_version(const bhd_component *component);
BHD_PUBLIC bhd_component_kind bhd_component_get_kind(const bhd_component *component);
BHD_PUBLIC const bhd_limits *bhd_component_limits(const bhd_component *component);
/** What it has: all that it asked for, with the values that variables had when it was loaded. */
BHD_PUBLIC const bhd_capabilities *bhd_component_capabilities(const bhd_component *component);

BHD_END_DECLS

#endif
