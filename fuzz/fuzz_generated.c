/*
 * Property: that of fuzz_binary.c, for modules and components that are valid. fuzz/smith makes them
 * out of the input.
 *
 * BHD_FUZZ_KEEP names a directory; the binary of each input is written there before it runs, under
 * a number made of its bytes. That is how a finding becomes a file of fuzz/corpus/generated.
 */
#include "contained_guest.h"

#include <inttypes.h>

#define BINARY_CAPACITY 65536

size_t bhd_smith_binary(const uint8_t *bytes, size_t size, uint8_t *binary, size_t capacity);

static void keep(const char *directory, const uint8_t *binary, size_t size)
{
    char path[2048];
    uint64_t number = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        number = (number ^ binary[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(path, sizeof path, "%s/%016" PRIx64 ".wasm", directory, number);
    FILE *file = fopen(path, "wb");
    FUZZ_REQUIRE(file != NULL && fwrite(binary, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t binary[BINARY_CAPACITY];
    size_t length = bhd_smith_binary(data, size, binary, sizeof binary);
    if (length == 0)
        return 0;
    const char *directory = getenv("BHD_FUZZ_KEEP");
    if (directory != NULL)
        keep(directory, binary, length);
    fuzz_contain(binary, length);
    return 0;
}
