include(GoogleTest)

# chronotile_add_test(NAME SOURCES ... [LIBS ...]): a test program whose every TEST ctest runs in a process of its own
# (SystemC elaborates once per process). libsystemc exports main: tests link testbench/support, never gtest_main.
function(chronotile_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE chronotile::test_support ${arg_LIBS} chronotile_warnings)
  target_precompile_headers(${name} REUSE_FROM chronotile_test_support)
  gtest_discover_tests(
    ${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120)
endfunction()
