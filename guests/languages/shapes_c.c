/*
 * The interface bulkhead:shapes/shapes in C, through wit-bindgen. What a function is given is its
 * own to free; what it returns is freed by the bindings when the host has read it.
 */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

#define IN(name) exports_bulkhead_shapes_shapes_##name

struct IN(canvas_t) {
    guest_string_t name;
    uint32_t count;
    double total;
};

static bool fail(guest_string_t *err, const char *why)
{
    guest_string_dup(err, why);
    return false;
}

static bool area_of(const IN(shape_t) *shape, double *area, guest_string_t *err)
{
    double twice = 0;
    switch (shape->tag) {
    case EXPORTS_BULKHEAD_SHAPES_SHAPES_SHAPE_CIRCLE:
        if (shape->val.circle < 0)
            return fail(err, "a negative radius");
        *area = shape->val.circle * shape->val.circle * 3;
        return true;
    case EXPORTS_BULKHEAD_SHAPES_SHAPES_SHAPE_BOX:
        *area = shape->val.box.f0 * shape->val.box.f1;
        return true;
    case EXPORTS_BULKHEAD_SHAPES_SHAPES_SHAPE_POLYGON: {
        const IN(list_point_t) *points = &shape->val.polygon;
        if (points->len < 3)
            return fail(err, "a polygon with too few corners");
        for (size_t i = 0; i < points->len; i++) {
            const IN(point_t) *a = &points->ptr[i], *b = &points->ptr[(i + 1) % points->len];
            twice += a->x * b->y - b->x * a->y;
        }
        *area = (twice < 0 ? -twice : twice) / 2;
        return true;
    }
    default:
        *area = 0;
        return true;
    }
}

bool IN(area)(IN(shape_t) *shape, double *ret, guest_string_t *err)
{
    bool ok = area_of(shape, ret, err);
    IN(shape_free)(shape);
    return ok;
}

bool IN(centre)(IN(list_point_t) *points, IN(point_t) *ret)
{
    size_t count = points->len;
    *ret = (IN(point_t)){0, 0};
    for (size_t i = 0; i < count; i++) {
        ret->x += points->ptr[i].x / (double)count;
        ret->y += points->ptr[i].y / (double)count;
    }
    IN(list_point_free)(points);
    return count > 0;
}

static void add(guest_string_t *text, const char *more, size_t size)
{
    text->ptr = realloc(text->ptr, text->len + size);
    if (!text->ptr)
        abort();
    memcpy(text->ptr + text->len, more, size);
    text->len += size;
}

void IN(describe)(IN(shape_t) *shape, IN(colour_t) colour, IN(style_t) style,
                  guest_string_t *label, guest_string_t *ret)
{
    static const char *const colours[] = {"red", "green", "blue"};
    static const char *const shapes[] = {"nothing", "circle", "box", "polygon"};
    *ret = (guest_string_t){NULL, 0};
    if (style & EXPORTS_BULKHEAD_SHAPES_SHAPES_STYLE_FILLED)
        add(ret, "filled ", 7);
    if (style & EXPORTS_BULKHEAD_SHAPES_SHAPES_STYLE_DASHED)
        add(ret, "dashed ", 7);
    if (style & EXPORTS_BULKHEAD_SHAPES_SHAPES_STYLE_SHADOW)
        add(ret, "shadow ", 7);
    add(ret, colours[colour], strlen(colours[colour]));
    add(ret, " ", 1);
    add(ret, shapes[shape->tag], strlen(shapes[shape->tag]));
    if (label) {
        add(ret, " \"", 2);
        add(ret, (const char *)label->ptr, label->len);
        add(ret, "\"", 1);
    }
    IN(shape_free)(shape);
    if (label)
        guest_string_free(label);
}

void IN(reverse)(guest_list_u8_t *bytes, guest_list_u8_t *ret)
{
    for (size_t i = 0; i < bytes->len / 2; i++) {
        uint8_t byte = bytes->ptr[i];
        bytes->ptr[i] = bytes->ptr[bytes->len - 1 - i];
        bytes->ptr[bytes->len - 1 - i] = byte;
    }
    *ret = *bytes;
}

void IN(words)(guest_string_t *text, guest_list_tuple2_string_u32_t *ret)
{
    *ret = (guest_list_tuple2_string_u32_t){NULL, 0};
    for (size_t at = 0; at < text->len;) {
        size_t begin = at;
        uint32_t letters = 0;
        for (; at < text->len && text->ptr[at] != ' '; at++)
            letters += (text->ptr[at] & 0xc0) != 0x80;
        if (at > begin) {
            ret->ptr = realloc(ret->ptr, (ret->len + 1) * sizeof *ret->ptr);
            if (!ret->ptr)
                abort();
            guest_string_dup_n(&ret->ptr[ret->len].f0, (const char *)text->ptr + begin, at - begin);
            ret->ptr[ret->len++].f1 = letters;
        }
        at += at < text->len;
    }
    guest_string_free(text);
}

bool IN(next)(uint32_t letter, bool up, uint32_t *ret)
{
    *ret = up ? letter + 1 : letter - 1;
    return *ret < 0xd800 || (*ret > 0xdfff && *ret <= 0x10ffff);
}

void IN(sum)(int8_t a, uint16_t b, int32_t c, uint64_t d, float e, guest_tuple2_s64_u8_t *ret)
{
    ret->f0 = a + (int64_t)b + c + (int64_t)d + (int64_t)e;
    ret->f1 = (uint8_t)ret->f0;
}

/* -- canvas -------------------------------------------------------------------------------- */

static IN(own_canvas_t) new_canvas(guest_string_t name, uint32_t count, double total)
{
    IN(canvas_t) *canvas = malloc(sizeof *canvas);
    if (!canvas)
        abort();
    *canvas = (IN(canvas_t)){name, count, total};
    return IN(canvas_new)(canvas);
}

IN(own_canvas_t) IN(constructor_canvas)(guest_string_t *name)
{
    return new_canvas(*name, 0, 0);
}

void IN(canvas_destructor)(IN(canvas_t) *canvas)
{
    guest_string_free(&canvas->name);
    free(canvas);
}

void IN(method_canvas_name)(IN(borrow_canvas_t) self, guest_string_t *ret)
{
    guest_string_dup_n(ret, (const char *)self->name.ptr, self->name.len);
}

bool IN(method_canvas_add)(IN(borrow_canvas_t) self, IN(shape_t) *shape, uint32_t *ret,
                           guest_string_t *err)
{
    double area, more;
    bool ok = area_of(shape, &area, err);
    IN(shape_free)(shape);
    if (!ok || !bulkhead_shapes_watcher_added(&self->name, area, &more, err))
        return false;
    self->total += area + more;
    *ret = ++self->count;
    return true;
}

double IN(method_canvas_total)(IN(borrow_canvas_t) self)
{
    return self->total;
}

IN(own_canvas_t) IN(static_canvas_merge)(IN(own_canvas_t) a, IN(own_canvas_t) b)
{
    IN(canvas_t) *x = IN(canvas_rep)(a), *y = IN(canvas_rep)(b);
    guest_string_t name = {NULL, 0};
    add(&name, (const char *)x->name.ptr, x->name.len);
    add(&name, "+", 1);
    add(&name, (const char *)y->name.ptr, y->name.len);
    IN(own_canvas_t) both = new_canvas(name, x->count + y->count, x->total + y->total);
    IN(canvas_drop_own)(a);
    IN(canvas_drop_own)(b);
    return both;
}
