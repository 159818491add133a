#include "engine/code/inspected.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "engine/code/binary.h"
#include "engine/code/config.h"

#include <string.h>

#define NAME_SHOWN_BYTES 1024
#define TYPE_SHOWN_BYTES 4200

/* A visit that has run out of memory goes on without doing anything. */
typedef struct visit {
    bhd_inspection *inspection;
    bool failed;
} visit;

static char *escaped(bhd_engine_str_t bytes, size_t most)
{
    bhd__text text;
    bhd__text_init(&text, NULL, 0);
    bhd__text_add_escaped(&text, bytes.data, bytes.size, most);
    size_t capacity = text.length + 1;
    char *copy = bhd__malloc(capacity);
    if (copy) {
        bhd__text_init(&text, copy, capacity);
        bhd__text_add_escaped(&text, bytes.data, bytes.size, most);
    }
    return copy;
}

/* The compiler's text, which is printable unless the compiler was taken over. */
static char *shown(const char *text, size_t size)
{
    char *copy = bhd__strndup(text, size);
    for (size_t i = 0; copy && i < size; i++)
        if (copy[i] != '\n' && ((unsigned char)copy[i] < ' ' || (unsigned char)copy[i] > '~'))
            copy[i] = '?';
    return copy;
}

/* Room for one more; doubles. */
static void *append(visit *v, void **array, size_t count, size_t size)
{
    if (v->failed)
        return NULL;
    if ((count & (count - 1)) == 0) {
        void *larger = bhd__realloc_array(*array, count ? count * 2 : 1, size);
        if (!larger) {
            v->failed = true;
            return NULL;
        }
        *array = larger;
    }
    char *item = (char *)*array + count * size;
    memset(item, 0, size);
    return item;
}

static void add_extent(visit *v, const bhd_engine_extent_t *e)
{
    bhd_inspection *i = v->inspection;
    bool is_table = e->page_bytes == 0;
    bhd_extent **array = is_table ? &i->tables : &i->memories;
    size_t *count = is_table ? &i->table_count : &i->memory_count;
    void *items = *array;
    bhd_extent *extent = append(v, &items, *count, sizeof *extent);
    *array = items;
    if (!extent)
        return;
    *extent = (bhd_extent){
        .module = e->module,
        .index = e->index,
        .imported = e->imported,
        .minimum = e->minimum,
        .maximum = e->maximum,
        .has_maximum = e->has_maximum,
        .page_bytes = e->page_bytes,
        .is_64 = e->is_64,
        .is_shared = e->is_shared,
    };
    ++*count;
}

static void add_item(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                     bhd_engine_str_t type)
{
    visit *v = env;
    bhd_inspection *i = v->inspection;
    bhd_item **array = is_export ? &i->exports : &i->imports;
    size_t *count = is_export ? &i->export_count : &i->import_count;
    void *items = *array;
    bhd_item *item = append(v, &items, *count, sizeof *item);
    *array = items;
    if (!item)
        return;
    ++*count;
    item->module = escaped(module, NAME_SHOWN_BYTES);
    item->name = escaped(name, NAME_SHOWN_BYTES);
    item->type = escaped(type, TYPE_SHOWN_BYTES);
    if (!item->module || !item->name || !item->type)
        v->failed = true;
}

static void set_totals(const bhd_host_options *options, const bhd_engine_totals_t *totals,
                       bhd_inspection *inspection)
{
    inspection->initial_memory_bytes = totals->memory_bytes;
    inspection->initial_table_elements = totals->table_elements;
    inspection->instance_memories = totals->memories;
    inspection->instance_tables = totals->tables;
    inspection->is_exact = totals->is_exact;
    inspection->instance_bytes = bhd__binary_held(totals);
    inspection->initial_heap_bytes = totals->needs_heap ? BHD__HEAP_INITIAL_BYTES : 0;
    uint64_t floor = options->policy.min_memory_bytes, bytes;
    if (__builtin_add_overflow(totals->memory_bytes, inspection->initial_heap_bytes, &bytes))
        bytes = UINT64_MAX;
    inspection->minimum_max_bytes = bytes > floor ? bytes : floor;
}

/* What the items do not show: sizes, from the core modules, and types by their names. A binary that
 * is valid but not allowed is described without items. */
static void describe_binary(const bhd_host_options *options, const bhd__artifact *artifact,
                            visit *v)
{
    const bhd__description *d = &artifact->description;
    bhd_inspection *i = v->inspection;
    i->kind = d->is_component ? BHD_KIND_COMPONENT : BHD_KIND_MODULE;
    i->binary_size = d->binary_bytes;
    i->compile_ns = artifact->compile_ns;
    i->compile_bytes = artifact->compile_bytes;
    set_totals(options, &d->totals, i);
    for (size_t k = 0; k < d->extent_count; k++)
        add_extent(v, &d->extents[k]);
    i->unlisted_count = d->unlisted_count;
    if (d->wit_bytes > 0) {
        i->wit = shown(d->wit, d->wit_bytes);
        v->failed = v->failed || !i->wit;
    }
    if (!artifact->code) {
        i->refusal = shown(d->refusal, d->refusal_bytes);
        v->failed = v->failed || !i->refusal;
    }
}

bhd_status bhd__artifact_inspect(const bhd_host_options *options, const bhd__artifact *artifact,
                                 const wasmtime_module_t *module,
                                 const wasmtime_component_t *component, wasm_engine_t *of,
                                 bhd_inspection *inspection, bhd_error *error)
{
    visit v = {inspection, false};
    describe_binary(options, artifact, &v);
    if (component)
        bhd_engine_component_items(component, of, &v, add_item);
    else if (module)
        bhd_engine_module_items(module, &v, add_item);
    return v.failed ? bhd__fail_no_memory(error) : BHD_OK;
}

static void items_free(bhd_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bhd__free(items[i].module);
        bhd__free(items[i].name);
        bhd__free(items[i].type);
    }
    bhd__free(items);
}

void bhd_inspection_fini(bhd_inspection *inspection)
{
    if (!inspection || inspection->size == 0)
        return;
    items_free(inspection->imports, inspection->import_count);
    items_free(inspection->exports, inspection->export_count);
    bhd__free(inspection->memories);
    bhd__free(inspection->tables);
    bhd__free(inspection->refusal);
    bhd__free(inspection->wit);
    bhd_inspection nothing = BHD_INSPECTION_INIT;
    nothing.size = inspection->size;
    bhd__sized_give(inspection, inspection->size, &nothing, sizeof nothing);
}
