/*
 * Functions of the C library that need its shared objects, even in a program that has none: looking
 * up hosts and users. The engine has code that calls them, for guests and for its cache, which this
 * program never runs, and could not: they open files. The linker puts these here in their place, so
 * that they are not in the program at all.
 */
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result);
int __wrap_getpwuid_r(uid_t user, struct passwd *entry, char *buffer, size_t size,
                      struct passwd **result);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result)
{
    (void)node;
    (void)service;
    (void)hints;
    (void)result;
    abort();
}

int __wrap_getpwuid_r(uid_t user, struct passwd *entry, char *buffer, size_t size,
                      struct passwd **result)
{
    (void)user;
    (void)entry;
    (void)buffer;
    (void)size;
    (void)result;
    abort();
}
