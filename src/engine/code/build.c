#include "engine/code/build.h"

#include "base/text.h"
#include "bulkhead/version.h"
#include "bulkhead_engine.h"
#include "compile/exchange.h"

#include <pthread.h>

static char build[BHD__BUILD_BYTES];

static void write_build(void)
{
    bhd__text text;
    bhd__text_init(&text, build, sizeof build);
    bhd__text_printf(&text, "%s %s", BHD_LIBRARY_VERSION, bhd_engine_build());
    bhd__text_ellipsis(&text);
}

const char *bhd__engine_build(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, write_build);
    return build;
}
