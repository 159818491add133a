#include "support/played.h"

#include "support/process_facts.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

const char played_path[] = BHD_PLAYED_COMPILER;

bhd__compiler_options played_options(void)
{
    return (bhd__compiler_options){
        .path = played_path,
        .build = "played 1",
        .max_seconds = 60,
        .max_bytes = MIB(64),
        .max_output_bytes = MIB(1),
        .max_at_once = 8,
    };
}

bhd__compiler *played_compiler_new(const bhd__compiler_options *options)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiler *compiler = NULL;
    expect_ok(bhd__compiler_new(options, &compiler, &error), &error);
    return compiler;
}

bhd_status played_compile(bhd__compiler *compiler, const char *script, bhd__compiled *compiled,
                          bhd_error *error)
{
    const bhd__compile_request request = {.binary = script, .size = strlen(script)};
    return bhd__compile_apart(compiler, &request, compiled, error);
}

void played_release(bhd__compiled *compiled)
{
    (void)close(compiled->output);
    bhd__turn_end(&compiled->turn);
}

played_traces played_look(void)
{
    return (played_traces){process_descriptors(), process_mappings(), bhd__alloc_live()};
}

void played_expect_no_traces(const played_traces *before)
{
    played_traces now = played_look();
    assert_int_equal(before->descriptors, now.descriptors);
    assert_int_equal(before->allocations, now.allocations);
    /* The C library's own heap may have grown by one. */
    if (!BHD_TESTS_SANITIZED)
        assert_true(now.mappings <= before->mappings + 1);
    assert_int_equal(-1, waitpid(-1, NULL, WNOHANG | __WALL));
    assert_int_equal(ECHILD, errno);
}

typedef struct known_process {
    pid_t parent;
    char name[16], state;
} known_process;

static bool look_at(pid_t process, known_process *known)
{
    char path[64], line[512];
    int parent = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool is_read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    const char *open = strchr(line, '('), *close = strrchr(line, ')');
    if (!is_read || open == NULL || close == NULL ||
        sscanf(close, ") %c %d", &known->state, &parent) != 2)
        return false;
    (void)snprintf(known->name, sizeof known->name, "%.*s", (int)(close - open - 1), open + 1);
    known->parent = parent;
    return true;
}

bool played_find(pid_t host, pid_t *warden, pid_t *process)
{
    bool is_found = false;
    DIR *all = opendir("/proc");
    for (const struct dirent *e = all ? readdir(all) : NULL; e && !is_found; e = readdir(all)) {
        known_process own, above;
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        /* Before exec it is the host's; then the file's or, before Linux 6.14, its number. */
        is_found = pid > 0 && look_at(pid, &own) && own.state != 'Z' && own.parent > 0 &&
                   (strcmp(own.name, "3") == 0 || strcmp(own.name, "played-compiler") == 0) &&
                   look_at(own.parent, &above) && above.parent == host;
        if (is_found) {
            *process = pid;
            *warden = own.parent;
        }
    }
    if (all)
        (void)closedir(all);
    return is_found;
}

void played_await(pid_t host, pid_t *warden, pid_t *process)
{
    while (!played_find(host, warden, process))
        (void)usleep(1000);
}

void played_await_stop(pid_t process)
{
    known_process known;
    while (!look_at(process, &known) || known.state != 'T')
        (void)usleep(1000);
}

void played_await_end(pid_t process)
{
    known_process known;
    while (look_at(process, &known) && known.state != 'Z')
        (void)usleep(1000);
}
