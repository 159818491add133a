# Programs of the fuzz targets, one for each fuzz/fuzz_*.c.
#
# In the tests they are linked with fuzz/replay.c and replay fuzz/corpus. With BULKHEAD_FUZZ, which
# `make fuzz` switches on in a build tree of its own, they are linked with libFuzzer.

file(GLOB fuzz_topics CONFIGURE_DEPENDS fuzz/fuzz_*.c)
list(TRANSFORM fuzz_topics REPLACE ".*/fuzz_(.*)\\.c" "\\1")

# What the command does to a process and calls in the library, so that fuzz_options.c is in between.
set(fuzz_options_wrapped
    argp_parse cli_terminal_init cli_engine_abort_init cli_lockdown_close_inherited cli_lockdown_restrict_files cli_lockdown_restrict_calls bhd_host_new
    bhd_host_free bhd_component_new bhd_component_load_file bhd_component_free bhd_inspect)

# What fuzz_text.c counts.
set(fuzz_text_wrapped malloc calloc realloc posix_memalign)

# bulkhead_fuzz_program(TARGET TOPIC SUFFIX DIRECTORY SOURCES...): one program, on the library of the
# variant with that suffix.
function(bulkhead_fuzz_program target topic suffix directory)
    add_executable(${target} EXCLUDE_FROM_ALL fuzz/fuzz_${topic}.c ${ARGN})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${directory} OUTPUT_NAME ${topic})
    target_link_libraries(${target} PRIVATE bulkhead_inside${suffix})
    if(topic STREQUAL "binary" OR topic STREQUAL "generated")
        target_sources(${target} PRIVATE fuzz/contained_guest.c)
    endif()
    if(topic STREQUAL "life")
        target_sources(${target} PRIVATE fuzz/life_model.c fuzz/life_guests.c)
    endif()
    if(topic STREQUAL "values")
        target_sources(${target} PRIVATE cli/value_text.c)
        target_include_directories(${target} PRIVATE cli)
    endif()
    if(topic STREQUAL "text")
        foreach(symbol ${fuzz_text_wrapped})
            target_link_options(${target} PRIVATE -Wl,--wrap=${symbol})
        endforeach()
    endif()
    if(topic STREQUAL "options")
        set(sources ${command_sources})
        list(FILTER sources EXCLUDE REGEX "/main\\.c$") # included by fuzz_options.c
        target_sources(${target} PRIVATE fuzz/options_model.c ${sources})
        target_include_directories(${target} PRIVATE cli)
        target_link_libraries(${target} PRIVATE PkgConfig::SECCOMP)
        foreach(symbol ${fuzz_options_wrapped})
            target_link_options(${target} PRIVATE -Wl,--wrap=${symbol})
        endforeach()
    endif()
endfunction()

function(bulkhead_fuzz_targets)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "Fuzzing needs clang: make fuzz, or CC=clang")
    endif()
    bulkhead_sanitizer(bulkhead_fuzz_flags
        -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
    bulkhead_inside(_fuzz bulkhead_fuzz_flags)
    add_custom_target(fuzz)
    bulkhead_finds_compiler(${PROJECT_BINARY_DIR}/fuzz)

    # The generator of valid binaries: a crate for this alone.
    set(smith_directory ${PROJECT_BINARY_DIR}/smith)
    set(smith ${smith_directory}/release/libbulkhead_smith.a)
    file(GLOB smith_sources CONFIGURE_DEPENDS fuzz/smith/src/*.rs fuzz/smith/Cargo.*)
    add_custom_command(OUTPUT ${smith}
        COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${smith_directory}
            cargo build --release --locked --manifest-path ${PROJECT_SOURCE_DIR}/fuzz/smith/Cargo.toml
        DEPENDS ${smith_sources}
        COMMENT "Building the generator of valid binaries"
        USES_TERMINAL VERBATIM)
    add_custom_target(bulkhead_smith DEPENDS ${smith})

    foreach(topic ${fuzz_topics})
        bulkhead_fuzz_program(fuzz_${topic} ${topic} _fuzz ${PROJECT_BINARY_DIR}/fuzz)
        target_link_options(fuzz_${topic} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzz fuzz_${topic})
    endforeach()
    target_link_libraries(fuzz_generated PRIVATE ${smith})
    add_dependencies(fuzz_generated bulkhead_smith)
endfunction()
