/*
 * Structs that begin with their size: programs that are older or newer than the library, and those
 * that forgot. Every struct of the public headers that has one goes through every size.
 */
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char adder[] = "(module (memory (export \"memory\") 1) (func (export \"f\")))";

static void nothing_to_do(void *env, bhd_invocation *invocation, const bhd_value *arguments,
                          size_t count)
{
    (void)env;
    (void)invocation;
    (void)arguments;
    (void)count;
}

/* -- each struct, and what takes it ---------------------------------------------------------- */

static bhd_status try_host(void *at, bhd_error *error)
{
    bhd_host *host = NULL;
    bhd_status status = bhd_host_new(at, &host, error);
    bhd_host_free(host);
    return status;
}

static bhd_status try_grants(void *at, bhd_error *error)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.grants = at;
    return try_host(&options, error);
}

static bhd_status try_component(void *at, bhd_error *error)
{
    bhd_host *host = guest_host();
    bhd_component *component = NULL;
    bhd_status status = bhd_component_new(host, at, adder, sizeof adder - 1, &component, error);
    bhd_component_free(component);
    bhd_host_free(host);
    return status;
}

static bhd_status try_capabilities(void *at, bhd_error *error)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "x", .limits = guest_limits(MIB(1)), .capabilities = at};
    return try_component(&options, error);
}

static bhd_status try_sandbox(void *at, bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(adder, &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_status status = bhd_sandbox_new(g.component, at, &sandbox, error);
    bhd_sandbox_free(sandbox);
    guest_end(&g);
    return status;
}

static bhd_status try_limiter(void *at, bhd_error *error)
{
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.limiter = at;
    return try_sandbox(&options, error);
}

static bhd_status try_limiter_alone(void *at, bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_limiter *limiter = NULL;
    bhd_status status = bhd_limiter_new(&limits, at, &limiter, error);
    bhd_limiter_free(limiter);
    return status;
}

static bhd_status try_call(void *at, bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(adder, &limits);
    bhd_function *function;
    bhd_call *call = NULL;
    expect_ok(bhd_sandbox_function(g.sandbox, "f", &function, error), error);
    bhd_status status = bhd_sandbox_submit(g.sandbox, function, NULL, 0, at, &call, error);
    bhd_call_free(call);
    guest_end(&g);
    return status;
}

static bhd_status try_function(void *at, bhd_error *error)
{
    bhd_imports *imports;
    expect_ok(bhd_imports_new(&imports, error), error);
    bhd_status status = bhd_imports_function(imports, at, error);
    bhd_imports_free(imports);
    return status;
}

static bhd_status try_resource(void *at, bhd_error *error)
{
    bhd_imports *imports;
    expect_ok(bhd_imports_new(&imports, error), error);
    bhd_status status = bhd_imports_resource(imports, at, error);
    bhd_imports_free(imports);
    return status;
}

static bhd_status try_inspection(void *at, bhd_error *error)
{
    bhd_host *host = guest_host();
    bhd_status status = bhd_inspect(host, adder, sizeof adder - 1, at, error);
    if (status == BHD_OK)
        bhd_inspection_fini(at);
    bhd_host_free(host);
    return status;
}

static bhd_status try_inspection_of_load(void *at, bhd_error *error)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "x", .limits = guest_limits(MIB(1)), .inspection = at};
    bhd_status status = try_component(&options, error);
    if (status == BHD_OK)
        bhd_inspection_fini(at);
    return status;
}

static bhd_status try_precompile(void *at, bhd_error *error)
{
    char path[] = "/tmp/bulkhead-sized-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    bhd_host *host = guest_host();
    bhd_status status = bhd_precompile(host, at, adder, sizeof adder - 1, path, error);
    bhd_host_free(host);
    assert_int_equal(0, close(file));
    assert_int_equal(0, unlink(path));
    return status;
}

static bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
static bhd_grants grants = BHD_GRANTS_INIT;
static bhd_component_options component_options = BHD_COMPONENT_OPTIONS_INIT;
static bhd_capabilities capabilities = BHD_CAPABILITIES_INIT;
static bhd_sandbox_options sandbox_options = BHD_SANDBOX_OPTIONS_INIT;
static bhd_limiter_options limiter_options = BHD_LIMITER_OPTIONS_INIT;
static bhd_call_options call_options = BHD_CALL_OPTIONS_INIT;
static bhd_host_function function = BHD_HOST_FUNCTION_INIT;
static bhd_host_resource resource = BHD_HOST_RESOURCE_INIT;
static bhd_precompile_options precompile_options = BHD_PRECOMPILE_OPTIONS_INIT;
static bhd_inspection inspection = BHD_INSPECTION_INIT;

#define THROUGH(type, member) (offsetof(type, member) + sizeof((type *)NULL)->member)

