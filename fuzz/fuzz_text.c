/*
 * Property: whatever text a guest has in it, and wherever (names of functions on a stack of any
 * depth, of modules, imports and exports, a source in text form, line programs), what comes of it
 * takes bounded time and memory and gives texts that are safe to show.
 *
 * Time is the thread's own on a processor, so that a busy machine makes nothing longer. Memory is
 * the sum of everything that is asked for between two points: the linker puts the functions below
 * between everybody and the allocator.
 */
#include "fuzz_input.h"

#include "base/unicode.h"
#include "bulkhead/bulkhead.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define MOST_NAME 100000
#define MOST_FRAMES 32
#define LIMIT_BYTES ((uint64_t)1 << 20)
/* Compiling and linking takes milliseconds, an end less than one; sanitizers take their share. */
#define LOAD_SECONDS 4.0
#define END_SECONDS 1.0
/* All names on a stack, once for the engine's frames; and what a report is made of. */
#define END_BYTES ((uint64_t)MOST_FRAMES * MOST_NAME * 2 + ((uint64_t)1 << 20))
#define LOAD_BYTES ((uint64_t)64 << 20)

/* -- counting ------------------------------------------------------------------------------ */

/* Bytes asked for so far, by any thread; relaxed, as nothing else depends on it. */
static _Atomic uint64_t asked;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);

static void count(size_t size)
{
    atomic_fetch_add_explicit(&asked, size, memory_order_relaxed);
}

void *__wrap_malloc(size_t size)
{
    count(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    count(number * size);
    return __real_calloc(number, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    count(size);
    return __real_realloc(block, size);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    count(size);
    return __real_posix_memalign(block, alignment, size);
}

typedef struct cost {
    double seconds;
    uint64_t bytes;
} cost;

static cost cost_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (cost){(double)now.tv_sec + (double)now.tv_nsec / 1e9,
                  atomic_load_explicit(&asked, memory_order_relaxed)};
}

static void require_cheap(cost before, double seconds, uint64_t bytes)
{
    cost now = cost_now();
    FUZZ_REQUIRE(now.seconds - before.seconds < seconds);
    FUZZ_REQUIRE(now.bytes - before.bytes < bytes);
}

/* -- texts --------------------------------------------------------------------------------- */

static void require_safe(const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(text + at, length - at, &character);
        FUZZ_REQUIRE(size != 0 && (character == '\n' || bhd__unicode_is_visible(character)));
        at += size;
    }
}

/* Consumes the error. */
static void require_account(bhd_status status, bhd_error *error)
{
    static char text[1 << 16];
    if (status != BHD_OK) {
        FUZZ_REQUIRE(error->code == status && error->message[0] != '\0');
        FUZZ_REQUIRE(error->frame_count <= MOST_FRAMES);
        FUZZ_REQUIRE(bhd_error_to_text(error, NULL, text, sizeof text) < sizeof text);
        require_safe(text);
    }
    bhd_error_fini(error);
}

/* -- binaries ------------------------------------------------------------------------------ */

typedef struct binary {
    uint8_t *bytes;
    size_t size, capacity;
} binary;

