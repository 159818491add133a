/*
 * The lists of [capabilities]: each entry gets a key and a place when it is wrong, and becomes part
 * of a bhd_capabilities when all are right.
 */
#include "manifest/capabilities.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "grants/copies.h"
#include "grants/rules.h"
#include "manifest/complaint.h"
#include "base/nearest.h"

#include <inttypes.h>
#include <string.h>

/* -- small parts --------------------------------------------------------------------------- */

/* The content of a string, or NULL with a complaint: it has to be a string without a NUL. */
static const char *string_of(bhd__checking *checking, uint32_t node, const char *wanted)
{
    size_t size;
    const char *text = bhd__document_text(checking->document, node, &size);
    bhd__complaint complaint;
    if (checking->document->nodes[node].kind != BHD_TOML_STRING) {
        bhd__complaint_begin(&complaint);
        bhd__text_printf(&complaint.text, "must be a string, %s", wanted);
        bhd__complaint_at_value(checking, &complaint, node);
        return NULL;
    }
    if (strlen(text) != size) {
        bhd__complain(checking, node, "has a NUL character, which nothing here may have");
        return NULL;
    }
    return text;
}

/* The first entry of an array; 0: there is none, or there are too many, which is reported. */
static uint32_t first_entry(bhd__checking *checking, uint32_t array)
{
    uint32_t first = checking->document->nodes[array].first_child;
    uint32_t count = 0;
    for (uint32_t n = first; n != 0; n = checking->document->nodes[n].next)
        count++;
    if (count <= BHD__CAPABILITY_ENTRIES_MAX)
        return first;
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_printf(&complaint.text, "has %" PRIu32 " entries; there may be %u", count,
                     BHD__CAPABILITY_ENTRIES_MAX);
    bhd__complaint_at_value(checking, &complaint, array);
    return 0;
}

static const char *own_text(const bhd__document *document, uint32_t node)
{
    size_t size;
    return bhd__document_text(document, node, &size);
}

/* -- args, env and network ------------------------------------------------------------------ */

void bhd__check_args(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    for (uint32_t n = first_entry(checking, found->node); n != 0;
         n = checking->document->nodes[n].next)
        (void)string_of(checking, n, "one argument");
}

static size_t name_length(const char *entry)
{
    return strcspn(entry, "=");
}

void bhd__check_env(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    const bhd__document *document = checking->document;
    uint32_t first = first_entry(checking, found->node);
    for (uint32_t n = first; n != 0; n = document->nodes[n].next) {
        const char *entry = string_of(checking, n, "\"NAME\" or \"NAME=value\"");
        if (entry == NULL)
            continue;
        size_t length = name_length(entry);
        if (length == 0)
            bhd__complain(checking, n, "has no name; write \"NAME\" or \"NAME=value\"");
        for (uint32_t o = first; o != n; o = document->nodes[o].next) {
            const char *other = own_text(document, o);
            if (document->nodes[o].kind == BHD_TOML_STRING && name_length(other) == length &&
                memcmp(other, entry, length) == 0) {
                bhd__complain(checking, n, "has the name of an earlier entry; keep one of them");
                break;
            }
        }
    }
}

void bhd__check_network(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    const bhd__document *document = checking->document;
    uint32_t first = first_entry(checking, found->node);
    for (uint32_t n = first; n != 0; n = document->nodes[n].next) {
        const char *entry = string_of(checking, n, "\"HOST:PORT\"");
        uint16_t port;
        if (entry != NULL && bhd_endpoint_parse(entry, &port) == 0)
            bhd__complain(
                checking, n,
                "is not HOST:PORT with a port from 1 to 65535; write for example "
                "\"example.org:443\" or \"[::1]:8080\"; there are no patterns, each host is "
                "named");
    }
}

/* -- directories --------------------------------------------------------------------------- */

enum { DIRECTORY_HOST, DIRECTORY_GUEST, DIRECTORY_ACCESS, DIRECTORY_KEYS };
static const char *const directory_keys[DIRECTORY_KEYS] = {"host", "guest", "access"};
static const char *const accesses[2] = {"ro", "rw"};

