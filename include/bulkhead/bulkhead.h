/**
 * \file bulkhead/bulkhead.h
 *
 * Bulkhead runs untrusted WebAssembly components, each inside memory limits that it declares and
 * cannot exceed. This header includes all others.
 *
 *     bhd_manifest   Component.toml: what a component is and what it may use
 *     bhd_limits     the validated limits in it
 *     bhd_host       engine, slots, clock, policy: one for a process
 *     bhd_component  compiled code with its limits
 *     bhd_sandbox    one live, isolated instance
 *     bhd_call       a call that was submitted: wait for it, cancel it, read its result
 *     bhd_cancellation  ends guests in their start functions, from any thread
 *     bhd_value      what goes into a call and comes out of it
 *     bhd_imports    functions of the host that components import
 *     bhd_resource   what a value may hold by handle
 *     bhd_limiter    the ledger of a sandbox: yes or no to every growth
 *     bhd_memory_metrics  a snapshot of that ledger
 *     bhd_error      the whole account of one failure
 *
 * Conventions: a function that can fail returns a bhd_status and fills an optional bhd_error;
 * out-parameters are written on success only; `new` goes with `free` and `init` with `fini`;
 * strings are NUL-terminated UTF-8 unless a length is given; sizes are in bytes unless the name
 * says otherwise. The library never prints, never exits and keeps no global state of its own.
 *
 * **Structs that grow.** Options, and what else says so, begin with `size`. Their initialiser
 * (BHD_HOST_OPTIONS_INIT for bhd_host_options, and so on) sets it, and so does `.size = sizeof`:
 *
 *     bhd_component_options options = {.size = sizeof options, .name = "adder"};
 *
 * Another size is BHD_INVALID_ARGUMENT. They grow at their end only; what an older program does not
 * have is taken from the initialiser. What a newer program asks for and this library does not know
 * is BHD_NOT_SUPPORTED, so that no limit is accepted and then not enforced.
 *
 * **ABI.** A program goes on with every later library of the same SONAME, without being built
 * again: functions keep their parameters and their meaning, enumerators their values, structs that
 * begin with `size` keep the fields that they have, and all other structs keep their layout. What
 * breaks one of these gets another SONAME. Messages are for people and may change at any time.
 */
#ifndef BULKHEAD_H
#define BULKHEAD_H

#include "base.h"
#include "call.h"
#include "cancellation.h"
#include "capabilities.h"
#include "code_cache.h"
#include "component.h"
#include "error.h"
#include "host.h"
#include "imports.h"
#include "inspection.h"
#include "limiter.h"
#include "limits.h"
#include "manifest.h"
#include "memory_config.h"
#include "metrics.h"
#include "precompiled.h"
#include "resource.h"
#include "sandbox.h"
#include "status.h"
#include "value.h"
#include "version.h"

#endif