/* `first`: what the struct had in its first version; it never changes. */
static const struct {
    const char *name;
    bhd_status (*try)(void *at, bhd_error *error);
    const void *good;
    size_t size, first;
    bool is_written; /* by the library: what is beyond it is not looked at */
} structs[] = {
    {"bhd_host_options", try_host, &host_options, sizeof host_options,
     THROUGH(bhd_host_options, imports), false},
    {"bhd_grants", try_grants, &grants, sizeof grants, THROUGH(bhd_grants, standard_input), false},
    {"bhd_component_options", try_component, &component_options, sizeof component_options,
     THROUGH(bhd_component_options, imports), false},
    {"bhd_capabilities", try_capabilities, &capabilities, sizeof capabilities,
     THROUGH(bhd_capabilities, max_connections), false},
    {"bhd_sandbox_options", try_sandbox, &sandbox_options, sizeof sandbox_options,
     THROUGH(bhd_sandbox_options, account), false},
    {"bhd_limiter_options", try_limiter, &limiter_options, sizeof limiter_options,
     THROUGH(bhd_limiter_options, user_data), false},
    {"bhd_limiter_options", try_limiter_alone, &limiter_options, sizeof limiter_options,
     THROUGH(bhd_limiter_options, user_data), false},
    {"bhd_call_options", try_call, &call_options, sizeof call_options,
     THROUGH(bhd_call_options, user_data), false},
    {"bhd_host_function", try_function, &function, sizeof function,
     THROUGH(bhd_host_function, may_wait), false},
    {"bhd_host_resource", try_resource, &resource, sizeof resource,
     THROUGH(bhd_host_resource, user_data), false},
    {"bhd_precompile_options", try_precompile, &precompile_options, sizeof precompile_options,
     THROUGH(bhd_precompile_options, cancellation), false},
    {"bhd_inspection", try_inspection_of_load, &inspection, sizeof inspection,
     THROUGH(bhd_inspection, wit), true},
    {"bhd_inspection", try_inspection, &inspection, sizeof inspection, THROUGH(bhd_inspection, wit),
     true},
};

static int make_them_good(void **state)
{
    (void)state;
    component_options.name = "x";
    component_options.limits = guest_limits(MIB(1));
    function.name = "f";
    function.type = "func()";
    function.callback = nothing_to_do;
    resource.name = "r";
    return 0;
}

/* Bytes that end where nothing can be read. */
typedef struct edge {
    unsigned char *pages;
    size_t size;
} edge;

#define EDGE_BYTES ((size_t)8192)

