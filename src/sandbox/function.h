/*
 * The functions of a sandbox, each looked up once.
 */
#ifndef BHD_SANDBOX_FUNCTION_H
#define BHD_SANDBOX_FUNCTION_H

#include "base/fail.h"
#include "engine/run/exports.h"
#include "sandbox/life.h"

/* The function is one of this sandbox, and takes these arguments. Here, since every call does it.
 * BHD_INVALID_ARGUMENT, BHD_SIGNATURE_MISMATCH. */
static inline bhd_status bhd__function_check(const bhd_function *function,
                                             const bhd_sandbox *sandbox, const bhd_value *arguments,
                                             size_t argument_count, bhd_error *error)
{
    if (function->sandbox != sandbox)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "the function is one of another sandbox; each sandbox has its own");
    return bhd__export_check(function->exported, arguments, argument_count, error);
}

#endif
