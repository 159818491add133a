/*
 * `bulkhead cache`: what is in the cache of compiled code, whether it is whole, and away with it.
 */
#include "cache_directory.h"
#include "commands.h"
#include "exit_codes.h"
#include "shown_text.h"
#include "terminal.h"

#include "bulkhead/code_cache.h"
#include "bulkhead/limits.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct cache_options {
    const char *directory; /* NULL: the usual one */
    const char *action;
} cache_options;

enum { KEY_CACHE_DIR = 0x700 };

static const struct argp_option options[] = {
    {"cache-dir", KEY_CACHE_DIR, "DIR", 0,
     "Another cache than ${XDG_CACHE_HOME:-~/.cache}/bulkhead/code", 1},
    {0},
};

static const struct argp_child children[] = {
    {&cli_short_help_argp, 0, NULL, 0},
    {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Looks after the cache of compiled code.\v"
    "Actions:\n"
    "  list     show every entry: the SHA-256 of its binary, what it takes, when it was last used, "
    "to the hour, and whether this build made it\n"
    "  verify   read every entry as it is read before it runs, and name those that are damaged\n"
    "  clear    remove every entry\n\n"
    "Nothing that is a link is followed, and what is not named like an entry is neither shown nor "
    "touched. Exit codes: 65 when an entry is damaged, 66 when there is no such directory, when "
    "others could change what is in it, or when an entry cannot be removed.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    cache_options *cache = state->input;

    switch (key) {
    case KEY_CACHE_DIR:
        if (argument[0] == '\0')
            argp_error(state, "--cache-dir: the path is empty");
        cache->directory = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one action at a time; %s is the second", cli_show(argument).text);
        cache->action = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "an action is missing: list, verify or clear");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options, parse_option, "list|verify|clear", documentation, children, NULL, NULL,
};

/* What the entries come to, while they are shown. */
typedef struct tally {
    const char *directory;
    uint64_t entries, bytes, bad;
} tally;

static void print_entry(const bhd_code_cache_entry *entry)
{
    char used[32] = "never";
    time_t seconds = (time_t)entry->used_at;
    struct tm parts;
    if (entry->used_at > 0 && gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(used, sizeof used, "%Y-%m-%dT%H:%MZ", &parts);
    printf("%s %12" PRIu64 " bytes  %-17s  %s", entry->binary, entry->bytes, used,
           entry->is_current ? "this build" : "another build");
    if (entry->problem != NULL)
        printf(": %s", entry->problem);
    putchar('\n');
}

/* "DIR/IDENTITY/BINARY: its content is damaged" */
static void print_problem(const tally *t, const bhd_code_cache_entry *entry)
{
    printf("%s/%s%s%s: %s\n", cli_show(t->directory).text, entry->identity,
           entry->binary[0] != '\0' ? "/" : "", entry->binary, entry->problem);
}

static void add(tally *t, const bhd_code_cache_entry *entry)
{
    t->entries += entry->binary[0] != '\0';
    t->bytes += entry->bytes;
    t->bad += entry->problem != NULL;
}

static void list_one(void *env, const bhd_code_cache_entry *entry)
{
    tally *t = env;
    add(t, entry);
    if (entry->binary[0] != '\0')
        print_entry(entry);
    else
        print_problem(t, entry);
}

static void verify_one(void *env, const bhd_code_cache_entry *entry)
{
    tally *t = env;
    add(t, entry);
    if (entry->problem != NULL)
        print_problem(t, entry);
}

static void clear_one(void *env, const bhd_code_cache_entry *entry)
{
    tally *t = env;
    if (entry->problem != NULL) {
        t->bad++;
        print_problem(t, entry);
    } else {
        add(t, entry);
    }
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "y" : "ies";
}

static void print_list_total(const tally *t)
{
    char most[64];
    (void)bhd_size_to_text(BHD_CODE_CACHE_BYTES, most, sizeof most);
    printf("%" PRIu64 " entr%s, %" PRIu64 " bytes of at most %s: %s\n", t->entries,
           plural(t->entries), t->bytes, most, cli_show(t->directory).text);
}

static void print_verify_total(const tally *t)
{
    printf("%" PRIu64 " entr%s, %" PRIu64 " damaged: %s\n", t->entries, plural(t->entries), t->bad,
           cli_show(t->directory).text);
}

static void print_clear_total(const tally *t)
{
    printf("%" PRIu64 " entr%s removed, %" PRIu64 " bytes: %s\n", t->entries, plural(t->entries),
           t->bytes, cli_show(t->directory).text);
}

static const struct action {
    const char *name;
    bhd_status (*run)(const char *directory, bhd_code_cache_visit visit, void *env,
                      bhd_error *error);
    bhd_code_cache_visit visit;
    void (*print_total)(const tally *t);
    cli_exit code_of_bad;
} actions[] = {
    {"list", bhd_code_cache_list, list_one, print_list_total, CLI_EXIT_OK},
    {"verify", bhd_code_cache_verify, verify_one, print_verify_total, CLI_EXIT_COMPONENT},
    {"clear", bhd_code_cache_clear, clear_one, print_clear_total, CLI_EXIT_NO_FILE},
};

static cli_exit run_action(const struct action *action, const char *directory, bool is_usual)
{
    tally t = {.directory = directory};
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = action->run(directory, action->visit, &t, &error);
    /* Nothing was kept yet. */
    if (status == BHD_FILE_NOT_FOUND && is_usual)
        status = BHD_OK;
    cli_exit code = cli_exit_code(status);
    if (status == BHD_OK) {
        action->print_total(&t);
        code = t.bad > 0 ? action->code_of_bad : CLI_EXIT_OK;
    } else {
        cli_complain_error(&error, NULL);
    }
    bhd_error_fini(&error);
    return code;
}

int cli_cache_main(int argc, char **argv)
{
    cache_options cache = {0};
    char usual[PATH_MAX];

    if (argp_parse(&parser, argc, argv, 0, NULL, &cache) != 0)
        return CLI_EXIT_INTERNAL;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(cache.action, actions[i].name) != 0)
            continue;
        if (cache.directory != NULL)
            return (int)run_action(&actions[i], cache.directory, false);
        if (cli_cache_directory(usual, sizeof usual))
            return (int)run_action(&actions[i], usual, true);
        cli_complain("neither XDG_CACHE_HOME nor HOME says where the cache is; state --cache-dir");
        return CLI_EXIT_USAGE;
    }
    cli_complain("there is no action %s; there are list, verify and clear",
                 cli_show(cache.action).text);
    return CLI_EXIT_USAGE;
}
