/*
 * The functions of one component. Immutable once the component is loaded.
 */
#ifndef BHD_ENGINE_CODE_FUNCTIONS_H
#define BHD_ENGINE_CODE_FUNCTIONS_H

#include "base/text.h"
#include "engine/structs.h"

/* What bhd_engine_typed_t.what says. */
enum {
    BHD__FUNCTION_TYPED = 0,
    BHD__FUNCTION_LARGE = 1,
    BHD__FUNCTION_UNSUPPORTED = 2,
    BHD__FUNCTION_RESOURCE = 3,
};

/* What is imported as a whole: the instance, or the function by itself. */
static inline const char *bhd__function_import(const bhd__function *function)
{
    return function->instance[0] != '\0' ? function->instance : function->name;
}

/* All that a component exports and imports. BHD_COMPONENT_TOO_LARGE: more than is kept. */
bhd_status bhd__functions_read(bhd__code *code, bhd_error *error);
/* The export that `name` means: "function" or "interface#function", the interface with or without
 * its version, or only its last part, as long as it means one. BHD_EXPORT_NOT_FOUND names what
 * there is; BHD_NOT_SUPPORTED for types that cannot be passed. */
bhd_status bhd__functions_find(const bhd__functions *functions, const char *name,
                               const bhd__function **found, bhd_error *error);
/* The names of all functions that are exported, or "nothing"; how many there are. */
size_t bhd__functions_name(const bhd__functions *functions, bhd__text *text);
void bhd__functions_fini(bhd__functions *functions);

#endif
