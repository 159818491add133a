/*
 * One entry of the cache as a file: artefact, description, trailer. Written once, checked whenever
 * it is read. Any thread; reads and writes at places of its own, so the offset of a descriptor does
 * not matter.
 */
#ifndef BHD_COMPILE_CACHE_ENTRY_H
#define BHD_COMPILE_CACHE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The digits of a key or an identity. */
#define BHD__CACHE_DIGITS 64
/* The buffer through which entries are read and written. */
#define BHD__CACHE_BUFFER ((size_t)65536)

/* The end of the file. As the processor writes it: an identity is of one processor. */
typedef struct bhd__cache_trailer {
    uint64_t magic;
    uint64_t artifact_bytes, description_bytes;
    uint64_t compile_ns, compile_bytes; /* what compiling took; 0 in a file (compiled_file.h) */
    char key[BHD__CACHE_DIGITS], identity[BHD__CACHE_DIGITS]; /* not terminated */
    uint32_t zero;
    uint32_t crc; /* CRC-32C of everything before it */
} bhd__cache_trailer;

#define BHD__CACHE_MAGIC UINT64_C(0x32796e4565646f43)

/* One that says nothing yet but which entry it is of; both have BHD__CACHE_DIGITS digits. */
bhd__cache_trailer bhd__cache_trailer_of(const char *key, const char *identity);

/* 64 digits of a hexadecimal number in small letters. */
bool bhd__cache_is_name(const char *text);

/* What an entry takes of the cache's bound: whole blocks of 4 KiB. */
uint64_t bhd__cache_weight(uint64_t file_bytes);

/*
 * Looks whether `file`, already open for reading, is a whole entry of that name that nobody else
 * could have written. NULL if so, and the sizes are written; otherwise what is wrong with it.
 * `buffer` has BHD__CACHE_BUFFER bytes.
 */
const char *bhd__cache_entry_check(int file, const char *key, const char *identity, void *buffer,
                                   bhd__cache_trailer *trailer);

/* Writes to the empty file `to` what is at the beginning of `from`, and the trailer, which has
 * everything but the CRC. False with errno; SIGXFSZ does not come. */
bool bhd__cache_entry_write(int to, int from, const bhd__cache_trailer *trailer, void *buffer);

/* The same of an entry in memory: whether it is whole, whoever wrote it and whatever it is of. */
const char *bhd__cache_entry_check_bytes(const void *data, size_t size,
                                         bhd__cache_trailer *trailer);
/* The same as bhd__cache_entry_write from memory. */
bool bhd__cache_entry_write_bytes(int to, const void *artifact, const void *description,
                                  const bhd__cache_trailer *trailer);

#endif
