/**
 * \file bulkhead/value.h
 *
 * Values that go into a call and come out of it, and descriptions of their types.
 *
 * One bhd_value is one value of a core function (i32, i64, f32, f64) or of a component's function:
 * a number, a string, a list, or a tree of them. It says itself what it is (`type`), and a bhd_type
 * says what a function wants: parameters are checked against it before anything runs.
 *
 *     bhd_value size[] = {bhd_value_u32(3), bhd_value_u32(4)};
 *     bhd_value arguments[] = {bhd_value_record(size, 2), bhd_value_string("photo")};
 *
 * **Who owns what.** Values that you make are yours: the library reads them during the call, keeps
 * nothing of them and frees nothing. Values that the library gives you (results of a call,
 * bhd_value_parse, bhd_value_copy) are yours too, and bhd_value_fini frees each of them with all
 * that it holds. Never call bhd_value_fini on a value that you put together yourself.
 *
 * A value may be used by several threads at once as long as none of them frees it.
 */
#ifndef BULKHEAD_VALUE_H
#define BULKHEAD_VALUE_H

#include "error.h"

/**
 * What a value is. Numbers are pinned. How `of` holds it:
 *
 *     i32 i64 f32 f64             the member of that name
 *     bool s8 .. u64              the member of that name
 *     char                        `character`, a Unicode scalar value
 *     string                      `string`: UTF-8; from the library with a NUL behind it
 *     list                        `list`, see bhd_value.element
 *     record tuple                `items`: one for each field, in the type's order
 *     variant enum option result  `variant`: which case, and what it carries
 *     flags                       `flags`: bit n is the type's flag n
 *     own borrow                  `resource`
 */
typedef enum bhd_value_type {
    BHD_I32 = 0,
    BHD_I64 = 1,
    BHD_F32 = 2,
    BHD_F64 = 3,
    BHD_BOOL = 4,
    BHD_S8 = 5,
    BHD_U8 = 6,
    BHD_S16 = 7,
    BHD_U16 = 8,
    BHD_S32 = 9,
    BHD_U32 = 10,
    BHD_S64 = 11,
    BHD_U64 = 12,
    BHD_CHAR = 13,
    BHD_STRING = 14,
    BHD_LIST = 15,
    BHD_RECORD = 16,
    BHD_TUPLE = 17,
    BHD_VARIANT = 18,
    BHD_ENUM = 19,
    BHD_OPTION = 20,
    BHD_RESULT = 21,
    BHD_FLAGS = 22,
    BHD_OWN = 23,
    BHD_BORROW = 24,
} bhd_value_type;

/** Cases of an option and of a result. */
enum { BHD_NONE = 0, BHD_SOME = 1, BHD_RESULT_OK = 0, BHD_RESULT_ERROR = 1 };

/** A handle of a resource that lives in a component or in the host; see resource.h. */
typedef struct bhd_resource bhd_resource;

typedef struct bhd_value {
    bhd_value_type type;
    /** Of a list: what its elements are. When that is bool, a number or a char, `of.list.data` is
     *  an array of the C type (bool, int8_t to uint64_t, float, double; uint32_t for a char), so
     *  that a list<u8> is one buffer. Otherwise it is `of.items`, an array of bhd_value. Does not
     *  matter for an empty list. */
    bhd_value_type element;
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        bool boolean;
        int8_t s8;
        uint8_t u8;
        int16_t s16;
        uint16_t u16;
        int32_t s32;
        uint32_t u32;
        int64_t s64;
        uint64_t u64;
        uint32_t character;
        uint64_t flags;
        struct {
            const char *data; /**< may be NULL when size is 0 */
            size_t size;      /**< bytes, without the NUL */
        } string;
        struct {
            const void *data; /**< may be NULL when count is 0 */
            size_t count;
        } list;
        struct {
            const struct bhd_value *data; /**< may be NULL when count is 0 */
            size_t count;
        } items;
        struct {
            uint32_t index;                  /**< the case, counted from 0 */
            const struct bhd_value *payload; /**< NULL when the case carries nothing */
        } variant;
        bhd_resource *resource;
    } of;
} bhd_value;

