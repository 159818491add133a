/*
 * The functions that a component exports and imports, with their types: read once when it is
 * loaded, then shared by all its sandboxes.
 */
#include "engine/code/functions.h"

#include "base/alloc.h"
#include "base/fail.h"

#include <stdlib.h>
#include <inttypes.h>
#include <string.h>

#define NAME_SHOWN_BYTES 96
/* Of the types of one component, as trees: a type that a small binary has once it may use many
 * times over, each use with its names for itself. */
#define TYPE_NODES_MAX 20000
#define TYPE_NAME_BYTES_MAX ((size_t)1 << 20)
#define TYPE_DEPTH_MAX 64

/* Functions of one instance are told one after the other, and have its name together: it may be
 * long, and they many. */
static char *name_of_instance(const bhd__functions *functions, bhd_engine_str_t name)
{
    char *last = functions->count > 0 ? functions->list[functions->count - 1].instance : NULL;
    if (last && strlen(last) == name.size && memcmp(last, name.data, name.size) == 0)
        return last;
    return bhd__strndup((const char *)name.data, name.size);
}

static bool has_own_instance(const bhd__functions *functions, size_t i)
{
    return i == 0 || functions->list[i].instance != functions->list[i - 1].instance;
}

static bool add_function(void *env, const bhd_engine_typed_t *told)
{
    bhd__functions *functions = env;
    if (functions->count >= functions->most) {
        functions->has_more = true;
        bhd_type_free(told->parameters);
        bhd_type_free(told->results);
        return false;
    }
    bhd__function one = {
        .is_export = told->is_export,
        .what = told->what,
        .resource = told->resource,
        .instance = name_of_instance(functions, told->instance),
        .name = bhd__strndup((const char *)told->name.data, told->name.size),
        .parameters = told->parameters,
        .results = told->results,
    };
    size_t count = functions->count;
    bhd__function *list = functions->list;
    if ((count & (count - 1)) == 0)
        list = bhd__realloc_array(list, count ? count * 2 : 1, sizeof *list);
    if (list)
        functions->list = list;
    if (!list || !one.instance || !one.name) {
        if (count == 0 || one.instance != functions->list[count - 1].instance)
            bhd__free(one.instance);
        bhd__free(one.name);
        bhd_type_free(one.parameters);
        bhd_type_free(one.results);
        return false;
    }
    functions->list[functions->count++] = one;
    return true;
}

static int compare_imports(const void *a, const void *b)
{
    const bhd__function *const *x = a, *const *y = b;
    return strcmp(bhd__function_import(*x), bhd__function_import(*y));
}

/* False when there is no memory left. */
static bool sort_imports(bhd__functions *functions)
{
    uint32_t most = 0;
    for (size_t i = 0; i < functions->count; i++)
        most = functions->list[i].resource > most ? functions->list[i].resource : most;
    bool *made = bhd__calloc((size_t)most + 1, sizeof *made);
    functions->imports = bhd__calloc(functions->count + 1, sizeof *functions->imports);
    if (!made || !functions->imports) {
        bhd__free(made);
        return false;
    }
    for (size_t i = 0; i < functions->count; i++) {
        bhd__function *f = &functions->list[i];
        if (f->is_export)
            continue;
        functions->imports[functions->import_count++] = f;
        if (f->what != BHD__FUNCTION_RESOURCE)
            continue;
        f->is_again = made[f->resource];
        made[f->resource] = true;
    }
    bhd__free(made);
    qsort(functions->imports, functions->import_count, sizeof *functions->imports, compare_imports);
    return true;
}

bhd_status bhd__functions_read(bhd__code *code, bhd_error *error)
{
    const uint64_t most = code->engine->options.max_functions;
    code->functions.most = most;
    const bhd_engine_type_bounds_t bounds = {
        .nodes = TYPE_NODES_MAX, .name_bytes = TYPE_NAME_BYTES_MAX, .depth = TYPE_DEPTH_MAX};
    bool done = bhd_engine_component_functions(code->component, code->variant->engine, &bounds,
                                               &code->functions, add_function);
    /* An instance has its functions once for each name that it is imported or exported under. */
    if (code->functions.has_more) {
        (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                        "the component imports and exports more than %" PRIu64
                        " functions, those of an instance counted for each name that it has; this "
                        "host allows %" PRIu64 " (host option max_functions, --max-functions)",
                        most, most);
        bhd__error_range(error, most + 1, 0, most);
        return BHD_COMPONENT_TOO_LARGE;
    }
    return done && sort_imports(&code->functions) ? BHD_OK : bhd__fail_no_memory(error);
}

