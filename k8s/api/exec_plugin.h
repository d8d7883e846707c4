/*
 * exec_plugin: a kubeconfig's credential command (client.authentication.k8s.io ExecCredential).
 *
 * Runs beside the loop: its standard output is read as it comes, bounded in size and time; the
 * process is nobody's child to wait for (double fork), so the master's own reaping is undisturbed.
 */
#ifndef SILEX_K8S_API_EXEC_PLUGIN_H
#define SILEX_K8S_API_EXEC_PLUGIN_H

#include <stdint.h>

#include "common/loop/ev.h"
#include "k8s/api/access.h"

#define EXEC_PLUGIN_TIMEOUT_MS 30000u
#define EXEC_PLUGIN_OUTPUT_MAX 262144u

struct exec_plugin;

/*
 * done(arg, token, expires_unix, error): token is NULL and error a text when it did not work;
 * expires_unix 0 when it does not say. Called once, from the loop; the plugin is gone then.
 * Returns NULL with errno when it could not even be started.
 */
typedef void exec_plugin_fn(void *arg, const char *token, int64_t expires_unix, const char *error);
struct exec_plugin *exec_plugin_start(struct ev *ev, const struct access_exec *exec,
				      exec_plugin_fn *done, void *arg);
/* No callback follows. NULL is ignored. */
void exec_plugin_cancel(struct exec_plugin *p);

#endif
