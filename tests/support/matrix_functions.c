/*
 * One call of every public function that a sandbox, a call, a function, a component or a host has
 * to do with.
 */
#include "support/matrix.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char code_of(bhd_status status)
{
    switch (status) {
    case BHD_OK:
        return '+';
    case BHD_BUSY:
        return 'B';
    case BHD_SANDBOX_DEAD:
        return 'D';
    case BHD_INVALID_ARGUMENT:
        return 'I';
    case BHD_NOT_SUPPORTED:
        return 'U';
    default:
        return '?';
    }
}

static char code_if(bool is_there)
{
    return is_there ? '+' : '0';
}

/* -- of a sandbox ---------------------------------------------------------------------------- */

static char call_bhd_sandbox_call(matrix_scene *s)
{
    return code_of(bhd_sandbox_call(s->sandbox, s->nop, NULL, 0, NULL, 0, NULL));
}

static char call_bhd_sandbox_run(matrix_scene *s)
{
    int exit_code;
    return code_of(bhd_sandbox_run(s->sandbox, &exit_code, NULL));
}

static char call_bhd_sandbox_submit(matrix_scene *s)
{
    return code_of(bhd_sandbox_submit(s->sandbox, s->nop, NULL, 0, NULL, &s->made_call, NULL));
}

static char call_bhd_sandbox_submit_run(matrix_scene *s)
{
    return code_of(bhd_sandbox_submit_run(s->sandbox, NULL, &s->made_call, NULL));
}

static char call_bhd_sandbox_submit_drop(matrix_scene *s)
{
    return code_of(bhd_sandbox_submit_drop(s->sandbox, &s->handle, NULL, &s->made_call, NULL));
}

static char call_bhd_sandbox_drop(matrix_scene *s)
{
    return code_of(bhd_sandbox_drop(s->sandbox, &s->handle, NULL));
}

static char call_bhd_sandbox_function(matrix_scene *s)
{
    bhd_function *function;
    return code_of(bhd_sandbox_function(s->sandbox, "boom", &function, NULL));
}

static char call_bhd_sandbox_read(matrix_scene *s)
{
    char byte;
    return code_of(bhd_sandbox_read(s->sandbox, NULL, 0, &byte, 1, NULL));
}

static char call_bhd_sandbox_write(matrix_scene *s)
{
    return code_of(bhd_sandbox_write(s->sandbox, NULL, 100, "x", 1, NULL));
}

static char call_bhd_sandbox_resource(matrix_scene *s)
{
    bhd_value handle;
    bhd_status status = bhd_sandbox_resource(s->sandbox, "test", "thing", s, &handle, NULL);
    if (status == BHD_OK)
        bhd_value_fini(&handle);
    return code_of(status);
}

static char call_bhd_sandbox_data(matrix_scene *s)
{
    return code_if(bhd_sandbox_data(s->sandbox, &s->handle) == s);
}

static char call_bhd_sandbox_output(matrix_scene *s)
{
    size_t size;
    const char *data = bhd_sandbox_output(s->sandbox, 1, &size, NULL);
    return code_if(data && size == 1 && data[0] == 'x');
}

static char call_bhd_sandbox_metrics(matrix_scene *s)
{
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(s->sandbox, &metrics);
    return code_if(metrics.current_bytes == 65536);
}

static char call_bhd_sandbox_fuel_consumed(matrix_scene *s)
{
    return code_if(bhd_sandbox_fuel_consumed(s->sandbox) == 0);
}

static char call_bhd_sandbox_denied(matrix_scene *s)
{
    return code_if(bhd_sandbox_denied(s->sandbox) == NULL);
}

static char call_bhd_sandbox_id(matrix_scene *s)
{
    return code_if(bhd_sandbox_id(s->sandbox) > 0);
}

static char call_bhd_sandbox_is_dead(matrix_scene *s)
{
    bool is_dead = s->state == IN_ENDED || s->state == IN_FREED;
    return code_if(bhd_sandbox_is_dead(s->sandbox) == is_dead);
}

static char call_bhd_sandbox_cancel(matrix_scene *s)
{
    bhd_sandbox_cancel(s->sandbox);
    return '+';
}

static char call_bhd_sandbox_free(matrix_scene *s)
{
    s->has_freed_sandbox = true;
    bhd_sandbox_free(s->sandbox);
    return '+';
}

/* -- of a function and a value --------------------------------------------------------------- */

static char call_bhd_function_parameters(matrix_scene *s)
{
    return code_if(bhd_type_count(bhd_function_parameters(s->nop)) == 0);
}

static char call_bhd_function_results(matrix_scene *s)
{
    return code_if(bhd_type_count(bhd_function_results(s->nop)) == 0);
}

static char call_bhd_function_arguments(matrix_scene *s)
{
    bhd_value arguments;
    bhd_status status = bhd_function_arguments(s->nop, "()", &arguments, NULL);
    if (status == BHD_OK)
        bhd_value_fini(&arguments);
    return code_of(status);
}

static char call_bhd_value_copy(matrix_scene *s)
{
    bhd_value copy;
    bhd_status status = bhd_value_copy(&s->handle, &copy, NULL);
    if (status == BHD_OK)
        bhd_value_fini(&copy);
    return code_of(status);
}

static char call_bhd_value_fini(matrix_scene *s)
{
    bhd_value_fini(&s->handle);
    s->has_freed_handle = true;
    return '+';
}

/* -- of a component -------------------------------------------------------------------------- */

static char call_bhd_sandbox_new(matrix_scene *s)
{
    return code_of(bhd_sandbox_new(s->direct, NULL, &s->made_sandbox, NULL));
}

static char call_bhd_component_name(matrix_scene *s)
{
    return code_if(strcmp(bhd_component_name(s->direct), "guest") == 0);
}

