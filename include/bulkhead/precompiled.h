/**
 * \file bulkhead/precompiled.h
 *
 * Components that were compiled before, for hosts that have no compiler.
 *
 * **A precompiled component is machine code.** The sandbox is in that code: who can write the file
 * can leave it out, and run anything in the process that loads it, with all that this process may
 * do. A checksum is in it and tells what an accident has changed; that it was made by this build is
 * looked at as well. Neither is a signature. So a host loads it only with
 * bhd_host_options.allow_precompiled, and only a file that nobody but its own user and root can
 * have written. Never take one from whoever gave you the component: compile what they gave you.
 *
 * It runs on a host of the same build, with the same features, max_stack_bytes, max_functions,
 * max_function_bytes and max_instance_bytes, on a processor with the same instructions. Its limits,
 * imports and capabilities are judged when it is loaded, as those of every component. Its frames
 * have no files and lines.
 */
#ifndef BULKHEAD_PRECOMPILED_H
#define BULKHEAD_PRECOMPILED_H

#include "cancellation.h"
#include "host.h"

typedef struct bhd_precompile_options {
    size_t size;    /**< of this struct; see bulkhead.h */
    bool with_fuel; /**< for limits with max_fuel; otherwise for limits without */
    /** Ends the compilation, from any thread; see cancellation.h. NULL: nothing ends it but its
     *  bounds and bhd_host_free. */
    bhd_cancellation *cancellation;
    /** For whom it is compiled: bhd_component_options.compile_group. */
    uint64_t compile_group;
} bhd_precompile_options;

#define BHD_PRECOMPILE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bhd_precompile_options), false, NULL, 0                                             \
    }

BHD_BEGIN_DECLS

/**
 * Compiles `size` bytes at `binary` (binary or text) as bhd_component_new does, and writes what
 * came of it to `path`. Nothing runs, and nothing is judged that a manifest says. `options` NULL
 * means BHD_PRECOMPILE_OPTIONS_INIT.
 *
 * The file is new, readable by this user alone, and has its name when it is whole; a regular file
 * of this user that is there is replaced. BHD_INVALID_ARGUMENT: something else is there (a
 * directory, a link, another user's file), which is left as it is. BHD_FILE_NOT_FOUND: its
 * directory is not there. BHD_FILE_UNREADABLE: it cannot be written, and why. Also what
 * bhd_component_new refuses before it looks at limits and imports, and BHD_COMPONENT_INVALID for
 * what is precompiled already. Any thread.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_precompile(bhd_host *host,
                                                  const bhd_precompile_options *options,
                                                  const void *binary, size_t size, const char *path,
                                                  bhd_error *error);

/** Whether the bytes have the form of a precompiled component, whole or not. Any thread. */
BHD_PUBLIC bool bhd_is_precompiled(const void *binary, size_t size);

/**
 * Whether nobody but the effective user and root could have written to the open file: it is a
 * regular one, belongs to one of the two, and gives nobody else the right to write. Otherwise
 * BHD_FILE_UNREADABLE, with the reason and what to do. bhd_component_load_file and
 * bhd_component_load look at this themselves; it is for programs that read a precompiled component
 * on their own, before they give it to bhd_component_new or bhd_inspect, which see only bytes. Any
 * thread.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_precompiled_check_file(int file, bhd_error *error);

BHD_END_DECLS

#endif
