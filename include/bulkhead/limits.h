/**
 * \file bulkhead/limits.h
 *
 * The validated limits of one component (`ResourceLimits`) and the builder that is the only way to
 * make them.
 *
 * The memory limit is mandatory and has no default, on purpose: whoever ships a component has to
 * say what it needs (ADR-WASM-002). "No limit" cannot be expressed. Which limits are acceptable at
 * all is the host's policy: 512 KiB to 4 MiB unless whoever runs the host says otherwise.
 *
 * Limits, policies and builders are plain values without pointers, cheap to copy; nothing to free.
 */
#ifndef BULKHEAD_LIMITS_H
#define BULKHEAD_LIMITS_H

#include "error.h"

#define BHD_MIN_MEMORY_BYTES UINT64_C(524288)  /**< 512 KiB */
#define BHD_MAX_MEMORY_BYTES UINT64_C(4194304) /**< 4 MiB */

#define BHD_DEFAULT_TIMEOUT_SECONDS 30.0
#define BHD_MIN_TIMEOUT_SECONDS 0.001
#define BHD_MAX_TIMEOUT_SECONDS 86400.0
#define BHD_DEFAULT_TABLE_ELEMENTS UINT64_C(10000)
#define BHD_MAX_TABLE_ELEMENTS UINT64_C(1000000)
/** The widest a policy may be: the address space of all 32-bit memories a sandbox may have. */
#define BHD_POLICY_MIN_BYTES UINT64_C(65536)
#define BHD_POLICY_MAX_BYTES UINT64_C(4294967296)

/** What happens to a growth that would exceed a limit. */
typedef enum bhd_on_exceed {
    BHD_ON_EXCEED_DENY = 0, /**< memory.grow and table.grow give -1; the guest may cope */
    BHD_ON_EXCEED_TRAP = 1, /**< the guest ends there, with its stack in the account */
} bhd_on_exceed;

/** The range that max_memory_bytes must lie in. */
typedef struct bhd_policy {
    uint64_t min_memory_bytes;
    uint64_t max_memory_bytes;
} bhd_policy;

#define BHD_POLICY_INIT                                                                            \
    {                                                                                              \
        BHD_MIN_MEMORY_BYTES, BHD_MAX_MEMORY_BYTES                                                 \
    }

typedef struct bhd_limits {
    /** Bytes, all linear memories of the sandbox and its GC heap together. */
    uint64_t max_memory_bytes;
    /** Elements, all tables of the sandbox together. */
    uint64_t max_table_elements;
    /** Units of fuel for each call; 0: fuel is not metered. */
    uint64_t max_fuel;
    /** Wall-clock seconds for each call, instantiation included. */
    double timeout_seconds;
    bhd_on_exceed on_exceed;
} bhd_limits;

/** Collects limits; begin with BHD_LIMITS_BUILDER_INIT. Read and written by the functions below. */
typedef struct bhd_limits_builder {
    bhd_limits limits;
    bool has_max_memory_bytes;
    bool has_max_fuel;
} bhd_limits_builder;

#define BHD_LIMITS_BUILDER_INIT                                                                    \
    {                                                                                              \
        {0, BHD_DEFAULT_TABLE_ELEMENTS, 0, BHD_DEFAULT_TIMEOUT_SECONDS, BHD_ON_EXCEED_DENY},       \
            false, false                                                                           \
    }

BHD_BEGIN_DECLS

/** Setters store the value; everything is checked together by bhd_limits_builder_build. */
BHD_PUBLIC void bhd_limits_builder_max_memory_bytes(bhd_limits_builder *builder, uint64_t bytes);
BHD_PUBLIC void bhd_limits_builder_max_table_elements(bhd_limits_builder *builder,
                                                      uint64_t elements);
BHD_PUBLIC void bhd_limits_builder_max_fuel(bhd_limits_builder *builder, uint64_t fuel);
BHD_PUBLIC void bhd_limits_builder_timeout_seconds(bhd_limits_builder *builder, double seconds);
BHD_PUBLIC void bhd_limits_builder_on_exceed(bhd_limits_builder *builder, bhd_on_exceed on_exceed);

/**
 * Checks everything and writes `*limits`.
 *
 * `policy` NULL means BHD_POLICY_INIT. Errors: BHD_LIMIT_MISSING without max_memory_bytes;
 * BHD_LIMIT_TOO_LOW and BHD_LIMIT_TOO_HIGH outside the policy's range, with the value and the range
 * in bytes in `error`; BHD_LIMIT_INVALID for a timeout that is not a number from 0.001 to 86400,
 * max_fuel 0, more than BHD_MAX_TABLE_ELEMENTS or an unknown on_exceed; BHD_POLICY_INVALID as
 * bhd_policy_check. Any thread.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_limits_builder_build(const bhd_limits_builder *builder,
                                                            const bhd_policy *policy,
                                                            bhd_limits *limits, bhd_error *error);

/** Checks limits that were not built here, by the same rules (max_fuel 0 means not metered). */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_limits_check(const bhd_limits *limits,
                                                    const bhd_policy *policy, bhd_error *error);

/** BHD_POLICY_INVALID unless BHD_POLICY_MIN_BYTES <= minimum <= maximum <= BHD_POLICY_MAX_BYTES. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_policy_check(const bhd_policy *policy, bhd_error *error);

/**
 * Writes to `*limits` what `base` and `wanted` both allow, for an operator who tightens what a
 * component declares. BHD_LIMIT_LOOSENED when `wanted` allows more than `base` anywhere (a value
 * or the absence of fuel metering, or deny where base says trap), with both values in the message.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_limits_tighten(const bhd_limits *base,
                                                      const bhd_limits *wanted, bhd_limits *limits,
                                                      bhd_error *error);

/** Two limits allow exactly the same. */
BHD_PUBLIC bool bhd_limits_equal(const bhd_limits *a, const bhd_limits *b);

/** "deny" or "trap". */
BHD_PUBLIC const char *bhd_on_exceed_text(bhd_on_exceed on_exceed);

/**
 * Reads a size: a whole number of bytes with optional underscores between digits ("2_097_152"), or
 * a whole or decimal number with KiB or MiB ("512KiB", "1.5 MiB"). Anything else, "2MB", "2M" and
 * "2m" among it, is BHD_LIMIT_INVALID with a message that suggests what to write.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_size_parse(const char *text, size_t length, uint64_t *bytes,
                                                  bhd_error *error);

/** Writes "2 MiB", "1.5 MiB", "512 KiB" or "1000 bytes"; like snprintf. */
BHD_PUBLIC size_t bhd_size_to_text(uint64_t bytes, char *buffer, size_t capacity);

BHD_END_DECLS

#endif
