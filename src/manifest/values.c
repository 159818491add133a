/*
 * One value at a time: wrong content, wrong range, and what to write; see the header.
 */
#include "manifest/values.h"

#include "base/identity.h"
#include "limits/rules.h"
#include "manifest/complaint.h"
#include "base/nearest.h"
#include "manifest/semver.h"
#include "manifest/types.h"

#include <inttypes.h>
#include <string.h>

/* Longest path of a binary, as the system has it; the terminator not counted. */
#define LONGEST_SOURCE 4095u

/* -- strings --------------------------------------------------------------------------------- */

/* The name with a hyphen for every character that it may not have. */
static bool suggest_name(const char *name, size_t size, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    for (size_t i = 0; i < size; i++) {
        char one[2] = {name[i], '\0'};
        bool continues = ((unsigned char)one[0] & 0xC0u) == 0x80u;
        bool is_allowed = one[0] == '.' || bhd__name_problem(one) == NULL;
        if (!is_allowed)
            one[0] = '-';
        /* A character has one hyphen, and a name begins with something to read. */
        if (!continues && (text.length > 0 || (one[0] != '.' && one[0] != '-')))
            bhd__text_add(&text, one);
    }
    return text.length < capacity && bhd__name_problem(buffer) == NULL;
}

void bhd__check_name(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    size_t size;
    const char *name = found->text = bhd__document_text(checking->document, found->node, &size);
    bool has_nul = strlen(name) != size;
    const char *problem =
        has_nul ? "has a character other than A-Z a-z 0-9 . _ -" : bhd__name_problem(name);
    if (problem == NULL)
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    bhd__text_add(&complaint.text, problem);
    char suggestion[BHD_NAME_SIZE];
    if (suggest_name(name, size, suggestion, sizeof suggestion))
        bhd__text_printf(&complaint.text, "; write for example %s = \"%s\"", bhd__row_name(row),
                         suggestion);
    bhd__complaint_at_value(checking, &complaint, found->node);
}

void bhd__check_version(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    size_t size;
    const char *version = found->text = bhd__document_text(checking->document, found->node, &size);
    bool is_valid = bhd__semver_is_valid(version, size);
    if (is_valid && size < BHD_VERSION_SIZE)
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    char suggestion[BHD_VERSION_SIZE];
    if (is_valid)
        bhd__text_printf(&complaint.text, "is longer than %d characters", BHD_VERSION_SIZE - 1);
    else
        bhd__text_add(&complaint.text, "is not a version by SemVer 2.0 (MAJOR.MINOR.PATCH)");
    if (!is_valid && bhd__semver_suggest(version, size, suggestion, sizeof suggestion))
        bhd__text_printf(&complaint.text, "; write %s = \"%s\"", bhd__row_name(row), suggestion);
    else
        bhd__text_printf(&complaint.text, "; write for example %s = %s", bhd__row_name(row),
                         row->example);
    bhd__complaint_at_value(checking, &complaint, found->node);
}

void bhd__check_source(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    size_t size;
    const char *source = found->text = bhd__document_text(checking->document, found->node, &size);
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    if (size == 0)
        bhd__text_add(&complaint.text, "is empty; write the path of the component's binary, or "
                                       "leave the key out for <name>.wasm beside the manifest");
    else if (strlen(source) != size)
        bhd__text_add(&complaint.text, "has a NUL character, which no path can have");
    else if (size > LONGEST_SOURCE)
        bhd__text_printf(&complaint.text, "is longer than a path may be, %u bytes", LONGEST_SOURCE);
    else
        return;
    bhd__complaint_at_value(checking, &complaint, found->node);
}

void bhd__check_choice(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    size_t size;
    const char *word = bhd__document_text(checking->document, found->node, &size);
    for (unsigned i = 0; i < BHD__CHOICES_MAX && row->choices[i] != NULL; i++)
        if (strlen(row->choices[i]) == size && memcmp(row->choices[i], word, size) == 0) {
            found->number = i;
            return;
        }
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    if (row->refusal != NULL)
        bhd__text_add(&complaint.text, row->refusal);
    else
        bhd__text_printf(&complaint.text, "is not %s", row->allowed);
    const char *nearest = bhd__nearest(word, size, row->choices, BHD__CHOICES_MAX);
    if (nearest != NULL)
        bhd__text_printf(&complaint.text, "; did you mean \"%s\"?", nearest);
    bhd__complaint_at_value(checking, &complaint, found->node);
}

void bhd__check_boolean(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    found->number = checking->document->nodes[found->node].boolean;
}

/* -- numbers --------------------------------------------------------------------------------- */

