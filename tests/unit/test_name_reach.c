/*
 * Which addresses the grant of a name can mean: none of the machine itself, of its link, of groups,
 * and of where clouds keep the machine's keys, in none of the forms that version 6 has for an
 * address of version 4. Each range is tried at its ends and just outside them.
 */
#include "grants/address.h"

#include "unit_test.h"

#include <stdio.h>

static bool reaches(const char *host, const char *address)
{
    uint8_t bytes[BHD__ADDRESS_BYTES];
    assert_true(bhd__address_parse(address, bytes));
    return bhd__address_is_reached(host, strlen(host), bytes);
}

/* The forms of an address of version 4 in one of version 6, from its bytes. */
static const char *const forms[] = {
    "::ffff:%02x%02x:%02x%02x",
    "::ffff:0:%02x%02x:%02x%02x",
    "64:ff9b::%02x%02x:%02x%02x",
    "64:ff9b:1:2:303:4:%02x%02x:%02x%02x",
    "2002:%02x%02x:%02x%02x:1:2:3:4:5",
    "2001:db8:1:2:0:5efe:%02x%02x:%02x%02x",
    "2001:db8:1:2:200:5efe:%02x%02x:%02x%02x",
    "::%02x%02x:%02x%02x",
};

/* Prefixes of 48, 56 and 64 bits of a network's own NAT64; what follows the address is anything. */
static const char *const own_forms[] = {
    "64:ff9b:1:%02x%02x:00%02x:%02x5d:5db8:d822",
    "64:ff9b:1:5d%02x:00%02x:%02x%02x:5db8:d822",
    "64:ff9b:1:5db8:00%02x:%02x%02x:%02xb8:d822",
};

static void check_v4(uint32_t address, bool wanted)
{
    unsigned b[4] = {address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255};
    char text[64];
    (void)snprintf(text, sizeof text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    if (reaches("example.org", text) != wanted)
        print_error("%s\n", text);
    assert_int_equal(wanted, reaches("example.org", text));
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        (void)snprintf(text, sizeof text, forms[i], b[0], b[1], b[2], b[3]);
        if (reaches("example.org", text) != wanted)
            print_error("%s\n", text);
        assert_int_equal(wanted, reaches("example.org", text));
    }
    for (size_t i = 0; !wanted && i < COUNT_OF(own_forms); i++) {
        (void)snprintf(text, sizeof text, own_forms[i], b[0], b[1], b[2], b[3]);
        assert_false(reaches("example.org", text));
    }
    /* Teredo keeps it inverted. */
    (void)snprintf(text, sizeof text, "2001:0:1:2:3:4:%02x%02x:%02x%02x", ~b[0] & 255, ~b[1] & 255,
                   ~b[2] & 255, ~b[3] & 255);
    assert_int_equal(wanted, reaches("example.org", text));
}

#define V4(a, b, c, d)                                                                             \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static void ranges_of_version_4(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, last;
    } near[] = {
        {V4(0, 0, 0, 0), V4(0, 255, 255, 255)},       /* this network */
        {V4(127, 0, 0, 0), V4(127, 255, 255, 255)},   /* loopback */
        {V4(169, 254, 0, 0), V4(169, 254, 255, 255)}, /* link-local */
        {V4(224, 0, 0, 0), V4(255, 255, 255, 255)},   /* groups, reserved, broadcast */
        {V4(168, 63, 129, 16), V4(168, 63, 129, 16)}, /* metadata */
        {V4(100, 100, 100, 200), V4(100, 100, 100, 200)}, {V4(192, 0, 0, 192), V4(192, 0, 0, 192)},
    };
    for (size_t i = 0; i < COUNT_OF(near); i++) {
        check_v4(near[i].first, false);
        check_v4(near[i].last, false);
        check_v4(near[i].first + (near[i].last - near[i].first) / 2, false);
        if (near[i].first > 0)
            check_v4(near[i].first - 1, true);
        if (near[i].last < UINT32_MAX)
            check_v4(near[i].last + 1, true);
    }
    check_v4(V4(93, 184, 216, 34), true);
    check_v4(V4(10, 0, 0, 1), true); /* a network of one's own is no secret of the machine */
    /* Every first byte. */
    for (unsigned first = 0; first < 256; first++)
        check_v4(V4(first, 1, 2, 3), first != 0 && first != 127 && first < 224);
}

