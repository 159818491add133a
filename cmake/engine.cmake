# Finds the engine, or has scripts/engine build it, and makes two targets of it:
#
#   bulkhead_engine         the archive, for what is shipped and for benches
#   bulkhead_engine_shared  the same as a shared object, for tests: hundreds of test programs, plain
#                           and under sanitizers, would otherwise link and hold 15 MB each
#
# Headers come from the engine's directory only, never from rust/include: header and library
# cannot drift.

if(BULKHEAD_ENGINE_DIR)
    set(ENV{BULKHEAD_ENGINE_DIR} "${BULKHEAD_ENGINE_DIR}")
endif()
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/engine
    OUTPUT_VARIABLE engine_dir OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE engine_result)
if(NOT engine_result EQUAL 0)
    message(FATAL_ERROR "There is no engine; scripts/engine says why, above.")
endif()
message(STATUS "Engine: ${engine_dir}")

# A change of the crate configures anew, which builds the engine anew.
file(GLOB engine_sources CONFIGURE_DEPENDS rust/src/*.rs rust/include/*.h rust/Cargo.*)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${engine_sources})

set(engine_archive ${engine_dir}/lib/libbulkhead_engine.a)
add_library(bulkhead_engine STATIC IMPORTED)
set_target_properties(bulkhead_engine PROPERTIES
    IMPORTED_LOCATION ${engine_archive}
    INTERFACE_INCLUDE_DIRECTORIES ${engine_dir}/include
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")

set(engine_shared ${PROJECT_BINARY_DIR}/tests/libbulkhead_engine.so)
add_custom_command(OUTPUT ${engine_shared}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/tests
    COMMAND ${CMAKE_C_COMPILER} -shared -o ${engine_shared} -Wl,-soname,libbulkhead_engine.so
        -Wl,--whole-archive ${engine_archive} -Wl,--no-whole-archive
        -Wl,--gc-sections -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/engine-shared.map
        -pthread -ldl -lm
    DEPENDS ${engine_archive} ${PROJECT_SOURCE_DIR}/cmake/engine-shared.map
    COMMENT "Linking the engine as a shared object for tests"
    VERBATIM)
add_custom_target(engine_shared DEPENDS ${engine_shared})
add_library(bulkhead_engine_shared SHARED IMPORTED)
set_target_properties(bulkhead_engine_shared PROPERTIES
    IMPORTED_LOCATION ${engine_shared}
    IMPORTED_SONAME libbulkhead_engine.so
    INTERFACE_INCLUDE_DIRECTORIES ${engine_dir}/include
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
add_dependencies(bulkhead_engine_shared engine_shared)
