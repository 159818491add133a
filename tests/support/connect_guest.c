/*
 * See connect_guest.h.
 */
#include "support/connect_guest.h"

#include "support/hostile.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int connect_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof address));
    assert_int_equal(0, listen(fd, 16));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&address, &size));
    *port = ntohs(address.sin_port);
    return fd;
}

char *connect_text(const char *function, uint16_t port, size_t *size)
{
    uint8_t *text;
    size_t read = hostile_read("component/connect.wat", &text);
    char *whole = malloc(read + 1), *out = malloc(read + 256);
    assert_non_null(whole);
    assert_non_null(out);
    memcpy(whole, text, read);
    whole[read] = '\0';
    static const char start[] = "(core func $main \"run\")", own[] = "i32.const 4242";
    char *at = strstr(whole, start), *first = strstr(whole, own);
    assert_true(first != NULL && at != NULL && first < at);
    int n =
        snprintf(out, read + 256, "%.*si32.const %u%.*s(core func $main \"%s\")%s",
                 (int)(first - whole), whole, port, (int)(at - first - (ptrdiff_t)sizeof own + 1),
                 first + sizeof own - 1, function, at + sizeof start - 1);
    assert_true(n > 0);
    *size = (size_t)n;
    free(text);
    free(whole);
    return out;
}