static void ranges_of_version_6(void **state)
{
    (void)state;
    static const char *const near[] = {
        "::",
        "::1",
        "fe80::1",
        "fe80::",
        "febf:ffff::1",
        "ff00::",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fd00:ec2::254",
        "fd20:ce::254",
    };
    static const char *const far[] = {
        "2001:db8::1",
        "2606:4700::1111",
        "fec0::1",
        "fe7f::1",
        "feff::1",
        "fd00:ec2::253",
        "2001:1::7f00:1",
        "64:ff9c::7f00:1",
        "2003:7f00:1::",
        "::fffe:7f00:1:2:3",
        "64:ff9b:1:5db8:d8:225d:5db8:d822",
    };
    for (size_t i = 0; i < COUNT_OF(near); i++) {
        if (reaches("example.org", near[i]))
            print_error("%s\n", near[i]);
        assert_false(reaches("example.org", near[i]));
    }
    for (size_t i = 0; i < COUNT_OF(far); i++) {
        if (!reaches("example.org", far[i]))
            print_error("%s\n", far[i]);
        assert_true(reaches("example.org", far[i]));
    }
}

static void the_name_of_the_machine_itself_reaches_it_and_nothing_near(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "LocalHost", "localhost.", "a.localhost"};
    static const char *const others[] = {"localhost.example.org", "mylocalhost", "local", ""};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_true(reaches(names[i], "127.0.0.1"));
        assert_true(reaches(names[i], "127.9.9.9"));
        assert_true(reaches(names[i], "::1"));
        assert_true(reaches(names[i], "::ffff:127.0.0.1"));
        assert_false(reaches(names[i], "169.254.169.254"));
        assert_false(reaches(names[i], "fe80::1"));
        assert_false(reaches(names[i], "0.0.0.0"));
        assert_false(reaches(names[i], "::"));
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_false(reaches(others[i], "127.0.0.1"));
        assert_false(reaches(others[i], "::1"));
    }
}

static void texts_are_addresses_or_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",          "example.org",       "localhost", "1.2.3",   "1.2.3.4.5", "1.2.3.256",
        "01.2.3.4",  "0x1.2.3.4",         "1.2.3.4 ",  ":",       "1::2::3",   "::12345",
        "fe80::1%1", "::ffff:1.2.3.4.5.", "[]",        "[::1].x",
    };
    static const char *const same[][2] = {
        {"1.2.3.4", "::ffff:1.2.3.4"}, {"1.2.3.4", "[::ffff:102:304]"},  {"::1", "[::1]"},
        {"::1", "0:0:0:0:0:0:0:1"},    {"2001:DB8::a", "2001:db8:0::A"},
    };
    static const char *const others[][2] = {
        {"1.2.3.4", "1.2.3.5"}, {"1.2.3.4", "::1.2.3.4"}, {"::1", "127.0.0.1"}, {"::", "0.0.0.0"}};
    uint8_t a[BHD__ADDRESS_BYTES], b[BHD__ADDRESS_BYTES];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bhd__address_parse(names[i], a))
            print_error("%s\n", names[i]);
        assert_false(bhd__address_parse(names[i], a));
    }
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_true(bhd__address_parse(same[i][0], a) && bhd__address_parse(same[i][1], b));
        assert_true(bhd__address_equal(a, b));
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_true(bhd__address_parse(others[i][0], a) && bhd__address_parse(others[i][1], b));
        assert_false(bhd__address_equal(a, b));
    }
    assert_true(bhd__address_parse("0.0.0.0", a) && bhd__address_is_unspecified(a));
    assert_true(bhd__address_parse("::", a) && bhd__address_is_unspecified(a));
    assert_true(bhd__address_parse("::1", a) && !bhd__address_is_unspecified(a));
    assert_true(bhd__address_parse("0.0.0.1", a) && !bhd__address_is_unspecified(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_version_4),
        cmocka_unit_test(ranges_of_version_6),
        cmocka_unit_test(texts_are_addresses_or_names),
        cmocka_unit_test(the_name_of_the_machine_itself_reaches_it_and_nothing_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
