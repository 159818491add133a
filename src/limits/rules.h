/*
 * The rules for single limits and how their violations read, in one place for the builder, the
 * manifest and configuration text.
 *
 * `name` is what the value is called where it comes from ("max_memory_bytes"); it begins the
 * message, "max_memory_bytes: ...". NULL leaves that out, for a diagnostic that has a key already.
 * Pure functions; any thread.
 */
#ifndef BHD_LIMITS_RULES_H
#define BHD_LIMITS_RULES_H

#include "base/text.h"
#include "bulkhead/limits.h"

/* "524288 to 4194304 bytes (512 KiB to 4 MiB)" */
void bhd__add_policy_range(bhd__text *text, const bhd_policy *policy);

/* `policy` is valid. BHD_LIMIT_TOO_LOW or BHD_LIMIT_TOO_HIGH, with value and range. */
bhd_status bhd__limit_check_memory(const char *name, uint64_t bytes, const bhd_policy *policy,
                                   bhd_error *error);
/* BHD_LIMIT_MISSING: there is no limit at all. */
bhd_status bhd__limit_missing_memory(const char *name, const bhd_policy *policy, bhd_error *error);

/* All others: BHD_LIMIT_INVALID. */
bhd_status bhd__limit_check_table(const char *name, uint64_t elements, bhd_error *error);
bhd_status bhd__limit_check_timeout(const char *name, double seconds, bhd_error *error);
/* For a fuel limit that was given. */
bhd_status bhd__limit_check_fuel(const char *name, uint64_t fuel, bhd_error *error);
bhd_status bhd__limit_check_on_exceed(const char *name, bhd_on_exceed on_exceed, bhd_error *error);

#endif
