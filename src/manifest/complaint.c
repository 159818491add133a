/*
 * Messages about nodes; see the header.
 */
#include "manifest/complaint.h"

#include <inttypes.h>

#define EXAMPLE_BYTES UINT64_C(1048576)

void bhd__complaint_begin(bhd__complaint *complaint)
{
    bhd__text_init(&complaint->text, complaint->buffer, sizeof complaint->buffer);
}

void bhd__complaint_begin_value(const bhd__checking *checking, uint32_t node,
                                bhd__complaint *complaint)
{
    bhd__complaint_begin(complaint);
    bhd__document_add_value(checking->document, node, &complaint->text);
    bhd__text_add(&complaint->text, " ");
}

static void add(bhd__checking *checking, bhd__complaint *complaint, uint32_t node, uint32_t offset)
{
    char path[512];
    bhd__text shown;
    bhd__text_init(&shown, path, sizeof path);
    bhd__document_add_path(checking->document, node, &shown);
    bhd__text_ellipsis(&shown);
    bhd__text_ellipsis(&complaint->text);
    bhd__report_add(checking->report, offset, path, complaint->buffer, NULL);
}

void bhd__complaint_at_value(bhd__checking *checking, bhd__complaint *complaint, uint32_t node)
{
    add(checking, complaint, node, checking->document->nodes[node].value_offset);
}

void bhd__complaint_at_key(bhd__checking *checking, bhd__complaint *complaint, uint32_t node)
{
    add(checking, complaint, node, checking->document->nodes[node].key_offset);
}

void bhd__complain(bhd__checking *checking, uint32_t node, const char *problem)
{
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text_add(&complaint.text, problem);
    bhd__complaint_at_value(checking, &complaint, node);
}

void bhd__add_number(bhd__text *text, const bhd__schema *schema, uint64_t number)
{
    char digits[32];
    bhd__text written;
    bhd__text_init(&written, digits, sizeof digits);
    bhd__text_printf(&written, "%" PRIu64, number);
    for (size_t i = 0; i < written.length; i++) {
        bool is_thousand = i > 0 && (written.length - i) % 3 == 0;
        if (is_thousand && !schema->is_json)
            bhd__text_add(text, "_");
        bhd__text_add_bytes(text, &digits[i], 1);
    }
}

uint64_t bhd__example_bytes(const bhd_policy *policy)
{
    if (EXAMPLE_BYTES < policy->min_memory_bytes)
        return policy->min_memory_bytes;
    return EXAMPLE_BYTES > policy->max_memory_bytes ? policy->max_memory_bytes : EXAMPLE_BYTES;
}