/** The description of a type. Immutable; lives as long as what gave it. Any thread. */
typedef struct bhd_type bhd_type;

BHD_BEGIN_DECLS

/* -- making values ------------------------------------------------------------------------- */

#define BHD_VALUE_MAKER(name, identifier, member, c_type)                                          \
    static inline bhd_value bhd_value_##name(c_type one)                                           \
    {                                                                                              \
        bhd_value value;                                                                           \
        value.type = identifier;                                                                   \
        value.element = identifier;                                                                \
        value.of.u64 = 0;                                                                          \
        value.of.member = one;                                                                     \
        return value;                                                                              \
    }
BHD_VALUE_MAKER(i32, BHD_I32, i32, int32_t)
BHD_VALUE_MAKER(i64, BHD_I64, i64, int64_t)
BHD_VALUE_MAKER(f32, BHD_F32, f32, float)
BHD_VALUE_MAKER(f64, BHD_F64, f64, double)
BHD_VALUE_MAKER(bool, BHD_BOOL, boolean, bool)
BHD_VALUE_MAKER(s8, BHD_S8, s8, int8_t)
BHD_VALUE_MAKER(u8, BHD_U8, u8, uint8_t)
BHD_VALUE_MAKER(s16, BHD_S16, s16, int16_t)
BHD_VALUE_MAKER(u16, BHD_U16, u16, uint16_t)
BHD_VALUE_MAKER(s32, BHD_S32, s32, int32_t)
BHD_VALUE_MAKER(u32, BHD_U32, u32, uint32_t)
BHD_VALUE_MAKER(s64, BHD_S64, s64, int64_t)
BHD_VALUE_MAKER(u64, BHD_U64, u64, uint64_t)
BHD_VALUE_MAKER(char, BHD_CHAR, character, uint32_t)
BHD_VALUE_MAKER(flags, BHD_FLAGS, flags, uint64_t)
BHD_VALUE_MAKER(own, BHD_OWN, resource, bhd_resource *)
BHD_VALUE_MAKER(borrow, BHD_BORROW, resource, bhd_resource *)
#undef BHD_VALUE_MAKER

/** Borrow what they are given: it has to live as long as the value. */
BHD_PUBLIC bhd_value bhd_value_string(const char *text);
BHD_PUBLIC bhd_value bhd_value_text(const char *data, size_t size);
/** A list<u8>. */
BHD_PUBLIC bhd_value bhd_value_bytes(const void *data, size_t size);
/** A list of `count` elements; `data` is what bhd_value.element says. */
BHD_PUBLIC bhd_value bhd_value_list(bhd_value_type element, const void *data, size_t count);
BHD_PUBLIC bhd_value bhd_value_record(const bhd_value *fields, size_t count);
BHD_PUBLIC bhd_value bhd_value_tuple(const bhd_value *items, size_t count);
/** `payload` NULL: the case carries nothing. */
BHD_PUBLIC bhd_value bhd_value_variant(uint32_t index, const bhd_value *payload);
BHD_PUBLIC bhd_value bhd_value_enum(uint32_t index);
/** `some` NULL: none. */
BHD_PUBLIC bhd_value bhd_value_option(const bhd_value *some);
/** `payload` NULL: ok or error carries nothing. */
BHD_PUBLIC bhd_value bhd_value_ok(const bhd_value *payload);
BHD_PUBLIC bhd_value bhd_value_error(const bhd_value *payload);

/* -- freeing and copying ------------------------------------------------------------------- */

/** Frees a value that the library gave, with all that it holds, and leaves a bool. NULL does
 *  nothing. A handle in it is freed; the resource itself is not dropped (resource.h). */
BHD_PUBLIC void bhd_value_fini(bhd_value *value);

