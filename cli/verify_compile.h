/* verify_compile.h - `tawny verify --compile-only`. */
#ifndef TAWNY_CLI_VERIFY_COMPILE_H
#define TAWNY_CLI_VERIFY_COMPILE_H

#include "cli.h"

/* --compile-only: compiles every pipeline that the device would pick and prints what the compiler
 * tells (see check/compile.h); ERR_VERIFY where one spills. kernels: patterns or NULL; all: of
 * every model. */
enum status verify_compile(const char *kernels, bool all);

#endif
