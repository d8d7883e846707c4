/* apr1: see apr1.h. */
#include "master/basic/apr1.h"

#include <openssl/evp.h>
#include <string.h>

#define ROUNDS  1000
#define MD5_LEN 16

/* One digest being made: a failure shows in the end. */
struct md5 {
	EVP_MD_CTX *ctx;
	bool ok;
};

static void begin(struct md5 *m)
{
	m->ok = m->ok && EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL) == 1;
}

static void add(struct md5 *m, const void *p, size_t n)
{
	m->ok = m->ok && EVP_DigestUpdate(m->ctx, p, n) == 1;
}

static void add_str(struct md5 *m, struct str s)
{
	if (s.n > 0)
		add(m, s.p, s.n);
}

static void end(struct md5 *m, uint8_t out[MD5_LEN])
{
	m->ok = m->ok && EVP_DigestFinal_ex(m->ctx, out, NULL) == 1;
}

/* What the rounds begin with. */
static void first(struct md5 *m, struct str password, struct str salt, uint8_t d[MD5_LEN])
{
	begin(m);
	add_str(m, password);
	add_str(m, salt);
	add_str(m, password);
	end(m, d);
	begin(m);
	add_str(m, password);
	add_str(m, STR(APR1_MAGIC));
	add_str(m, salt);
	for (size_t left = password.n; left > 0; left -= left < MD5_LEN ? left : MD5_LEN)
		add(m, d, left < MD5_LEN ? left : MD5_LEN);
	for (size_t bits = password.n; bits > 0; bits >>= 1)
		add(m, (bits & 1) != 0 ? "" : password.p, 1);
	end(m, d);
}

static void round_of(struct md5 *m, int i, struct str password, struct str salt, uint8_t d[MD5_LEN])
{
	struct str digest = str_make((const char *)d, MD5_LEN);

	begin(m);
	add_str(m, (i & 1) != 0 ? password : digest);
	if (i % 3 != 0)
		add_str(m, salt);
	if (i % 7 != 0)
		add_str(m, password);
	add_str(m, (i & 1) != 0 ? digest : password);
	end(m, d);
}

static char *put64(char *to, unsigned v, int n)
{
	static const char digits[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (; n > 0; n--, v >>= 6)
		*to++ = digits[v & 0x3f];
	return to;
}

static void encode(const uint8_t d[MD5_LEN], char out[APR1_HASH_LEN])
{
	static const uint8_t order[5][3] = {
	    {0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};

	for (int i = 0; i < 5; i++)
		out = put64(out,
			    (unsigned)d[order[i][0]] << 16 | (unsigned)d[order[i][1]] << 8 |
				d[order[i][2]],
			    4);
	(void)put64(out, d[11], 2);
}

bool apr1_hash(struct str password, struct str salt, char out[APR1_HASH_LEN])
{
	struct md5 m = {EVP_MD_CTX_new(), true};
	uint8_t d[MD5_LEN] = {0};

	if (m.ctx == NULL)
		return false;
	first(&m, password, salt, d);
	for (int i = 0; i < ROUNDS && m.ok; i++)
		round_of(&m, i, password, salt, d);
	encode(d, out);
	explicit_bzero(d, sizeof(d));
	EVP_MD_CTX_free(m.ctx); /* wipes */
	return m.ok;
}
