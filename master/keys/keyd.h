/*
 * keyd: the keys process, `silex: keys`. It alone holds private keys (DESIGN §3).
 *
 * Born by fork and exec of silex itself with KEYD_ARG and the master's channel (sibling.h). It
 * locks its memory, forbids dumps and ptrace, drops its privileges and confines itself to reading
 * and writing descriptors it has been given, before the first key comes in. When the master dies
 * it serves on, as the workers do, and ends with the last of them. What must not happen here:
 * files, network, logging of anything but its own start and end, and of memory that cannot be
 * locked.
 */
#ifndef SILEX_MASTER_KEYS_KEYD_H
#define SILEX_MASTER_KEYS_KEYD_H

#include <sys/types.h>

#include "common/process/sandbox.h"

#define KEYD_ARG "--keys-process" /* argv[1]; then the uid to take and the sandbox's mode */

/* main() of the process; argv[1] is KEYD_ARG. Its exit code. */
int keyd_main(int argc, char **argv);

#endif
