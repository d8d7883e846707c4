/*
 * show: `silex show ...`, a process of its own that looks at a running instance.
 *
 *     silex show workers | table | route HOST PATH | conf    [--instance NAME] [--config FILE]
 *
 * It maps the shared objects read-only and asks nobody, so it also works when the instance
 * hangs. It is no reader the writer waits for: what it read of the table is thrown away and read
 * again when a new version appeared meanwhile; it reads in a child with a limit of time, because
 * blocks that are used again can lead it anywhere.
 */
#ifndef SILEX_MASTER_SHOW_H
#define SILEX_MASTER_SHOW_H

#include "common/conf/conf_args.h"

/* Returns the exit code: 0; 1 when the instance does not run; 2 for a mistake in the words. */
int show_main(const struct conf_args *args);

#endif
