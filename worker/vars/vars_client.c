/* vars_client: variables about the client and its connection. */
#include "worker/tls/tls_conn.h"
#include "worker/vars/basic_user.h"
#include "worker/vars/vars_int.h"

static bool give_u64(struct vars_out *o, uint64_t v)
{
	text_u64(o->t, v);
	return true;
}

bool var_remote_addr(struct vars_out *o)
{
	char buf[ADDR_TEXT_MAX];

	return vars_give(o, str_make(buf, addr_ip_text(&o->r->peer, buf)));
}

/* There is one address of the client, and step client has decided on it. */
bool var_the_real_ip(struct vars_out *o)
{
	return var_remote_addr(o);
}

bool var_remote_port(struct vars_out *o)
{
	return give_u64(o, o->r->peer.port);
}

/* In hexadecimal: as good a key as the bytes, and harmless wherever it is written. */
bool var_binary_remote_addr(struct vars_out *o)
{
	static const char hex[] = "0123456789abcdef";
	const struct addr *a = &o->r->peer;

	for (unsigned i = 0; i < (a->family == 4 ? 4u : 16u); i++) {
		text_char(o->t, hex[a->ip[i] >> 4]);
		text_char(o->t, hex[a->ip[i] & 15]);
	}
	return true;
}

bool var_proxy_add_x_forwarded_for(struct vars_out *o)
{
	struct str given = head_value(&o->r->in, FIELD_X_FORWARDED_FOR);

	if (given.n > 0) {
		vars_put(o, given);
		text_lit(o->t, ", ");
	}
	return var_remote_addr(o);
}

bool var_remote_user(struct vars_out *o)
{
	char buf[BASIC_USER_MAX];

	return vars_give(o, basic_user(o->r, buf));
}

bool var_scheme(struct vars_out *o)
{
	return vars_give(o, o->r->secure ? STR("https") : STR("http"));
}

bool var_https(struct vars_out *o)
{
	return vars_give(o, o->r->secure ? STR("on") : STR(""));
}

/* As the outside sees it: what a trusted proxy said counts. */
bool var_pass_access_scheme(struct vars_out *o)
{
	return vars_give(o, o->r->told.https ? STR("https") : STR("http"));
}

bool var_server_port(struct vars_out *o)
{
	return give_u64(o, request_port(o->r));
}

/* 443 whatever the real number is: what the outside sees. */
bool var_pass_port(struct vars_out *o)
{
	if (o->r->told.port != 0)
		return give_u64(o, o->r->told.port);
	return o->r->secure ? give_u64(o, 443) : var_server_port(o);
}

bool var_pass_server_port(struct vars_out *o)
{
	return var_pass_port(o);
}

static const SSL *ssl_of(const struct vars_out *o)
{
	const struct side *s = o->r->client;
	const struct tls_conn *t = s == NULL || s->ops->tls == NULL ? NULL : s->ops->tls(s);

	return t == NULL ? NULL : tls_conn_ssl(t);
}

bool var_ssl_protocol(struct vars_out *o)
{
	const SSL *ssl = ssl_of(o);

	return ssl != NULL && vars_give(o, str_from(SSL_get_version(ssl)));
}

bool var_ssl_cipher(struct vars_out *o)
{
	const SSL *ssl = ssl_of(o);

	return ssl != NULL && vars_give(o, str_from(SSL_get_cipher_name(ssl)));
}

bool var_ssl_server_name(struct vars_out *o)
{
	const SSL *ssl = ssl_of(o);

	return ssl != NULL &&
	       vars_give(o, str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)));
}

bool var_ssl_session_reused(struct vars_out *o)
{
	const SSL *ssl = ssl_of(o);

	return ssl != NULL && vars_give(o, SSL_session_reused(ssl) == 1 ? STR("r") : STR("."));
}
