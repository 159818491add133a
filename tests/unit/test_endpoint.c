/*
 * HOST:PORT, as a manifest and the command write it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bulkhead/bulkhead.h"

static void assert_endpoint(const char *text, size_t length, uint16_t port)
{
    uint16_t got = 1;
    size_t host = bhd_endpoint_parse(text, &got);
    if (host != length || got != port)
        fail_msg("\"%s\": a host of %zu bytes and port %u, wanted %zu and %u", text, host, got,
                 length, port);
}

static void hosts_and_addresses_are_read(void **state)
{
    (void)state;
    assert_endpoint("example.org:443", 11, 443);
    assert_endpoint("a:1", 1, 1);
    assert_endpoint("A_b-c.9:65535", 7, 65535);
    assert_endpoint("127.0.0.1:00080", 9, 80);
    assert_endpoint("[::1]:8080", 5, 8080);
    assert_endpoint("[fe80::1:2]:9", 11, 9);
    assert_endpoint("[::ffff:127.0.0.1]:9", 18, 9);
}

static void everything_else_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",
        ":",
        "a",
        ":1",
        "a:",
        "a:0",
        "a:65536",
        "a:99999",
        "a:100000",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1 ",
        "a:1x",
        "a:0x1",
        "::1:80",
        "a b:1",
        "a/b:1",
        "*.a:1",
        "a\nb:1",
        "\u00e4.de:1",
        "[]:1",
        "[::1]",
        "[::1:1",
        "::1]:1",
        "[:: 1]:1",
        "[g]:1",
        "[::1]x:1",
        "x[::1]:1",
        "[[::1]:1",
        "[a]]:1",
        "a:18446744073709551617",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_endpoint(none[i], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_addresses_are_read),
        cmocka_unit_test(everything_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