/** A deep copy, for bhd_value_fini. BHD_HOST_OUT_OF_MEMORY; BHD_INVALID_ARGUMENT for a value that
 *  is none or is nested deeper than 100. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_value_copy(const bhd_value *value, bhd_value *copy,
                                                  bhd_error *error);

/* -- types --------------------------------------------------------------------------------- */

/** Which type it is. */
BHD_PUBLIC bhd_value_type bhd_type_get(const bhd_type *type);

/**
 * Parts of a type: fields of a record, items of a tuple, cases of a variant or enum, flags; 1 for a
 * list (the element) and for an option (what some carries); 2 for a result (ok, error). Otherwise
 * 0.
 */
BHD_PUBLIC size_t bhd_type_count(const bhd_type *type);

/** The type of part `index`, or NULL: a case or a result that carries nothing, a flag, and an index
 *  that is too high. */
BHD_PUBLIC const bhd_type *bhd_type_part(const bhd_type *type, size_t index);

/** The name of part `index`: "width". Empty for what has no name. Never NULL. */
BHD_PUBLIC const char *bhd_type_part_name(const bhd_type *type, size_t index);

/** Looks a part up by its name; false if there is none. */
BHD_PUBLIC bool bhd_type_find(const bhd_type *type, const char *name, size_t *index);

/** The name of a resource's type; empty for other types. Never NULL. */
BHD_PUBLIC const char *bhd_type_resource(const bhd_type *type);

/** The type as text: "list<tuple<string, record { width: u32, height: u32 }>>". Like snprintf. */
BHD_PUBLIC size_t bhd_type_to_text(const bhd_type *type, char *buffer, size_t capacity);

/**
 * Makes a type from such a text, which is WIT with records, variants, enums and flags written out
 * where they are used: "record { width: u32 }", "variant { circle(f32), none }", "enum { red,
 * green }", "flags { read, write }". At most 64 KiB, nested at most 64 deep.
 *
 * BHD_INVALID_ARGUMENT says at which character what was expected. The caller frees `*type` with
 * bhd_type_free; types that belong to a function are not the caller's to free.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_type_parse(const char *text, bhd_type **type,
                                                  bhd_error *error);
BHD_PUBLIC void bhd_type_free(bhd_type *type);

/** Holds `value` against `type`: BHD_OK, or BHD_SIGNATURE_MISMATCH with the place inside the value,
 *  the type that is expected there and what was found: "field width: expected u32, got string". */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_value_check(const bhd_value *value, const bhd_type *type,
                                                   bhd_error *error);

/* -- text ---------------------------------------------------------------------------------- */

/**
 * Reads a value of `type` from WAVE, the component model's text form:
 *
 *     true  -7  1.5  nan  '\u{1f6a2}'  "text"  [1, 2]  {width: 3, height: 4}  (1, "two")
 *     circle(2.5)  red  some(1)  none  ok("done")  err  {read, write}
 *
 * At most 1 MiB, nested at most 100 deep. BHD_SIGNATURE_MISMATCH says what is wrong and where;
 * BHD_INVALID_ARGUMENT, BHD_HOST_OUT_OF_MEMORY. Resources and the i32 and i64 of core functions
 * have no such text: BHD_NOT_SUPPORTED. The caller frees `*value` with bhd_value_fini.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_value_parse(const char *text, const bhd_type *type,
                                                   bhd_value *value, bhd_error *error);

/** Writes a value of `type` in the same form, on one line. Like snprintf; 0 and an empty text for a
 *  value that does not fit the type or has no text.
 *
 *  The names of cases, fields and flags are written out for each value, and a component chooses
 *  them: the text of what a call gave, at most 1 MiB, may be gigabytes. This takes no memory beside
 *  the buffer, but as long as the whole text is; hold the length against a bound before making a
 *  buffer of it, and the names in the type (bhd_type_part_name) before asking for the length. */
BHD_PUBLIC size_t bhd_value_format(const bhd_value *value, const bhd_type *type, char *buffer,
                                   size_t capacity);

BHD_END_DECLS

#endif
