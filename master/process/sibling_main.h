/*
 * sibling_main: how a sibling of the master (sibling.h) begins, from its own side: who it is, what
 * it ignores, how it confines itself, and how it reads what it is ordered.
 */
#ifndef SILEX_MASTER_PROCESS_SIBLING_MAIN_H
#define SILEX_MASTER_PROCESS_SIBLING_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/process/sandbox.h"

/* From main(): its uid and the sandbox's mode out of argv, its name (for ps and the log), signals
 * that are the master's alone. OpenSSL is ready, without anybody's settings. False: these are no
 * such arguments. */
bool sibling_begin(int argc, char **argv, const char *name, struct sandbox *sandbox);
/* No dumps, no ptrace, and the sandbox, before the first secret comes. False: logged; it must
 * exit. */
bool sibling_confine(const char *name, const struct sandbox *sandbox);
/* One packet, and the descriptor that came with it, or -1. As recv(2). */
ssize_t sibling_receive(int from, void *bytes, size_t n, int *fd);

#endif
