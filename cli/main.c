/* The program: reads the command line. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"

static const char usage[] = "usage: tawny [--version] [--help]\n";

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("tawny " TAWNY_VERSION);
        return OK;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return OK;
    }
    fputs(usage, stderr);
    return ERR_USAGE;
}
