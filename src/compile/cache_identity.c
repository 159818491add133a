/*
 * The names of entries and of the directories that they are in.
 */
#include "compile/cache.h"

#include <bulkhead_digest.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define DIGEST_BYTES 32

static void write_digits(const uint8_t *bytes, size_t count, char *digits)
{
    static const char hexadecimal[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        digits[2 * i] = hexadecimal[bytes[i] >> 4];
        digits[2 * i + 1] = hexadecimal[bytes[i] & 15];
    }
}

bhd__cache_key bhd__cache_key_of(const bhd__cache_identity *identity, const void *binary,
                                 size_t size)
{
    uint8_t digest[DIGEST_BYTES];
    bhd__cache_key key = {{0}, {0}};
    bhd_engine_sha256(binary, size, digest);
    write_digits(digest, sizeof digest, key.binary);
    memcpy(key.identity, identity->digits, sizeof key.identity);
    return key;
}

typedef struct processor {
    uint64_t hardware[2]; /* as the kernel says it */
    uint32_t words[10]; /* x86: the flags of instruction sets, and what the kernel saves of them */
    uint32_t bits;
    uint32_t zero;
} processor;

/* Written once. */
static pthread_once_t processor_once = PTHREAD_ONCE_INIT;
static processor this_processor;

/* Whether code that was made for this processor runs here. Wasmtime asks this too, and with more
 * knowledge; what differs only here is compiled once more. Once in a process: a virtual machine
 * takes up to some ten microseconds for each of these questions. */
static void look_at_processor(void)
{
    processor *p = &this_processor;
    *p = (processor){.hardware = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)},
                     .bits = (uint32_t)sizeof(void *) * 8};
#ifdef __x86_64__
    uint32_t a, b, c, d, most;
    __cpuid(0, most, b, c, d);
    /* The rest of this leaf has the number of the core that was asked. */
    __cpuid(1, a, b, p->words[0], p->words[1]);
    if ((p->words[0] & bit_OSXSAVE) != 0)
        __asm__("xgetbv" : "=a"(p->words[2]), "=d"(p->words[3]) : "c"(0));
    if (most >= 7) {
        __cpuid_count(7, 0, a, p->words[4], p->words[5], p->words[6]);
        if (a >= 1)
            __cpuid_count(7, 1, p->words[7], b, c, d);
    }
    /* Every processor of 64 bits has this one. */
    __cpuid(0x80000001, a, b, p->words[8], p->words[9]);
#endif
}

bhd__cache_identity bhd__cache_identity_of(const char *build, const void *configuration,
                                           size_t size)
{
    uint8_t of_build[DIGEST_BYTES], of_rest[DIGEST_BYTES], parts[2][DIGEST_BYTES];
    bhd__cache_identity identity = {{0}};
    (void)pthread_once(&processor_once, look_at_processor);
    bhd_engine_sha256(build, strlen(build), of_build);
    bhd_engine_sha256(configuration, size, parts[0]);
    bhd_engine_sha256(&this_processor, sizeof this_processor, parts[1]);
    bhd_engine_sha256(parts, sizeof parts, of_rest);
    write_digits(of_build, DIGEST_BYTES / 2, identity.digits);
    write_digits(of_rest, DIGEST_BYTES / 2, identity.digits + DIGEST_BYTES);
    return identity;
}
