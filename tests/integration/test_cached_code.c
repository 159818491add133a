/*
 * Hosts and a cache: what was compiled once needs no compiler, and what the cache has and the
 * engine refuses is compiled anew.
 */
#include "support/cache_kit.h"
#include "support/real_guest.h"

#include "bulkhead/code_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char adder[] =
    "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))";
static const char several[] =
    "(component (core module $m (memory 3 4) (table 7 funcref)"
    "  (func (export \"f\") (result i32) i32.const 5))"
    " (core instance $i (instantiate $m))"
    " (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))";
static const char other[] = "(module (func (export \"nothing\")))";

static bhd_host *caching_host(const cache_kit *kit, bool has_compiler)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.compile = BHD_COMPILE_APART;
    options.cache_directory = kit->directory;
    if (!has_compiler)
        options.compiler_path = "/nowhere/bulkhead-compile";
    return guest_host_with(&options);
}

/* Loads it in a host of its own, with a compiler or without. */
static bhd_status load(const cache_kit *kit, bool has_compiler, const char *text, uint64_t max_fuel)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = caching_host(kit, has_compiler);
    bhd_component *component = NULL;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = max_fuel;
    bhd_component_options of = {.size = sizeof of, .name = "x", .limits = limits};
    bhd_status status = bhd_component_new(host, &of, text, strlen(text), &component, &error);
    if (status != BHD_OK && status != BHD_NO_COMPILER)
        print_error("%s\n", error.message);
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_error_fini(&error);
    return status;
}

static void what_was_compiled_needs_no_compiler(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    assert_int_equal(load(&kit, false, adder, 0), BHD_NO_COMPILER);
    assert_int_equal(cache_kit_look(&kit).files, 0);
    assert_int_equal(load(&kit, true, adder, 0), BHD_OK);
    assert_int_equal(cache_kit_look(&kit).files, 1);
    assert_int_equal(load(&kit, false, adder, 0), BHD_OK);
    /* Another binary, and the same compiled otherwise. */
    assert_int_equal(load(&kit, false, other, 0), BHD_NO_COMPILER);
    assert_int_equal(load(&kit, false, adder, 1000), BHD_NO_COMPILER);
    assert_int_equal(load(&kit, true, adder, 1000), BHD_OK);
    assert_int_equal(load(&kit, false, adder, 1000), BHD_OK);
    assert_int_equal(cache_kit_look(&kit).files, 2);
    cache_kit_end(&kit);
}

/* Inspects it, or has it inspected where it is loaded. */
static bhd_status inspect(const cache_kit *kit, bool has_compiler, bool loads, uint64_t max_fuel,
                          bhd_inspection *inspection)
{
    bhd_host *host = caching_host(kit, has_compiler);
    bhd_component *component = NULL;
    bhd_component_options how = {
        .size = sizeof how, .name = "x", .limits = guest_limits(MIB(1)), .inspection = inspection};
    how.limits.max_fuel = max_fuel;
    bhd_status status =
        loads ? bhd_component_new(host, &how, several, strlen(several), &component, NULL)
              : bhd_inspect(host, several, strlen(several), inspection, NULL);
    bhd_component_free(component);
    bhd_host_free(host);
    return status;
}

static void expect_several(const bhd_inspection *i)
{
    assert_int_equal(i->kind, BHD_KIND_COMPONENT);
    assert_int_equal(i->export_count, 1);
    assert_string_equal(i->exports[0].name, "f");
    assert_string_equal(i->exports[0].type, "func() -> u32");
    assert_int_equal(i->memory_count, 1);
    assert_int_equal(i->memories[0].minimum, 3);
    assert_int_equal(i->memories[0].maximum, 4);
    assert_int_equal(i->table_count, 1);
    assert_int_equal(i->tables[0].minimum, 7);
    assert_int_equal(i->unlisted_count, 0);
    assert_non_null(strstr(i->wit, "export f: func() -> u32;"));
    assert_true(i->compile_ns > 0 && i->compile_bytes > 0);
}

static void an_inspection_and_a_load_share_what_was_compiled(void **state)
{
    (void)state;
    for (int loads = 0; loads < 2; loads++) {
        cache_kit kit = cache_kit_begin();
        bhd_inspection first = BHD_INSPECTION_INIT;
        assert_int_equal(inspect(&kit, true, loads != 0, 0, &first), BHD_OK);
        expect_several(&first);
        assert_int_equal(cache_kit_look(&kit).files, 1);
        for (int reloads = 0; reloads < 2; reloads++) {
            bhd_inspection again = BHD_INSPECTION_INIT;
            assert_int_equal(inspect(&kit, false, reloads != 0, 0, &again), BHD_OK);
            expect_several(&again);
            assert_int_equal(again.compile_ns, first.compile_ns);
            assert_int_equal(again.compile_bytes, first.compile_bytes);
            bhd_inspection_fini(&again);
        }
        assert_int_equal(load(&kit, false, several, 0), BHD_OK);
        /* With fuel it is other code. */
        bhd_inspection metered = BHD_INSPECTION_INIT;
        assert_int_equal(inspect(&kit, false, true, 1000, &metered), BHD_NO_COMPILER);
        assert_null(metered.exports);
        assert_int_equal(inspect(&kit, true, true, 1000, &metered), BHD_OK);
        expect_several(&metered);
        assert_int_equal(cache_kit_look(&kit).files, 2);
        bhd_inspection_fini(&metered);
        bhd_inspection_fini(&first);
        cache_kit_end(&kit);
    }
}

