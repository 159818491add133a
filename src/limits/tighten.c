/*
 * Limits against limits: an operator may tighten what a component declares, never loosen it. Plain
 * values; any thread.
 */
#include "bulkhead/limits.h"

#include "base/fail.h"
#include "base/text.h"

#include <inttypes.h>

static bhd_status fail_loosened(const char *name, uint64_t wanted, uint64_t base, const char *unit,
                                bhd_error *error)
{
    bhd_status code = bhd__fail(error, BHD_LIMIT_LOOSENED,
                                "%s: %" PRIu64 "%s is more than the declared %" PRIu64
                                "%s; a limit may be tightened, not loosened",
                                name, wanted, unit, base, unit);
    bhd__error_range(error, wanted, 0, base);
    return code;
}

static bhd_status fail_longer_timeout(double wanted, double base, bhd_error *error)
{
    char message[256];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    bhd__text_add(&text, "timeout_seconds: ");
    bhd__text_add_double(&text, wanted);
    bhd__text_add(&text, " seconds is more than the declared ");
    bhd__text_add_double(&text, base);
    bhd__text_add(&text, " seconds; a limit may be tightened, not loosened");
    return bhd__fail(error, BHD_LIMIT_LOOSENED, "%s", message);
}

bhd_status bhd_limits_tighten(const bhd_limits *base, const bhd_limits *wanted, bhd_limits *limits,
                              bhd_error *error)
{
    if (base == NULL || wanted == NULL || limits == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limits: NULL");
    if (wanted->max_memory_bytes > base->max_memory_bytes)
        return fail_loosened("max_memory_bytes", wanted->max_memory_bytes, base->max_memory_bytes,
                             " bytes", error);
    if (wanted->max_table_elements > base->max_table_elements)
        return fail_loosened("max_table_elements", wanted->max_table_elements,
                             base->max_table_elements, " elements", error);
    if (base->max_fuel != 0 && wanted->max_fuel == 0)
        return bhd__fail(error, BHD_LIMIT_LOOSENED,
                         "max_fuel: fuel that is not metered is more than the declared %" PRIu64
                         "; a limit may be tightened, not loosened",
                         base->max_fuel);
    if (base->max_fuel != 0 && wanted->max_fuel > base->max_fuel)
        return fail_loosened("max_fuel", wanted->max_fuel, base->max_fuel, "", error);
    if (!(wanted->timeout_seconds <= base->timeout_seconds)) /* NaN too */
        return fail_longer_timeout(wanted->timeout_seconds, base->timeout_seconds, error);
    if (base->on_exceed == BHD_ON_EXCEED_TRAP && wanted->on_exceed != BHD_ON_EXCEED_TRAP)
        return bhd__fail(error, BHD_LIMIT_LOOSENED,
                         "on_exceed: %s allows more than the declared %s; a limit may be "
                         "tightened, not loosened",
                         bhd_on_exceed_text(wanted->on_exceed),
                         bhd_on_exceed_text(base->on_exceed));
    /* Nowhere more than `base`: what both allow is what was wanted. */
    *limits = *wanted;
    return BHD_OK;
}

bool bhd_limits_equal(const bhd_limits *a, const bhd_limits *b)
{
    return a->max_memory_bytes == b->max_memory_bytes &&
           a->max_table_elements == b->max_table_elements && a->max_fuel == b->max_fuel &&
           a->timeout_seconds == b->timeout_seconds && a->on_exceed == b->on_exceed;
}
