/*
 * Which build this is.
 */
#ifndef BHD_ENGINE_CODE_BUILD_H
#define BHD_ENGINE_CODE_BUILD_H

/* Which build this is: the library's version and the engine's. Host and process compare it, and the
 * engine refuses artefacts of another one. Static storage. */
const char *bhd__engine_build(void);

#endif
