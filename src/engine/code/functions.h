/*
 * The functions of one component. Immutable once the component is loaded.
 */
#ifndef BHD_ENGINE_CODE_FUNCTIONS_H
#define BHD_ENGINE_CODE_FUNCTIONS_H

#include "base/text.h"
#include "bulkhead_values.h"
#include "values/type.h"

/* What bhd_engine_typed_t.what says. */
enum {
    BHD__FUNCTION_TYPED = 0,
    BHD__FUNCTION_LARGE = 1,
    BHD__FUNCTION_UNSUPPORTED = 2,
    BHD__FUNCTION_RESOURCE = 3,
};

typedef struct bhd__function {
    bool is_export;
    uint32_t what;
    uint32_t resource; /* the number of a resource type */
    bool is_again;     /* a resource that an import before it has made */
    char *instance;    /* "" for what is not inside an instance */
    char *name;
    bhd_type *parameters, *results; /* a record and a tuple */
} bhd__function;

typedef struct bhd__functions {
    bhd__function *list;
    size_t count;
    /* The imports by the name of what is imported as a whole, so that a component that imports a
     * great many things is judged in the time that it takes to sort them. */
    const bhd__function **imports;
    size_t import_count;
    size_t most; /* that are read */
    bool has_more;
} bhd__functions;

/* What is imported as a whole: the instance, or the function by itself. */
static inline const char *bhd__function_import(const bhd__function *function)
{
    return function->instance[0] != '\0' ? function->instance : function->name;
}

/* The export that `name` means: "function" or "interface#function", the interface with or without
 * its version, or only its last part, as long as it means one. BHD_EXPORT_NOT_FOUND names what
 * there is; BHD_NOT_SUPPORTED for types that cannot be passed. */
bhd_status bhd__functions_find(const bhd__functions *functions, const char *name,
                               const bhd__function **found, bhd_error *error);
/* The names of all functions that are exported, or "nothing"; how many there are. */
size_t bhd__functions_name(const bhd__functions *functions, bhd__text *text);
void bhd__functions_fini(bhd__functions *functions);

#endif