typedef struct directory_nodes {
    uint32_t of[DIRECTORY_KEYS]; /* 0: not there */
} directory_nodes;

static directory_nodes directory_nodes_of(const bhd__document *document, uint32_t table)
{
    directory_nodes nodes;
    for (unsigned k = 0; k < DIRECTORY_KEYS; k++)
        nodes.of[k] =
            bhd__document_child(document, table, directory_keys[k], strlen(directory_keys[k]));
    return nodes;
}

static void check_directory_keys(bhd__checking *checking, uint32_t table)
{
    const bhd__document *document = checking->document;
    for (uint32_t n = document->nodes[table].first_child; n != 0; n = document->nodes[n].next) {
        size_t size;
        const char *key = bhd__document_key(document, n, &size);
        bool known = false;
        for (unsigned k = 0; k < DIRECTORY_KEYS; k++)
            known = known || (strlen(directory_keys[k]) == size &&
                              memcmp(directory_keys[k], key, size) == 0);
        if (known)
            continue;
        bhd__complaint complaint;
        bhd__complaint_begin(&complaint);
        const char *nearest = bhd__nearest(key, size, directory_keys, DIRECTORY_KEYS);
        if (nearest != NULL)
            bhd__text_printf(&complaint.text, "unknown key; did you mean %s?", nearest);
        else
            bhd__text_add(&complaint.text, "unknown key; a directory has host, guest and access");
        bhd__complaint_at_value(checking, &complaint, n);
    }
}

static bool is_access(const char *text)
{
    return strcmp(text, accesses[0]) == 0 || strcmp(text, accesses[1]) == 0;
}

static void check_directory(bhd__checking *checking, uint32_t first, uint32_t table)
{
    const bhd__document *document = checking->document;
    bhd__complaint complaint;
    if (document->nodes[table].kind != BHD_TOML_TABLE) {
        bhd__complaint_begin(&complaint);
        bhd__text_add(&complaint.text, "must be a table, for example { host = \"data\", guest = "
                                       "\"/data\", access = \"ro\" }");
        bhd__complaint_at_value(checking, &complaint, table);
        return;
    }
    check_directory_keys(checking, table);
    directory_nodes nodes = directory_nodes_of(document, table);
    for (unsigned k = DIRECTORY_HOST; k <= DIRECTORY_GUEST; k++) {
        const char *text = nodes.of[k] ? string_of(checking, nodes.of[k], "a path") : NULL;
        if (nodes.of[k] == 0) {
            bhd__complaint_begin(&complaint);
            bhd__text_printf(&complaint.text,
                             "lacks %s; write { host = \"data\", guest = "
                             "\"/data\", access = \"ro\" }",
                             directory_keys[k]);
            bhd__complaint_at_value(checking, &complaint, table);
        } else if (text != NULL && *text == '\0') {
            bhd__complain(checking, nodes.of[k], "is empty; write a path");
        }
    }
    const char *access = nodes.of[DIRECTORY_ACCESS]
                             ? string_of(checking, nodes.of[DIRECTORY_ACCESS], "\"ro\" or \"rw\"")
                             : NULL;
    if (access != NULL && !is_access(access))
        bhd__complain(checking, nodes.of[DIRECTORY_ACCESS],
                      "is neither \"ro\" (read; the default) nor \"rw\" (read and write)");
    if (nodes.of[DIRECTORY_GUEST] == 0)
        return;
    for (uint32_t o = first; o != table; o = document->nodes[o].next) {
        uint32_t other = directory_nodes_of(document, o).of[DIRECTORY_GUEST];
        if (other != 0 &&
            strcmp(own_text(document, other), own_text(document, nodes.of[DIRECTORY_GUEST])) == 0) {
            bhd__complain(checking, nodes.of[DIRECTORY_GUEST],
                          "is the guest path of an earlier directory; each needs one of its own");
            return;
        }
    }
}

