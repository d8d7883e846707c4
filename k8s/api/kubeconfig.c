/* kubeconfig: see kubeconfig.h. */
#include "k8s/api/kubeconfig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/text/base64.h"
#include "k8s/text/yaml.h"

#define FILE_MAX ((size_t)4 << 20)

struct reading {
	struct access *a;
	const char *file;
	size_t dir_n; /* bytes of the directory in `file`, with its "/"; 0: current directory */
	char *err;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reading *r, const char *fmt, ...)
{
	int n = snprintf(r->err, ACCESS_ERROR_MAX, "%s: ", r->file);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && n < ACCESS_ERROR_MAX)
		(void)vsnprintf(r->err + n, (size_t)(ACCESS_ERROR_MAX - n), fmt, ap);
	va_end(ap);
	return -1;
}

static char *dup_str(struct str s)
{
	return s.p == NULL || s.n == 0 ? NULL : strndup(s.p, s.n);
}

/* A file name of the kubeconfig, relative to its own directory. */
static char *dup_path(const struct reading *r, struct str s)
{
	char *path = NULL;

	if (s.n == 0 || s.p[0] == '/')
		return dup_str(s);
	if (asprintf(&path, "%.*s%.*s", (int)r->dir_n, r->file, STR_ARG(s)) == -1)
		return NULL;
	return path;
}

/* contexts[], clusters[], users[] are lists of {name, <member>: {...}}. */
static bool find_named(const struct jv *root, const char *list, struct str name, const char *member,
		       struct jv *item, struct jv *out)
{
	struct jv arr;
	uint32_t n = jv_arr(root, list, &arr);

	for (uint32_t i = 0; i < n; i++)
		if (jv_item_obj(&arr, i, item) && str_eq(jv_str(item, "name"), name))
			return jv_obj(item, member, out);
	return false;
}

static int decode_base64(const struct reading *r, const char *key, struct str text,
			 struct access_blob *out)
{
	ptrdiff_t n;

	out->data = malloc(base64_room(text.n));
	if (out->data == NULL)
		return fail(r, "out of memory");
	n = base64_decode(text, out->data);
	if (n == -1)
		return fail(r, "%s is not base64", key);
	out->data_n = (size_t)n;
	return 0;
}

/* "x-data" (inline) wins over "x" (a file), as kubectl has it. */
static int read_blob(const struct reading *r, const struct jv *in, const char *file_key,
		     const char *data_key, struct access_blob *out)
{
	struct str data = jv_str(in, data_key);

	if (data.n > 0)
		return decode_base64(r, data_key, data, out);
	out->file = dup_path(r, jv_str(in, file_key));
	return 0;
}

static int read_cluster(const struct reading *r, const struct jv *c)
{
	struct access *a = r->a;
	struct str server = jv_str(c, "server");
	bool insecure = false;

	while (server.n > 0 && server.p[server.n - 1] == '/')
		server.n--;
	if (!str_starts(server, STR("https://")) && !str_starts(server, STR("http://")))
		return fail(r, "the cluster's server must be a http:// or https:// URL");
	a->server = dup_str(server);
	a->tls_server_name = dup_str(jv_str(c, "tls-server-name"));
	if (jv_bool(c, "insecure-skip-tls-verify", &insecure))
		a->insecure = insecure;
	return read_blob(r, c, "certificate-authority", "certificate-authority-data", &a->ca);
}

static int read_exec_args(const struct reading *r, const struct jv *e)
{
	struct jv arr, item;
	uint32_t n = jv_arr(e, "args", &arr);
	char **argv = calloc((size_t)n + 2, sizeof(*argv));

	if (argv == NULL)
		return fail(r, "out of memory");
	r->a->exec.argv = argv;
	argv[0] = dup_str(jv_str(e, "command"));
	if (argv[0] == NULL)
		return fail(r, "users[].user.exec has no command");
	for (uint32_t i = 0; i < n; i++) {
		struct str s = jv_item_str(&arr, i, &item);

		argv[i + 1] = strndup(s.p == NULL ? "" : s.p, s.n);
		if (argv[i + 1] == NULL)
			return fail(r, "out of memory");
	}
	return 0;
}

