#include "support/real_guest.h"

#include <signal.h>
#include <stdio.h>

/* Parameters and results of the largest function that a test calls. */
#define VALUES_MAX 16

/* -- status ------------------------------------------------------------------------------- */

void guest_expect(bhd_status wanted, bhd_status status, const bhd_error *error, const char *file,
                  int line)
{
    if (status == wanted)
        return;
    print_error("wanted %s, got %s: %s\n", bhd_status_name(wanted), bhd_status_name(status),
                error ? error->message : "(no account)");
    _fail(file, line);
}

void guest_expect_in(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part))
        return;
    print_error("\"%s\" is not in \"%s\"\n", part, text);
    _fail(file, line);
}

/* -- hosts and components ------------------------------------------------------------------ */

/* cmocka installs its own handlers before each test, after the engine has installed its own with
 * the first host of the process. The engine's are kept from that time and put back. */
void guest_keep_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    static struct sigaction engines[COUNT_OF(signals)];
    static bool known;
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], known ? &engines[i] : NULL, known ? NULL : &engines[i]);
    known = true;
}

bhd_host *guest_host_with(const bhd_host_options *options)
{
    static const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_host_options granting = BHD_HOST_OPTIONS_INIT;
    if (options)
        granting = *options;
    if (granting.grants == NULL)
        granting.grants = &everything;
    expect_ok(bhd_host_new(&granting, &host, &error), &error);
    bhd_error_fini(&error);
    guest_keep_signals();
    return host;
}

bhd_host *guest_host(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.policy.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    return guest_host_with(&options);
}

bhd_limits guest_limits(uint64_t max_bytes)
{
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    builder.limits.max_memory_bytes = max_bytes;
    return builder.limits;
}

bhd_status guest_try_component(bhd_host *host, const char *source, const bhd_limits *limits,
                               bhd_component **component, bhd_error *error)
{
    bhd_capabilities clocks = BHD_CAPABILITIES_INIT;
    clocks.clocks = true;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "guest",
                                     .version = "1.2.3",
                                     .limits = *limits,
                                     .capabilities = &clocks};
    if (source[0] == '(')
        return bhd_component_new(host, &options, source, strlen(source), component, error);
    char path[512];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
    return bhd_component_load_file(host, path, &options, component, error);
}

bhd_component *guest_component(bhd_host *host, const char *source, const bhd_limits *limits)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_ok(guest_try_component(host, source, limits, &component, &error), &error);
    bhd_error_fini(&error);
    return component;
}

void guest_refused(bhd_host *host, const char *source, const bhd_limits *limits, bhd_status wanted,
                   const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_status(wanted, guest_try_component(host, source, limits, &component, &error), &error);
    assert_null(component);
    if (part)
        expect_in(error.message, part);
    bhd_error_fini(&error);
}

/* -- sandboxes ----------------------------------------------------------------------------- */

bhd_sandbox *guest_sandbox_with(bhd_component *component, const bhd_sandbox_options *options)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    expect_ok(bhd_sandbox_new(component, options, &sandbox, &error), &error);
    bhd_error_fini(&error);
    return sandbox;
}

bhd_sandbox *guest_sandbox(bhd_component *component)
{
    return guest_sandbox_with(component, NULL);
}

bhd_status guest_vcall(bhd_sandbox *sandbox, bhd_error *error, bhd_value *result, const char *name,
                       va_list arguments)
{
    bhd_function *function;
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, error);
    if (status != BHD_OK)
        return status;
    const bhd_type *types = bhd_function_parameters(function);
    size_t parameters = bhd_type_count(types);
    size_t wanted = bhd_type_count(bhd_function_results(function));
    if (parameters > VALUES_MAX || wanted > VALUES_MAX)
        return BHD_SIGNATURE_MISMATCH;
    bhd_value in[VALUES_MAX], out[VALUES_MAX];
    for (size_t i = 0; i < parameters; i++) {
        in[i].type = bhd_type_get(bhd_type_part(types, i));
        switch (in[i].type) {
        case BHD_I32:
            in[i].of.i32 = va_arg(arguments, int32_t);
            break;
        case BHD_I64:
            in[i].of.i64 = va_arg(arguments, int64_t);
            break;
        case BHD_F32:
            in[i].of.f32 = (float)va_arg(arguments, double);
            break;
        case BHD_F64:
            in[i].of.f64 = va_arg(arguments, double);
            break;
        default:
            return BHD_SIGNATURE_MISMATCH;
        }
    }
    status = bhd_sandbox_call(sandbox, function, in, parameters, out, VALUES_MAX, error);
    if (status == BHD_OK && result && wanted > 0)
        *result = out[0];
    return status;
}

bhd_status guest_call(bhd_sandbox *sandbox, bhd_error *error, bhd_value *result, const char *name,
                      ...)
{
    va_list arguments;
    va_start(arguments, name);
    bhd_status status = guest_vcall(sandbox, error, result, name, arguments);
    va_end(arguments);
    return status;
}

static bhd_value call_ok(bhd_sandbox *sandbox, const char *name, va_list arguments)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result = {.type = BHD_I64, .of.i64 = 0};
    bhd_status status = guest_vcall(sandbox, &error, &result, name, arguments);
    if (status != BHD_OK)
        print_error("calling %s\n", name);
    expect_ok(status, &error);
    bhd_error_fini(&error);
    return result;
}

