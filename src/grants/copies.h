/*
 * Copies of what a component asks for and of what a host grants. A copy is one block of memory with
 * all its texts; immutable, so any thread may read it.
 */
#ifndef BHD_GRANTS_COPIES_H
#define BHD_GRANTS_COPIES_H

#include "bulkhead/capabilities.h"

/* `*copy` points into `*block`, which the caller frees with bhd__free. BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__capabilities_copy(const bhd_capabilities *from, bhd_capabilities *copy,
                                  void **block, bhd_error *error);
bhd_status bhd__grants_copy(const bhd_grants *from, bhd_grants *copy, void **block,
                            bhd_error *error);

#endif