void bhd__check_directories(bhd__checking *checking, const bhd__row *row, bhd__found *found)
{
    (void)row;
    uint32_t first = first_entry(checking, found->node);
    for (uint32_t n = first; n != 0; n = checking->document->nodes[n].next)
        check_directory(checking, first, n);
}

/* -- what they say ------------------------------------------------------------------------- */

/* Everything that is read out of the document before it is copied. */
typedef struct reading {
    const bhd__document *document;
    const bhd__stated *stated;
    const char *path;
    const char *args[BHD__CAPABILITY_ENTRIES_MAX];
    bhd_variable env[BHD__CAPABILITY_ENTRIES_MAX];
    bhd_directory directories[BHD__CAPABILITY_ENTRIES_MAX];
    bhd_endpoint network[BHD__CAPABILITY_ENTRIES_MAX];
    char *own[3 * BHD__CAPABILITY_ENTRIES_MAX]; /* texts made here */
    size_t own_count;
    bool no_memory;
} reading;

static const char *keep(reading *r, char *text)
{
    if (text == NULL)
        r->no_memory = true;
    else
        r->own[r->own_count++] = text;
    return text != NULL ? text : "";
}

/* Of a list that is there, or 0. */
static uint32_t first_of(const reading *r, uint32_t list)
{
    return list == 0 ? 0 : r->document->nodes[list].first_child;
}

static void read_lists(reading *r, bhd_capabilities *c)
{
    const bhd__document *document = r->document;
    for (uint32_t n = first_of(r, r->stated->args); n != 0; n = document->nodes[n].next)
        r->args[c->arg_count++] = own_text(document, n);
    for (uint32_t n = first_of(r, r->stated->env); n != 0; n = document->nodes[n].next) {
        const char *entry = own_text(document, n);
        size_t length = name_length(entry);
        bhd_variable *v = &r->env[c->env_count++];
        v->name = keep(r, bhd__strndup(entry, length));
        v->value = entry[length] == '=' ? entry + length + 1 : NULL;
    }
    for (uint32_t n = first_of(r, r->stated->network); n != 0; n = document->nodes[n].next) {
        const char *entry = own_text(document, n);
        bhd_endpoint *e = &r->network[c->endpoint_count++];
        size_t length = bhd_endpoint_parse(entry, &e->port);
        e->host = keep(r, bhd__strndup(entry, length));
    }
    for (uint32_t n = first_of(r, r->stated->directories); n != 0; n = document->nodes[n].next) {
        directory_nodes nodes = directory_nodes_of(document, n);
        uint32_t access = nodes.of[DIRECTORY_ACCESS];
        bool writes = access != 0 && strcmp(own_text(document, access), accesses[1]) == 0;
        r->directories[c->directory_count++] = (bhd_directory){
            keep(r, bhd__path_beside(r->path, own_text(document, nodes.of[DIRECTORY_HOST]), "")),
            own_text(document, nodes.of[DIRECTORY_GUEST]),
            writes ? BHD_ACCESS_READ_WRITE : BHD_ACCESS_READ,
        };
    }
}

bhd_status bhd__capabilities_read(const bhd__document *document, const bhd__stated *stated,
                                  const char *path, bhd_capabilities *capabilities, void **block,
                                  bhd_error *error)
{
    bhd_capabilities c = stated->capabilities;
    reading *r = bhd__calloc(1, sizeof *r);
    if (r == NULL)
        return bhd__fail_no_memory(error);
    r->document = document;
    r->stated = stated;
    r->path = path;
    read_lists(r, &c);
    c.args = r->args;
    c.env = r->env;
    c.directories = r->directories;
    c.network = r->network;
    bhd_status status = r->no_memory ? bhd__fail_no_memory(error)
                                     : bhd__capabilities_copy(&c, capabilities, block, error);
    for (size_t i = 0; i < r->own_count; i++)
        bhd__free(r->own[i]);
    bhd__free(r);
    return status;
}
