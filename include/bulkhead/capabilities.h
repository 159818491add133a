/**
 * \file bulkhead/capabilities.h
 *
 * What a component may touch beside its own memory: nothing that is not asked for and granted.
 *
 * Two keys open every door. A component asks (bhd_capabilities, the table [capabilities] of its
 * manifest), and whoever runs the host grants (bhd_grants, an option of the host). What is asked
 * for and not granted is refused when the component is loaded (BHD_CAPABILITY_DENIED). What is not
 * asked for is not there: the guest's call fails as WASI says, and where WASI has no error for it
 * (random numbers and clocks of WASI 0.2), the guest ends with BHD_CAPABILITY_DENIED.
 *
 * docs/CAPABILITIES.md has every key.
 */
#ifndef BULKHEAD_CAPABILITIES_H
#define BULKHEAD_CAPABILITIES_H

#include "error.h"

/** What may be done in a directory. */
typedef enum bhd_access {
    BHD_ACCESS_READ = 0,       /**< "ro" */
    BHD_ACCESS_READ_WRITE = 1, /**< "rw" */
} bhd_access;

/** A directory of the host that a guest sees under a name of its own, with everything below it. No
 *  path leads out of it, neither by ".." nor by a link. */
typedef struct bhd_directory {
    const char *host;  /**< path on the host; of a manifest: relative to its directory */
    const char *guest; /**< path in the guest, for example "/data" */
    bhd_access access;
} bhd_directory;

/** A variable of the guest's environment. */
typedef struct bhd_variable {
    const char *name;
    /** NULL: what the process has under that name, if it has it, when the component is loaded; all
     *  its sandboxes see that. No thread may change the process's environment while a component is
     *  loaded. */
    const char *value;
} bhd_variable;

/** Where a guest may connect to, by TCP. */
typedef struct bhd_endpoint {
    const char *host; /**< name or address, compared as it is written, without case */
    uint16_t port;
} bhd_endpoint;

/**
 * Reads an endpoint as a manifest and the command write it: "example.org:443", "[::1]:8080".
 *
 * \return the length of the host at the beginning of `text` and, in `*port`, the port; 0 when the
 * text is none: the host has letters, digits and ".-_", or is an address of version 6 in
 * brackets; the port is 1 to 65535.
 */
BHD_PUBLIC size_t bhd_endpoint_parse(const char *text, uint16_t *port);

/** Where an output stream of the guest goes. */
typedef enum bhd_output {
    BHD_OUTPUT_NONE = 0,     /**< accepted and dropped */
    BHD_OUTPUT_INHERIT = 1,  /**< to the process's own stream */
    BHD_OUTPUT_CALLBACK = 2, /**< to the callback */
    BHD_OUTPUT_CAPTURE = 3,  /**< kept, up to a bound; see bhd_sandbox_output */
} bhd_output;

/** What a component asks for. Arrays and texts are borrowed; who keeps them copies them. */
typedef struct bhd_capabilities {
    size_t size;             /**< of this struct; see bulkhead.h */
    const char *const *args; /**< arguments after the name */
    size_t arg_count;
    const bhd_variable *env;
    size_t env_count;
    const bhd_directory *directories;
    size_t directory_count;
    const bhd_endpoint *network;
    size_t endpoint_count;
    bool clocks; /**< what time it is; to sleep needs nothing */
    bool random; /**< random numbers of the system */
    bool standard_input;
    /** BHD_OUTPUT_INHERIT: where the host puts it (bhd_sandbox_options). BHD_OUTPUT_NONE and
     *  BHD_OUTPUT_CAPTURE: nowhere else. Needs no grant. */
    bhd_output standard_output, standard_error;
    /** Bytes that one sandbox may write into its directories in all, as the disk counts them: each
     *  new file, directory and link is 4,096, and each new page of a file counts whole. The page
     *  docs/CAPABILITIES.md has all of it. */
    uint64_t max_written_bytes;
    /** At once: files, directories, listings of directories and streams of files, the granted
     *  directories included. */
    uint32_t max_open_files;
    uint32_t max_connections; /**< at once */
} bhd_capabilities;

#define BHD_CAPABILITIES_INIT                                                                      \
    {                                                                                              \
        sizeof(bhd_capabilities), NULL, 0, NULL, 0, NULL, 0, NULL, 0, false, false, false,         \
            BHD_OUTPUT_INHERIT, BHD_OUTPUT_INHERIT, UINT64_C(16777216), 64, 8                      \
    }

/** What whoever runs a host allows to its components. Arguments and variables with a value need no
 *  grant: they give nothing of the host away. */
typedef struct bhd_grants {
    size_t size; /**< of this struct; see bulkhead.h */
    /** Whatever a component asks for. */
    bool everything;
    /** Names of variables that a component may have of the process's environment. */
    const char *const *env;
    size_t env_count;
    /** A component may have these directories and what is below them; `guest` is not looked at. */
    const bhd_directory *directories;
    size_t directory_count;
    const bhd_endpoint *network;
    size_t endpoint_count;
    bool clocks, random, standard_input;
} bhd_grants;

#define BHD_GRANTS_INIT                                                                            \
    {                                                                                              \
        sizeof(bhd_grants), false, NULL, 0, NULL, 0, NULL, 0, false, false, false                  \
    }

#endif
