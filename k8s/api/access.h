/*
 * access: where the API server is and who we are to it.
 *
 * Found in this order, as kubectl and ingress-nginx do: --kubeconfig (or --apiserver-host alone),
 * else the service account that a pod finds mounted. Plain data: reading files for a fresh token
 * is credential.h's, talking is client.h's.
 */
#ifndef SILEX_K8S_API_ACCESS_H
#define SILEX_K8S_API_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_ERROR_MAX 512

/* A secret or certificate given as a file or in line; both NULL: not given. */
struct access_blob {
	char *file;
	char *data; /* PEM */
	size_t data_n;
};

/* users[].user.exec of a kubeconfig (client.authentication.k8s.io). */
struct access_exec {
	char **argv; /* NULL-terminated; NULL: none */
	char **env;  /* "NAME=value" to add; NULL-terminated or NULL */
	char *api_version;
	uint32_t timeout_ms; /* 0: EXEC_PLUGIN_TIMEOUT_MS */
};

struct access {
	char *server; /* "https://10.96.0.1:443", no "/" at its end */
	char *tls_server_name;
	bool insecure; /* insecure-skip-tls-verify */
	struct access_blob ca, cert, key;
	char *token; /* fixed */
	char *token_file;
	char *username, *password;
	struct access_exec exec;
	char *ns; /* the namespace of the context or of the pod; may be NULL */
};

struct access_options {
	const char *kubeconfig;     /* path, "" or NULL: none */
	const char *context;        /* "" or NULL: current-context */
	const char *apiserver_host; /* overrides the server; "" or NULL: none */
	const char *ca_file;        /* --certificate-authority; "" or NULL: none */
	/* Where a pod finds its service account; NULL: /var/run/secrets/kubernetes.io/... */
	const char *service_account_dir;
};

/* A new access, or NULL with a whole sentence in err: what is missing and how to give it. */
struct access *access_find(const struct access_options *opt, char err[ACCESS_ERROR_MAX]);
void access_free(struct access *a); /* wipes what is secret; NULL is ignored */

#endif
