#include "grants/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool bhd__address_parse(const char *text, uint8_t address[BHD__ADDRESS_BYTES])
{
    char inner[INET6_ADDRSTRLEN];
    size_t size;
    text += strspn(text, "[]");
    size = strlen(text);
    while (size > 0 && (text[size - 1] == '[' || text[size - 1] == ']'))
        size--;
    if (size >= sizeof inner)
        return false;
    memcpy(inner, text, size);
    inner[size] = '\0';
    struct in6_addr v6;
    struct in_addr v4;
    if (inet_pton(AF_INET6, inner, &v6) == 1) {
        memcpy(address, &v6, BHD__ADDRESS_BYTES);
        return true;
    }
    if (inet_pton(AF_INET, inner, &v4) != 1)
        return false;
    memcpy(address, mapped, sizeof mapped);
    memcpy(address + sizeof mapped, &v4, sizeof v4);
    return true;
}

static bool is_v4(const uint8_t *address)
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

bool bhd__address_is_unspecified(const uint8_t address[BHD__ADDRESS_BYTES])
{
    static const uint8_t zeros[BHD__ADDRESS_BYTES];
    return memcmp(is_v4(address) ? address + sizeof mapped : address, zeros,
                  is_v4(address) ? 4 : sizeof zeros) == 0;
}

bool bhd__address_equal(const uint8_t a[BHD__ADDRESS_BYTES], const uint8_t b[BHD__ADDRESS_BYTES])
{
    return memcmp(a, b, BHD__ADDRESS_BYTES) == 0;
}

/* -- what is near: the machine itself, its link, groups ------------------------------------ */

static bool is_near_v4(const uint8_t v4[4])
{
    /* Where clouds answer for the machine's own keys: Azure, Alibaba, Oracle; the others' are
     * link-local. */
    static const uint8_t metadata[][4] = {
        {168, 63, 129, 16}, {100, 100, 100, 200}, {192, 0, 0, 192}};
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++)
        if (memcmp(v4, metadata[i], sizeof metadata[i]) == 0)
            return true;
    return v4[0] == 0 || v4[0] == 127 || (v4[0] == 169 && v4[1] == 254) ||
           v4[0] >= 224; /* multicast, reserved, broadcast */
}

/* Bytes that an address begins with. */
static bool begins(const uint8_t *address, const uint8_t *prefix, size_t size)
{
    return memcmp(address, prefix, size) == 0;
}

#define BEGINS(address, ...)                                                                       \
    begins((address), (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

/* The address of version 4 inside one of version 6, of each way to say it. False: there is none. */
static bool inner_v4(const uint8_t *address, uint8_t v4[4])
{
    size_t at = 12;
    uint8_t flip = 0;
    static const uint8_t zeros[12];
    if (is_v4(address) || memcmp(address, zeros, 12) == 0 ||            /* mapped, compatible */
        BEGINS(address, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0) ||    /* translated (RFC 2765) */
        BEGINS(address, 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0) || /* NAT64 */
        BEGINS(address, 0, 0x64, 0xff, 0x9b, 0, 1))                     /* of the network's own */
        at = 12;
    else if (BEGINS(address, 0x20, 0x02)) /* 6to4 */
        at = 2;
    else if (BEGINS(address, 0x20, 0x01, 0, 0)) /* Teredo, which inverts it */
        flip = 0xff;
    else if ((BEGINS(address + 8, 0, 0, 0x5e, 0xfe) || BEGINS(address + 8, 2, 0, 0x5e, 0xfe)))
        at = 12; /* ISATAP */
    else
        return false;
    for (size_t i = 0; i < 4; i++)
        v4[i] = address[at + i] ^ flip;
    return true;
}

static bool is_loopback(const uint8_t *address)
{
    static const uint8_t v6[BHD__ADDRESS_BYTES] = {[15] = 1};
    return is_v4(address) ? address[12] == 127 : memcmp(address, v6, sizeof v6) == 0;
}

/* A network may have a prefix of its own for NAT64, 64:ff9b:1::/48 or a longer one (RFC 8215), and
 * what is inside depends on its length (RFC 6052, section 2.2), which nobody here knows: near is
 * what is near for one of them. */
static bool is_near_nat64(const uint8_t *address)
{
    static const size_t forms[][4] = {{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}};
    if (!BEGINS(address, 0, 0x64, 0xff, 0x9b, 0, 1) || address[8] != 0)
        return false;
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        uint8_t v4[4];
        for (size_t i = 0; i < 4; i++)
            v4[i] = address[forms[form][i]];
        if (is_near_v4(v4))
            return true;
    }
    return false;
}

static bool is_near(const uint8_t *address)
{
    /* Amazon's and Google's answers for the machine's own keys. */
    static const uint8_t metadata[][BHD__ADDRESS_BYTES] = {
        {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}};
    uint8_t v4[4];
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++)
        if (bhd__address_equal(address, metadata[i]))
            return true;
    return is_loopback(address) || bhd__address_is_unspecified(address) ||
           address[0] == 0xff || /* multicast */
           (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) /* of the link */ ||
           (inner_v4(address, v4) && is_near_v4(v4)) || is_near_nat64(address);
}

/* -- names --------------------------------------------------------------------------------- */

static bool is_localhost(const char *name, size_t size)
{
    static const char local[] = "localhost";
    const size_t length = sizeof local - 1;
    while (size > 0 && name[size - 1] == '.')
        size--;
    return size >= length && strncasecmp(name + size - length, local, length) == 0 &&
           (size == length || name[size - length - 1] == '.');
}

bool bhd__address_is_reached(const char *name, size_t name_size,
                             const uint8_t address[BHD__ADDRESS_BYTES])
{
    return !is_near(address) || (is_localhost(name, name_size) && is_loopback(address));
}
