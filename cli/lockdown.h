/*
 * The second line of defence: what is left to do for code that has broken out of a guest. The
 * process gives up for good what it does not need to run one, first files and networks, then all
 * system calls but those that the engine and the granted capabilities need.
 *
 * The order matters. Landlock binds the calling thread and the threads it starts later, so
 * cli_lockdown_restrict_files comes when there is no other: the component has been loaded, which
 * leaves no thread behind, and no guest has run. cli_lockdown_restrict_calls binds every thread and
 * comes right behind it.
 *
 * One process, one thread at a time. On a kernel that lacks a part, the rest is still done;
 * cli_lockdown_missing says what is not.
 */
#ifndef BHD_CLI_LOCKDOWN_H
#define BHD_CLI_LOCKDOWN_H

#include "bulkhead/capabilities.h"

typedef struct cli_lockdown {
    bool no_new_privileges; /* no set-user-id programs, no capabilities of files */
    bool no_core_dump;      /* a crash does not write guests' memory to a file */
    int landlock;           /* version of the kernel's Landlock that is active, 0: none */
    unsigned threads; /* that there were then; it binds one, and those that come; 0: unknown */
    bool seccomp;     /* all other system calls end the process */
} cli_lockdown;

/* Closes every descriptor but 0, 1 and 2: whoever started the command may have left anything open,
 * a file, a socket, a terminal. Before the host, which has descriptors of its own. */
void cli_lockdown_close_inherited(void);
/* No new privileges, no core dumps, no files but those below /proc/self and the directories that
 * `asked` names, no TCP but to its ports. */
void cli_lockdown_restrict_files(cli_lockdown *state, const bhd_capabilities *asked);
/* Only the system calls that running a guest with these capabilities needs. What opens files
 * answers "permission denied", everything else ends the process. */
void cli_lockdown_restrict_calls(cli_lockdown *state, const bhd_capabilities *given);

/* Names the parts that are not active although they were tried, and those that this kernel has not
 * to the extent that these capabilities need. False: there are none. */
bool cli_lockdown_missing(const cli_lockdown *state, const bhd_capabilities *given, char *text,
                          size_t size);
/* False under a sanitizer, which does without seccomp: nobody has to be told. */
bool cli_lockdown_is_whole_here(void);

#endif
