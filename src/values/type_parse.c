/*
 * Types out of text, by recursive descent. What is not allowed in a binary is not allowed here: no
 * empty record, variant, enum or flags, no name twice.
 */
#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "values/type_parse.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)
#define NAME_MAX_BYTES 128
#define FLAGS_MAX 64
#define SHOWN_BYTES 24

typedef struct parser {
    const char *begin, *at;
    unsigned depth;
    bhd_error *error;
} parser;

static bhd_status parse_type(parser *p, bhd_type **type);

/* -- words --------------------------------------------------------------------------------- */

static void skip_blanks(parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
        p->at++;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bhd_status expected(parser *p, const char *what)
{
    char shown[SHOWN_BYTES * 8];
    bhd__text text;
    bhd__text_init(&text, shown, sizeof shown);
    if (*p->at == '\0')
        bhd__text_add(&text, "the end");
    else
        bhd__text_add_escaped(&text, p->at, strlen(p->at), SHOWN_BYTES);
    bhd__text_ellipsis(&text);
    return bhd__fail(p->error, BHD_INVALID_ARGUMENT,
                     "the type at character %zu: expected %s, found %s",
                     (size_t)(p->at - p->begin) + 1, what, shown);
}

static bool take(parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bhd_status need(parser *p, char c)
{
    char what[4] = {'"', c, '"', '\0'};
    return take(p, c) ? BHD_OK : expected(p, what);
}

/* The word that comes next; its length, 0 if there is none. */
static size_t peek_word(parser *p)
{
    size_t length = 0;
    skip_blanks(p);
    while (is_word(p->at[length]))
        length++;
    return length;
}

static bool take_word(parser *p, const char *word)
{
    size_t length = peek_word(p);
    if (length != strlen(word) || memcmp(p->at, word, length) != 0)
        return false;
    p->at += length;
    return true;
}

static bhd_status take_name(parser *p, char **name)
{
    skip_blanks(p);
    if (*p->at == '%') /* WIT's way to use a keyword as a name */
        p->at++;
    size_t length = peek_word(p);
    if (length == 0 || length > NAME_MAX_BYTES)
        return expected(p, "a name");
    *name = bhd__strndup(p->at, length);
    if (!*name)
        return bhd__fail_no_memory(p->error);
    p->at += length;
    return BHD_OK;
}

/* -- types with parts ---------------------------------------------------------------------- */

/* Room for one more part; doubles. */
static bhd_status add_part(parser *p, bhd_type *type, bhd__type_part **part)
{
    if (type->count == BHD__TYPE_PARTS_MAX) {
        (void)bhd__fail(p->error, BHD_INVALID_ARGUMENT, "a type with more than %d parts",
                        BHD__TYPE_PARTS_MAX);
        return BHD_INVALID_ARGUMENT; /* said again, so that who analyses this sees it */
    }
    if ((type->count & (type->count - 1)) == 0) {
        bhd__type_part *larger =
            bhd__realloc_array(type->parts, type->count ? type->count * 2 : 1, sizeof *larger);
        if (!larger)
            return bhd__fail_no_memory(p->error);
        type->parts = larger;
    }
    *part = &type->parts[type->count++];
    **part = (bhd__type_part){NULL, NULL};
    return BHD_OK;
}

static bhd_status check_new_name(parser *p, const bhd_type *type)
{
    const char *name = type->parts[type->count - 1].name;
    size_t index;
    if (bhd_type_find(type, name, &index) && index + 1 < type->count)
        return bhd__fail(p->error, BHD_INVALID_ARGUMENT,
                         "the type at character %zu: the name %s is there twice",
                         (size_t)(p->at - p->begin) + 1, name);
    return BHD_OK;
}

/* A name, and what follows it: ": TYPE" of a field, "(TYPE)" of a case, or nothing. */
static bhd_status parse_named_part(parser *p, bhd_type *type)
{
    bhd__type_part *part = NULL;
    bhd_status status = add_part(p, type, &part);
    if (part)
        status = take_name(p, &part->name);
    if (status == BHD_OK)
        status = check_new_name(p, type);
    if (status != BHD_OK)
        return status;
    if (type->type == BHD_RECORD) {
        status = need(p, ':');
        return status == BHD_OK ? parse_type(p, &part->type) : status;
    }
    if (type->type != BHD_VARIANT || !take(p, '('))
        return BHD_OK;
    status = parse_type(p, &part->type);
    return status == BHD_OK ? need(p, ')') : status;
}

static bhd_status parse_list(parser *p, bhd_type *type, char open, char close)
{
    bhd_status status = need(p, open);
    if (status != BHD_OK)
        return status;
    for (bool first = true; !take(p, close); first = false) {
        if (!first) {
            status = need(p, ',');
            if (status == BHD_OK && take(p, close))
                return BHD_OK;
        }
        if (status == BHD_OK)
            status = parse_named_part(p, type);
        if (status != BHD_OK)
            return status;
    }
    return BHD_OK;
}

static bhd_status parse_braced(parser *p, bhd_type *type)
{
    bhd_status status = parse_list(p, type, '{', '}');
    if (status == BHD_OK && type->count == 0)
        return expected(p, "at least one name between the braces");
    if (status == BHD_OK && type->type == BHD_FLAGS && type->count > FLAGS_MAX)
        return bhd__fail(p->error, BHD_INVALID_ARGUMENT, "more than %d flags", FLAGS_MAX);
    return status;
}

/* "<TYPE>" with `most` types at most. */
static bhd_status parse_angled(parser *p, bhd_type *type, uint32_t most)
{
    bhd_status status = need(p, '<');
    while (status == BHD_OK && type->count < most) {
        bhd__type_part *part;
        status = add_part(p, type, &part);
        if (status == BHD_OK)
            status = parse_type(p, &part->type);
        if (status == BHD_OK && !take(p, ','))
            break;
    }
    return status == BHD_OK ? need(p, '>') : status;
}

/* "result", "result<T>", "result<_, E>", "result<T, E>" */
static bhd_status parse_result(parser *p, bhd_type *type)
{
    bhd__type_part *part;
    bhd_status status = add_part(p, type, &part);
    if (status == BHD_OK)
        status = add_part(p, type, &part);
    if (status != BHD_OK || !take(p, '<'))
        return status;
    if (!take(p, '_'))
        status = parse_type(p, &type->parts[0].type);
    if (status == BHD_OK && take(p, ','))
        status = parse_type(p, &type->parts[1].type);
    return status == BHD_OK ? need(p, '>') : status;
}

static bhd_status parse_handle(parser *p, bhd_type *type)
{
    bhd_status status = need(p, '<');
    if (status == BHD_OK)
        status = take_name(p, &type->name);
    return status == BHD_OK ? need(p, '>') : status;
}

static bhd_status parse_parts(parser *p, bhd_type *type)
{
    switch (type->type) {
    case BHD_LIST:
    case BHD_OPTION:
        return parse_angled(p, type, 1);
    case BHD_TUPLE:
        return parse_angled(p, type, BHD__TYPE_PARTS_MAX);
    case BHD_RESULT:
        return parse_result(p, type);
    case BHD_OWN:
    case BHD_BORROW:
        return parse_handle(p, type);
    default:
        return parse_braced(p, type);
    }
}

static bool find_word(parser *p, bhd_value_type *type)
{
    for (int i = 0; i <= BHD_BORROW; i++) {
        if (take_word(p, bhd__type_word((bhd_value_type)i))) {
            *type = (bhd_value_type)i;
            return true;
        }
    }
    return false;
}

static bhd_status parse_type(parser *p, bhd_type **type)
{
    bhd_value_type which;
    if (p->depth == BHD__TYPE_DEPTH_MAX)
        return bhd__fail(p->error, BHD_INVALID_ARGUMENT, "a type that is nested deeper than %d",
                         BHD__TYPE_DEPTH_MAX);
    if (!find_word(p, &which))
        return expected(p, "a type");
    *type = bhd__type_simple(which);
    if (*type)
        return BHD_OK;
    bhd_type *compound = bhd__type_new(which, 0);
    if (!compound)
        return bhd__fail_no_memory(p->error);
    p->depth++;
    bhd_status status = parse_parts(p, compound);
    p->depth--;
    if (status != BHD_OK) {
        bhd_type_free(compound);
        return status;
    }
    *type = compound;
    return BHD_OK;
}

static bhd_status check_size(const char *text, bhd_error *error)
{
    if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "a type of more than %zu bytes", TEXT_MAX);
    return BHD_OK;
}

static bhd_status end(parser *p)
{
    skip_blanks(p);
    return *p->at == '\0' ? BHD_OK : expected(p, "nothing more");
}

bhd_status bhd_type_parse(const char *text, bhd_type **type, bhd_error *error)
{
    if (!text || !type)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_type_parse: text or type is NULL");
    parser p = {text, text, 0, error};
    bhd_type *fresh = NULL;
    bhd_status status = check_size(text, error);
    if (status == BHD_OK)
        status = parse_type(&p, &fresh);
    if (status == BHD_OK)
        status = end(&p);
    if (status != BHD_OK) {
        bhd_type_free(fresh);
        return status;
    }
    *type = fresh;
    return BHD_OK;
}

static bhd_status parse_function(parser *p, bhd_type *parameters, bhd_type *results)
{
    if (!take_word(p, "func"))
        return expected(p, "\"func\"");
    bhd_status status = parse_list(p, parameters, '(', ')');
    if (status != BHD_OK || !take(p, '-'))
        return status;
    if (*p->at != '>')
        return expected(p, "\"->\"");
    p->at++;
    bhd__type_part *part = NULL;
    status = add_part(p, results, &part);
    return part ? parse_type(p, &part->type) : status;
}

bhd_status bhd__type_parse_function(const char *text, bhd_type **parameters, bhd_type **results,
                                    bhd_error *error)
{
    parser p = {text, text, 0, error};
    bhd_type *in = bhd__type_new(BHD_RECORD, 0), *out = bhd__type_new(BHD_TUPLE, 0);
    if (!in || !out) {
        bhd_type_free(in);
        bhd_type_free(out);
        return bhd__fail_no_memory(error);
    }
    bhd_status status = check_size(text, error);
    if (status == BHD_OK)
        status = parse_function(&p, in, out);
    if (status == BHD_OK)
        status = end(&p);
    if (status != BHD_OK) {
        bhd_type_free(in);
        bhd_type_free(out);
        return status;
    }
    *parameters = in;
    *results = out;
    return BHD_OK;
}
