#include "engine/code/recognise.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define SIGNATURE(text) (text), sizeof(text) - 1

/* -- by their first bytes ------------------------------------------------------------------ */

static const struct {
    size_t offset;
    const char *bytes;
    size_t size;
    const char *what;
} signatures[] = {
    {0, SIGNATURE("\x1f\x8b"), "compressed with gzip; decompress it first (gunzip)"},
    {0, SIGNATURE("\x28\xb5\x2f\xfd"), "compressed with zstd; decompress it first (unzstd)"},
    {0,
     SIGNATURE("\xfd"
               "7zXZ"),
     "compressed with xz; decompress it first (unxz)"},
    {0, SIGNATURE("BZh"), "compressed with bzip2; decompress it first (bunzip2)"},
    {0, SIGNATURE("\x04\x22\x4d\x18"), "compressed with lz4; decompress it first (unlz4)"},
    {0, SIGNATURE("PK\x03\x04"), "a ZIP archive; unpack it first"},
    {0, SIGNATURE("PK\x05\x06"), "a ZIP archive, an empty one"},
    {0, SIGNATURE("7z\xbc\xaf\x27\x1c"), "a 7-Zip archive; unpack it first"},
    {257, SIGNATURE("ustar"), "a tar archive; unpack it first"},
    {0, SIGNATURE("!<arch>\n"),
     "an archive of object files (.a); link them to a module first (wasm-ld)"},
    {0, SIGNATURE("MZ"), "a program or library for Windows (PE); build it for WebAssembly"},
    {0, SIGNATURE("\xfe\xed\xfa\xce"), "a program or library for macOS; build it for WebAssembly"},
    {0, SIGNATURE("\xfe\xed\xfa\xcf"), "a program or library for macOS; build it for WebAssembly"},
    {0, SIGNATURE("\xce\xfa\xed\xfe"), "a program or library for macOS; build it for WebAssembly"},
    {0, SIGNATURE("\xcf\xfa\xed\xfe"), "a program or library for macOS; build it for WebAssembly"},
    {0, SIGNATURE("\xca\xfe\xba\xbe"), "a program for macOS or a class of Java, not WebAssembly"},
    {0, SIGNATURE("BC\xc0\xde"), "bitcode of LLVM; compile and link it to a module first"},
    {0, SIGNATURE("%PDF-"), "a PDF document"},
    {0, SIGNATURE("\x89PNG"), "a picture (PNG)"},
    {0, SIGNATURE("\xff\xfe"), "text in UTF-16; save it as UTF-8"},
    {0, SIGNATURE("\xfe\xff"), "text in UTF-16; save it as UTF-8"},
    {0, SIGNATURE("version https://git-lfs.github.com/"),
     "a pointer of Git LFS and not the file itself; fetch that with `git lfs pull'"},
    {0, SIGNATURE("AGFzbQ"), "WebAssembly in base64; decode it first (base64 -d)"},
    {0, SIGNATURE("#!"), "a script, not WebAssembly"},
};

static const char *elf(const uint8_t *data, size_t size)
{
    /* Byte 16 is the type, whichever end comes first: the other byte of it is 0. */
    unsigned type = size < 18 ? 0 : (unsigned)data[16] | data[17];
    switch (type) {
    case 1:
        return "an object file for this machine (ELF) and not for WebAssembly; compile it with "
               "clang --target=wasm32-wasip1 or the like";
    case 4:
        return "a core dump (ELF)";
    default:
        return "a program or library for this machine (ELF), or code that was compiled ahead of "
               "time (.cwasm); what runs here is the WebAssembly that it was made of";
    }
}

/* -- as text ------------------------------------------------------------------------------- */

static bool begins(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && strncasecmp(text, word, length) == 0;
}

static bool begins_line(const char *text, size_t size, const char *word)
{
    for (size_t at = 0; at < size; at++)
        if ((at == 0 || text[at - 1] == '\n') && begins(text + at, size - at, word))
            return true;
    return false;
}