static void put(binary *b, const void *bytes, size_t size)
{
    if (b->capacity - b->size < size) {
        b->capacity = (b->size + size) * 2;
        b->bytes = realloc(b->bytes, b->capacity);
        FUZZ_REQUIRE(b->bytes != NULL);
    }
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put_byte(binary *b, uint8_t byte)
{
    put(b, &byte, 1);
}

static void put_number(binary *b, size_t number)
{
    for (; number >= 0x80; number >>= 7)
        put_byte(b, (uint8_t)(number | 0x80));
    put_byte(b, (uint8_t)number);
}

static void put_name(binary *b, const void *text, size_t size)
{
    put_number(b, size);
    put(b, text, size);
}

/* Empties `content`. */
static void put_section(binary *b, uint8_t id, binary *content)
{
    put_byte(b, id);
    put_name(b, content->bytes, content->size);
    content->size = 0;
}

typedef struct guest_text {
    const char *bytes;
    size_t size;
} guest_text;

typedef enum place {
    PLACE_FUNCTION,
    PLACE_MODULE,
    PLACE_EXPORT,
    PLACE_IMPORT_MODULE,
    PLACE_IMPORT_FIELD,
    PLACE_SOURCE,
    PLACE_LINES,
    PLACES
} place;

/* Function 0 (or 1, behind the import) calls itself as often as its parameter says and traps. */
static void put_module(binary *b, place where, guest_text text)
{
    static const uint8_t head[] = "\0asm\1\0\0";
    static const uint8_t types[] = {1, 0x60, 1, 0x7f, 0};
    static const uint8_t body_begin[] = {0,    0x20, 0, 0x45, 0x04, 0x40, 0x00,
                                         0x0b, 0x20, 0, 0x41, 1,    0x6b, 0x10};
    static const uint8_t body_end[] = {0x3f, 0, 0x1a, 0x0b};
    static const uint8_t memory[] = {1, 0, 1};
    bool imports = where == PLACE_IMPORT_MODULE || where == PLACE_IMPORT_FIELD;
    binary content = {0}, inner = {0};
    put(b, head, sizeof head);
    put(&content, types, sizeof types);
    put_section(b, 1, &content);
    if (imports) {
        bool is_field = where == PLACE_IMPORT_FIELD;
        put_number(&content, 1);
        put_name(&content, is_field ? "env" : text.bytes, is_field ? 3 : text.size);
        put_name(&content, is_field ? text.bytes : "f", is_field ? text.size : 1);
        put(&content, "\0\0", 2);
        put_section(b, 2, &content);
    }
    put(&content, "\1\0", 2);
    put_section(b, 3, &content);
    put(&content, memory, sizeof memory);
    put_section(b, 5, &content);
    put_number(&content, 1);
    bool is_export = where == PLACE_EXPORT;
    put_name(&content, is_export ? text.bytes : "f", is_export ? text.size : 1);
    put_byte(&content, 0);
    put_number(&content, imports);
    put_section(b, 7, &content);
    put(&inner, body_begin, sizeof body_begin);
    put_number(&inner, imports);
    put(&inner, body_end, sizeof body_end);
    put_number(&content, 1);
    put_name(&content, inner.bytes, inner.size);
    put_section(b, 10, &content);
    inner.size = 0;
    if (where == PLACE_FUNCTION) {
        put(&inner, "\1\0", 2);
        put_name(&inner, text.bytes, text.size);
    } else {
        put_name(&inner, text.bytes, text.size);
    }
    if (where == PLACE_FUNCTION || where == PLACE_MODULE) {
        put_name(&content, "name", 4);
        put_byte(&content, where == PLACE_FUNCTION);
        put_name(&content, inner.bytes, inner.size);
        put_section(b, 0, &content);
    }
    if (where == PLACE_LINES) {
        put_name(&content, ".debug_line", 11);
        put(&content, text.bytes, text.size);
        put_section(b, 0, &content);
    }
    free(content.bytes);
    free(inner.bytes);
}

/* -- lives --------------------------------------------------------------------------------- */

static bhd_host *host;

static bhd_host *the_host(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.compile = BHD_COMPILE_HERE;
    if (host == NULL)
        FUZZ_REQUIRE(bhd_host_new(&options, &host, NULL) == BHD_OK);
    return host;
}

static void call(bhd_sandbox *sandbox, const char *name, int depth)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    bhd_value argument = bhd_value_i32(depth);
    cost before = cost_now();
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, function, &argument, 1, NULL, 0, &error);
    FUZZ_REQUIRE(status != BHD_OK);
    require_account(status, &error);
    require_cheap(before, END_SECONDS, END_BYTES);
}

static void live(bhd_component *component, const char *name, int depth)
{
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status == BHD_OK) {
        call(sandbox, name, depth);
        call(sandbox, name, depth); /* has ended, or there is none of that name */
    }
    require_account(status, &error);
    bhd_sandbox_free(sandbox);
}

static void load(const void *bytes, size_t size, const char *name, int depth)
{
    bhd_component *component = NULL;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component_options options = {
        .size = sizeof options,
        .name = "guest",
        .limits = {.max_memory_bytes = LIMIT_BYTES, .timeout_seconds = 60}};
    cost before = cost_now();
    bhd_status status = bhd_inspect(the_host(), bytes, size, &inspection, &error);
    require_account(status, &error);
    for (size_t i = 0; i < inspection.export_count; i++)
        require_safe(inspection.exports[i].name);
    for (size_t i = 0; i < inspection.import_count; i++) {
        require_safe(inspection.imports[i].module);
        require_safe(inspection.imports[i].name);
    }
    bhd_inspection_fini(&inspection);
    status = bhd_component_new(host, &options, bytes, size, &component, &error);
    require_account(status, &error);
    require_cheap(before, LOAD_SECONDS, LOAD_BYTES);
    if (status == BHD_OK)
        live(component, name, depth);
    bhd_component_free(component);
}

/* The text as often as fits; as it is, most of the time. */
static guest_text repeated(const uint8_t *text, size_t size, uint8_t how_often)
{
    size_t times = how_often < 192 ? 1 : (size_t)1 << (how_often - 192) / 4;
    if (size > MOST_NAME)
        size = MOST_NAME;
    if (size > 0 && times > MOST_NAME / size)
        times = MOST_NAME / size;
    char *all = malloc(size * times + 1);
    FUZZ_REQUIRE(all != NULL);
    for (size_t i = 0; size > 0 && i < times; i++)
        memcpy(all + i * size, text, size);
    all[size * times] = '\0';
    return (guest_text){all, size * times};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    place where = (place)fuzz_choice(&input, PLACES - 1);
    int depth = fuzz_byte(&input) % 64;
    uint8_t how_often = fuzz_byte(&input);
    guest_text text = repeated(input.at, (size_t)(input.end - input.at), how_often);
    the_host();
    if (where == PLACE_SOURCE) {
        load(text.bytes, text.size, "f", depth);
    } else {
        binary b = {0};
        put_module(&b, where, text);
        load(b.bytes, b.size, where == PLACE_EXPORT ? text.bytes : "f", depth);
        free(b.bytes);
    }
    free((char *)(uintptr_t)text.bytes);
    return 0;
}
