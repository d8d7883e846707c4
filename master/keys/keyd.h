/*
 * keyd: the keys process, `silex: keys`. It alone holds private keys (DESIGN §3).
 *
 * Born by fork and exec of silex itself with KEYD_ARG and one descriptor, the master's channel. It
 * locks its memory, forbids dumps and ptrace, drops its privileges and confines itself to reading
 * and writing descriptors it has been given, before the first key comes in. It ends when the
 * master's channel does. What must not happen here: files, network, logging of anything but its
 * own start and end.
 */
#ifndef SILEX_MASTER_KEYS_KEYD_H
#define SILEX_MASTER_KEYS_KEYD_H

#include <sys/types.h>

#include "common/sandbox.h"

#define KEYD_ARG        "--keys-process" /* argv[1]; then uid and gid to take */
#define KEYD_FD_CHANNEL 3

/* Never returns to its caller's work: the exit code of the process. */
int keyd_main(const struct sandbox *sandbox);

#endif
