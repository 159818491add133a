/*
 * Exit codes; see exit_codes.h. Pure functions.
 */
#include "exit_codes.h"

cli_exit cli_exit_code(bhd_status status)
{
    switch (status) {
    case BHD_OK:
        return CLI_EXIT_OK;
    case BHD_FILE_NOT_FOUND:
    case BHD_FILE_UNREADABLE:
        return CLI_EXIT_NO_FILE;
    case BHD_LIMIT_MISSING:
    case BHD_LIMIT_TOO_LOW:
    case BHD_LIMIT_TOO_HIGH:
    case BHD_LIMIT_INVALID:
    case BHD_FILE_NOT_UTF8:
    case BHD_MANIFEST_SYNTAX:
    case BHD_MANIFEST_INVALID:
    case BHD_CONFIG_SYNTAX:
        return CLI_EXIT_MANIFEST;
    case BHD_FILE_TOO_LARGE:
    case BHD_COMPONENT_INVALID:
    case BHD_COMPONENT_UNSUPPORTED:
    case BHD_COMPONENT_TOO_LARGE:
    case BHD_COMPILER_FAILED:
    case BHD_IMPORT_UNKNOWN:
    case BHD_EXPORT_NOT_FOUND:
        return CLI_EXIT_COMPONENT;
    /* The command's own arguments are right; what it passes on is what somebody typed. */
    case BHD_INVALID_ARGUMENT:
    case BHD_POLICY_INVALID:
    case BHD_LIMIT_LOOSENED:
    case BHD_SIGNATURE_MISMATCH:
    case BHD_NOT_SUPPORTED:
        return CLI_EXIT_USAGE;
    case BHD_CAPABILITY_DENIED:
        return CLI_EXIT_DENIED;
    case BHD_NO_CAPACITY:
    case BHD_HOST_OUT_OF_MEMORY:
        return CLI_EXIT_CAPACITY;
    case BHD_OUT_OF_MEMORY:
        return CLI_EXIT_OUT_OF_MEMORY;
    case BHD_TIMEOUT:
    case BHD_OUT_OF_FUEL:
        return CLI_EXIT_TIMEOUT;
    case BHD_CANCELLED:
        return CLI_EXIT_CANCELLED;
    case BHD_TRAP:
        return CLI_EXIT_TRAP;
    case BHD_INTERNAL:
    case BHD_NO_COMPILER:
    case BHD_SANDBOX_DEAD:
    case BHD_BUSY:
    case BHD_OUT_OF_BOUNDS:
    case BHD_EXIT:
        break;
    }
    return CLI_EXIT_INTERNAL;
}

int cli_exit_of_guest(int said)
{
    return said != 0 && (said & 0xff) == 0 ? 255 : said & 0xff;
}

void cli_exit_codes_print(FILE *stream)
{
    fputs("Exit codes of bulkhead:\n\n", stream);
#define CLI_EXIT_LINE(identifier, value, text) fprintf(stream, "  %3d  %s\n", (value), (text));
    CLI_EXIT_MAP(CLI_EXIT_LINE)
#undef CLI_EXIT_LINE
    fputs(
        "\n"
        "A guest that ends by itself gives its own code, which may be one of these. With --report\n"
        "the result says who ended the guest: ok and exit are the guest's own doing.\n"
        "A process can pass on the lowest eight bits of a code; one that has nothing in them and\n"
        "is not 0, such as 256, becomes 255.\n"
        "`bulkhead check` with several paths gives the code of the first one that failed.\n",
        stream);
}