static char call_bhd_component_version(matrix_scene *s)
{
    return code_if(strcmp(bhd_component_version(s->direct), "0.0.0") == 0);
}

static char call_bhd_component_get_kind(matrix_scene *s)
{
    return code_if(bhd_component_get_kind(s->direct) == BHD_KIND_MODULE);
}

static char call_bhd_component_limits(matrix_scene *s)
{
    return code_if(bhd_component_limits(s->direct)->max_memory_bytes > 0);
}

static char call_bhd_component_capabilities(matrix_scene *s)
{
    return code_if(!bhd_component_capabilities(s->direct)->clocks);
}

static char call_bhd_component_new(matrix_scene *s)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "made", .limits = *bhd_component_limits(s->direct)};
    return code_of(bhd_component_new(s->host, &options, "(module)", 8, &s->made_component, NULL));
}

static char call_bhd_component_load(matrix_scene *s)
{
    return code_of(bhd_component_load(s->host, s->manifest, &s->made_component, NULL));
}

static char call_bhd_component_load_file(matrix_scene *s)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "made", .limits = *bhd_component_limits(s->direct)};
    return code_of(bhd_component_load_file(s->host, BHD_SOURCE_DIR "/guests/basic/add.wat",
                                           &options, &s->made_component, NULL));
}

static char call_bhd_component_free(matrix_scene *s)
{
    bhd_component_free(s->direct);
    s->direct = NULL;
    return '+';
}

/* -- of a host ------------------------------------------------------------------------------- */

static char call_bhd_inspect(matrix_scene *s)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_status status = bhd_inspect(s->host, "(module)", 8, &inspection, NULL);
    bhd_inspection_fini(&inspection);
    return code_of(status);
}

static char call_bhd_precompile(matrix_scene *s)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/bulkhead-matrix-%ld", (long)getpid());
    bhd_status status = bhd_precompile(s->host, NULL, "(module)", 8, path, NULL);
    (void)unlink(path);
    return code_of(status);
}

static char call_bhd_host_policy(matrix_scene *s)
{
    return code_if(bhd_host_policy(s->host)->max_memory_bytes > 0);
}

static char call_bhd_host_get_stats(matrix_scene *s)
{
    bhd_host_stats stats;
    bhd_host_get_stats(s->host, &stats, sizeof stats);
    return code_if(stats.live_sandboxes > 0);
}

/* Its components still hold it. */
static char call_bhd_host_free(matrix_scene *s)
{
    bhd_host_free(s->host);
    s->host = NULL;
    return '+';
}

/* -- of a call ------------------------------------------------------------------------------- */

static char call_bhd_call_cancel(matrix_scene *s)
{
    bhd_call_cancel(s->subject->call);
    return '+';
}

static char call_bhd_call_exit_code(matrix_scene *s)
{
    return code_if(bhd_call_exit_code(s->subject->call) == 0);
}

static char call_bhd_call_poll(matrix_scene *s)
{
    return code_if(bhd_call_poll(s->subject->call));
}

static char call_bhd_call_result(matrix_scene *s)
{
    bhd_status status = bhd_call_result(s->subject->call, NULL, NULL, NULL);
    return s->state == IN_ENDED ? code_if(status == BHD_TRAP) : code_of(status);
}

static char call_bhd_call_wait(matrix_scene *s)
{
    return code_if(bhd_call_wait(s->subject->call, BHD_WAIT_FOREVER));
}

static char call_bhd_call_free(matrix_scene *s)
{
    s->has_freed_call = true;
    bhd_call_free(s->subject->call);
    return '+';
}

/* -- of an invocation ------------------------------------------------------------------------ */

static char call_bhd_invocation_sandbox_id(matrix_scene *s)
{
    return code_if(bhd_invocation_sandbox_id(s->invocation) == bhd_sandbox_id(s->sandbox));
}

static char call_bhd_invocation_user_data(matrix_scene *s)
{
    return code_if(bhd_invocation_user_data(s->invocation) == s);
}

static char call_bhd_invocation_resource(matrix_scene *s)
{
    bhd_value handle;
    bhd_status status = bhd_invocation_resource(s->invocation, "thing", s, &handle, NULL);
    if (status == BHD_OK)
        bhd_value_fini(&handle);
    return code_of(status);
}

static char call_bhd_invocation_data(matrix_scene *s)
{
    return code_if(bhd_invocation_data(s->invocation, &s->handle) == s);
}

static char call_bhd_invocation_return(matrix_scene *s)
{
    s->has_answered = true;
    return code_of(bhd_invocation_return(s->invocation, NULL, 0, NULL));
}

static char call_bhd_invocation_fail(matrix_scene *s)
{
    s->has_answered = true;
    bhd_invocation_fail(s->invocation, "as the table says");
    return '+';
}

static char call_bhd_invocation_defer(matrix_scene *s)
{
    return code_of(bhd_invocation_defer(s->invocation, NULL));
}

static char call_bhd_invocation_read(matrix_scene *s)
{
    char byte;
    return code_of(bhd_invocation_read(s->invocation, NULL, 0, &byte, 1, NULL));
}

static char call_bhd_invocation_write(matrix_scene *s)
{
    return code_of(bhd_invocation_write(s->invocation, NULL, 100, "x", 1, NULL));
}

/* -- all of them ----------------------------------------------------------------------------- */

#define EXPECTED(group, ...) static const char *const group[PLACES] = {__VA_ARGS__};
MATRIX_GROUPS(EXPECTED)

const matrix_function matrix_functions[] = {
#define FUNCTION(function, group) {#function, call_##function, group},
    MATRIX_FUNCTIONS(FUNCTION)};

const size_t matrix_function_count = sizeof matrix_functions / sizeof *matrix_functions;
