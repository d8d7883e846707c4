/*
 * transfer: what libcurl is told about one request: where it goes, what is sent, as whom, and
 * how patient it is. The token is taken fresh for each.
 */
#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "k8s/api/client_int.h"

#define CONNECT_MS 10000L

static CURLcode set_blob(CURL *e, CURLoption file, CURLoption blob, const struct access_blob *b)
{
	struct curl_blob cb = {.data = b->data, .len = b->data_n, .flags = CURL_BLOB_NOCOPY};

	if (b->data != NULL)
		return curl_easy_setopt(e, blob, &cb);
	if (b->file != NULL)
		return curl_easy_setopt(e, file, b->file);
	return CURLE_OK;
}

/* Copied: the command may give another one while this transfer runs. */
static CURLcode set_text(CURL *e, CURLoption blob, const char *pem)
{
	struct curl_blob cb = {
	    .data = (void *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};

	return curl_easy_setopt(e, blob, &cb);
}

/* What a command gave is newer than what the file says. */
static bool set_certificate(struct api_call *call)
{
	const struct access *a = call->client->access;
	const char *cert = credential_cert(call->client->credential);
	const char *key = credential_key(call->client->credential);
	CURL *e = call->easy;

	if (cert != NULL)
		return set_text(e, CURLOPT_SSLCERT_BLOB, cert) == CURLE_OK &&
		       set_text(e, CURLOPT_SSLKEY_BLOB, key) == CURLE_OK;
	return set_blob(e, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, &a->cert) == CURLE_OK &&
	       set_blob(e, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, &a->key) == CURLE_OK;
}

static bool set_identity(struct api_call *call)
{
	const struct access *a = call->client->access;
	CURL *e = call->easy;
	bool ok = true;

	ok &= set_blob(e, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, &a->ca) == CURLE_OK;
	ok &= set_certificate(call);
	/* A rotated CA file must be seen by the next connection, not a day later. */
	ok &= curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK;
	if (a->insecure) {
		ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
	}
	if (a->username != NULL) {
		ok &= curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_USERNAME, a->username) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_PASSWORD,
				       a->password != NULL ? a->password : "") == CURLE_OK;
	}
	return ok;
}

static bool add_header(struct api_call *call, const char *name, const char *value)
{
	struct curl_slist *grown;
	char *line = NULL;

	if (asprintf(&line, "%s: %s", name, value) == -1)
		return false;
	grown = curl_slist_append(call->headers, line);
	freezero(line, strlen(line));
	if (grown == NULL)
		return false;
	call->headers = grown;
	return true;
}

static bool set_headers(struct api_call *call)
{
	const char *token = credential_token(call->client->credential);
	char bearer[CREDENTIAL_TOKEN_MAX + 16];
	bool ok = add_header(call, "Accept", "application/json") && add_header(call, "Expect", "");

	if (call->content_type != NULL)
		ok = ok && add_header(call, "Content-Type", call->content_type);
	if (token != NULL) {
		(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
		ok = ok && add_header(call, "Authorization", bearer);
		explicit_bzero(bearer, sizeof(bearer));
	}
	return ok && curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
}

static bool set_transfer(struct api_call *call, size_t (*on_bytes)(char *, size_t, size_t, void *))
{
	const char *server = call->client->access->server;
	CURL *e = call->easy;
	char *url = NULL;
	bool ok = true;

	if (asprintf(&url, "%s%s", server, call->path) == -1)
		return false;
	ok &= curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK;
	free(url);
	ok &= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_USERAGENT, call->client->agent) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK;
	/* Wait for the handshake to tell whether one connection will do. Without TLS nothing tells,
	 * and everything would wait for the first watch to end. */
	ok &= curl_easy_setopt(e, CURLOPT_PIPEWAIT, strncmp(server, "https:", 6) == 0 ? 1L : 0L) ==
	      CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)call->req.total_ms) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->curl_error) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_PRIVATE, call) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_WRITEDATA, call) == CURLE_OK;
	if (call->req.gzip)
		ok &= curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK;
	if (call->body != NULL) {
		ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
				       (curl_off_t)call->req.body.n) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body) == CURLE_OK;
	}
	return ok;
}

bool transfer_set(struct api_call *call,
		  size_t (*on_bytes)(char *p, size_t size, size_t nmemb, void *arg))
{
	return set_transfer(call, on_bytes) && set_identity(call) && set_headers(call);
}
