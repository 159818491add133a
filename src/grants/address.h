/*
 * Addresses of the network, and which of them the grant of a name can mean.
 *
 * An address is 16 bytes, those of version 6; one of version 4 is in them as ::ffff:0:0/96 has it.
 * So two addresses are the same when their bytes are. Pure functions, for any thread.
 */
#ifndef BHD_GRANTS_ADDRESS_H
#define BHD_GRANTS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BHD__ADDRESS_BYTES 16

/* An address as text, in brackets or not. False: it is none, so it may be a name. */
bool bhd__address_parse(const char *text, uint8_t address[BHD__ADDRESS_BYTES]);
/* 0.0.0.0 or ::, which bind to any address of the machine. */
bool bhd__address_is_unspecified(const uint8_t address[BHD__ADDRESS_BYTES]);
bool bhd__address_equal(const uint8_t a[BHD__ADDRESS_BYTES], const uint8_t b[BHD__ADDRESS_BYTES]);

/* Whether the grant of a name can mean this address at all. Whoever answers for a name chooses its
 * addresses; the machine itself and its link are not theirs to give, but for the name localhost. */
bool bhd__address_is_reached(const char *name, size_t name_size,
                             const uint8_t address[BHD__ADDRESS_BYTES]);

#endif
