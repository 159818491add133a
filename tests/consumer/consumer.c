/*
 * What somebody else's program looks like: it has the installed headers and libraries and nothing
 * else. Compiled as C11 and as C++17.
 */
#include <bulkhead/bulkhead.h>

#include <stdio.h>
#include <string.h>

static const char module_text[] = "(module (memory 1)"
                                  "  (func (export \"add\") (param i32 i32) (result i32)"
                                  "    local.get 0 local.get 1 i32.add))";

static int complain(const char *what, bhd_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->message);
    bhd_error_fini(error);
    return 1;
}

static int call_add(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *function = NULL;
    if (bhd_sandbox_function(sandbox, "add", &function, error) != BHD_OK)
        return complain("add", error);
    bhd_value arguments[2], result;
    memset(arguments, 0, sizeof arguments);
    memset(&result, 0, sizeof result);
    arguments[0].type = BHD_I32;
    arguments[0].of.i32 = 19;
    arguments[1].type = BHD_I32;
    arguments[1].of.i32 = 23;
    if (bhd_sandbox_call(sandbox, function, arguments, 2, &result, 1, error) != BHD_OK)
        return complain("call", error);
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(sandbox, &metrics);
    printf("bulkhead %s: 19 + 23 = %d, %llu bytes in use\n", bhd_version(), result.of.i32,
           (unsigned long long)metrics.current_bytes);
    return result.of.i32 == 42 && metrics.current_bytes == 65536 ? 0 : 1;
}

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_component_options options = BHD_COMPONENT_OPTIONS_INIT;
    options.name = "adder";
    bhd_limits_builder_max_memory_bytes(&builder, BHD_MIN_MEMORY_BYTES);
    if (bhd_limits_builder_build(&builder, NULL, &options.limits, &error) != BHD_OK)
        return complain("limits", &error);
#ifdef COMPILER /* beside which the library is not, when it is part of this program */
    host_options.compiler_path = COMPILER;
#endif
    if (bhd_host_new(&host_options, &host, &error) != BHD_OK)
        return complain("host", &error);
    if (bhd_component_new(host, &options, module_text, sizeof module_text - 1, &component,
                          &error) != BHD_OK)
        return complain("component", &error);
    if (bhd_sandbox_new(component, NULL, &sandbox, &error) != BHD_OK)
        return complain("sandbox", &error);
    int result = call_add(sandbox, &error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    return result;
}
