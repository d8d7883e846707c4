/* exec_plugin: see exec_plugin.h. */
#include "k8s/api/exec_plugin.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"
#include "common/loop/timer.h"

struct exec_plugin {
	struct ev *ev;
	struct ev_fd out;
	struct timer deadline;
	char *text;
	size_t n;
	exec_plugin_fn *done;
	void *arg;
};

static void plugin_free(struct exec_plugin *p)
{
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

static void plugin_end(struct exec_plugin *p, const char *token, int64_t expires, const char *error)
{
	p->done(p->arg, token, expires, error);
	plugin_free(p);
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

static void report(struct exec_plugin *p)
{
	struct json_tokener *tok = json_tokener_new_ex(16);
	struct json_object *root, *status = NULL;
	const char *token;

	if (tok == NULL) {
		plugin_end(p, NULL, 0, "out of memory");
		return;
	}
	root = json_tokener_parse_ex(tok, p->text == NULL ? "" : p->text, (int)p->n);
	json_tokener_free(tok);
	if (root == NULL || !json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "status", &status) ||
	    !json_object_is_type(status, json_type_object))
		plugin_end(p, NULL, 0, "credential plugin printed no ExecCredential with a status");
	else if ((token = text_member(status, "token")) == NULL)
		plugin_end(p, NULL, 0,
			   "credential plugin gave no token (certificates are not supported)");
	else
		plugin_end(p, token, parse_time(text_member(status, "expirationTimestamp")), NULL);
	json_object_put(root);
}

static void on_output(struct ev_fd *f, unsigned ready)
{
	struct exec_plugin *p = container_of(f, struct exec_plugin, out);
	ssize_t n;

	(void)ready;
	if (p->n == EXEC_PLUGIN_OUTPUT_MAX) {
		plugin_end(p, NULL, 0, "credential plugin printed too much");
		return;
	}
	n = read(f->fd, p->text + p->n, EXEC_PLUGIN_OUTPUT_MAX - p->n);
	if (n > 0)
		p->n += (size_t)n;
	else if (n == 0)
		report(p);
	else if (errno != EAGAIN && errno != EINTR)
		plugin_end(p, NULL, 0, strerror(errno));
}

static void on_deadline(struct timer *t)
{
	plugin_end(container_of(t, struct exec_plugin, deadline), NULL, 0,
		   "credential plugin did not end in time");
}

/* In the grandchild: standard output to the pipe, input from nowhere, everything else closed. */
static _Noreturn void become(const struct access_exec *exec, int out)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
		_exit(126);
	closefrom(3);
	for (char **e = exec->env; e != NULL && *e != NULL; e++)
		(void)putenv(*e);
	execvp(exec->argv[0], exec->argv);
	_exit(127);
}

static int spawn(const struct access_exec *exec, int out)
{
	pid_t pid = fork();

	if (pid == -1)
		return -1;
	if (pid == 0) {
		pid_t inner = fork();

		if (inner == 0)
			become(exec, out);
		_exit(inner == -1 ? 1 : 0);
	}
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return 0;
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
	if (net_nonblock(fds[0]) == -1 || spawn(exec, fds[1]) == -1 ||
	    ev_add(ev, &p->out, fds[0], EV_READ, on_output) == -1)
		goto fail;
	(void)close(fds[1]);
	timer_set(ev_timers(ev), &p->deadline, ev_now_ms(ev) + EXEC_PLUGIN_TIMEOUT_MS);
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
