/*
 * The guest that connects, guests/component/connect.wat, and something to connect to.
 */
#ifndef BHD_TESTS_CONNECT_GUEST_H
#define BHD_TESTS_CONNECT_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* A socket that listens on 127.0.0.1 at a port of the system's choice; the caller closes it. */
int connect_listen(uint16_t *port);
/* The guest's text with this function as "run" and this port as its own; the caller frees it. */
char *connect_text(const char *function, uint16_t port, size_t *size);

#endif
