/*
 * A whole error as text for a person: bhd_error_to_text.
 *
 * Three shapes. With diagnostics: one line for each, as compilers write them, so that editors find
 * the place. Out of memory: the account. Everything else: the message. The guest's stack, if there
 * is one, follows. All texts in an error are safe to show already, see error.h; the
 * name of the source is the caller's and is not.
 */
#include "bulkhead/error.h"

#include "base/account.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* Of a path that the caller names. */
#define SOURCE_SHOWN_BYTES 1024

static void add_diagnostic(bhd__text *text, const bhd_diagnostic *diagnostic, const char *source)
{
    if (source != NULL) {
        bhd__text_add_escaped(text, source, strlen(source), SOURCE_SHOWN_BYTES);
        bhd__text_add(text, ":");
    }
    if (diagnostic->line != 0)
        bhd__text_printf(text, "%" PRIu32 ":%" PRIu32 ":", diagnostic->line, diagnostic->column);
    if (source != NULL || diagnostic->line != 0)
        bhd__text_add(text, " ");
    if (diagnostic->key[0] != '\0')
        bhd__text_printf(text, "%s: ", diagnostic->key);
    bhd__text_printf(text, "%s\n", diagnostic->message);
}

static void add_frame(bhd__text *text, size_t number, const bhd_frame *frame)
{
    char line[BHD_MESSAGE_SIZE];
    bhd__text entry;
    bhd__text_init(&entry, line, sizeof line);
    bhd__text_printf(&entry, "#%zu ", number);
    if (frame->function != NULL)
        bhd__text_add(&entry, frame->function);
    else
        bhd__text_printf(&entry, "function %" PRIu32, frame->function_index);
    if (frame->function == NULL && frame->module_offset != SIZE_MAX)
        bhd__text_printf(&entry, " at 0x%zx", frame->module_offset);
    if (frame->module != NULL)
        bhd__text_printf(&entry, " (%s)", frame->module);
    if (frame->file != NULL)
        bhd__text_printf(&entry, " at %s:%" PRIu32, frame->file, frame->line);
    bhd__text_ellipsis(&entry);
    bhd__account_add_entry(text, number == 0 ? "in" : "", line);
}

size_t bhd_error_to_text(const bhd_error *error, const char *source, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    if (error == NULL)
        return 0;
    const bhd_out_of_memory *account = error->out_of_memory;

    if (account != NULL) {
        bhd__account_add_headline(&text, account);
        bhd__text_add(&text, "\n");
        bhd__account_add_numbers(&text, account);
        if (account->cause[0] != '\0')
            bhd__account_add_entry(&text, "cause", account->cause);
    } else if (error->diagnostic_count == 0) {
        bool has_message = error->message[0] != '\0';
        bhd__text_printf(&text, "%s\n",
                         has_message ? error->message : bhd_status_text(error->code));
    }
    for (size_t i = 0; i < error->diagnostic_count; i++)
        add_diagnostic(&text, &error->diagnostics[i], source);
    for (size_t i = 0; i < error->frame_count; i++)
        add_frame(&text, i, &error->frames[i]);
    if (account != NULL && account->hint[0] != '\0')
        bhd__account_add_entry(&text, "hint", account->hint);
    return text.length;
}