void bhd__functions_fini(bhd__functions *functions)
{
    for (size_t i = functions->count; i-- > 0;) {
        /* From the end, so that the one before is still there to compare with. */
        if (has_own_instance(functions, i))
            bhd__free(functions->list[i].instance);
        bhd__free(functions->list[i].name);
        bhd_type_free(functions->list[i].parameters);
        bhd_type_free(functions->list[i].results);
    }
    bhd__free(functions->list);
    bhd__free(functions->imports);
    *functions = (bhd__functions){0};
}

/* -- names --------------------------------------------------------------------------------- */

/* How well a name that was given fits an instance's full name: less is better. */
enum { FITS_FULL, FITS_WITHOUT_VERSION, FITS_LAST_PART, FITS_FUNCTION, FITS_NOT };

static bool is_text(const char *text, const char *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

static int fit_instance(const char *full, const char *given, size_t size)
{
    if (is_text(full, given, size))
        return FITS_FULL;
    const char *version = strchr(full, '@');
    size_t plain = version ? (size_t)(version - full) : strlen(full);
    if (plain == size && memcmp(full, given, size) == 0)
        return FITS_WITHOUT_VERSION;
    const char *slash = memchr(full, '/', plain);
    size_t skipped = slash ? (size_t)(slash - full) + 1 : 0;
    if (slash && plain - skipped == size && memcmp(slash + 1, given, size) == 0)
        return FITS_LAST_PART;
    return FITS_NOT;
}

static int fit(const bhd__function *function, const char *given)
{
    if (!function->is_export || function->what == BHD__FUNCTION_RESOURCE)
        return FITS_NOT;
    const char *hash = strchr(given, '#');
    if (hash)
        return strcmp(function->name, hash + 1) == 0
                   ? fit_instance(function->instance, given, (size_t)(hash - given))
                   : FITS_NOT;
    if (strcmp(function->name, given) != 0)
        return FITS_NOT;
    return function->instance[0] == '\0' ? FITS_FULL : FITS_FUNCTION;
}

static void add_name(bhd__text *text, const bhd__function *function)
{
    if (function->instance[0] != '\0') {
        bhd__text_add_escaped(text, function->instance, strlen(function->instance),
                              NAME_SHOWN_BYTES);
        bhd__text_add(text, "#");
    }
    bhd__text_add_escaped(text, function->name, strlen(function->name), NAME_SHOWN_BYTES);
}

/* Names the exports that fit `given` as well as `fits`; of all when it is FITS_NOT. */
static size_t add_names(bhd__text *text, const bhd__functions *functions, const char *given,
                        int fits)
{
    size_t count = 0;
    for (size_t i = 0; i < functions->count; i++) {
        const bhd__function *function = &functions->list[i];
        if (!function->is_export || function->what == BHD__FUNCTION_RESOURCE ||
            (fits != FITS_NOT && fit(function, given) != fits))
            continue;
        bhd__text_add(text, count++ == 0 ? "" : ", ");
        add_name(text, function);
    }
    if (count == 0)
        bhd__text_add(text, "nothing");
    bhd__text_ellipsis(text);
    return count;
}

size_t bhd__functions_name(const bhd__functions *functions, bhd__text *text)
{
    return add_names(text, functions, "", FITS_NOT);
}

static bhd_status not_found(const bhd__functions *functions, const char *given, int fits,
                            bhd_error *error)
{
    char names[600], shown[NAME_SHOWN_BYTES * 4];
    bhd__text text;
    (void)bhd__text_show(shown, sizeof shown, given, NAME_SHOWN_BYTES);
    bhd__text_init(&text, names, sizeof names);
    (void)add_names(&text, functions, given, fits);
    if (fits != FITS_NOT)
        return bhd__fail(error, BHD_EXPORT_NOT_FOUND,
                         "\"%s\" is the name of several functions; say which: %s", shown, names);
    return bhd__fail(error, BHD_EXPORT_NOT_FOUND,
                     "the component exports no function named \"%s\"; the functions that it "
                     "exports: %s",
                     shown, names);
}

bhd_status bhd__functions_find(const bhd__functions *functions, const char *name,
                               const bhd__function **found, bhd_error *error)
{
    int best = FITS_NOT;
    size_t equals = 0;
    const bhd__function *one = NULL;
    for (size_t i = 0; i < functions->count; i++) {
        int fits = fit(&functions->list[i], name);
        if (fits < best) {
            best = fits;
            equals = 0;
            one = &functions->list[i];
        }
        equals += fits == best && fits != FITS_NOT;
    }
    if (equals != 1)
        return not_found(functions, name, best, error);
    if (one->what == BHD__FUNCTION_LARGE)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "the function's type is too large to be described");
    if (one->what == BHD__FUNCTION_UNSUPPORTED)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "the function is asynchronous, or takes or gives a stream, a future or "
                         "another type that cannot be passed here");
    *found = one;
    return BHD_OK;
}
