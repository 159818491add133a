/*
 * Digests for C, of the engine crate. Pure functions; any thread. `data` may be NULL when `size`
 * is 0.
 */
#ifndef BULKHEAD_DIGEST_H
#define BULKHEAD_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256: names what nobody may be able to forge. */
void bhd_engine_sha256(const void *data, size_t size, uint8_t digest[32]);

/* CRC-32C: finds what an accident has changed, at some gigabytes a second. Of data in pieces:
 * `before` is what the pieces before this one gave, 0 at first. */
uint32_t bhd_engine_crc32c(uint32_t before, const void *data, size_t size);

#endif