static edge edge_new(void)
{
    void *pages = mmap(NULL, 2 * EDGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(0, mprotect(pages, EDGE_BYTES, PROT_READ | PROT_WRITE));
    return (edge){pages, EDGE_BYTES};
}

/* The beginning of a good struct, with `size` in it, in `room` bytes. */
static void *put(edge *e, size_t i, size_t room, size_t size)
{
    unsigned char *at = e->pages + e->size - room;
    memset(e->pages, 0, e->size);
    memcpy(at, structs[i].good, room < structs[i].size ? room : structs[i].size);
    memcpy(at, &size, room < sizeof size ? room : sizeof size);
    return at;
}

static void expect(size_t i, bhd_status wanted, void *at, const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = structs[i].try(at, &error);
    if (status != wanted)
        fail_msg("%s: %s (%s)", structs[i].name, bhd_status_name(status), error.message);
    if (part)
        expect_in(error.message, part);
    bhd_error_fini(&error);
}

static void a_size_that_is_none_is_refused(void **state)
{
    (void)state;
    edge e = edge_new();
    for (size_t i = 0; i < COUNT_OF(structs); i++) {
        const size_t sizes[] = {0, 1, sizeof(size_t), structs[i].first - 1, 4097, SIZE_MAX};
        for (size_t k = 0; k < COUNT_OF(sizes); k++)
            expect(i, BHD_INVALID_ARGUMENT, put(&e, i, structs[i].size, sizes[k]), structs[i].name);
        /* Nothing but the size is read then. */
        expect(i, BHD_INVALID_ARGUMENT, put(&e, i, sizeof(size_t), 0), "_INIT");
    }
    assert_int_equal(0, munmap(e.pages, 2 * EDGE_BYTES));
}

/* Structs have an end that is rounded up, so an older header's may end in the midst of what came
 * later. */
static void an_older_program_goes_on(void **state)
{
    (void)state;
    edge e = edge_new();
    for (size_t i = 0; i < COUNT_OF(structs); i++)
        for (size_t size = structs[i].first; size <= structs[i].size; size++)
            if ((structs[i].size - size) % sizeof(size_t) == 0)
                expect(i, BHD_OK, put(&e, i, size, size), NULL);
    assert_int_equal(0, munmap(e.pages, 2 * EDGE_BYTES));
}

static void a_newer_program_goes_on_unless_it_asks_for_more(void **state)
{
    (void)state;
    edge e = edge_new();
    for (size_t i = 0; i < COUNT_OF(structs); i++) {
        for (size_t more = 8; more <= 64; more += 8) {
            size_t size = structs[i].size + more;
            expect(i, BHD_OK, put(&e, i, size, size), NULL);
            unsigned char *at = put(&e, i, size, size);
            at[size - 1] = 1;
            if (!structs[i].is_written)
                expect(i, BHD_NOT_SUPPORTED, at, "newer header");
        }
    }
    assert_int_equal(0, munmap(e.pages, 2 * EDGE_BYTES));
}

static void what_an_older_program_lacks_has_its_default(void **state)
{
    (void)state;
    edge e = edge_new();
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(adder, &limits);
    bhd_sandbox *sandbox;
    /* All of it but user_data and whatever came after. */
    bhd_sandbox_options *options = put(&e, 4, offsetof(bhd_sandbox_options, user_data),
                                       offsetof(bhd_sandbox_options, user_data));
    assert_string_equal("bhd_sandbox_options", structs[4].name);
    expect_ok(bhd_sandbox_new(g.component, options, &sandbox, NULL), NULL);
    bhd_sandbox_free(sandbox);
    guest_end(&g);
    assert_int_equal(0, munmap(e.pages, 2 * EDGE_BYTES));
}

static void numbers_of_a_host_fit_what_there_is(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_host_stats whole;
    unsigned char part[sizeof whole + 16];
    bhd_host_get_stats(host, &whole, sizeof whole);
    for (size_t size = 0; size <= sizeof part; size++) {
        memset(part, 0xaa, sizeof part);
        bhd_host_get_stats(host, (bhd_host_stats *)(void *)part, size);
        assert_memory_equal(part, &whole, size < sizeof whole ? size : sizeof whole);
        for (size_t i = sizeof whole; i < size; i++)
            assert_int_equal(0, part[i]);
        for (size_t i = size; i < sizeof part; i++)
            assert_int_equal(0xaa, part[i]);
    }
    bhd_host_free(host);
}

/* A field that moved would be another one to a program that was built before. */
static void fields_stay_where_they_are(void **state)
{
    (void)state;
#if defined(__x86_64__)
    static const struct {
        const char *name;
        size_t at, pinned;
    } fields[] = {
        {"bhd_host_options.policy", offsetof(bhd_host_options, policy), 8},
        {"bhd_host_options.max_component_bytes", offsetof(bhd_host_options, max_component_bytes),
         40},
        {"bhd_host_options.imports", offsetof(bhd_host_options, imports), 120},
        {"bhd_host_options.allow_precompiled", offsetof(bhd_host_options, allow_precompiled), 200},
        {"bhd_grants.standard_input", offsetof(bhd_grants, standard_input), 66},
        {"bhd_component_options.limits", offsetof(bhd_component_options, limits), 24},
        {"bhd_component_options.imports", offsetof(bhd_component_options, imports), 72},
        {"bhd_component_options.compile_group", offsetof(bhd_component_options, compile_group), 88},
        {"bhd_component_options.inspection", offsetof(bhd_component_options, inspection), 96},
        {"bhd_precompile_options.cancellation", offsetof(bhd_precompile_options, cancellation), 16},
        {"bhd_precompile_options.compile_group", offsetof(bhd_precompile_options, compile_group),
         24},
        {"bhd_inspection.compile_group", offsetof(bhd_inspection, compile_group), 200},
        {"bhd_inspection.cancellation", offsetof(bhd_inspection, cancellation), 192},
        {"bhd_capabilities.max_connections", offsetof(bhd_capabilities, max_connections), 100},
        {"bhd_sandbox_options.account", offsetof(bhd_sandbox_options, account), 112},
        {"bhd_sandbox_options.user_data", offsetof(bhd_sandbox_options, user_data), 120},
        {"bhd_limiter_options.user_data", offsetof(bhd_limiter_options, user_data), 32},
        {"bhd_call_options.user_data", offsetof(bhd_call_options, user_data), 24},
        {"bhd_host_function.may_wait", offsetof(bhd_host_function, may_wait), 48},
        {"bhd_host_resource.user_data", offsetof(bhd_host_resource, user_data), 32},
        {"bhd_inspection.wit", offsetof(bhd_inspection, wit), 168},
        {"bhd_limits.on_exceed", offsetof(bhd_limits, on_exceed), 32},
        {"bhd_host_stats.refused_capacity", offsetof(bhd_host_stats, refused_capacity), 48},
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].at != fields[i].pinned)
            fail_msg("%s is at %zu and was at %zu", fields[i].name, fields[i].at, fields[i].pinned);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_that_is_none_is_refused),
        cmocka_unit_test(an_older_program_goes_on),
        cmocka_unit_test(a_newer_program_goes_on_unless_it_asks_for_more),
        cmocka_unit_test(what_an_older_program_lacks_has_its_default),
        cmocka_unit_test(numbers_of_a_host_fit_what_there_is),
        cmocka_unit_test(fields_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, make_them_good, NULL);
}
