/**
 * \file bulkhead/version.h
 *
 * The versions of the library and of the engine in it.
 */
#ifndef BULKHEAD_VERSION_H
#define BULKHEAD_VERSION_H

#include "base.h"

#define BHD_LIBRARY_VERSION_MAJOR 0
#define BHD_LIBRARY_VERSION_MINOR 1
#define BHD_LIBRARY_VERSION_PATCH 0
#define BHD_LIBRARY_VERSION "0.1.0"

BHD_BEGIN_DECLS

/** The version of the library that is linked, "0.1.0". Static storage; any thread. */
BHD_PUBLIC const char *bhd_version(void);

/** The engine and its version, "Wasmtime 48.0.8". Static storage; any thread. */
BHD_PUBLIC const char *bhd_engine_version(void);

BHD_END_DECLS

#endif