/* A rule has refused; its words become the message. */
static void report_refusal(bhd__checking *checking, uint32_t node, bhd_error *refusal,
                           const char *advice)
{
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_add(&complaint.text, refusal->message);
    bhd__text_add(&complaint.text, advice);
    bhd__complaint_at_value(checking, &complaint, node);
    if (refusal->has_range)
        bhd__report_range(checking->report, checking->document->nodes[node].value_offset,
                          refusal->value, refusal->range_minimum, refusal->range_maximum);
    bhd_error_fini(refusal);
}

static bool is_default_policy(const bhd_policy *policy)
{
    return policy->min_memory_bytes == BHD_MIN_MEMORY_BYTES &&
           policy->max_memory_bytes == BHD_MAX_MEMORY_BYTES;
}

static const char *policy_advice(const bhd_policy *policy)
{
    return is_default_policy(policy)
               ? "; this is the default range, and whoever runs the host may widen it"
               : "; whoever runs the host has set this range";
}

/* An integer that no uint64_t holds, or a negative one. */
static void report_unreachable(bhd__checking *checking, const bhd__row *row, uint32_t node)
{
    const bhd__node *about = &checking->document->nodes[node];
    size_t size;
    const char *digits = bhd__document_text(checking->document, node, &size);
    bool is_below = about->out_of_range ? size > 0 && digits[0] == '-' : about->integer < 0;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text *text = &complaint.text;
    if (row->type == BHD__TYPE_SIZE) {
        bhd__text_printf(text, "bytes is %s the allowed range of ", is_below ? "below" : "above");
        bhd__add_policy_range(text, checking->policy);
        bhd__text_add(text, is_below ? "; \"no limit\" cannot be expressed (ADR-WASM-002)"
                                     : policy_advice(checking->policy));
    } else {
        bhd__text_printf(text, "is %s the allowed range of %" PRIu64 " to %" PRIu64,
                         is_below ? "below" : "above", row->minimum, row->maximum);
    }
    bhd__complaint_at_value(checking, &complaint, node);
}

/* True with the number when it is one that a limit could have; otherwise it is reported. */
static bool read_amount(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    bhd_error refusal = BHD_ERROR_INIT;
    const bhd__node *about = &checking->document->nodes[found->node];
    size_t size;
    const char *text = bhd__document_text(checking->document, found->node, &size);
    if (about->kind == BHD_TOML_STRING) {
        if (bhd_size_parse(text, size, &found->number, &refusal) == BHD_OK)
            return true;
        report_refusal(checking, found->node, &refusal, "");
        return false;
    }
    if (about->out_of_range || about->integer < 0) {
        report_unreachable(checking, row, found->node);
        return false;
    }
    found->number = (uint64_t)about->integer;
    return true;
}

void bhd__check_amount(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    if (!read_amount(checking, row, found) ||
        (found->number >= row->minimum && found->number <= row->maximum))
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    bhd__text_printf(&complaint.text, "is outside the allowed range of %" PRIu64 " to %" PRIu64,
                     row->minimum, row->maximum);
    bhd__complaint_at_value(checking, &complaint, found->node);
}

void bhd__check_max_bytes(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    bhd_error refusal = BHD_ERROR_INIT;
    if (read_amount(checking, row, found) &&
        bhd__limit_check_memory(NULL, found->number, checking->policy, &refusal) != BHD_OK)
        report_refusal(checking, found->node, &refusal, policy_advice(checking->policy));
}

void bhd__check_table_elements(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    bhd_error refusal = BHD_ERROR_INIT;
    if (read_amount(checking, row, found) &&
        bhd__limit_check_table(NULL, found->number, &refusal) != BHD_OK)
        report_refusal(checking, found->node, &refusal, "");
}

void bhd__check_fuel(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    bhd_error refusal = BHD_ERROR_INIT;
    if (read_amount(checking, row, found) &&
        bhd__limit_check_fuel(NULL, found->number, &refusal) != BHD_OK) {
        refusal.range_maximum = row->maximum;
        report_refusal(checking, found->node, &refusal, "");
    }
}

void bhd__check_timeout(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    const bhd__node *about = &checking->document->nodes[found->node];
    /* An integer that does not fit has no number. */
    found->real =
        about->kind == BHD_TOML_INTEGER && about->out_of_range ? (double)UINT64_MAX : about->number;
    if (bhd__limit_check_timeout(NULL, found->real, NULL) == BHD_OK)
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, found->node, &complaint);
    bhd__text_printf(&complaint.text, "is not %s; write for example %s = %s", row->allowed,
                     bhd__row_name(row), row->example);
    bhd__complaint_at_value(checking, &complaint, found->node);
}
