# Tests, benches and host examples. One ctest runs everything; labels choose:
#
#   unit integration security  cmocka programs, one for each tests/<kind>/test_*.c
#   cli                        tests/cli/*.sh, on the command
#   soak                       tests/soak, shortened
#   fuzz                       fuzz/corpus, replayed through the fuzz targets without a fuzzer
#   asan                       all of these once more under Address- and UndefinedBehaviorSanitizer
#   example                    examples/{embed,async}/*.c, with public headers and the static library
#   structure                  tests/structure/*.sh, on the source and the libraries
#   consumer                   tests/consumer, against an installed tree
#
# The word _serial in a file's name keeps a test from running beside others: it takes all processors
# by itself. _rss keeps it from the sanitizers, which hold memory back; what is resident is each
# process's own, so others may run beside it.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_program(BULKHEAD_BASH bash REQUIRED)
find_program(BULKHEAD_CXX NAMES $ENV{CXX} g++ c++ clang++)

add_custom_target(tests)
add_dependencies(tests bulkhead_shared bulkhead_archive bulkhead_compiler)
if(TARGET bulkhead)
    add_dependencies(tests bulkhead)
endif()

# The engine allocates after a fault in guest code, in what TSan takes for the signal handler.
set(test_environment
    BHD_SOURCE_DIR=${PROJECT_SOURCE_DIR}
    BHD_BUILD_DIR=${PROJECT_BINARY_DIR}
    CC=${CMAKE_C_COMPILER}
    CXX=${BULKHEAD_CXX}
    ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
    UBSAN_OPTIONS=print_stacktrace=1
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:report_signal_unsafe=0:suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan-suppressions.txt)

# The timeout is for what never ends: on a busy machine the longest take minutes.
function(bulkhead_add_test name label variant file)
    set(labels ${label} ${variant})
    set_tests_properties(${name} PROPERTIES
        LABELS "${labels}" TIMEOUT 900 ENVIRONMENT "${test_environment};${ARGN}")
    if(file MATCHES "_serial")
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

# Does what the binary says that it is given: a compiler that crashes, lies and hangs.
set(played_compiler ${PROJECT_BINARY_DIR}/tests/played-compiler)
add_executable(played_compiler EXCLUDE_FROM_ALL tests/support/played/played_compiler.c)
set_target_properties(played_compiler PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests OUTPUT_NAME played-compiler)
target_include_directories(played_compiler PRIVATE include src)
target_link_libraries(played_compiler PRIVATE bulkhead_release_flags)
target_link_options(played_compiler PRIVATE -static) # as the real one: it starts in an empty root

