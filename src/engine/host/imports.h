/*
 * Sets of functions and resources of the host: found by name, shared.
 *
 * A set is written by one thread until it is named, and is immutable from then on.
 */
#ifndef BHD_ENGINE_HOST_IMPORTS_H
#define BHD_ENGINE_HOST_IMPORTS_H

#include "bulkhead/imports.h"

typedef struct bhd__import bhd__import;
typedef struct bhd__import_resource bhd__import_resource;

/* Names the set: it does not change any more. NULL gives NULL. */
bhd_imports *bhd__imports_hold(bhd_imports *imports);

/* The function that a component or module imports as `name` of `interface` ("" for none); NULL. */
const bhd__import *bhd__imports_find(const bhd_imports *imports, const char *interface,
                                     size_t interface_size, const char *name, size_t name_size);
const bhd__import_resource *bhd__imports_find_resource(const bhd_imports *imports,
                                                       const char *interface, size_t interface_size,
                                                       const char *name, size_t name_size);

#endif
