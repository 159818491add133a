#include "engine/engine_translate.h"

#include "bulkhead/version.h"

#include <wasmtime.h>

const char *bhd__engine_build(void)
{
    return BHD_LIBRARY_VERSION " Wasmtime " WASMTIME_VERSION;
}