/* What is refused has no code to be kept. */
static void what_may_not_run_is_not_kept(void **state)
{
    (void)state;
    static const char large[] = "(module (memory i64 1))";
    cache_kit kit = cache_kit_begin();
    bhd_host *host = caching_host(&kit, true);
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    assert_int_equal(bhd_inspect(host, large, strlen(large), &inspection, NULL), BHD_OK);
    assert_non_null(inspection.refusal);
    assert_int_equal(cache_kit_look(&kit).files, 0);
    bhd_inspection_fini(&inspection);
    bhd_host_free(host);
    cache_kit_end(&kit);
}

static void take_key(void *env, const bhd_code_cache_entry *entry)
{
    bhd__cache_key *key = env;
    assert_true(entry->is_current);
    memcpy(key->identity, entry->identity, sizeof key->identity);
    memcpy(key->binary, entry->binary, sizeof key->binary);
}

/* Puts a whole entry there whose content has a changed byte; gives back the code as it was. */
static unsigned char *spoil(const cache_kit *kit, size_t *size, bool description)
{
    bhd__cache_key key;
    bhd__cache_entry entry;
    bhd__cache *cache = cache_kit_cache(kit, UINT64_C(1) << 30);
    assert_int_equal(bhd_code_cache_list(kit->directory, take_key, &key, NULL), BHD_OK);
    assert_true(bhd__cache_find(cache, &key, &entry));
    *size = entry.artifact_bytes + entry.description_bytes;
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(pread(entry.file, bytes, *size, 0), *size);
    const size_t at = description ? entry.artifact_bytes : 5;
    int output = memfd_create("output", MFD_CLOEXEC);
    bytes[at] ^= 0xff;
    assert_int_equal(pwrite(output, bytes, *size, 0), *size);
    bytes[at] ^= 0xff;
    bhd__cache_drop(cache, &key);
    cache_kit_put(cache, &key, output, entry.artifact_bytes, entry.description_bytes);
    assert_int_equal(cache_kit_stats(cache).kept, 1);
    assert_int_equal(close(output), 0);
    assert_int_equal(close(entry.file), 0);
    bhd__cache_free(cache);
    *size = entry.artifact_bytes;
    return bytes;
}

static void expect_entry(const cache_kit *kit, const unsigned char *bytes, size_t size)
{
    bhd__cache_key key;
    bhd__cache_entry entry;
    unsigned char *now = malloc(size);
    bhd__cache *cache = cache_kit_cache(kit, UINT64_C(1) << 30);
    assert_non_null(now);
    assert_int_equal(bhd_code_cache_list(kit->directory, take_key, &key, NULL), BHD_OK);
    assert_true(bhd__cache_find(cache, &key, &entry));
    assert_int_equal(pread(entry.file, now, size, 0), size);
    assert_memory_equal(now, bytes, size);
    assert_int_equal(close(entry.file), 0);
    bhd__cache_free(cache);
    free(now);
}

static void what_the_engine_refuses_is_compiled_anew(void **state)
{
    (void)state;
    for (int description = 0; description < 2; description++) {
        size_t size = 0;
        cache_kit kit = cache_kit_begin();
        assert_int_equal(load(&kit, true, adder, 0), BHD_OK);
        unsigned char *bytes = spoil(&kit, &size, description != 0);
        assert_int_equal(load(&kit, true, adder, 0), BHD_OK);
        expect_entry(&kit, bytes, size);
        /* Without a compiler it is gone, and not believed either. */
        free(bytes);
        bytes = spoil(&kit, &size, description != 0);
        assert_int_equal(load(&kit, false, adder, 0), BHD_NO_COMPILER);
        assert_int_equal(cache_kit_look(&kit).files, 0);
        free(bytes);
        cache_kit_end(&kit);
    }
}

static void what_an_inspection_finds_spoilt_is_compiled_anew(void **state)
{
    (void)state;
    for (int description = 0; description < 2; description++) {
        size_t size = 0;
        cache_kit kit = cache_kit_begin();
        bhd_inspection inspection = BHD_INSPECTION_INIT;
        assert_int_equal(inspect(&kit, true, false, 0, &inspection), BHD_OK);
        unsigned char *bytes = spoil(&kit, &size, description != 0);
        assert_int_equal(inspect(&kit, true, false, 0, &inspection), BHD_OK);
        expect_several(&inspection);
        expect_entry(&kit, bytes, size);
        free(bytes);
        bytes = spoil(&kit, &size, description != 0);
        assert_int_equal(inspect(&kit, false, false, 0, &inspection), BHD_NO_COMPILER);
        bhd_inspection_fini(&inspection);
        assert_int_equal(cache_kit_look(&kit).files, 0);
        free(bytes);
        cache_kit_end(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_compiled_needs_no_compiler),
        cmocka_unit_test(what_the_engine_refuses_is_compiled_anew),
        cmocka_unit_test(an_inspection_and_a_load_share_what_was_compiled),
        cmocka_unit_test(what_may_not_run_is_not_kept),
        cmocka_unit_test(what_an_inspection_finds_spoilt_is_compiled_anew),
    };
    return cmocka_run_group_tests_name("cached_code", tests, NULL, NULL);
}