int32_t guest_i32(bhd_sandbox *sandbox, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    bhd_value result = call_ok(sandbox, name, arguments);
    va_end(arguments);
    assert_int_equal(BHD_I32, result.type);
    return result.of.i32;
}

int64_t guest_i64(bhd_sandbox *sandbox, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    bhd_value result = call_ok(sandbox, name, arguments);
    va_end(arguments);
    assert_int_equal(BHD_I64, result.type);
    return result.of.i64;
}

void guest_void(bhd_sandbox *sandbox, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    (void)call_ok(sandbox, name, arguments);
    va_end(arguments);
}

void guest_ends(bhd_sandbox *sandbox, bhd_status wanted, bhd_error *error, const char *name, ...)
{
    bhd_error inner = BHD_ERROR_INIT;
    bhd_error *where = error ? error : &inner;
    va_list arguments;
    va_start(arguments, name);
    bhd_status status = guest_vcall(sandbox, where, NULL, name, arguments);
    va_end(arguments);
    if (status != wanted)
        print_error("calling %s\n", name);
    expect_status(wanted, status, where);
    if (status != BHD_OK)
        assert_int_equal(status, where->code);
    bhd_error_fini(&inner);
}

int guest_run(bhd_sandbox *sandbox)
{
    bhd_error error = BHD_ERROR_INIT;
    int exit_code = -1;
    expect_ok(bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    bhd_error_fini(&error);
    return exit_code;
}

void guest_run_ends(bhd_sandbox *sandbox, bhd_status wanted, bhd_error *error)
{
    bhd_error inner = BHD_ERROR_INIT;
    bhd_error *where = error ? error : &inner;
    int exit_code = -1;
    bhd_status status = bhd_sandbox_run(sandbox, &exit_code, where);
    expect_status(wanted, status, where);
    assert_int_equal(-1, exit_code);
    bhd_error_fini(&inner);
}

bhd_memory_metrics guest_metrics(const bhd_sandbox *sandbox)
{
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(sandbox, &metrics);
    return metrics;
}

static void expect_number(const char *field, uint64_t wanted, uint64_t got, const char *file,
                          int line)
{
    if (wanted == got)
        return;
    print_error("%s: wanted %llu, got %llu\n", field, (unsigned long long)wanted,
                (unsigned long long)got);
    _fail(file, line);
}

void guest_expect_metrics(const bhd_memory_metrics *metrics, uint64_t current, uint64_t peak,
                          uint64_t growths, uint64_t denials, const char *file, int line)
{
    expect_number("current_bytes", current, metrics->current_bytes, file, line);
    expect_number("peak_bytes", peak, metrics->peak_bytes, file, line);
    expect_number("growth_count", growths, metrics->growth_count, file, line);
    expect_number("denied_count", denials, metrics->denied_count, file, line);
    expect_number("remaining_bytes", metrics->max_bytes - metrics->current_bytes,
                  metrics->remaining_bytes, file, line);
    double max = (double)metrics->max_bytes;
    double usage = 100.0 * (double)current / max - metrics->usage_percent;
    double highest = 100.0 * (double)peak / max - metrics->peak_percent;
    if (usage > 1e-9 || usage < -1e-9 || highest > 1e-9 || highest < -1e-9) {
        print_error("percents: %g and %g of %llu bytes\n", metrics->usage_percent,
                    metrics->peak_percent, (unsigned long long)metrics->max_bytes);
        _fail(file, line);
    }
}

void guest_expect_stats(const bhd_host *host, uint64_t sandboxes, uint64_t slots_in_use,
                        const char *file, int line)
{
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    expect_number("live_sandboxes", sandboxes, stats.live_sandboxes, file, line);
    expect_number("slots_in_use", slots_in_use, stats.slots_in_use, file, line);
    expect_number("slots_retired", 0, stats.slots_retired, file, line);
}

/* -- all of it ----------------------------------------------------------------------------- */

guest guest_begin_with(const bhd_host_options *host_options, const char *source,
                       const bhd_limits *limits, const bhd_sandbox_options *options)
{
    guest g;
    g.host = host_options ? guest_host_with(host_options) : guest_host();
    g.component = guest_component(g.host, source, limits);
    g.sandbox = guest_sandbox_with(g.component, options);
    return g;
}

guest guest_begin(const char *source, const bhd_limits *limits)
{
    return guest_begin_with(NULL, source, limits, NULL);
}

void guest_again(guest *g)
{
    bhd_sandbox_free(g->sandbox);
    g->sandbox = guest_sandbox(g->component);
}

void guest_end(guest *g)
{
    bhd_sandbox_free(g->sandbox);
    bhd_component_free(g->component);
    expect_stats(g->host, 0, 0);
    bhd_host_free(g->host);
}

/* -- what a guest writes ------------------------------------------------------------------- */

static bool keep(void *user_data, const void *data, size_t size)
{
    guest_output *output = user_data;
    size_t room = sizeof output->text - 1 - output->kept;
    size_t taken = size < room ? size : room;
    memcpy(output->text + output->kept, data, taken);
    output->kept += taken;
    output->text[output->kept] = '\0';
    output->total += size;
    return true;
}

bhd_stream guest_stream_to(guest_output *output)
{
    memset(output, 0, sizeof *output);
    return (bhd_stream){BHD_OUTPUT_CALLBACK, keep, output};
}
