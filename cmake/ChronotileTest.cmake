include(GoogleTest)

# Tests whose code the optimiser or the instruction set could change: scripts/test runs all tests under the sanitizers,
# and these (label `optimised`) in the release build as well.
add_custom_target(optimised_tests)

# chronotile_add_test(NAME [OPTIMISED] SOURCES ... [LIBS ...]): a test program whose every TEST ctest runs in a process of
# its own (SystemC elaborates once per process). libsystemc exports main: tests link testbench/support, never gtest_main.
function(chronotile_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIMISED" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE chronotile::test_support ${arg_LIBS} chronotile_warnings)
  target_precompile_headers(${name} REUSE_FROM chronotile_test_support)
  gtest_discover_tests(
    ${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 LABELS "$<IF:$<BOOL:${arg_OPTIMISED}>,optimised,>")
  if(arg_OPTIMISED)
    add_dependencies(optimised_tests ${name})
  endif()
endfunction()