# bulkhead_inside(SUFFIX FLAGS): the library with all its insides; see fuzz.cmake too.
function(bulkhead_inside suffix flags)
    if(suffix)
        bulkhead_objects(bulkhead_core${suffix} ${flags})
        set_target_properties(bulkhead_core${suffix} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    add_library(bulkhead_inside${suffix} STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:bulkhead_core${suffix}>)
    set_target_properties(bulkhead_inside${suffix} PROPERTIES LINKER_LANGUAGE C)
    add_dependencies(bulkhead_inside${suffix} bulkhead_compiler)
    target_include_directories(bulkhead_inside${suffix} INTERFACE include src tests)
    target_link_libraries(bulkhead_inside${suffix} INTERFACE
        ${flags} bulkhead_engine_shared PkgConfig::JANSSON)
    target_compile_definitions(bulkhead_inside${suffix} INTERFACE
        BHD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_include_directories(bulkhead_inside${suffix} SYSTEM INTERFACE ${engine_dir}/include)
endfunction()

# bulkhead_variant(VARIANT FLAGS): every C test on the library and its insides. VARIANT is empty for
# the code that is shipped.
function(bulkhead_variant variant flags)
    if(variant)
        set(suffix _${variant})
        set(prefix ${variant}/)
    endif()
    set(output ${PROJECT_BINARY_DIR}/tests/${variant})
    set(soak_count 20000)
    if(variant)
        set(soak_count 1000)
    endif()
    bulkhead_inside("${suffix}" ${flags})
    foreach(directory unit integration security fuzz .)
        bulkhead_finds_compiler(${output}/${directory})
    endforeach()

    # What tests share, and the parts of the programs that have to be tested from the inside.
    file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
    list(APPEND support cli/engine_abort.c cli/lockdown.c compiler/confine.c)
    if(support)
        add_library(bulkhead_support${suffix} STATIC EXCLUDE_FROM_ALL ${support})
        target_link_libraries(bulkhead_support${suffix}
            PUBLIC bulkhead_inside${suffix} PkgConfig::CMOCKA PkgConfig::SECCOMP)
        target_include_directories(bulkhead_support${suffix} PUBLIC cli compiler)
        target_compile_definitions(bulkhead_support${suffix} PRIVATE
            BHD_PLAYED_COMPILER="${played_compiler}")
        add_dependencies(bulkhead_support${suffix} played_compiler)
    endif()

    foreach(kind unit integration security)
        file(GLOB sources CONFIGURE_DEPENDS tests/${kind}/test_*.c)
        foreach(source ${sources})
            get_filename_component(stem ${source} NAME_WE)
            if(variant AND stem MATCHES "_rss")
                continue()
            endif()
            set(target ${stem}${suffix})
            add_executable(${target} EXCLUDE_FROM_ALL ${source})
            set_target_properties(${target} PROPERTIES
                RUNTIME_OUTPUT_DIRECTORY ${output}/${kind} OUTPUT_NAME ${stem})
            if(support)
                target_link_libraries(${target} PRIVATE bulkhead_support${suffix})
            endif()
            target_link_libraries(${target} PRIVATE bulkhead_inside${suffix} PkgConfig::CMOCKA)
            add_dependencies(tests ${target})
            string(REGEX REPLACE "^test_" "" topic ${stem})
            add_test(NAME ${prefix}${kind}/${topic} COMMAND ${target})
            bulkhead_add_test(${prefix}${kind}/${topic} ${kind} "${variant}" ${source})
        endforeach()
    endforeach()

    # The soak, in a length for every day; `make soak` runs the long one.
    file(GLOB sources CONFIGURE_DEPENDS tests/soak/*.c)
    add_executable(soak${suffix} EXCLUDE_FROM_ALL ${sources})
    set_target_properties(soak${suffix} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${output} OUTPUT_NAME soak)
    target_link_libraries(soak${suffix} PRIVATE bulkhead_support${suffix})
    add_dependencies(tests soak${suffix})
    add_test(NAME ${prefix}soak/short COMMAND soak${suffix} ${soak_count})
    bulkhead_add_test(${prefix}soak/short soak "${variant}" soak_serial)

    # The fuzz targets, on what is in fuzz/corpus.
    foreach(topic ${fuzz_topics})
        if(topic STREQUAL "generated")
            continue() # what it generated is replayed as any other binary
        endif()
        bulkhead_fuzz_program(replay_${topic}${suffix} ${topic} "${suffix}" ${output}/fuzz fuzz/replay.c)
        add_dependencies(tests replay_${topic}${suffix})
        set(corpora ${PROJECT_SOURCE_DIR}/fuzz/corpus/${topic})
        if(topic STREQUAL "binary")
            list(APPEND corpora ${PROJECT_SOURCE_DIR}/fuzz/corpus/generated)
        elseif(NOT topic STREQUAL "life") # takes too long for many more
            list(PREPEND corpora --cut)
        endif()
        add_test(NAME ${prefix}fuzz/${topic} COMMAND replay_${topic}${suffix} ${corpora})
        bulkhead_add_test(${prefix}fuzz/${topic} fuzz "${variant}" ${topic})
    endforeach()

    # The command, and what it does. Locked down it cannot write what coverage has counted.
    if(command_sources AND NOT variant STREQUAL coverage)
        set(command bulkhead${suffix})
        if(variant)
            add_executable(${command} EXCLUDE_FROM_ALL ${command_sources})
            set_target_properties(${command} PROPERTIES
                RUNTIME_OUTPUT_DIRECTORY ${output} OUTPUT_NAME bulkhead)
            target_link_libraries(${command} PRIVATE bulkhead_inside${suffix} PkgConfig::SECCOMP)
            add_dependencies(tests ${command})
        endif()
        file(GLOB scripts CONFIGURE_DEPENDS tests/cli/*.sh)
        list(FILTER scripts EXCLUDE REGEX "/(lib|common)[^/]*$")
        foreach(script ${scripts})
            get_filename_component(stem ${script} NAME_WE)
            if(variant AND stem MATCHES "_rss")
                continue()
            endif()
            string(REGEX REPLACE "^test_" "" topic ${stem})
            add_test(NAME ${prefix}cli/${topic} COMMAND ${BULKHEAD_BASH} ${script})
            # The command locks itself down; LeakSanitizer would have to trace it from outside.
            # leaks.sh asks for it, without the lockdown.
            bulkhead_add_test(${prefix}cli/${topic} cli "${variant}" ${script}
                BULKHEAD=$<TARGET_FILE:${command}>
                ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0)
        endforeach()
    endif()
endfunction()

# A program for one kind of sanitizer: compiled and linked with it.
function(bulkhead_sanitizer name)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE bulkhead_flags)
    target_compile_options(${name} INTERFACE ${ARGN} -O1 -g -fno-omit-frame-pointer)
    target_link_options(${name} INTERFACE ${ARGN})
endfunction()

include(cmake/fuzz.cmake)
if(BULKHEAD_FUZZ)
    bulkhead_fuzz_targets()
    return()
endif()

if(BULKHEAD_TSAN)
    bulkhead_sanitizer(bulkhead_tsan_flags -fsanitize=thread)
    bulkhead_variant(tsan bulkhead_tsan_flags)
    return()
endif()

# Counts what runs, without optimisation, so that a line of the count is a line of the source.
if(BULKHEAD_COVERAGE)
    add_library(bulkhead_coverage_flags INTERFACE)
    target_link_libraries(bulkhead_coverage_flags INTERFACE bulkhead_flags)
    target_compile_options(bulkhead_coverage_flags INTERFACE --coverage -fprofile-update=atomic -O0 -g)
    target_link_options(bulkhead_coverage_flags INTERFACE --coverage)
    bulkhead_variant(coverage bulkhead_coverage_flags)
    return()
endif()

bulkhead_variant("" bulkhead_release_flags)
bulkhead_sanitizer(bulkhead_asan_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
bulkhead_variant(asan bulkhead_asan_flags)

# -- examples: programs of an embedder -----------------------------------------------------------
bulkhead_finds_compiler(${PROJECT_BINARY_DIR}/examples)
file(GLOB examples CONFIGURE_DEPENDS examples/embed/*.c examples/async/*.c)
foreach(source ${examples})
    get_filename_component(stem ${source} NAME_WE)
    add_executable(example_${stem} EXCLUDE_FROM_ALL ${source})
    set_target_properties(example_${stem} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples OUTPUT_NAME ${stem}
        NO_SYSTEM_FROM_IMPORTED ON)
    target_link_libraries(example_${stem} PRIVATE bulkhead_release_flags bulkhead_static)
    add_dependencies(tests example_${stem})
    add_test(NAME example/${stem} COMMAND example_${stem} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    bulkhead_add_test(example/${stem} example "" ${source})
endforeach()

# -- benches: built with the tests so that they do not rot, run by `make bench` ------------------
bulkhead_finds_compiler(${PROJECT_BINARY_DIR}/bench)
file(GLOB benches CONFIGURE_DEPENDS bench/*.c)
add_custom_target(bench)
# They load components, and one runs the command.
add_dependencies(bench bulkhead_compiler)
if(TARGET bulkhead)
    add_dependencies(bench bulkhead)
endif()
add_dependencies(bench bulkhead_compiler)
foreach(source ${benches})
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "^bench_" "" stem ${stem})
    add_executable(bench_${stem} EXCLUDE_FROM_ALL ${source})
    set_target_properties(bench_${stem} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench OUTPUT_NAME ${stem})
    target_compile_definitions(bench_${stem} PRIVATE BHD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_include_directories(bench_${stem} PRIVATE include src)
    target_include_directories(bench_${stem} SYSTEM PRIVATE ${engine_dir}/include)
    target_sources(bench_${stem} PRIVATE $<TARGET_OBJECTS:bulkhead_core>)
    target_link_libraries(bench_${stem} PRIVATE
        bulkhead_release_flags bulkhead_engine PkgConfig::JANSSON)
    target_link_options(bench_${stem} PRIVATE -Wl,--gc-sections)
    add_dependencies(tests bench_${stem})
    add_dependencies(bench bench_${stem})
endforeach()

# -- the specification's own tests: built with the others, run by `make spec`, which fetches them ----
bulkhead_finds_compiler(${PROJECT_BINARY_DIR}/tests/spec)
add_executable(spec EXCLUDE_FROM_ALL tests/spec/spec.c)
set_target_properties(spec PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/spec)
target_link_libraries(spec PRIVATE bulkhead_release_flags bulkhead_static PkgConfig::JANSSON)
add_dependencies(tests spec)

# -- structure -----------------------------------------------------------------------------------
file(GLOB scripts CONFIGURE_DEPENDS tests/structure/*.sh)
foreach(script ${scripts})
    get_filename_component(stem ${script} NAME_WE)
    if(stem MATCHES "^lib")
        continue()
    endif()
    add_test(NAME structure/${stem} COMMAND ${BULKHEAD_BASH} ${script})
    bulkhead_add_test(structure/${stem} structure "" ${script} BHD_ENGINE_DIR=${engine_dir})
endforeach()

# -- consumer ------------------------------------------------------------------------------------
set(stage ${PROJECT_BINARY_DIR}/stage)
add_test(NAME consumer/install
    COMMAND ${BULKHEAD_BASH} ${PROJECT_SOURCE_DIR}/tests/consumer/install.sh)
bulkhead_add_test(consumer/install consumer "" install BHD_STAGE_DIR=${stage})
set_tests_properties(consumer/install PROPERTIES FIXTURES_SETUP stage)
file(GLOB scripts CONFIGURE_DEPENDS tests/consumer/with_*.sh)
foreach(script ${scripts})
    get_filename_component(stem ${script} NAME_WE)
    add_test(NAME consumer/${stem} COMMAND ${BULKHEAD_BASH} ${script})
    bulkhead_add_test(consumer/${stem} consumer "" ${script} BHD_STAGE_DIR=${stage})
    set_tests_properties(consumer/${stem} PROPERTIES FIXTURES_REQUIRED stage)
endforeach()
