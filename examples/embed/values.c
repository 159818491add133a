/*
 * Values and host functions: a component resizes a photo, asks its host how large photos may be,
 * and gives a record back.
 *
 *     cc values.c $(pkg-config --cflags --libs bulkhead)
 */
#include <bulkhead/bulkhead.h>
#include <stdio.h>

/* resize: func(name: string, width: u32) -> record { name: string, width: u32 } */
static const char guest[] =
    "(component\n"
    "  (import \"my:photos/policy\" (instance $policy\n"
    "    (export \"largest\" (func (param \"width\" u32) (result u32)))))\n"
    "  (core func $largest (canon lower (func $policy \"largest\")))\n"
    "  (core module $m\n"
    "    (import \"policy\" \"largest\" (func $largest (param i32) (result i32)))\n"
    "    (memory (export \"memory\") 1)\n"
    "    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024))\n"
    "    (func (export \"resize\") (param i32 i32 i32) (result i32)\n"
    "      (i32.store (i32.const 16) (local.get 0))\n"
    "      (i32.store (i32.const 20) (local.get 1))\n"
    "      (i32.store (i32.const 24) (call $largest (local.get 2)))\n"
    "      (i32.const 16)))\n"
    "  (core instance $i (instantiate $m (with \"policy\" (instance\n"
    "    (export \"largest\" (func $largest))))))\n"
    "  (type $photo-0 (record (field \"name\" string) (field \"width\" u32)))\n"
    "  (export $photo \"photo\" (type $photo-0))\n"
    "  (func $resize (param \"name\" string) (param \"width\" u32) (result $photo)\n"
    "    (canon lift (core func $i \"resize\") (memory (core memory $i \"memory\"))\n"
    "      (realloc (core func $i \"realloc\"))))\n"
    "  (export \"resize\" (func $resize)))\n";

static void largest(void *user_data, bhd_invocation *invocation, const bhd_value *arguments,
                    size_t count)
{
    const uint32_t *most = user_data;
    bhd_error error = BHD_ERROR_INIT;
    uint32_t width = arguments[0].of.u32;
    bhd_value answer = bhd_value_u32(width < *most ? width : *most);
    (void)count; /* 1, as the type says */
    if (bhd_invocation_return(invocation, &answer, 1, &error) != BHD_OK)
        bhd_invocation_fail(invocation, error.message);
    bhd_error_fini(&error);
}

static bhd_status provide(bhd_imports **imports, uint32_t *most, bhd_error *error)
{
    const bhd_host_function function = {
        .size = sizeof function,
        .interface = "my:photos/policy",
        .name = "largest",
        .type = "func(width: u32) -> u32",
        .callback = largest,
        .user_data = most,
    };
    bhd_status status = bhd_imports_new(imports, error);
    return status == BHD_OK ? bhd_imports_function(*imports, &function, error) : status;
}

static bhd_status resize(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *function;
    bhd_value arguments[] = {bhd_value_string("sea"), bhd_value_u32(9000)}, photo;
    char text[200];
    bhd_status status = bhd_sandbox_function(sandbox, "resize", &function, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, function, arguments, 2, &photo, 1, error);
    if (status != BHD_OK)
        return status;
    const bhd_value *fields = photo.of.items.data; /* a record: name, width */
    printf("%s is %u pixels wide\n", fields[0].of.string.data, (unsigned)fields[1].of.u32);
    bhd_value_format(&photo, bhd_type_part(bhd_function_results(function), 0), text, sizeof text);
    puts(text);
    bhd_value_fini(&photo);
    return BHD_OK;
}

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_imports *imports = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    uint32_t most = 4096;
    bhd_component_options options = {.size = sizeof options, .name = "photos"};

    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, 512 * 1024);
    bhd_status status = bhd_limits_builder_build(&limits, NULL, &options.limits, &error);
    if (status == BHD_OK)
        status = provide(&imports, &most, &error);
    options.imports = imports;
    if (status == BHD_OK)
        status = bhd_host_new(NULL, &host, &error);
    if (status == BHD_OK)
        status = bhd_component_new(host, &options, guest, sizeof guest - 1, &component, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status == BHD_OK)
        status = resize(sandbox, &error);
    if (status != BHD_OK)
        fprintf(stderr, "%s\n", error.message);
    bhd_error_fini(&error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_imports_free(imports);
    return status == BHD_OK ? 0 : 1;
}
