/**
 * \file bulkhead/status.h
 *
 * The one list of everything that can go wrong.
 *
 * A function that can fail returns a bhd_status; BHD_OK is 0. Values are pinned: they never change
 * and are never reused. They are grouped by tens: 10 the call itself, 20 limits, 30 files, 40 the
 * manifest, 50 the component, 60 calls into a sandbox, 70 how a guest ended, 80 capacity.
 *
 * What exactly happened, where, and what to do about it is in bhd_error (error.h).
 */
#ifndef BULKHEAD_STATUS_H
#define BULKHEAD_STATUS_H

#include "base.h"

/** X(identifier, value, text). The text says what kind of failure it is in a few words. */
#define BHD_STATUS_MAP(X)                                                                          \
    X(OK, 0, "success")                                                                            \
    X(INVALID_ARGUMENT, 10, "invalid argument")                                                    \
    X(HOST_OUT_OF_MEMORY, 11, "the host process is out of memory")                                 \
    X(INTERNAL, 12, "internal error")                                                              \
    X(NOT_SUPPORTED, 13, "not supported")                                                          \
    X(LIMIT_MISSING, 20, "the memory limit is missing")                                            \
    X(LIMIT_TOO_LOW, 21, "limit below the allowed range")                                          \
    X(LIMIT_TOO_HIGH, 22, "limit above the allowed range")                                         \
    X(LIMIT_INVALID, 23, "invalid limit")                                                          \
    X(POLICY_INVALID, 24, "invalid policy range")                                                  \
    X(LIMIT_LOOSENED, 25, "a limit may be tightened, not loosened")                                \
    X(FILE_NOT_FOUND, 30, "file not found")                                                        \
    X(FILE_UNREADABLE, 31, "file cannot be read")                                                  \
    X(FILE_NOT_UTF8, 32, "file is not UTF-8 text")                                                 \
    X(FILE_TOO_LARGE, 33, "file too large")                                                        \
    X(MANIFEST_SYNTAX, 40, "the manifest is not valid TOML")                                       \
    X(MANIFEST_INVALID, 41, "invalid manifest")                                                    \
    X(CONFIG_SYNTAX, 42, "the text is not valid TOML or JSON")                                     \
    X(COMPONENT_INVALID, 50, "not a valid component")                                              \
    X(COMPONENT_UNSUPPORTED, 51, "the component uses a feature that is not allowed")               \
    X(COMPONENT_TOO_LARGE, 52, "the component starts with more than its limit")                    \
    X(IMPORT_UNKNOWN, 53, "the component imports something that nobody provides")                  \
    X(CAPABILITY_DENIED, 54, "the component needs a capability that it was not given")             \
    X(NO_COMPILER, 55, "the compiler cannot be started")                                           \
    X(COMPILER_FAILED, 56, "the compiler failed on the component")                                 \
    X(EXPORT_NOT_FOUND, 60, "no such export")                                                      \
    X(SIGNATURE_MISMATCH, 61, "wrong number or types of arguments")                                \
    X(SANDBOX_DEAD, 62, "the sandbox has ended")                                                   \
    X(OUT_OF_BOUNDS, 63, "outside the sandbox's memory")                                           \
    X(BUSY, 64, "a call into the sandbox is under way")                                            \
    X(OUT_OF_MEMORY, 70, "out of memory")                                                          \
    X(TIMEOUT, 71, "out of time")                                                                  \
    X(OUT_OF_FUEL, 72, "out of fuel")                                                              \
    X(TRAP, 73, "trap")                                                                            \
    X(EXIT, 74, "the guest ended itself")                                                          \
    X(CANCELLED, 75, "cancelled")                                                                  \
    X(NO_CAPACITY, 80, "no capacity, try again")

typedef enum bhd_status {
#define BHD_STATUS_VALUE(identifier, value, text) BHD_##identifier = (value),
    BHD_STATUS_MAP(BHD_STATUS_VALUE)
#undef BHD_STATUS_VALUE
} bhd_status;

BHD_BEGIN_DECLS

/** The identifier of a status without its prefix: "OUT_OF_MEMORY". "UNKNOWN" for another number.
 *  Never NULL; static storage; any thread. */
BHD_PUBLIC const char *bhd_status_name(bhd_status status);

/** The text of a status: "out of memory". Never NULL; static storage; any thread. */
BHD_PUBLIC const char *bhd_status_text(bhd_status status);

BHD_END_DECLS

#endif
