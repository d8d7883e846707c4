/* tls_profiles: see tls_profiles.h. */
#include "worker/tls/tls_profiles.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem/recent.h"
#include "common/net/addr.h"
#include "worker/tls/tls_certs.h"
#include "worker/tls/tls_engine.h"

#define PROFILES_MAX 256 /* contexts ready for use in one worker */

struct tls_profile {
	struct recent recent; /* by generation */
	SSL_CTX *ctx;
	char *sni; /* NULL: none is sent */
};

struct tls_profiles {
	const struct tls_engine *own;
	tls_profile_common *common;
	void *arg;
	struct recents kept;
};

static void drop(struct recent *r)
{
	struct tls_profile *t = container_of(r, struct tls_profile, recent);

	SSL_CTX_free(t->ctx); /* sessions under way have their own reference */
	free(t->sni);
	free(t);
}

struct tls_profiles *tls_profiles_new(const struct tls_engine *own, tls_profile_common *common,
				      void *arg)
{
	struct tls_profiles *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->own = own;
	p->common = common;
	p->arg = arg;
	recents_init(&p->kept, PROFILES_MAX, drop);
	return p;
}

void tls_profiles_free(struct tls_profiles *p)
{
	if (p == NULL)
		return;
	recents_clear(&p->kept);
	free(p);
}

/* ---- a view becomes a context -------------------------------------------------------- */

static bool set_versions(SSL_CTX *ctx, uint8_t versions)
{
	int lowest = (versions & PROFILE_TLS12) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	int highest = (versions & PROFILE_TLS13) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION;

	return SSL_CTX_set_min_proto_version(ctx, lowest) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, highest) == 1;
}

/* A copy with a NUL, for OpenSSL; NULL: memory is out. */
static char *text(struct str s)
{
	return strndup(s.n > 0 ? s.p : "", s.n);
}

static bool set_ciphers(SSL_CTX *ctx, struct str ciphers)
{
	char *list = text(ciphers);
	bool ok = list != NULL && (ciphers.n == 0 || SSL_CTX_set_cipher_list(ctx, list) == 1);

	free(list);
	return ok;
}

static bool trust(SSL_CTX *ctx, OSSL_LIB_CTX *lib, struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = X509_new_ex(lib, NULL);
	bool ok;

	if (x == NULL || d2i_X509(&x, &p, (long)der.n) == NULL)
		return false; /* d2i_X509() has freed it */
	ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1;
	X509_free(x);
	return ok;
}

static bool is_ip(struct str name)
{
	struct addr ip;

	return addr_parse(name, 0, &ip);
}

static bool expect_name(SSL_CTX *ctx, struct str name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	char *ip;
	bool ok;

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!is_ip(name))
		return X509_VERIFY_PARAM_set1_host(param, name.p, name.n) == 1;
	ip = text(name);
	ok = ip != NULL && X509_VERIFY_PARAM_set1_ip_asc(param, ip) == 1;
	free(ip);
	return ok;
}

/* Without an authority or a name there is nothing to verify by: such a profile is not usable. */
static bool set_verification(SSL_CTX *ctx, OSSL_LIB_CTX *lib, const struct profile_view *v)
{
	struct str rest = v->ca, der;

	if (!v->verify)
		return true;
	if (v->ca.n == 0 || v->name.n == 0)
		return false;
	while (table_cert_next(&rest, &der))
		if (!trust(ctx, lib, der))
			return false;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(ctx, v->depth);
	return expect_name(ctx, v->name);
}

static bool set_certificate(SSL_CTX *ctx, const struct tls_profiles *p,
			    const struct profile_view *v)
{
	if (v->cert.chain.n == 0)
		return true;
	if (p->own == NULL || tls_certs_use_all(p->own->certs, &v->cert, ctx) == -1)
		return false;
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ASYNC); /* the keys process is asked (signer.h) */
	return true;
}

static bool configure(struct tls_profile *t, const struct tls_profiles *p,
		      const struct profile_view *v)
{
	OSSL_LIB_CTX *lib = p->own == NULL ? NULL : p->own->lib;

	t->ctx = SSL_CTX_new_ex(lib, NULL, TLS_client_method());
	if (v->sni && v->name.n > 0 && !is_ip(v->name)) { /* RFC 6066 §3: no addresses */
		t->sni = text(v->name);
		if (t->sni == NULL)
			return false;
	}
	return t->ctx != NULL && p->common(p->arg, t->ctx) && set_versions(t->ctx, v->versions) &&
	       set_ciphers(t->ctx, v->ciphers) && set_verification(t->ctx, lib, v) &&
	       set_certificate(t->ctx, p, v);
}

static struct tls_profile *make(struct tls_profiles *p, const struct profile_view *v)
{
	struct tls_profile *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->recent.number = v->cert.generation;
	if (!configure(t, p, v)) {
		ERR_clear_error();
		SSL_CTX_free(t->ctx);
		free(t->sni);
		free(t);
		return NULL;
	}
	recents_add(&p->kept, &t->recent);
	return t;
}

/* ---- looking ------------------------------------------------------------------------- */

const struct tls_profile *tls_profiles_find(struct tls_profiles *p, uint64_t generation)
{
	struct recent *r = recents_find(&p->kept, generation);

	return r == NULL ? NULL : container_of(r, struct tls_profile, recent);
}

const struct tls_profile *tls_profiles_get(struct tls_profiles *p, const struct profile_view *v)
{
	const struct tls_profile *t = tls_profiles_find(p, v->cert.generation);

	return t == NULL ? make(p, v) : t;
}

SSL_CTX *tls_profile_context(const struct tls_profile *t)
{
	return t->ctx;
}

const char *tls_profile_sni(const struct tls_profile *t)
{
	return t->sni;
}