static size_t blanks(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size &&
           (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
        at++;
    return at;
}

/* Comments of WIT and of many other languages, which none of WAT looks like. */
static size_t slash_comments(const char *text, size_t size)
{
    size_t at = 0;
    while (at + 1 < size && text[at] == '/' && text[at + 1] == '/') {
        const char *end = memchr(text + at, '\n', size - at);
        at = end ? (size_t)(end - text) : size;
        at += blanks(text + at, size - at);
    }
    return at;
}

static const char *as_text(const char *text, size_t size)
{
    static const char *const wit[] = {"package ", "interface ", "world ", "@since", "@unstable"};
    static const char *const scripts[] = {"import ", "export ",  "var ",   "const ",
                                          "let ",    "function", "async ", "\"use strict"};
    size_t at = blanks(text, size);
    if (at == size)
        return "empty but for blanks";
    text += at;
    size -= at;
    if (begins_line(text, size, "[component]") || begins_line(text, size, "[package]"))
        return "a manifest (TOML) and not the component that it is about; run the directory with "
               "the Component.toml, or name the .wasm";
    if (begins(text, size, "<!doctype") || begins(text, size, "<html") ||
        begins(text, size, "<head"))
        return "an HTML page, perhaps an error page that was saved in place of the file; download "
               "it again";
    if (*text == '<')
        return "XML or HTML, not WebAssembly";
    if (*text == '{' || *text == '[')
        return "JSON, not WebAssembly";
    at = slash_comments(text, size);
    for (size_t i = 0; i < sizeof wit / sizeof *wit; i++)
        if (begins(text + at, size - at, wit[i]))
            return "an interface in WIT and not a component that has it; build one from it";
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (begins(text + at, size - at, scripts[i]))
            return "JavaScript, perhaps what was made beside the .wasm to load it; name the .wasm";
    if (at > 0 || begins(text, size, "#include") || begins(text, size, "/*"))
        return "source code that is not WebAssembly text (WAT); compile it first";
    return NULL;
}

const char *bhd__recognise(const uint8_t *data, size_t size)
{
    /* What text begins with is in its first lines. */
    enum { LOOKED_AT = 4096 };
    if (size == 0)
        return "an empty file";
    if (size >= 4 && memcmp(data, "\0asm", 4) == 0)
        return NULL;
    if (size < 4 && memcmp(data, "\0asm", size) == 0)
        return "the beginning of a WebAssembly binary, which was cut off";
    if (size >= 4 && memcmp(data,
                            "\x7f"
                            "ELF",
                            4) == 0)
        return elf(data, size);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (size >= signatures[i].offset + signatures[i].size &&
            memcmp(data + signatures[i].offset, signatures[i].bytes, signatures[i].size) == 0)
            return signatures[i].what;
    return as_text((const char *)data, size < LOOKED_AT ? size : LOOKED_AT);
}

/* -- binaries ------------------------------------------------------------------------------ */

/* A number as the format writes it; 0 bytes read when it is none. */
static size_t read_number(const uint8_t *data, size_t size, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < size && i < 5; i++) {
        *number |= (uint32_t)(data[i] & 0x7f) << (7 * i);
        if (data[i] < 0x80)
            return i + 1;
    }
    return 0;
}

/* Whether a core module has a custom section of that name. */
static bool has_section(const uint8_t *data, size_t size, const char *name)
{
    size_t at = 8, length = strlen(name);
    while (at < size) {
        uint32_t section, name_size;
        bool is_custom = data[at++] == 0;
        size_t read = read_number(data + at, size - at, &section);
        at += read;
        if (read == 0 || section > size - at)
            return false;
        read = read_number(data + at, section, &name_size);
        if (is_custom && read > 0 && name_size == length && length <= section - read &&
            memcmp(data + at + read, name, length) == 0)
            return true;
        at += section;
    }
    return false;
}

bhd__unlinked bhd__recognise_unlinked(const uint8_t *data, size_t size)
{
    if (size < 8 || data[6] != 0)
        return BHD__LINKED;
    if (has_section(data, size, "dylink.0") || has_section(data, size, "dylink"))
        return BHD__LIBRARY;
    return has_section(data, size, "linking") ? BHD__OBJECT : BHD__LINKED;
}

void bhd__refuse_unlinked(bhd__unlinked what, bhd_error *error)
{
    static const char *const texts[] = {
        [BHD__LIBRARY] = "the module is a shared library, which needs another module to load it: "
                         "link it into one instead (wasm-ld without -shared)",
        [BHD__OBJECT] = "the module is an object file, which has yet to be linked: use wasm-ld, or "
                        "clang without -c",
    };
    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    if (!error || what == BHD__LINKED)
        return;
    bhd__text_init(&text, message, sizeof message);
    bhd__text_printf(&text, "%s (%s)", texts[what], error->message);
    bhd__text_ellipsis(&text);
    (void)bhd__fail(error, error->code, "%s", message);
}

/* -- versions of WASI ---------------------------------------------------------------------- */

bool bhd__is_other_wasi(const char *name, size_t size)
{
    static const char prefix[] = "wasi:", ours[] = "@0.2.";
    if (size < sizeof prefix - 1 || memcmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *at = memchr(name, '@', size);
    size_t left = at ? size - (size_t)(at - name) : 0;
    /* A release candidate (0.2.0-rc-2023-12-05) is none of its versions. */
    return left < sizeof ours - 1 || memcmp(at, ours, sizeof ours - 1) != 0 ||
           memchr(at, '-', left) != NULL;
}

static bool is_in_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '/' || c == ':' ||
           c == '@' || c == '.';
}

bool bhd__recognise_wasi(const uint8_t *data, size_t size, char *name, size_t capacity)
{
    enum { LONGEST = 96 };
    for (size_t at = 0; at + 5 < size; at++) {
        const uint8_t *found = memchr(data + at, 'w', size - at - 5);
        if (!found)
            return false;
        at = (size_t)(found - data);
        if (memcmp(found, "wasi:", 5) != 0)
            continue;
        size_t length = 5;
        while (length < LONGEST && at + length < size && is_in_name(found[length]))
            length++;
        if (!memchr(found, '@', length) || !bhd__is_other_wasi((const char *)found, length))
            continue;
        bhd__text text;
        bhd__text_init(&text, name, capacity);
        bhd__text_add_bytes(&text, (const char *)found, length);
        bhd__text_ellipsis(&text);
        return true;
    }
    return false;
}
