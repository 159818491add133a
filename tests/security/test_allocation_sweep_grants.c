/*
 * Every allocation of the library may fail where components are given something: capabilities,
 * functions and resources of the host, values in text, calls on worker threads, manifests.
 */
#include "base/fail.h"
#include "support/precompiled_kit.h"
#include "support/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A component of this file, with a sandbox that is used once. */
static bhd_status live_with(bhd_host *host, const char *file, const bhd_component_options *options,
                            const bhd_sandbox_options *sandbox_options,
                            bhd_status (*use)(bhd_sandbox *sandbox, bhd_error *error),
                            bhd_error *error)
{
    char path[512];
    bhd_component *component = NULL;
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, file);
    bhd_status status = bhd_component_load_file(host, path, options, &component, error);
    return sweep_use(status, component, sandbox_options, use, error);
}

/* -- capabilities -------------------------------------------------------------------------- */

static char directory[] = "/tmp/bulkhead-sweep-XXXXXX";

static bhd_status run_and_read(bhd_sandbox *sandbox, bhd_error *error)
{
    static const char all[] = "env MODE: fast\nwrite /data/new: 10 bytes\n";
    size_t size;
    bhd_status status = sweep_run(sandbox, error);
    const char *output = bhd_sandbox_output(sandbox, 1, &size, NULL);
    /* A write that there was no memory for has failed for the guest, which goes on. run_ok writes
     * nothing. */
    if (status == BHD_OK && size > 0)
        assert_memory_equal(output, all + sizeof all - 1 - size, size);
    return status;
}

static bhd_status life_with_capabilities(const char *file, bhd_error *error)
{
    static const char *const argv[] = {"ask", "env", "MODE", "write", "/data/new", "10"};
    const bhd_variable env[] = {{"MODE", "fast"}, {"PATH", NULL}};
    const bhd_directory directories[] = {{directory, "/data", BHD_ACCESS_READ_WRITE}};
    const bhd_grants grants = {.size = sizeof grants,
                               .env = (const char *const[]){"PATH"},
                               .env_count = 1,
                               .directories = directories,
                               .directory_count = 1,
                               .clocks = true};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.env = env;
    asked.env_count = COUNT_OF(env);
    asked.directories = directories;
    asked.directory_count = 1;
    asked.clocks = true;
    asked.standard_output = BHD_OUTPUT_CAPTURE;
    bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
    host_options.grants = &grants;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "ask",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = &asked};
    bhd_sandbox_options sandbox_options = BHD_SANDBOX_OPTIONS_INIT;
    sandbox_options.argv = argv;
    sandbox_options.argc = COUNT_OF(argv);
    bhd_host *host = NULL;
    bhd_status status = bhd_host_new(&host_options, &host, error);
    if (status == BHD_OK) {
        guest_keep_signals();
        status = live_with(host, file, &options, &sandbox_options, run_and_read, error);
    }
    bhd_host_free(host);
    return status;
}

static bhd_status life_of_a_module(bhd_error *error)
{
    return life_with_capabilities("wasi/ask.core.wasm", error);
}

static bhd_status life_of_a_component(bhd_error *error)
{
    return life_with_capabilities("component/run_ok.wat", error);
}

static void every_allocation_with_capabilities_may_fail(void **state)
{
    (void)state;
    char file[64];
    assert_non_null(mkdtemp(directory));
    sweep("capabilities of a module", life_of_a_module);
    sweep("capabilities of a component", life_of_a_component);
    snprintf(file, sizeof file, "%s/new", directory);
    (void)unlink(file);
    (void)rmdir(directory);
}

/* -- functions of the host, values in text --------------------------------------------------- */

#define SHAPES "bulkhead:shapes/"

static bool no_answer; /* for want of memory */

static void added(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)env;
    (void)count;
    bhd_value why = bhd_value_string("no more of them"), answer = bhd_value_error(&why);
    assert_int_equal(6, in[0].of.string.size);
    if (bhd_invocation_return(invocation, &answer, 1, NULL) == BHD_HOST_OUT_OF_MEMORY)
        no_answer = true;
}

