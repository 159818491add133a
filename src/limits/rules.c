/*
 * The rules for single limits. Every message has the value, what is allowed, and what to write.
 */
#include "limits/rules.h"

#include "base/fail.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>

/* Of a range of bytes as messages have it. */
#define POLICY_RANGE_SIZE 128

void bhd__add_policy_range(bhd__text *text, const bhd_policy *policy)
{
    char low[32], high[32];
    bhd_size_to_text(policy->min_memory_bytes, low, sizeof low);
    bhd_size_to_text(policy->max_memory_bytes, high, sizeof high);
    bhd__text_printf(text, "%" PRIu64 " to %" PRIu64 " bytes (%s to %s)", policy->min_memory_bytes,
                     policy->max_memory_bytes, low, high);
}

/* The same, in a buffer. */
static const char *policy_range(char buffer[POLICY_RANGE_SIZE], const bhd_policy *policy)
{
    bhd__text text;
    bhd__text_init(&text, buffer, POLICY_RANGE_SIZE);
    bhd__add_policy_range(&text, policy);
    return buffer;
}

/* `name` may be NULL. */
__attribute__((format(printf, 4, 5))) static bhd_status
refuse(const char *name, bhd_status code, bhd_error *error, const char *format, ...)
{
    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    if (name != NULL)
        bhd__text_printf(&text, "%s: ", name);
    va_list arguments;
    va_start(arguments, format);
    bhd__text_vprintf(&text, format, arguments);
    va_end(arguments);
    bhd__text_ellipsis(&text);
    return bhd__fail(error, code, "%s", message);
}

bhd_status bhd__limit_check_memory(const char *name, uint64_t bytes, const bhd_policy *policy,
                                   bhd_error *error)
{
    uint64_t minimum = policy->min_memory_bytes, maximum = policy->max_memory_bytes;
    bool too_low = bytes < minimum;
    if (!too_low && bytes <= maximum)
        return BHD_OK;
    char range[POLICY_RANGE_SIZE];
    bhd_status code =
        refuse(name, too_low ? BHD_LIMIT_TOO_LOW : BHD_LIMIT_TOO_HIGH, error,
               "%" PRIu64 " byte%s is %s the allowed range of %s; write at %s %" PRIu64, bytes,
               bytes == 1 ? "" : "s", too_low ? "below" : "above", policy_range(range, policy),
               too_low ? "least" : "most", too_low ? minimum : maximum);
    bhd__error_range(error, bytes, minimum, maximum);
    return code;
}

bhd_status bhd__limit_missing_memory(const char *name, const bhd_policy *policy, bhd_error *error)
{
    char range[POLICY_RANGE_SIZE];
    return refuse(name, BHD_LIMIT_MISSING, error,
                  "missing; a component must say how much memory it may use, %s, and there is no "
                  "default on purpose (ADR-WASM-002)",
                  policy_range(range, policy));
}

bhd_status bhd__limit_check_table(const char *name, uint64_t elements, bhd_error *error)
{
    if (elements <= BHD_MAX_TABLE_ELEMENTS)
        return BHD_OK;
    bhd_status code = refuse(name, BHD_LIMIT_INVALID, error,
                             "%" PRIu64 " elements is above the allowed range of 0 to %" PRIu64
                             " elements; write at most %" PRIu64,
                             elements, BHD_MAX_TABLE_ELEMENTS, BHD_MAX_TABLE_ELEMENTS);
    bhd__error_range(error, elements, 0, BHD_MAX_TABLE_ELEMENTS);
    return code;
}

bhd_status bhd__limit_check_timeout(const char *name, double seconds, bhd_error *error)
{
    if (seconds >= BHD_MIN_TIMEOUT_SECONDS && seconds <= BHD_MAX_TIMEOUT_SECONDS)
        return BHD_OK; /* not NaN */
    char numbers[128];
    bhd__text text;
    bhd__text_init(&text, numbers, sizeof numbers);
    bhd__text_add_double(&text, seconds);
    bhd__text_add(&text, " is not a number of seconds in the allowed range of ");
    bhd__text_add_double(&text, BHD_MIN_TIMEOUT_SECONDS);
    bhd__text_add(&text, " to ");
    bhd__text_add_double(&text, BHD_MAX_TIMEOUT_SECONDS);
    return refuse(name, BHD_LIMIT_INVALID, error, "%s", numbers);
}

bhd_status bhd__limit_check_fuel(const char *name, uint64_t fuel, bhd_error *error)
{
    if (fuel != 0)
        return BHD_OK;
    bhd_status code = refuse(name, BHD_LIMIT_INVALID, error,
                             "0 would end the guest before its first instruction; write at least "
                             "1, or leave it out: fuel is then not metered");
    bhd__error_range(error, 0, 1, UINT64_MAX);
    return code;
}

bhd_status bhd__limit_check_on_exceed(const char *name, bhd_on_exceed on_exceed, bhd_error *error)
{
    if (on_exceed == BHD_ON_EXCEED_DENY || on_exceed == BHD_ON_EXCEED_TRAP)
        return BHD_OK;
    return refuse(name, BHD_LIMIT_INVALID, error, "%d is neither deny (%d) nor trap (%d)",
                  (int)on_exceed, (int)BHD_ON_EXCEED_DENY, (int)BHD_ON_EXCEED_TRAP);
}

bhd_status bhd_policy_check(const bhd_policy *policy, bhd_error *error)
{
    if (policy == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "policy: NULL");
    uint64_t low = policy->min_memory_bytes, high = policy->max_memory_bytes;
    if (low > high)
        return bhd__fail(error, BHD_POLICY_INVALID,
                         "policy: the minimum of %" PRIu64 " bytes is above the maximum of %" PRIu64
                         " bytes",
                         low, high);
    if (low >= BHD_POLICY_MIN_BYTES && high <= BHD_POLICY_MAX_BYTES)
        return BHD_OK;
    bool low_is_wrong = low < BHD_POLICY_MIN_BYTES;
    bhd_status code =
        bhd__fail(error, BHD_POLICY_INVALID,
                  "policy: a %s of %" PRIu64 " bytes is %s the widest possible range of %" PRIu64
                  " to %" PRIu64 " bytes (64 KiB to 4096 MiB)",
                  low_is_wrong ? "minimum" : "maximum", low_is_wrong ? low : high,
                  low_is_wrong ? "below" : "above", BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES);
    bhd__error_range(error, low_is_wrong ? low : high, BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES);
    return code;
}

const char *bhd_on_exceed_text(bhd_on_exceed on_exceed)
{
    return on_exceed == BHD_ON_EXCEED_TRAP ? "trap" : "deny";
}
