/*
 * Linked into every guest that becomes a component. The adapter from preview 1 to WASI 0.2 keeps
 * its stack and its state, 64 KiB each, in the guest's memory. It asks this function for them;
 * without it, it would grow the memory behind the back of malloc. wasi-libc as of 2022 takes all
 * memory that exists at the first malloc for its own, so the two would overwrite each other.
 */
#include <stdlib.h>

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_bytes,
                                                                size_t alignment, size_t bytes);

void *cabi_realloc(void *old, size_t old_bytes, size_t alignment, size_t bytes)
{
    void *block;

    (void)old_bytes;
    if (bytes == 0)
        return (void *)alignment; /* any aligned address that is not NULL */
    /* malloc aligns to 16 bytes; nothing of the canonical ABI needs more than 8. */
    block = alignment <= 16 ? realloc(old, bytes) : NULL;
    if (block == NULL)
        __builtin_trap();
    return block;
}
