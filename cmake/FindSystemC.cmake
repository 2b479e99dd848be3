# Defines SystemC::systemc (SystemC and TLM-2.0), from a CMake build of SystemC or from pkg-config, and explains a
# mismatch of the C++ standard, which libsystemc turns into an undefined symbol at link time.
find_package(SystemCLanguage CONFIG QUIET)
if(NOT TARGET SystemC::systemc)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(SYSTEMC QUIET IMPORTED_TARGET systemc tlm)
  if(SYSTEMC_FOUND)
    add_library(SystemC::systemc INTERFACE IMPORTED)
    target_link_libraries(SystemC::systemc INTERFACE PkgConfig::SYSTEMC)
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(TARGET SystemC::systemc)
  set(SystemC_TARGET SystemC::systemc)
endif()
find_package_handle_standard_args(
  SystemC
  REQUIRED_VARS SystemC_TARGET
  REASON_FAILURE_MESSAGE "install libsystemc-dev, or point SystemCLanguage_DIR at a CMake build of SystemC")

if(TARGET SystemC::systemc AND NOT SystemC_LINKS_WITH STREQUAL "${CMAKE_CXX_STANDARD}")
  set(_source ${CMAKE_BINARY_DIR}/CMakeFiles/systemc_standard.cpp)
  file(WRITE ${_source} "#include <systemc>\nint sc_main(int, char**) { return 0; }\n")
  try_compile(
    _links ${CMAKE_BINARY_DIR}/CMakeFiles/systemc_standard
    SOURCES ${_source}
    LINK_LIBRARIES SystemC::systemc
    CXX_STANDARD ${CMAKE_CXX_STANDARD}
    CXX_STANDARD_REQUIRED ON
    OUTPUT_VARIABLE _log)
  if(NOT _links)
    if(_log MATCHES "sc_api_version[0-9a-z_]*cxx([0-9]+)L")
      message(
        FATAL_ERROR
          "libsystemc was built for another C++ standard than CMAKE_CXX_STANDARD=${CMAKE_CXX_STANDARD}: configure with "
          "-DCMAKE_CXX_STANDARD set to the one SystemC was built with (17 for Debian's libsystemc-dev).")
    endif()
    message(FATAL_ERROR "A minimal SystemC program does not build:\n${_log}")
  endif()
  set(SystemC_LINKS_WITH ${CMAKE_CXX_STANDARD} CACHE INTERNAL "C++ standard that links with libsystemc")
endif()
