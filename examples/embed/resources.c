/*
 * Resources: a component gives a counter by handle; the program counts with it and drops it.
 *
 *     cc resources.c $(pkg-config --cflags --libs bulkhead)
 */
#include <bulkhead/bulkhead.h>
#include <stdio.h>

/* resource counter { constructor(); bump: func() -> u32 } */
static const char guest[] =
    "(component\n"
    "  (core module $m\n"
    "    (memory 1)\n"
    "    (func (export \"bump\") (param i32) (result i32)\n"
    "      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))\n"
    "      (i32.load (local.get 0)))\n"
    "    (func (export \"end\") (param i32) (i32.store (local.get 0) (i32.const 0))))\n"
    "  (core instance $i (instantiate $m))\n"
    "  (type $counter-0 (resource (rep i32) (dtor (core func $i \"end\"))))\n"
    "  (export $counter \"counter\" (type $counter-0))\n"
    "  (core func $new (canon resource.new $counter-0))\n"
    "  (core module $n\n"
    "    (import \"handles\" \"new\" (func $new (param i32) (result i32)))\n"
    "    (global $next (mut i32) (i32.const 0))\n"
    "    (func (export \"make\") (result i32)\n"
    "      (global.set $next (i32.add (global.get $next) (i32.const 4)))\n"
    "      (call $new (global.get $next))))\n"
    "  (core instance $j (instantiate $n (with \"handles\" (instance\n"
    "    (export \"new\" (func $new))))))\n"
    "  (func $make (result (own $counter)) (canon lift (core func $j \"make\")))\n"
    "  (export \"[constructor]counter\" (func $make))\n"
    "  (func $bump (param \"self\" (borrow $counter)) (result u32)\n"
    "    (canon lift (core func $i \"bump\")))\n"
    "  (export \"[method]counter.bump\" (func $bump)))\n";

static bhd_status count(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *make, *bump;
    bhd_value counter, number;
    bhd_status status = bhd_sandbox_function(sandbox, "[constructor]counter", &make, error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(sandbox, "[method]counter.bump", &bump, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, make, NULL, 0, &counter, 1, error);
    if (status != BHD_OK)
        return status;
    bhd_value self = bhd_value_borrow(counter.of.resource);
    for (int i = 0; status == BHD_OK && i < 3; i++) {
        status = bhd_sandbox_call(sandbox, bump, &self, 1, &number, 1, error);
        if (status == BHD_OK)
            printf("%u\n", (unsigned)number.of.u32);
    }
    if (status == BHD_OK)
        status = bhd_sandbox_drop(sandbox, &counter, error); /* the counter */
    bhd_value_fini(&counter);                                /* the handle */
    return status;
}

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_component_options options = {.size = sizeof options, .name = "counters"};

    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, 512 * 1024);
    bhd_status status = bhd_limits_builder_build(&limits, NULL, &options.limits, &error);
    if (status == BHD_OK)
        status = bhd_host_new(NULL, &host, &error);
    if (status == BHD_OK)
        status = bhd_component_new(host, &options, guest, sizeof guest - 1, &component, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status == BHD_OK)
        status = count(sandbox, &error);
    if (status != BHD_OK)
        fprintf(stderr, "%s\n", error.message);
    bhd_error_fini(&error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    return status == BHD_OK ? 0 : 1;
}
