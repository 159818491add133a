/*
 * Filling and emptying a bhd_error.
 *
 * An error is filled while something else has just gone wrong, so nothing here fails: what cannot
 * be stored is dropped, code and message never are.
 */
#include "base/fail.h"

#include "base/account.h"
#include "base/alloc.h"
#include "base/text.h"

#include <string.h>

void bhd_error_fini(bhd_error *error)
{
    if (error == NULL)
        return;
    for (size_t i = 0; i < error->diagnostic_count; i++) {
        bhd__free(error->diagnostics[i].key);
        bhd__free(error->diagnostics[i].message);
    }
    bhd__free(error->diagnostics);
    for (size_t i = 0; i < error->frame_count; i++) {
        bhd__free(error->frames[i].function);
        bhd__free(error->frames[i].module);
        bhd__free(error->frames[i].file);
    }
    bhd__free(error->frames);
    bhd__free(error->out_of_memory);
    *error = (bhd_error)BHD_ERROR_INIT;
}

const char *bhd__errno_text(int number)
{
    const char *text = strerrordesc_np(number);
    return text != NULL ? text : "unknown error";
}

bhd_status bhd__vfail(bhd_error *error, bhd_status code, const char *format, va_list arguments)
{
    if (error == NULL)
        return code;
    /* The arguments may point into what the error holds: write first, free afterwards. */
    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    bhd__text_vprintf(&text, format, arguments);
    bhd__text_ellipsis(&text);
    bhd_error_fini(error);
    error->code = code;
    memcpy(error->message, message, text.length + 1);
    return code;
}

bhd_status bhd__fail(bhd_error *error, bhd_status code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bhd__vfail(error, code, format, arguments);
    va_end(arguments);
    return code;
}

void bhd__note_no_memory(bhd_error *error)
{
    bhd__fail(error, BHD_HOST_OUT_OF_MEMORY, "%s", bhd_status_text(BHD_HOST_OUT_OF_MEMORY));
}

void bhd__error_range(bhd_error *error, uint64_t value, uint64_t minimum, uint64_t maximum)
{
    if (error == NULL)
        return;
    error->has_range = true;
    error->value = value;
    error->range_minimum = minimum;
    error->range_maximum = maximum;
}

bhd_status bhd__check_inside(uint64_t offset, size_t size, size_t bytes, bhd_error *error)
{
    if (offset <= bytes && size <= bytes - offset)
        return BHD_OK;
    (void)bhd__fail(error, BHD_OUT_OF_BOUNDS,
                    "%zu bytes at %llu do not lie inside the memory's %zu bytes", size,
                    (unsigned long long)offset, bytes);
    bhd__error_range(error, offset, 0, bytes);
    return BHD_OUT_OF_BOUNDS;
}

/* Room for one more element behind `count`; doubles whenever `count` is a power of two, so that no
 * capacity has to be kept. NULL leaves `array` as it was. */
static void *room_for_one(void *array, size_t count, size_t element_size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    if (count > SIZE_MAX / 2)
        return NULL;
    return bhd__realloc_array(array, count == 0 ? 1 : count * 2, element_size);
}

void bhd__error_diagnostic(bhd_error *error, uint32_t line, uint32_t column, const char *key,
                           const char *message)
{
    if (error == NULL)
        return;
    bhd_diagnostic *array =
        room_for_one(error->diagnostics, error->diagnostic_count, sizeof *error->diagnostics);
    if (array == NULL)
        return;
    error->diagnostics = array;
    bhd_diagnostic added = {line, column, bhd__strdup(key), bhd__strdup(message)};
    if (added.key == NULL || added.message == NULL) {
        bhd__free(added.key);
        bhd__free(added.message);
        return;
    }
    array[error->diagnostic_count++] = added;
}

/* False only without memory. */
static bool copy_optional(const char *text, char **copy)
{
    *copy = text == NULL ? NULL : bhd__strdup(text);
    return text == NULL || *copy != NULL;
}

bool bhd__error_frame(bhd_error *error, const char *function, const char *module,
                      uint32_t function_index, size_t module_offset)
{
    if (error == NULL)
        return false;
    bhd_frame *array = room_for_one(error->frames, error->frame_count, sizeof *error->frames);
    if (array == NULL)
        return false;
    error->frames = array;
    bhd_frame added = {.function_index = function_index, .module_offset = module_offset};
    if (!copy_optional(function, &added.function) || !copy_optional(module, &added.module)) {
        bhd__free(added.function);
        bhd__free(added.module);
        return false;
    }
    array[error->frame_count++] = added;
    return true;
}

void bhd__error_frame_line(bhd_error *error, const char *file, uint32_t line)
{
    if (error == NULL || error->frame_count == 0)
        return;
    bhd_frame *last = &error->frames[error->frame_count - 1];
    bhd__free(last->file);
    last->file = bhd__strdup(file);
    last->line = last->file != NULL ? line : 0;
}

bhd_out_of_memory *bhd__error_out_of_memory(bhd_error *error)
{
    if (error == NULL)
        return NULL;
    bhd_out_of_memory *account = bhd__calloc(1, sizeof *account);
    if (account == NULL)
        return NULL;
    bhd__free(error->out_of_memory);
    error->out_of_memory = account;
    return account;
}

void bhd__error_out_of_memory_message(bhd_error *error)
{
    if (error == NULL || error->out_of_memory == NULL)
        return;
    bhd__text text;
    bhd__text_init(&text, error->message, sizeof error->message);
    bhd__account_add_headline(&text, error->out_of_memory);
    bhd__text_ellipsis(&text);
}
