/* exec_plugin: see exec_plugin.h. */
#include "k8s/api/exec_plugin.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"
#include "common/loop/sig.h"
#include "common/loop/timer.h"

struct exec_plugin {
	struct ev *ev;
	struct ev_fd out;
	struct timer deadline;
	pid_t group; /* the process group it runs in; 0: not started, or it has ended */
	char *text;
	size_t n;
	exec_plugin_fn *done;
	void *arg;
};

static void plugin_free(struct exec_plugin *p)
{
	/* Somebody holds the pipe open: the group is there, and its number nobody else's. */
	if (p->group != 0)
		(void)kill(-p->group, SIGKILL);
	if (p->out.fd != -1) {
		int fd = p->out.fd;

		ev_del(p->ev, &p->out);
		(void)close(fd);
	}
	timer_cancel(ev_timers(p->ev), &p->deadline);
	if (p->text != NULL)
		explicit_bzero(p->text, p->n);
	free(p->text);
	free(p);
}

static void plugin_end(struct exec_plugin *p, const struct exec_credential *what, const char *error)
{
	p->done(p->arg, what, error);
	plugin_free(p);
}

static void plugin_fail(struct exec_plugin *p, const char *error)
{
	plugin_end(p, NULL, error);
}

/* "2026-01-02T03:04:05Z"; 0 when absent or of another form. */
static int64_t parse_time(const char *s)
{
	struct tm tm = {0};
	const char *rest = s == NULL ? NULL : strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);

	return rest == NULL || *rest != 'Z' ? 0 : (int64_t)timegm(&tm);
}

static const char *text_member(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, name, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* NULL, or what is wrong with the answer. */
static const char *read_status(struct json_object *root, struct exec_credential *out)
{
	const char *kind = text_member(root, "kind");
	struct json_object *status = NULL;

	if (kind == NULL || strcmp(kind, "ExecCredential") != 0 ||
	    !json_object_object_get_ex(root, "status", &status) ||
	    !json_object_is_type(status, json_type_object))
		return "the command printed no ExecCredential with a status";
	out->token = text_member(status, "token");
	out->cert = text_member(status, "clientCertificateData");
	out->key = text_member(status, "clientKeyData");
	out->expires_unix = parse_time(text_member(status, "expirationTimestamp"));
	if ((out->cert == NULL) != (out->key == NULL))
		return "the command gave a certificate without key, or a key without certificate";
	if (out->token == NULL && out->cert == NULL)
		return "the command gave neither a token nor a certificate";
	return NULL;
}

static void report(struct exec_plugin *p)
{
	struct json_tokener *tok = json_tokener_new_ex(16);
	struct exec_credential what = {0};
	struct json_object *root;
	const char *wrong;

	if (tok == NULL) {
		plugin_fail(p, "out of memory");
		return;
	}
	root = json_tokener_parse_ex(tok, p->text, (int)p->n);
	json_tokener_free(tok);
	if (p->n == 0)
		wrong = "the command printed nothing: it is not there, or it failed";
	else if (!json_object_is_type(root, json_type_object))
		wrong = "the command printed something that is not JSON";
	else
		wrong = read_status(root, &what);
	plugin_end(p, wrong == NULL ? &what : NULL, wrong);
	json_object_put(root);
}

static void on_output(struct ev_fd *f, unsigned ready)
{
	struct exec_plugin *p = container_of(f, struct exec_plugin, out);
	ssize_t n;

	(void)ready;
	if (p->n == EXEC_PLUGIN_OUTPUT_MAX) {
		plugin_fail(p, "the command printed too much");
		return;
	}
	n = read(f->fd, p->text + p->n, EXEC_PLUGIN_OUTPUT_MAX - p->n);
	if (n > 0)
		p->n += (size_t)n;
	else if (n == 0) {
		p->group = 0;
		report(p);
	} else if (errno != EAGAIN && errno != EINTR)
		plugin_fail(p, strerror(errno));
}

static void on_deadline(struct timer *t)
{
	plugin_fail(container_of(t, struct exec_plugin, deadline),
		    "the command did not end in time and was killed");
}

/* In the grandchild: standard output to the pipe, input from nowhere, everything else closed. */
static _Noreturn void become(const struct access_exec *exec, int out)
{
	int null = open("/dev/null", O_RDWR);

	sig_child_reset();
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
		_exit(126);
	closefrom(3);
	for (char **e = exec->env; e != NULL && *e != NULL; e++)
		(void)putenv(*e);
	execvp(exec->argv[0], exec->argv);
	_exit(127);
}

/* The group it runs in, or -1. */
static pid_t spawn(const struct access_exec *exec, int out)
{
	pid_t pid = fork();

	if (pid == -1)
		return -1;
	if (pid == 0) {
		pid_t inner = setpgid(0, 0) == -1 ? -1 : fork();

		if (inner == 0)
			become(exec, out);
		_exit(inner == -1 ? 1 : 0);
	}
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return pid;
}

struct exec_plugin *exec_plugin_start(struct ev *ev, const struct access_exec *exec,
				      exec_plugin_fn *done, void *arg)
{
	struct exec_plugin *p = calloc(1, sizeof(*p));
	int fds[2] = {-1, -1};

	if (p == NULL)
		return NULL;
	p->ev = ev;
	p->out = EV_FD_NONE;
	p->done = done;
	p->arg = arg;
	timer_init(&p->deadline, on_deadline);
	p->text = malloc(EXEC_PLUGIN_OUTPUT_MAX);
	if (p->text == NULL || pipe2(fds, O_CLOEXEC) == -1)
		goto fail;
	if (net_nonblock(fds[0]) == -1 || ev_add(ev, &p->out, fds[0], EV_READ, on_output) == -1)
		goto fail;
	p->group = spawn(exec, fds[1]);
	(void)close(fds[1]);
	if (p->group == -1) {
		p->group = 0;
		plugin_free(p); /* closes the other end */
		return NULL;
	}
	timer_set(ev_timers(ev), &p->deadline,
		  ev_now_ms(ev) +
		      (exec->timeout_ms != 0 ? exec->timeout_ms : EXEC_PLUGIN_TIMEOUT_MS));
	return p;
fail:
	if (fds[0] != -1) {
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	plugin_free(p);
	return NULL;
}

void exec_plugin_cancel(struct exec_plugin *p)
{
	if (p != NULL)
		plugin_free(p);
}
