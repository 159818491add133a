# bulkhead-compile: the process in which a binary is read and compiled. The library starts one for
# each binary that is not in its cache, so that its start counts: static, without anything to look
# up, and with relocations that take little room and time. Position independent, because hostile
# input is read in it.
#
# The library finds it beside itself or below libexec/ (src/compile/apart.h).
include(CheckLinkerFlag)

set(compiler_name bulkhead-compile)
set(compiler_libexec ${CMAKE_INSTALL_LIBEXECDIR}/bulkhead)
file(GLOB compiler_sources CONFIGURE_DEPENDS compiler/*.c)

check_linker_flag(C -Wl,-z,pack-relative-relocs BULKHEAD_LD_PACKS_RELOCATIONS)
find_library(BULKHEAD_SECCOMP_ARCHIVE NAMES libseccomp.a HINTS ${SECCOMP_LIBRARY_DIRS} REQUIRED)

# What ends the process when it fails (compiler/allocations.c), and what it has no use for, of which
# ld would warn (compiler/unreached.c). ld's --no-warnings is no way: it swallows errors as well.
set(compiler_wrapped malloc calloc realloc memalign aligned_alloc posix_memalign getaddrinfo getpwuid_r)

# Of our objects only what it reaches.
add_library(bulkhead_compiler_parts STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:bulkhead_core>)
set_target_properties(bulkhead_compiler_parts PROPERTIES LINKER_LANGUAGE C)

function(bulkhead_compiler_program)
    # CMake's own -pie would undo -static-pie.
    unset(CMAKE_POSITION_INDEPENDENT_CODE)
    add_executable(bulkhead_compiler ${compiler_sources})
    set_target_properties(bulkhead_compiler PROPERTIES OUTPUT_NAME ${compiler_name})
    target_include_directories(bulkhead_compiler PRIVATE include src)
    target_include_directories(bulkhead_compiler SYSTEM PRIVATE ${SECCOMP_INCLUDE_DIRS})
    target_compile_options(bulkhead_compiler PRIVATE -fPIE -ffunction-sections -fdata-sections)
    target_link_options(bulkhead_compiler PRIVATE -static-pie -Wl,--gc-sections
        $<$<BOOL:${BULKHEAD_LD_PACKS_RELOCATIONS}>:-Wl,-z,pack-relative-relocs>)
    foreach(symbol ${compiler_wrapped})
        target_link_options(bulkhead_compiler PRIVATE -Wl,--wrap=${symbol})
    endforeach()
    target_link_libraries(bulkhead_compiler PRIVATE
        bulkhead_release_flags bulkhead_compiler_parts bulkhead_engine ${BULKHEAD_SECCOMP_ARCHIVE})
endfunction()
bulkhead_compiler_program()
# The library executes none that others could have written, whatever the umask is.
add_custom_command(TARGET bulkhead_compiler POST_BUILD COMMAND chmod go-w $<TARGET_FILE:bulkhead_compiler>)
execute_process(COMMAND chmod go-w ${PROJECT_BINARY_DIR})
# Whoever is linked with the library looks for it.
add_dependencies(bulkhead_static bulkhead_compiler)
install(TARGETS bulkhead_compiler RUNTIME DESTINATION ${compiler_libexec})

# bulkhead_finds_compiler(DIRECTORY): programs in this directory of the build tree find it.
function(bulkhead_finds_compiler directory)
    file(MAKE_DIRECTORY ${directory})
    execute_process(COMMAND chmod go-w ${directory})
    file(CREATE_LINK ${PROJECT_BINARY_DIR}/${compiler_name} ${directory}/${compiler_name} SYMBOLIC)
endfunction()
