#pragma once

/// In front of a function whose loops vectorise: compiled for several instruction sets, chosen when the program starts.
/// The bits are the same on all of them if the function uses only IEEE operations that round alike everywhere and its
/// source file is compiled with -ffp-contract=off.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CHRONOTILE_EVERY_ISA __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CHRONOTILE_EVERY_ISA
#endif
