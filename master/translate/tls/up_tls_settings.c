/* up_tls_settings: see up_tls_settings.h. */
#include "master/translate/tls/up_tls_settings.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/net/addr.h"
#include "common/table/table_read.h"
#include "master/translate/named.h"

#define NAME_MAX_BYTES 253
#define CIPHERS_MAX    1000

struct reading {
	struct up_tls_settings *out;
	up_tls_tell_fn *tell;
	void *arg;
};

static bool refuse(struct reading *r, const char *annotation, const char *text)
{
	r->tell(r->arg, annotation, text);
	return false;
}

static bool read_secret(struct reading *r, struct str value, struct str ingress_ns, bool foreign)
{
	struct str ns, name;

	if (!named_split_full(value, &ns, &name) || ns.n > 63 || name.n > NAME_MAX_BYTES)
		return refuse(r, "proxy-ssl-secret",
			      "must be namespace/name of a Secret; the paths answer 503");
	if (!foreign && !str_eq(ns, ingress_ns))
		return refuse(r, "proxy-ssl-secret",
			      "names another namespace, and allow-cross-namespace-resources is "
			      "off; the paths answer 503: put the Secret into the Ingress' own");
	r->out->ns = ns;
	r->out->name = name;
	return true;
}

/* "on" or "off"; anything else is taken for `otherwise`. */
static bool read_switch(struct reading *r, const char *annotation, struct str value, bool otherwise,
			const char *text)
{
	value = str_trim(value);
	if (str_ieq(value, STR("on")))
		return true;
	if (str_ieq(value, STR("off")))
		return false;
	r->tell(r->arg, annotation, text);
	return otherwise;
}

static uint8_t version_of(struct str word)
{
	if (str_eq(word, STR("TLSv1.2")))
		return PROFILE_TLS12;
	return str_eq(word, STR("TLSv1.3")) ? PROFILE_TLS13 : 0;
}

/* Older versions do not exist here; a list of nothing else is the default. */
static uint8_t read_versions(struct reading *r, struct str rest)
{
	uint8_t versions = 0;
	bool others = false;

	while (rest.n > 0) {
		ptrdiff_t blank = str_chr(rest, ' ');
		struct str word = str_make(rest.p, blank == -1 ? rest.n : (size_t)blank);

		rest = blank == -1 ? STR_NONE : str_from_at(rest, (size_t)blank + 1);
		versions |= version_of(word);
		others |= word.n > 0 && version_of(word) == 0;
	}
	if (others)
		r->tell(r->arg, "proxy-ssl-protocols",
			versions == 0 ? "knows TLSv1.2 and TLSv1.3 only; TLSv1.2 is used"
				      : "knows TLSv1.2 and TLSv1.3 only; the others are left out");
	return versions == 0 ? PROFILE_TLS12 : versions;
}

static bool is_cipher_char(char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	       c == '+' || c == ':' || c == '_' || c == '-' || c == '!' || c == '@' || c == '=' ||
	       c == '.' || c == ',';
}

static bool openssl_takes(const char *list)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	bool ok = ctx != NULL && SSL_CTX_set_cipher_list(ctx, list) == 1;

	SSL_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static bool read_ciphers(struct reading *r, struct str value)
{
	char list[CIPHERS_MAX + 1];

	r->out->ciphers = value = str_trim(value);
	if (value.n > CIPHERS_MAX)
		return refuse(r, "proxy-ssl-ciphers", "is too long; the paths answer 503");
	for (size_t i = 0; i < value.n; i++) {
		list[i] = value.p[i];
		if (!is_cipher_char(value.p[i]))
			return refuse(r, "proxy-ssl-ciphers",
				      "is no list of ciphers; the paths answer 503");
	}
	list[value.n] = '\0';
	if (value.n > 0 && !openssl_takes(list))
		return refuse(r, "proxy-ssl-ciphers",
			      "names no cipher that there is; the paths answer 503");
	return true;
}

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	       c == '-' || c == '.' || c == '_';
}

static bool read_name(struct reading *r, struct str value)
{
	struct addr ip;

	r->out->server_name = value = str_trim(value);
	if (addr_parse(value, 0, &ip))
		return true;
	for (size_t i = 0; i < value.n; i++)
		if (!is_name_char(value.p[i]))
			return refuse(r, "proxy-ssl-name",
				      "must be a host name without port, or an IP address, and no "
				      "variable; the paths answer 503");
	return value.n <= NAME_MAX_BYTES ||
	       refuse(r, "proxy-ssl-name", "is too long for a name; the paths answer 503");
}

/* Verifying without a name would take any certificate of the authority for the endpoint's. */
static bool check_name(struct reading *r, const struct annots *a)
{
	const struct up_tls_settings *s = r->out;
	bool plain = a->protocol == CLUSTER_HTTP || a->protocol == CLUSTER_H2C;

	/* Where an older Ingress has the Service speak TLS all the same, a worker refuses. */
	if (s->verify && s->server_name.n == 0 && !plain)
		return refuse(r, "proxy-ssl-verify",
			      "needs proxy-ssl-name, the name that the endpoints' certificate is "
			      "for; the paths answer 503");
	if (s->sni && s->server_name.n == 0)
		r->tell(r->arg, "proxy-ssl-server-name",
			"needs proxy-ssl-name, the name to be sent; none is");
	r->out->sni = s->sni && s->server_name.n > 0;
	return true;
}

bool up_tls_settings_read(struct up_tls_settings *out, const struct annots *a,
			  struct str ingress_ns, bool foreign, up_tls_tell_fn *tell, void *arg)
{
	struct reading r = {out, tell, arg};

	*out = (struct up_tls_settings){.depth = (uint8_t)a->proxy_ssl_depth};
	if (out->depth == 0)
		out->depth = 1;
	out->verify = read_switch(&r, "proxy-ssl-verify", a->proxy_ssl_verify, true,
				  "must be on or off; it is taken for on");
	if (annots_spoilt(a, ANNOT_PROXY_SSL_VERIFY))
		out->verify = true; /* told already */
	out->sni = read_switch(&r, "proxy-ssl-server-name", a->proxy_ssl_sni, false,
			       "must be on or off; no name is sent");
	out->versions = read_versions(&r, a->proxy_ssl_protocols);
	return read_secret(&r, a->proxy_ssl_secret, ingress_ns, foreign) &&
	       read_ciphers(&r, a->proxy_ssl_ciphers) && read_name(&r, a->proxy_ssl_name) &&
	       check_name(&r, a);
}
