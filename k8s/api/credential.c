/* credential: see credential.h. */
#include "k8s/api/credential.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/str.h"
#include "common/loop/timer.h"
#include "k8s/api/exec_plugin.h"

#define PLUGIN_RETRY_MS 5000u
#define PLUGIN_EARLY_S  60 /* run again this long before the token ends */

struct credential {
	struct ev *ev;
	const struct access *access;
	struct exec_plugin *plugin; /* running */
	struct timer again;         /* when the plugin must run again */
	char *token;
	char *cert, *key; /* of the plugin */
	uint64_t read_ms; /* when the file was last looked at; 0: never */
	bool tried;       /* the plugin has ended at least once */
	void (*ready)(void *arg);
	void *arg;
};

static void forget(char *secret)
{
	if (secret != NULL)
		freezero(secret, strlen(secret));
}

/* text may be NULL: none any more. */
static void set(char **secret, const char *text)
{
	char *copy = text == NULL ? NULL : strdup(text);

	if (copy == NULL && text != NULL)
		return; /* the old one goes on */
	forget(*secret);
	*secret = copy;
}

/* Bytes that cannot stand in a header field would let the file forge one. */
static bool token_is_clean(struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] == 0x7f)
			return false;
	return t.n > 0;
}

static void read_file(struct credential *c)
{
	static char buf[CREDENTIAL_TOKEN_MAX];
	struct str t = STR_NONE;
	int fd = open(c->access->token_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n > 0)
		t = str_make(buf, (size_t)n);
	while (t.n > 0 && (t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r'))
		t.n--;
	if (token_is_clean(t)) {
		buf[t.n] = '\0';
		set(&c->token, buf);
	} else {
		log_warn("token file gives no token; the old one is used",
			 LOG_Z("file", c->access->token_file),
			 LOG_Z("why", n == -1 ? strerror(errno) : "empty or not a token"));
	}
	if (fd != -1)
		(void)close(fd);
	explicit_bzero(buf, sizeof(buf));
	c->read_ms = ev_now_ms(c->ev);
}

/* ---- the plugin --------------------------------------------------------------------- */

static void run_plugin(struct credential *c);

static void on_again(struct timer *t)
{
	run_plugin(container_of(t, struct credential, again));
}

/* Milliseconds until it must run again; 0: never. */
static uint64_t plugin_lasts(int64_t expires_unix)
{
	int64_t left = expires_unix - (int64_t)time(NULL) - PLUGIN_EARLY_S;

	if (expires_unix == 0)
		return 0;
	return left > 5 ? (uint64_t)left * 1000 : PLUGIN_RETRY_MS;
}

static void on_plugin(void *arg, const struct exec_credential *what, const char *error)
{
	struct credential *c = arg;
	uint64_t wait = PLUGIN_RETRY_MS;

	c->plugin = NULL;
	c->tried = true;
	if (error != NULL) {
		log_error("no credentials from the kubeconfig's command",
			  LOG_Z("command", c->access->exec.argv[0]), LOG_Z("why", error));
	} else if (what->token != NULL && !token_is_clean(str_from(what->token))) {
		log_error("the kubeconfig's command gave a token with control bytes",
			  LOG_Z("command", c->access->exec.argv[0]));
	} else {
		set(&c->token, what->token);
		set(&c->cert, what->cert);
		set(&c->key, what->key);
		wait = plugin_lasts(what->expires_unix);
	}
	if (wait != 0)
		timer_set(ev_timers(c->ev), &c->again, ev_now_ms(c->ev) + wait);
	c->ready(c->arg);
}

static void run_plugin(struct credential *c)
{
	if (c->plugin != NULL)
		return;
	c->plugin = exec_plugin_start(c->ev, &c->access->exec, on_plugin, c);
	if (c->plugin == NULL) {
		log_error("cannot run the kubeconfig's command",
			  LOG_Z("command", c->access->exec.argv[0]), LOG_ERRNO(errno));
		timer_set(ev_timers(c->ev), &c->again, ev_now_ms(c->ev) + PLUGIN_RETRY_MS);
	}
}

/* ------------------------------------------------------------------------------------- */

struct credential *credential_new(struct ev *ev, const struct access *access,
				  void (*ready)(void *arg), void *arg)
{
	struct credential *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ev = ev;
	c->access = access;
	c->ready = ready;
	c->arg = arg;
	timer_init(&c->again, on_again);
	if (access->token != NULL)
		set(&c->token, access->token);
	if (access->exec.argv != NULL)
		run_plugin(c);
	return c;
}

void credential_free(struct credential *c)
{
	if (c == NULL)
		return;
	exec_plugin_cancel(c->plugin);
	timer_cancel(ev_timers(c->ev), &c->again);
	forget(c->token);
	forget(c->cert);
	forget(c->key);
	free(c);
}

bool credential_pending(const struct credential *c)
{
	return c->access->exec.argv != NULL && !c->tried;
}

const char *credential_token(struct credential *c)
{
	if (c->access->token_file != NULL &&
	    (c->read_ms == 0 || ev_now_ms(c->ev) >= c->read_ms + CREDENTIAL_REREAD_MS))
		read_file(c);
	return c->token;
}

const char *credential_cert(const struct credential *c)
{
	return c->cert;
}

const char *credential_key(const struct credential *c)
{
	return c->key;
}

void credential_refresh(struct credential *c)
{
	c->read_ms = 0;
	if (c->access->exec.argv != NULL)
		run_plugin(c);
}
