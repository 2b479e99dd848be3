# Interface target with the warnings that every chronotile target is built with.
add_library(chronotile_warnings INTERFACE)
target_compile_options(
  chronotile_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wshadow
            -Werror)
