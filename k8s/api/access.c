/*
 * access: see access.h. Here: choosing between kubeconfig, --apiserver-host and the pod's service
 * account. kubeconfig.c reads the file.
 */
#include "k8s/api/access.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/api/kubeconfig.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

static bool given(const char *s)
{
	return s != NULL && *s != '\0';
}

static void free_secret(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s));
}

static void blob_free(struct access_blob *b)
{
	free(b->file);
	if (b->data != NULL)
		freezero(b->data, b->data_n);
}

static void strings_free(char **v)
{
	for (char **s = v; s != NULL && *s != NULL; s++)
		free(*s);
	free(v);
}

void access_free(struct access *a)
{
	if (a == NULL)
		return;
	free(a->server);
	free(a->tls_server_name);
	blob_free(&a->ca);
	blob_free(&a->cert);
	blob_free(&a->key);
	free_secret(a->token);
	free(a->token_file);
	free(a->username);
	free_secret(a->password);
	strings_free(a->exec.argv);
	strings_free(a->exec.env);
	free(a->exec.api_version);
	free(a->ns);
	free(a);
}

/* "host:port" or an address, with the scheme filled in and the last "/" removed. */
static char *server_url(const char *host)
{
	char *url = NULL;
	size_t n;

	if (asprintf(&url, "%s%s", strstr(host, "://") == NULL ? "https://" : "", host) == -1)
		return NULL;
	for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		url[n - 1] = '\0';
	return url;
}

static char *path_in(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) == -1 ? NULL : path;
}

static char *read_line(const char *path)
{
	char buf[256];
	FILE *f = fopen(path, "re");
	char *line;

	if (f == NULL)
		return NULL;
	line = fgets(buf, sizeof(buf), f);
	(void)fclose(f);
	if (line == NULL)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return strdup(line);
}

/* What every pod is given: env for the address, files for CA, token and namespace. */
static int from_service_account(struct access *a, const char *dir, char err[ACCESS_ERROR_MAX])
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool v6 = given(host) && strchr(host, ':') != NULL;
	char *ns_path = path_in(dir, "namespace");

	if (!given(host) || !given(port)) {
		free(ns_path);
		(void)snprintf(
		    err, ACCESS_ERROR_MAX,
		    "not in a pod (KUBERNETES_SERVICE_HOST is not set): give --manifests DIR, "
		    "--kubeconfig FILE or --apiserver-host URL");
		return -1;
	}
	if (asprintf(&a->server, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port) ==
	    -1)
		a->server = NULL;
	a->token_file = path_in(dir, "token");
	a->ca.file = path_in(dir, "ca.crt");
	a->ns = ns_path == NULL ? NULL : read_line(ns_path);
	free(ns_path);
	if (a->server == NULL || a->token_file == NULL || a->ca.file == NULL) {
		(void)snprintf(err, ACCESS_ERROR_MAX, "out of memory");
		return -1;
	}
	if (access(a->token_file, R_OK) == -1) {
		(void)snprintf(err, ACCESS_ERROR_MAX,
			       "%s: %s; the pod needs automountServiceAccountToken: true",
			       a->token_file, strerror(errno));
		return -1;
	}
	return 0;
}

static int apply_overrides(struct access *a, const struct access_options *opt,
			   char err[ACCESS_ERROR_MAX])
{
	if (given(opt->apiserver_host)) {
		free(a->server);
		a->server = server_url(opt->apiserver_host);
	}
	if (given(opt->ca_file)) {
		blob_free(&a->ca);
		a->ca = (struct access_blob){.file = strdup(opt->ca_file)};
	}
	if (a->server == NULL || (given(opt->ca_file) && a->ca.file == NULL)) {
		(void)snprintf(err, ACCESS_ERROR_MAX, "out of memory");
		return -1;
	}
	return 0;
}

struct access *access_find(const struct access_options *opt, char err[ACCESS_ERROR_MAX])
{
	struct access *a = calloc(1, sizeof(*a));
	const char *dir =
	    given(opt->service_account_dir) ? opt->service_account_dir : SERVICE_ACCOUNT_DIR;
	int rc = 0;

	if (a == NULL) {
		(void)snprintf(err, ACCESS_ERROR_MAX, "out of memory");
		return NULL;
	}
	if (given(opt->kubeconfig))
		rc = kubeconfig_read(a, opt->kubeconfig, given(opt->context) ? opt->context : NULL,
				     err);
	else if (!given(opt->apiserver_host))
		rc = from_service_account(a, dir, err);
	if (rc == -1 || apply_overrides(a, opt, err) == -1) {
		access_free(a);
		return NULL;
	}
	return a;
}
