/*
 * Copies of capabilities and grants; see the header.
 */
#include "grants/copies.h"

#include "base/alloc.h"
#include "base/fail.h"

#include <string.h>

/* One block, filled from the front with arrays and from the back of those with texts. A first pass
 * without a block counts. */
typedef struct arena {
    char *block;
    size_t used;
} arena;

static void *take(arena *a, size_t size)
{
    void *at = a->block != NULL ? a->block + a->used : NULL;
    a->used += (size + 7) & ~(size_t)7;
    return at;
}

static const char *put_text(arena *a, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *at = take(a, size);
    if (at != NULL)
        memcpy(at, text, size);
    return at;
}

static const char *const *put_texts(arena *a, const char *const *texts, size_t count)
{
    const char **at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        const char *text = put_text(a, texts[i]);
        if (at != NULL)
            at[i] = text;
    }
    return at;
}

static const bhd_directory *put_directories(arena *a, const bhd_directory *from, size_t count)
{
    bhd_directory *at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        bhd_directory one = {put_text(a, from[i].host), put_text(a, from[i].guest), from[i].access};
        if (at != NULL)
            at[i] = one;
    }
    return at;
}

static const bhd_endpoint *put_network(arena *a, const bhd_endpoint *from, size_t count)
{
    bhd_endpoint *at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        bhd_endpoint one = {put_text(a, from[i].host), from[i].port};
        if (at != NULL)
            at[i] = one;
    }
    return at;
}

static void put_capabilities(arena *a, const void *capabilities, void *into)
{
    const bhd_capabilities *from = capabilities;
    bhd_capabilities *copy = into;
    *copy = *from;
    copy->args = put_texts(a, from->args, from->arg_count);
    bhd_variable *env = take(a, from->env_count * sizeof *env);
    for (size_t i = 0; i < from->env_count; i++) {
        bhd_variable one = {put_text(a, from->env[i].name), put_text(a, from->env[i].value)};
        if (env != NULL)
            env[i] = one;
    }
    copy->env = env;
    copy->directories = put_directories(a, from->directories, from->directory_count);
    copy->network = put_network(a, from->network, from->endpoint_count);
}

static void put_grants(arena *a, const void *grants, void *into)
{
    const bhd_grants *from = grants;
    bhd_grants *copy = into;
    *copy = *from;
    copy->env = put_texts(a, from->env, from->env_count);
    copy->directories = put_directories(a, from->directories, from->directory_count);
    copy->network = put_network(a, from->network, from->endpoint_count);
}

static bhd_status copy_with(void (*put)(arena *a, const void *from, void *copy), const void *from,
                            void *copy, void **block, bhd_error *error)
{
    arena count = {NULL, 8}, a = {NULL, 0};
    put(&count, from, copy);
    a.block = bhd__malloc(count.used);
    if (a.block == NULL)
        return bhd__fail_no_memory(error);
    put(&a, from, copy);
    *block = a.block;
    return BHD_OK;
}

bhd_status bhd__capabilities_copy(const bhd_capabilities *from, bhd_capabilities *copy,
                                  void **block, bhd_error *error)
{
    return copy_with(put_capabilities, from, copy, block, error);
}

bhd_status bhd__grants_copy(const bhd_grants *from, bhd_grants *copy, void **block,
                            bhd_error *error)
{
    return copy_with(put_grants, from, copy, block, error);
}
