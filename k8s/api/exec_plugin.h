/*
 * exec_plugin: a kubeconfig's credential command (client.authentication.k8s.io ExecCredential).
 *
 * Runs beside the loop: its standard output is read as it comes, bounded in size and time; the
 * process is nobody's child to wait for (double fork), so the master's own reaping is undisturbed.
 * It is the leader of a group of its own: when it is given up, the whole group is killed, so that
 * a command that hangs never piles up.
 */
#ifndef SILEX_K8S_API_EXEC_PLUGIN_H
#define SILEX_K8S_API_EXEC_PLUGIN_H

#include <stdint.h>

#include "common/loop/ev.h"
#include "k8s/api/access.h"

#define EXEC_PLUGIN_TIMEOUT_MS 30000u
#define EXEC_PLUGIN_OUTPUT_MAX 262144u

struct exec_plugin;

/* What it printed, valid during the call: a token, or certificate and key, or all three. */
struct exec_credential {
	const char *token;      /* NULL: none */
	const char *cert, *key; /* PEM; both or neither */
	int64_t expires_unix;   /* 0: it does not say */
};

/*
 * done(arg, what, error): what is NULL and error a text when it did not work. Called once, from
 * the loop; the plugin is gone then. Returns NULL with errno when it could not even be started.
 */
typedef void exec_plugin_fn(void *arg, const struct exec_credential *what, const char *error);
struct exec_plugin *exec_plugin_start(struct ev *ev, const struct access_exec *exec,
				      exec_plugin_fn *done, void *arg);
/* No callback follows. NULL is ignored. */
void exec_plugin_cancel(struct exec_plugin *p);

#endif
