/*
 * Bulkhead in a C program: a guest inside 512 KiB does its work, then wants too much, is stopped,
 * and the account says who asked for what.
 *
 *     cc embed.c $(pkg-config --cflags --libs bulkhead)
 */
#include <bulkhead/bulkhead.h>
#include <stdio.h>

static const char guest[] =
    "(module (memory 1)\n"
    "  (func $reserve (export \"reserve\") (param $pages i32) (result i32)\n"
    "    (memory.grow (local.get $pages))))\n";

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_function *reserve;
    bhd_component_options options = {.size = sizeof options, .name = "guest"};
    bhd_value pages = {BHD_I32, BHD_I32, {.i32 = 4}}, pages_before;
    bhd_memory_metrics memory;
    char text[2048];

    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, 512 * 1024);
    bhd_limits_builder_on_exceed(&limits, BHD_ON_EXCEED_TRAP);
    bhd_status status = bhd_limits_builder_build(&limits, NULL, &options.limits, &error);
    if (status == BHD_OK)
        status = bhd_host_new(NULL, &host, &error);
    if (status == BHD_OK)
        status = bhd_component_new(host, &options, guest, sizeof guest - 1, &component, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(sandbox, "reserve", &reserve, &error);
    while (status == BHD_OK) {
        status = bhd_sandbox_call(sandbox, reserve, &pages, 1, &pages_before, 1, &error);
        bhd_sandbox_metrics(sandbox, &memory);
        printf("%d more pages: %s, %.1f %% of the limit in use\n", pages.of.i32,
               bhd_status_text(status), memory.usage_percent);
    }
    bhd_error_to_text(&error, NULL, text, sizeof text);
    fputs(text, stderr);

    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_error_fini(&error);
    return status == BHD_OUT_OF_MEMORY ? 0 : 1; /* which is what this guest was to show */
}
