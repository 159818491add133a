/*
 * What the crate is told of our values, and what it believes of our structs.
 */
#include "engine/code/values.h"

#include "base/alloc.h"
#include "bulkhead_values.h"
#include "values/type.h"
#include "values/value_tree.h"

#include <assert.h>
#include <stddef.h>

/* What the engine's crate believes of our structs. */
static_assert(sizeof(bhd_value) == 24 && offsetof(bhd_value, element) == 4 &&
                  offsetof(bhd_value, of) == 8 && offsetof(bhd_value, of.string.size) == 16 &&
                  offsetof(bhd_value, of.variant.payload) == 16 && sizeof(bhd_value_type) == 4,
              "bhd_value is as rust/src/value.rs has it");
static_assert(sizeof(struct bhd_type) == 32 && offsetof(struct bhd_type, parts) == 8 &&
                  offsetof(struct bhd_type, name) == 16 &&
                  offsetof(struct bhd_type, resource) == 24 && sizeof(bhd__type_part) == 16,
              "bhd_type is as rust/src/value_type.rs has it");
static_assert(sizeof(struct bhd_resource) == 120 && offsetof(struct bhd_resource, any) == 16 &&
                  offsetof(struct bhd_resource, instance) == 80,
              "bhd_resource is as rust/src/value.rs has it");

void bhd__values_prepare(void)
{
    bhd_engine_set_heap(bhd__malloc, bhd_value_fini, bhd_type_free);
}
