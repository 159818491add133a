/*
 * Whether the library was entered from beneath itself: from a function of the host, a callback, a
 * worker. Others may wait for such a thread to return, so that it must wait for nobody.
 */
#ifndef BHD_ENGINE_RUN_REENTRY_H
#define BHD_ENGINE_RUN_REENTRY_H

#include <stdbool.h>

/* Calls that this thread makes itself, one beneath the other. A shared library may not have the
 * model by default, and each call would pay for a function that finds the variable. */
extern _Thread_local unsigned bhd__calls_here __attribute__((tls_model("initial-exec")));

/* The library has called the program on this thread, and what it called comes from a worker or from
 * beneath a guest. */
bool bhd__engine_is_inside(void);
/* It comes from beneath a guest. */
bool bhd__engine_is_beneath_guest(void);
/* The thread is a worker, of whichever engine. */
bool bhd__engine_is_worker(void);

#endif
