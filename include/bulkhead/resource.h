/**
 * \file bulkhead/resource.h
 *
 * Resources that a program holds: what a component gives by handle, and what the program gives to
 * a component by handle.
 *
 * A function of a component may give own<counter> instead of a value: a counter stays in the guest,
 * and the caller gets a handle, a bhd_value of type BHD_OWN. To other functions it is lent, as
 * BHD_BORROW, or given away, as BHD_OWN. In an interface, the functions of a resource are called
 * "[constructor]counter", "[method]counter.bump" and "[static]counter.sum".
 *
 *     bhd_value counter, count;
 *     bhd_sandbox_call(sandbox, make, NULL, 0, &counter, 1, &error);
 *     bhd_value self = bhd_value_borrow(counter.of.resource);
 *     bhd_sandbox_call(sandbox, bump, &self, 1, &count, 1, &error);
 *     bhd_sandbox_drop(sandbox, &counter, &error);
 *     bhd_value_fini(&counter);
 *
 * **Handle and resource are two things.** bhd_value_fini frees the handle, as it frees every value:
 * on any thread, at any time, also during a call (of what that call was not given) and after the
 * sandbox is gone. It runs no code of the guest. The resource ends in one of three ways:
 *
 * - bhd_sandbox_drop: its destructor runs;
 * - it is given to a function as own<...>, and is the guest's from then on;
 * - its sandbox is freed. Destructors in the guest do not run then: its memory goes as a whole.
 *   Destructors of the host do.
 *
 * A resource whose handles were all freed, and which was neither dropped nor given away, stays in
 * the sandbox and is counted until the third.
 *
 * **Whose it is.** A handle belongs to the sandbox that it came from. Copies (bhd_value_copy) are
 * the same handle: what ends the one ends all. A resource that a call was given is the guest's from
 * the moment at which the guest begins to run, whatever the call comes to; when nothing ran, it is
 * still yours. What comes back, comes back as a new handle; older ones stay what they are.
 *
 * **What is checked before anything runs:** that each handle is of this sandbox and of the type
 * that the function wants, that it is neither given away nor dropped, and that nothing is given
 * away that the same call also gives or lends elsewhere. Otherwise BHD_SIGNATURE_MISMATCH, with the
 * place:
 *
 *     parameter self: expected borrow<counter>, got a resource that was given away or dropped
 *
 * **How many.** The handles that a program holds of a guest's resources and those that the guest
 * itself holds are at most BHD_RESOURCES_MAX in one sandbox, together; a call that makes one more
 * ends the guest (BHD_TRAP). So are the host's own resources (BHD_NO_CAPACITY).
 *
 * Functions of the host (imports.h) get and give handles of the host's resources in the same way.
 */
#ifndef BULKHEAD_RESOURCE_H
#define BULKHEAD_RESOURCE_H

#include "imports.h"
#include "sandbox.h"

BHD_BEGIN_DECLS

/**
 * Ends every resource that `value` owns, wherever in it; handles that were given away or dropped,
 * and those that are only borrowed, are passed over. Destructors of the guest run first, one after
 * the other, as one call with one deadline; then those of the host. The value stays yours, to be
 * freed with bhd_value_fini.
 *
 * BHD_INVALID_ARGUMENT: a resource of another sandbox. BHD_BUSY: a call is under way. Nothing ran.
 * Otherwise as bhd_sandbox_call: a destructor may trap or run out of time, and then the guest has
 * ended. For one that others are to wait for there is bhd_sandbox_submit_drop (call.h).
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_drop(bhd_sandbox *sandbox, const bhd_value *value,
                                                    bhd_error *error);

/**
 * Makes a resource of the host around `data`, to be given or lent to this sandbox's functions.
 * `interface` (NULL: none) and `name` are those of a bhd_host_resource in the imports of its
 * component or host; its destructor ends `data`, once, in one of the three ways above or when the
 * guest drops it. The caller frees `*handle` with bhd_value_fini.
 *
 * BHD_INVALID_ARGUMENT: there is no such resource type. BHD_BUSY: a call is under way (functions of
 * the host have bhd_invocation_resource). BHD_NO_CAPACITY: the sandbox has BHD_RESOURCES_MAX.
 * BHD_SANDBOX_DEAD, BHD_HOST_OUT_OF_MEMORY. After an error `data` is the caller's.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_resource(bhd_sandbox *sandbox, const char *interface,
                                                        const char *name, void *data,
                                                        bhd_value *handle, bhd_error *error);

/** The data of a resource of the host that `handle` holds: one made here, or one that a function
 *  gave back. NULL for every other value, for a handle that was given away or dropped, and while a
 *  call is under way. */
BHD_PUBLIC void *bhd_sandbox_data(bhd_sandbox *sandbox, const bhd_value *handle);

BHD_END_DECLS

#endif