static bhd_status call_with_text(bhd_sandbox *sandbox, const char *name, const char *text,
                                 bhd_error *error)
{
    bhd_function *function;
    bhd_value in, out;
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, error);
    if (status == BHD_OK)
        status = bhd_function_arguments(function, text, &in, error);
    if (status != BHD_OK)
        return status;
    status =
        bhd_sandbox_call(sandbox, function, in.of.items.data, in.of.items.count, &out, 1, error);
    if (status == BHD_OK)
        bhd_value_fini(&out);
    bhd_value_fini(&in);
    return status;
}

static bhd_status draw(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *make, *add;
    bhd_value name = bhd_value_string("canvas"), canvas, answer;
    bhd_status status = call_with_text(sandbox, SHAPES "shapes#centre",
                                       "([{x: 1.0, y: 2.0}, {x: 3.0, y: 5.0}])", error);
    if (status == BHD_OK)
        status = call_with_text(sandbox, SHAPES "shapes#describe",
                                "(box((1.0, 2.0)), green, {filled}, some(\"label\"))", error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(sandbox, SHAPES "shapes#[constructor]canvas", &make, error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(sandbox, SHAPES "shapes#[method]canvas.add", &add, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, make, &name, 1, &canvas, 1, error);
    if (status != BHD_OK)
        return status;
    bhd_value arguments[] = {bhd_value_borrow(canvas.of.resource), bhd_value_variant(0, NULL)};
    status = bhd_sandbox_call(sandbox, add, arguments, 2, &answer, 1, error);
    if (status == BHD_OK)
        bhd_value_fini(&answer);
    bhd_value_fini(&canvas);
    if (no_answer) {
        no_answer = false;
        expect_status(BHD_TRAP, status, error);
        status = bhd__fail_no_memory(error);
    }
    return status;
}

/* Compiled once: what is tried is what is given to it, and its compiling takes longest. */
static precompiled_path shapes;

static bhd_status life_with_functions(bhd_error *error)
{
    const bhd_host_function function = {
        .size = sizeof function,
        .interface = SHAPES "watcher",
        .name = "added",
        .type = "func(name: string, area: f64) -> result<f64, string>",
        .callback = added,
    };
    bhd_imports *imports = NULL;
    bhd_component *component = NULL;
    bhd_status status = bhd_imports_new(&imports, error);
    if (status == BHD_OK)
        status = bhd_imports_function(imports, &function, error);
    bhd_component_options options = {.size = sizeof options,
                                     .name = "shapes",
                                     .limits = guest_limits(MIB(1)),
                                     .imports = imports};
    if (status == BHD_OK)
        status = bhd_component_load_file(sweep_host, shapes.path, &options, &component, error);
    status = sweep_use(status, component, NULL, draw, error);
    bhd_imports_free(imports);
    return status;
}

static void every_allocation_with_functions_of_the_host_may_fail(void **state)
{
    (void)state;
    shapes = precompiled_place("shapes");
    precompiled_make("languages/shapes_c.wasm", false, shapes.path);
    sweep_on(precompiled_host(), "functions of the host", life_with_functions);
    assert_int_equal(0, unlink(shapes.path));
}

/* -- resources of the host ------------------------------------------------------------------- */

#define TOKENS "test:tokens/host"

static int tokens; /* alive */

static void token_end(void *env, void *data)
{
    (void)env;
    (void)data;
    tokens--;
}

static void read_token(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)env;
    (void)count;
    bhd_value number = bhd_value_u32(bhd_invocation_data(invocation, &in[0]) ? 1 : 0);
    (void)!bhd_invocation_return(invocation, &number, 1, NULL);
}

static bhd_status hold_tokens(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_value handles[3];
    size_t made = 0;
    bhd_status status = BHD_OK;
    for (; status == BHD_OK && made < COUNT_OF(handles); made += status == BHD_OK) {
        status = bhd_sandbox_resource(sandbox, TOKENS, "token", &tokens, &handles[made], error);
        tokens += status == BHD_OK;
    }
    if (status == BHD_OK)
        status = bhd_sandbox_drop(sandbox, &handles[0], error);
    for (size_t i = 0; i < made; i++)
        bhd_value_fini(&handles[i]);
    return status;
}

static bhd_status life_with_resources(bhd_error *error)
{
    const bhd_host_resource resources[] = {{sizeof *resources, TOKENS, "token", token_end, NULL},
                                           {sizeof *resources, TOKENS, "stamp", token_end, NULL}};
    const bhd_host_function function = {
        sizeof function, TOKENS, "read", "func(t: borrow<token>) -> u32", read_token, NULL, false};
    bhd_imports *imports = NULL;
    bhd_status status = bhd_imports_new(&imports, error);
    for (size_t i = 0; status == BHD_OK && i < COUNT_OF(resources); i++)
        status = bhd_imports_resource(imports, &resources[i], error);
    if (status == BHD_OK)
        status = bhd_imports_function(imports, &function, error);
    bhd_component_options options = {.size = sizeof options,
                                     .name = "tokens",
                                     .limits = guest_limits(MIB(1)),
                                     .imports = imports};
    if (status == BHD_OK)
        status = live_with(sweep_host, "component/tokens.wat", &options, NULL, hold_tokens, error);
    bhd_imports_free(imports);
    assert_int_equal(0, tokens);
    return status;
}

static void every_allocation_with_resources_of_the_host_may_fail(void **state)
{
    (void)state;
    sweep_on_a_host("resources of the host", life_with_resources);
}

/* -- submitted calls ------------------------------------------------------------------------- */

static bhd_status wait_for(bhd_call *call, bhd_error *error)
{
    const bhd_error *failure;
    assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
    bhd_status status = bhd_call_result(call, NULL, NULL, &failure);
    if (status != BHD_OK)
        memcpy(error->message, failure->message, sizeof error->message);
    bhd_call_free(call);
    return status;
}

static bhd_status submit(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *count;
    bhd_value turns = bhd_value_i64(1000);
    bhd_call *call;
    bhd_status status = bhd_sandbox_function(sandbox, "count", &count, error);
    if (status == BHD_OK)
        status = bhd_sandbox_submit(sandbox, count, &turns, 1, NULL, &call, error);
    return status == BHD_OK ? wait_for(call, error) : status;
}

static bhd_status submit_run(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_call *call;
    bhd_status status = bhd_sandbox_submit_run(sandbox, NULL, &call, error);
    return status == BHD_OK ? wait_for(call, error) : status;
}

static bhd_status life_of_submitted_calls(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_status status = sweep_live(sweep_host, "basic/loop.wat", &limits, submit, error);
    return status == BHD_OK
               ? sweep_live(sweep_host, "component/run_ok.wat", &limits, submit_run, error)
               : status;
}

static void every_allocation_of_submitted_calls_may_fail(void **state)
{
    (void)state;
    sweep_on_a_host("submitted calls", life_of_submitted_calls);
}

/* -- manifests ------------------------------------------------------------------------------- */

static bhd_status life_of_a_manifest(bhd_error *error)
{
    static const char text[] = "[component]\nname = \"a\"\nversion = \"1.0.0\"\n"
                               "source = \"run_ok.wat\"\n"
                               "[resources.memory]\nmax_bytes = \"1MiB\"\n"
                               "[capabilities]\nargs = [\"b\"]\nstdout = \"capture\"\n";
    bhd_manifest *manifest = NULL;
    bhd_component *component = NULL;
    bhd_status status =
        bhd_manifest_parse(text, sizeof text - 1, BHD_SOURCE_DIR "/guests/component/Component.toml",
                           NULL, &manifest, error);
    if (status == BHD_OK)
        status = bhd_component_load(sweep_host, manifest, &component, error);
    bhd_manifest_free(manifest);
    return sweep_use(status, component, NULL, sweep_run, error);
}

static void every_allocation_of_a_component_with_a_manifest_may_fail(void **state)
{
    (void)state;
    sweep_on_a_host("manifest", life_of_a_manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_with_capabilities_may_fail),
        cmocka_unit_test(every_allocation_with_functions_of_the_host_may_fail),
        cmocka_unit_test(every_allocation_with_resources_of_the_host_may_fail),
        cmocka_unit_test(every_allocation_of_submitted_calls_may_fail),
        cmocka_unit_test(every_allocation_of_a_component_with_a_manifest_may_fail),
    };
    return cmocka_run_group_tests(tests, precompiled_begin, precompiled_end);
}
