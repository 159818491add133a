# Calls that nobody makes, and calls that only one place makes.
. "$(dirname "$0")/lib.sh"

# Says where the code on standard input calls one of the functions.
calls() { # FILE "NAMES" WHY
    local names=${2// /|} line text
    while IFS=: read -r line text; do
        breach "$1:$line: $3: ${text#"${text%%[![:space:]]*}"}"
    done < <(grep -nE "(^|[^A-Za-z0-9_.>])($names)[[:space:]]*\(" <<<"$text_of_file" || true)
}

never="sprintf vsprintf strcpy strcat stpcpy gets atoi atol atoll atof strtok alloca"
heap="malloc calloc realloc reallocarray free strdup strndup aligned_alloc posix_memalign asprintf vasprintf getline"
print="printf fprintf vprintf vfprintf dprintf puts fputs putchar perror psignal warn warnx err errx syslog"

for file in $(files "c h" include src compiler cli examples tests bench); do
    text_of_file=$(code "$file")
    calls "$file" "$never" "never used here"
    if [[ $file != src/* ]]; then continue; fi
    if [[ $file != src/base/alloc.c ]]; then
        calls "$file" "$heap" "the heap is behind src/base/alloc.h"
    fi
    if [[ $file != src/base/* ]]; then
        calls "$file" "snprintf vsnprintf" "text is made through src/base/text.h"
    fi
    calls "$file" "$print" "the library never prints"
    calls "$file" "exit _exit _Exit quick_exit" "the library never exits"
    calls "$file" "signal setlocale setenv unsetenv putenv srand" "the library keeps no global state"
done
verdict "the calls"
