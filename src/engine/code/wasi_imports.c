/*
 * What a guest may import. The tables are the whole of it: an import that is not in them is
 * provided by nobody. What a function then does depends on what was granted (engine/run/permit.c).
 */
#include "engine/code/wasi_imports.h"

#include "engine/code/recognise.h"

#include <string.h>

/* clang-format off */
static const char *const preview1[] = {
    "args_get", "args_sizes_get", "clock_res_get", "clock_time_get", "environ_get",
    "environ_sizes_get", "fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get",
    "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size",
    "fd_filestat_set_times", "fd_pread", "fd_prestat_dir_name", "fd_prestat_get", "fd_pwrite",
    "fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write",
    "path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link",
    "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink",
    "path_unlink_file", "poll_oneoff", "proc_exit", "sched_yield", "proc_raise", "random_get",
    "sock_accept", "sock_recv", "sock_send", "sock_shutdown",
};
/* clang-format on */

/* Prefixes of interface names; the first that fits counts. */
static const struct {
    const char *name;
    const char *capability; /* what it would need that nothing can grant; NULL: nothing */
} interfaces[] = {
    {"wasi:cli/", NULL},        {"wasi:clocks/", NULL}, {"wasi:io/", NULL},
    {"wasi:filesystem/", NULL}, {"wasi:random/", NULL}, {"wasi:sockets/", NULL},
    {"wasi:http/", "HTTP"},
};

static bool equals(const char *text, const char *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

bhd__grant bhd__wasi_grant(const char *module, size_t module_size, const char *name,
                           size_t name_size, const char **capability)
{
    if (module) {
        if (!equals("wasi_snapshot_preview1", module, module_size))
            return BHD__GRANT_UNKNOWN;
        for (size_t i = 0; i < sizeof preview1 / sizeof *preview1; i++)
            if (equals(preview1[i], name, name_size))
                return BHD__GRANT_YES;
        return BHD__GRANT_UNKNOWN;
    }
    if (bhd__is_other_wasi(name, name_size))
        return BHD__GRANT_UNKNOWN;
    for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        size_t size = strlen(interfaces[i].name);
        if (name_size <= size || memcmp(interfaces[i].name, name, size) != 0)
            continue;
        *capability = interfaces[i].capability;
        return interfaces[i].capability ? BHD__GRANT_DENIED : BHD__GRANT_YES;
    }
    return BHD__GRANT_UNKNOWN;
}
