/**
 * \file bulkhead/inspection.h
 *
 * What a binary is and what it needs, without running it.
 *
 * An inspection is a plain tree of arrays that belongs to the caller.
 */
#ifndef BULKHEAD_INSPECTION_H
#define BULKHEAD_INSPECTION_H

#include "component.h"

/** An import or export. Texts are escaped as in bhd_error. */
typedef struct bhd_item {
    /** Of an import of a core module: the module's name; otherwise empty. */
    char *module;
    char *name;
    /** "func(i32, i32) -> i64", "memory 1", "instance", "func(text: string) -> result<u32>". One
     *  that is cut ends in " ...": above 4 KiB, and above 64 bytes when all of them have 4 MiB. */
    char *type;
} bhd_item;

/** A linear memory or a table that the binary defines or imports. */
typedef struct bhd_extent {
    /** Number of the core module in the binary, from 0, and index in that module. */
    uint32_t module, index;
    bool imported;
    /** Declared minimum and maximum: pages of a memory, elements of a table. */
    uint64_t minimum, maximum;
    bool has_maximum;
    /** Bytes in a page; 0 for a table. */
    uint64_t page_bytes;
    /** 64-bit addresses or shared between threads: not allowed to run here. */
    bool is_64, is_shared;
} bhd_extent;

typedef struct bhd_inspection {
    size_t size; /**< of this struct; see bulkhead.h */
    bhd_component_kind kind;
    uint64_t binary_size; /**< bytes */
    bhd_item *imports;
    size_t import_count;
    bhd_item *exports;
    size_t export_count;
    /** What it declares of memories and tables, in the order of the binary: the first 1024 of both
     *  together. As many more are there as `unlisted_count` says. */
    bhd_extent *memories;
    size_t memory_count;
    bhd_extent *tables;
    size_t table_count;
    /** Bytes of all memories and elements of all tables when instantiated, instances counted as
     *  often as they are made. Exact unless the binary imports core modules. */
    uint64_t initial_memory_bytes, initial_table_elements;
    /** Bytes of the heap of collected objects when instantiated: 0, or what the engine makes of it
     *  for exceptions, tables of references to objects and garbage collection. Counts as memory. */
    uint64_t initial_heap_bytes;
    /** Linear memories and tables of one sandbox. */
    uint64_t instance_memories, instance_tables;
    bool is_exact;
    /** What compiling it took, now or when it was put into the cache that it comes from:
     *  nanoseconds from the start of the compiler's process to its end, and bytes of its heap; 0
     *  bytes when it was compiled in this process. Both 0: it was precompiled (precompiled.h), and
     *  nobody knows. */
    uint64_t compile_ns, compile_bytes;
    /** The smallest max_bytes that it can start with, under the host's policy. */
    uint64_t minimum_max_bytes;
    /** What the binary uses that this host has switched off, or NULL; imports and exports are not
     *  listed then. Imports and limits are judged when a component is loaded, not here. */
    char *refusal;
    /** The world of a component as WIT, in lines that end in "\n"; NULL for a core module. It is
     *  the world root:component/root, followed by every interface in it that has a name. What WIT
     *  has no word for, such as a type without a name or a core module, is there as a comment.
     *  Printable ASCII. Of more than 256 KiB the beginning, and a last line that begins with
     *  "// cut: ". */
    char *wit;
    /** Bytes that one sandbox takes of the host beside memories and tables, as
     *  bhd_host_options.max_instance_bytes bounds them. */
    uint64_t instance_bytes;
    uint64_t unlisted_count;
    /** The caller's, and left as it is: ends the compilation of bhd_inspect, from any thread; see
     *  cancellation.h. NULL: nothing ends it but its bounds and bhd_host_free. */
    bhd_cancellation *cancellation;
    /** Likewise, for whom bhd_inspect compiles: bhd_component_options.compile_group. */
    uint64_t compile_group;
} bhd_inspection;

#define BHD_INSPECTION_INIT                                                                        \
    {                                                                                              \
        sizeof(bhd_inspection), BHD_KIND_MODULE, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, 0, 0, 0,   \
            0, 0, false, 0, 0, 0, NULL, NULL, 0, 0, NULL, 0                                        \
    }

BHD_BEGIN_DECLS

/**
 * Compiles `size` bytes at `binary` (binary or text), as bhd_component_new does without fuel and
 * with the same cache, and fills `*inspection`, which the caller has initialised and later gives to
 * bhd_inspection_fini. Nothing runs. Binaries that the host would refuse to run can be inspected as
 * long as they are valid. A component that is loaded anyway is inspected on the way
 * (bhd_component_options.inspection). BHD_COMPONENT_INVALID, BHD_FILE_TOO_LARGE,
 * BHD_HOST_OUT_OF_MEMORY, and what ends the compilation of bhd_component_new. Any thread.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_inspect(bhd_host *host, const void *binary, size_t size,
                                               bhd_inspection *inspection, bhd_error *error);

/** Frees the arrays. NULL and a zeroed struct do nothing. */
BHD_PUBLIC void bhd_inspection_fini(bhd_inspection *inspection);

BHD_END_DECLS

#endif
