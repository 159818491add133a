/*
 * Where the compiler is. It is looked for once and held by a descriptor, so that what the program
 * around the host does later (a chroot, a new installation) changes nothing.
 *
 * Never looked at: PATH, the environment, the arguments and the working directory of the process.
 * Whoever sets these for a program would choose what it executes.
 */
#ifndef BHD_COMPILE_PROGRAM_H
#define BHD_COMPILE_PROGRAM_H

#include "base/descriptor.h"
#include "bulkhead/error.h"

#define BHD__PROGRAM_TEXT_SIZE ((size_t)640)

typedef struct bhd__program {
    bhd__descriptor file; /* none: `text` says where it was looked for, and why not there */
    char text[BHD__PROGRAM_TEXT_SIZE]; /* the path, safe to show */
} bhd__program;

/*
 * `path` alone if there is one. Otherwise beside the file that has the library's code, in
 * ../libexec/bulkhead from there, and last where it is installed: a tree that was moved, or never
 * installed, is not served by another installation. What was not named has to belong to root, to
 * the effective user or to whoever has the library's file, and so has the directory that it is in;
 * nobody else may write to either, as a member of its group neither.
 *
 * BHD_HOST_OUT_OF_MEMORY; that there is none is no error.
 */
bhd_status bhd__program_find(const char *path, bhd__program *program, bhd_error *error);
void bhd__program_close(bhd__program *program);

#endif
