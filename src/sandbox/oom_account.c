/*
 * The account of an out-of-memory: who asked for what, what was in use, and what to do about it.
 */
#include "sandbox/oom_account.h"

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/run/store.h"
#include "sandbox/life.h"

#include <inttypes.h>
#include <string.h>

/* Sizes go up in pages of 64 KiB. */
#define PAGE_BYTES UINT64_C(65536)

static void hint_trap(bhd__text *hint, const bhd_sandbox *sandbox)
{
    if (sandbox->component->limits.on_exceed == BHD_ON_EXCEED_DENY)
        bhd__text_add(hint, "; on_exceed = \"trap\" shows which function asked");
}

static void hint_table(bhd__text *hint, const bhd_sandbox *sandbox, uint64_t wanted)
{
    if (wanted <= BHD_MAX_TABLE_ELEMENTS)
        bhd__text_printf(hint, "set max_table_elements to at least %" PRIu64, wanted);
    else
        bhd__text_printf(hint,
                         "it wants %" PRIu64 " table elements, more than any component may have "
                         "(%" PRIu64 "): make it need fewer",
                         wanted, (uint64_t)BHD_MAX_TABLE_ELEMENTS);
    hint_trap(hint, sandbox);
}

static void hint_memory(bhd__text *hint, const bhd_sandbox *sandbox, uint64_t wanted)
{
    uint64_t ceiling = sandbox->component->host->options.policy.max_memory_bytes;
    uint64_t pages_up = wanted;
    if (bhd__add_u64(wanted, PAGE_BYTES - 1, &pages_up))
        pages_up -= pages_up % PAGE_BYTES;
    if (pages_up <= ceiling) {
        bhd__text_printf(hint, "set max_bytes to at least %" PRIu64 ", or make it need less",
                         pages_up);
    } else {
        bhd__text_printf(hint,
                         "it wants %" PRIu64 " bytes in all, more than this host allows "
                         "(%" PRIu64 "): make it need less, or ask whoever runs the host for a "
                         "higher ceiling",
                         pages_up, ceiling);
    }
    hint_trap(hint, sandbox);
}

static void write_hint(const bhd_sandbox *sandbox, bhd_out_of_memory *account)
{
    bhd__text hint;
    bhd__text_init(&hint, account->hint, sizeof account->hint);
    uint64_t wanted;
    if (!bhd__add_u64(account->in_use, account->requested, &wanted))
        wanted = UINT64_MAX;
    if (account->kind == BHD_MEMORY_TABLE)
        hint_table(&hint, sandbox, wanted);
    else
        hint_memory(&hint, sandbox, wanted);
    bhd__text_ellipsis(&hint);
}

static void copy(char *out, size_t capacity, const char *in)
{
    bhd__text text;
    bhd__text_init(&text, out, capacity);
    bhd__text_add(&text, in);
    bhd__text_ellipsis(&text);
}

/* The guest ran out of memory. */
static void write_account(const bhd_sandbox *sandbox, bhd_error *error)
{
    const bhd__refusal *refusal = bhd__instance_refusal(sandbox->instance);
    bhd_out_of_memory *account = bhd__error_out_of_memory(error);
    if (!account)
        return;
    copy(account->component, sizeof account->component, sandbox->component->name);
    copy(account->version, sizeof account->version, sandbox->component->version);
    account->sandbox = sandbox->id;
    account->kind = refusal->kind;
    account->requested = refusal->requested;
    account->in_use = refusal->in_use;
    account->limit = refusal->limit;
    account->metrics = refusal->metrics;
    if (!refusal->was_the_end)
        copy(account->cause, sizeof account->cause, error->message);
    write_hint(sandbox, account);
    bhd__error_out_of_memory_message(error);
}

bhd_status bhd__sandbox_failed(bhd_sandbox *sandbox, bhd_status status, bhd_error *error)
{
    if (status == BHD_OUT_OF_MEMORY && error)
        write_account(sandbox, error);
    if (status == BHD_NO_CAPACITY)
        atomic_fetch_add_explicit(&sandbox->component->host->refused_capacity, 1,
                                  memory_order_relaxed);
    return status;
}