/* The plugin is told what is asked of it in KUBERNETES_EXEC_INFO. */
static int read_exec_env(const struct reading *r, const struct jv *e)
{
	struct jv arr, item;
	uint32_t n = jv_arr(e, "env", &arr);
	struct str api = jv_str(e, "apiVersion");
	char **env = calloc((size_t)n + 2, sizeof(*env));

	if (env == NULL)
		return fail(r, "out of memory");
	r->a->exec.env = env;
	if (asprintf(&env[0],
		     "KUBERNETES_EXEC_INFO={\"apiVersion\":\"" STR_FMT
		     "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false}}",
		     STR_ARG(api)) == -1)
		return fail(r, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		struct str name, value;

		if (!jv_item_obj(&arr, i, &item))
			return fail(r, "users[].user.exec.env: expected name and value");
		name = jv_str(&item, "name");
		value = jv_str(&item, "value");
		if (asprintf(&env[i + 1], STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value)) == -1)
			return fail(r, "out of memory");
	}
	return 0;
}

static int read_user(const struct reading *r, const struct jv *u)
{
	struct access *a = r->a;
	struct jv exec;

	a->token = dup_str(jv_str(u, "token"));
	if (a->token == NULL)
		a->token_file = dup_path(r, jv_str(u, "tokenFile"));
	a->username = dup_str(jv_str(u, "username"));
	a->password = dup_str(jv_str(u, "password"));
	if (jv_has(u, "auth-provider"))
		return fail(r, "users[].user.auth-provider was removed from Kubernetes; use exec");
	if (jv_obj(u, "exec", &exec) &&
	    (read_exec_args(r, &exec) == -1 || read_exec_env(r, &exec) == -1))
		return -1;
	if (read_blob(r, u, "client-certificate", "client-certificate-data", &a->cert) == -1)
		return -1;
	return read_blob(r, u, "client-key", "client-key-data", &a->key);
}

static int read_context(const struct reading *r, const struct jv *root, const char *wanted)
{
	struct str name = wanted != NULL ? str_from(wanted) : jv_str(root, "current-context");
	struct jv i0, i1, i2, context, cluster, user;

	if (name.n == 0)
		return fail(r, "no current-context; name one");
	if (!find_named(root, "contexts", name, "context", &i0, &context))
		return fail(r, "no context named \"" STR_FMT "\"", STR_ARG(name));
	r->a->ns = dup_str(jv_str(&context, "namespace"));
	name = jv_str(&context, "cluster");
	if (!find_named(root, "clusters", name, "cluster", &i1, &cluster))
		return fail(r, "no cluster named \"" STR_FMT "\"", STR_ARG(name));
	if (read_cluster(r, &cluster) == -1)
		return -1;
	name = jv_str(&context, "user");
	if (name.n == 0)
		return 0;
	if (!find_named(root, "users", name, "user", &i2, &user))
		return fail(r, "no user named \"" STR_FMT "\"", STR_ARG(name));
	return read_user(r, &user);
}

static char *read_whole(const struct reading *r, size_t *n)
{
	FILE *f = fopen(r->file, "re");
	char *text = f == NULL ? NULL : malloc(FILE_MAX);

	if (f == NULL || text == NULL) {
		(void)fail(r, "%s", strerror(errno));
		if (f != NULL)
			(void)fclose(f);
		return NULL;
	}
	*n = fread(text, 1, FILE_MAX, f);
	(void)fclose(f);
	return text;
}

int kubeconfig_read(struct access *a, const char *file, const char *context,
		    char err[ACCESS_ERROR_MAX])
{
	const char *slash = strrchr(file, '/');
	struct reading r = {.a = a,
			    .file = file,
			    .dir_n = slash == NULL ? 0 : (size_t)(slash - file) + 1,
			    .err = err};
	struct jv_err jerr = {0};
	struct yaml_doc doc;
	struct json_object *tree = NULL;
	size_t n = 0;
	char *text = read_whole(&r, &n);
	struct str rest = str_make(text, n);
	uint32_t line = 1;
	int rc;

	if (text == NULL)
		return -1;
	if (yaml_next(&rest, &line, &doc))
		tree = yaml_parse(&doc, &jerr);
	if (tree == NULL) {
		rc = fail(&r, "line %u: %s", jerr.line, jerr.set ? jerr.text : "empty file");
	} else {
		struct jv root = jv_root(tree, &jerr);

		rc = read_context(&r, &root, context);
		if (rc == 0 && jerr.set)
			rc = fail(&r, "%s", jerr.text);
		jv_wipe(tree);
		json_object_put(tree);
	}
	explicit_bzero(text, n);
	free(text);
	return rc;
}
