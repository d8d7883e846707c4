/* password: see password.h. */
#include "master/basic/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/text/base64.h"
#include "master/basic/apr1.h"

#define SHA1_LEN     20
#define BCRYPT_LEN   60
#define DES_LEN      13
#define NO_HASH      "is no hash of a kind that is known here: make it with htpasswd -B"
#define TOO_COSTLY   "takes too long to check: make it with a lower cost"
#define CRYPT_DIGITS "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum form {
	FORM_NONE,
	FORM_PLAIN,
	FORM_SHA,
	FORM_SSHA,
	FORM_APR1,
	FORM_BCRYPT,
	FORM_SHA_CRYPT,
	FORM_MD5_CRYPT,
	FORM_YESCRYPT,
	FORM_DES
};

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(CRYPT_DIGITS, s.p[i]) == NULL)
			return false;
	return true;
}

static enum form form_of(struct str hash)
{
	static const struct {
		const char *begins;
		enum form form;
	} forms[] = {
	    {"{PLAIN}", FORM_PLAIN}, {"{SHA}", FORM_SHA},     {"{SSHA}", FORM_SSHA},
	    {"$apr1$", FORM_APR1},   {"$2a$", FORM_BCRYPT},   {"$2b$", FORM_BCRYPT},
	    {"$2y$", FORM_BCRYPT},   {"$5$", FORM_SHA_CRYPT}, {"$6$", FORM_SHA_CRYPT},
	    {"$1$", FORM_MD5_CRYPT}, {"$y$", FORM_YESCRYPT},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_starts(hash, str_from(forms[i].begins)))
			return forms[i].form;
	return hash.n == DES_LEN && all_digits(hash) ? FORM_DES : FORM_NONE;
}

/* What is behind "{...}". */
static struct str behind_brace(struct str hash)
{
	return str_from_at(hash, (size_t)str_chr(hash, '}') + 1);
}

/* --- are they whole, and what do they cost? ------------------------------------------------- */

/* SHA-1, and salt behind it; the length, or -1. */
static ptrdiff_t sha_bytes(struct str hash, char out[PASSWORD_HASH_MAX])
{
	struct str text = behind_brace(hash);
	ptrdiff_t n;

	if (base64_room(text.n) > PASSWORD_HASH_MAX)
		return -1;
	n = base64_decode(text, out);
	return n < SHA1_LEN ? -1 : n;
}

static const char *sha_wrong(struct str hash, bool salted)
{
	char bytes[PASSWORD_HASH_MAX];
	ptrdiff_t n = sha_bytes(hash, bytes);

	explicit_bzero(bytes, sizeof(bytes));
	return n == -1 || (!salted && n != SHA1_LEN) ? "is no base64 of a SHA-1" : NULL;
}

/* "salt$hash" behind the first `at` bytes. */
static const char *two_parts_wrong(struct str hash, size_t at, size_t salt_max, size_t hash_n)
{
	struct str rest = str_from_at(hash, at);
	ptrdiff_t dollar = str_chr(rest, '$');

	if (dollar == -1 || (size_t)dollar > salt_max || rest.n != (size_t)dollar + 1 + hash_n ||
	    !all_digits(str_from_at(rest, (size_t)dollar + 1)))
		return "is cut off, or not whole: make it anew with htpasswd -B";
	return NULL;
}

static const char *bcrypt_wrong(struct str hash)
{
	uint64_t cost;

	if (hash.n != BCRYPT_LEN || hash.p[6] != '$' || !all_digits(str_from_at(hash, 7)) ||
	    !str_u64(str_make(hash.p + 4, 2), 31, &cost) || cost < 4)
		return "is cut off, or not whole: make it anew with htpasswd -B";
	return cost > PASSWORD_BCRYPT_MAX ? TOO_COSTLY : NULL;
}

static const char *sha_crypt_wrong(struct str hash)
{
	static const char rounds[] = "rounds=";
	struct str rest = str_from_at(hash, 3);
	size_t at = 3, hash_n = hash.p[1] == '5' ? 43 : 86;
	ptrdiff_t dollar;
	uint64_t n;

	if (str_starts(rest, str_from(rounds))) {
		dollar = str_chr(rest, '$');
		if (dollar == -1 || !str_u64(str_make(rest.p + sizeof(rounds) - 1,
						      (size_t)dollar - (sizeof(rounds) - 1)),
					     UINT32_MAX, &n))
			return NO_HASH;
		if (n > PASSWORD_SHA_ROUNDS_MAX)
			return TOO_COSTLY;
		at += (size_t)dollar + 1;
	}
	return two_parts_wrong(hash, at, 16, hash_n);
}

/* "$y$j9T$salt$hash": flavour j, log2 of N less one, r less one (crypt(5)). */
static const char *yescrypt_wrong(struct str hash)
{
	const char *n, *r;

	if (hash.n < 8 || hash.p[3] != 'j' || hash.p[4] == '\0' || hash.p[5] == '\0' ||
	    hash.p[6] != '$')
		return NO_HASH;
	n = strchr(CRYPT_DIGITS, hash.p[4]);
	r = strchr(CRYPT_DIGITS, hash.p[5]);
	if (n == NULL || r == NULL)
		return NO_HASH;
	if (n > strchr(CRYPT_DIGITS, PASSWORD_YESCRYPT_MAX) || r > strchr(CRYPT_DIGITS, 'T'))
		return TOO_COSTLY;
	return two_parts_wrong(hash, 7, 86, 43);
}

const char *password_wrong(struct str hash)
{
	if (hash.n == 0)
		return "is empty: nobody can log in with that";
	if (hash.n >= PASSWORD_HASH_MAX || memchr(hash.p, '\0', hash.n) != NULL)
		return NO_HASH;
	switch (form_of(hash)) {
	case FORM_PLAIN:
	case FORM_DES:
		return NULL;
	case FORM_SHA:
		return sha_wrong(hash, false);
	case FORM_SSHA:
		return sha_wrong(hash, true);
	case FORM_APR1:
		return two_parts_wrong(hash, sizeof(APR1_MAGIC) - 1, APR1_SALT_MAX, APR1_HASH_LEN);
	case FORM_BCRYPT:
		return bcrypt_wrong(hash);
	case FORM_SHA_CRYPT:
		return sha_crypt_wrong(hash);
	case FORM_MD5_CRYPT:
		return two_parts_wrong(hash, 3, 8, 22);
	case FORM_YESCRYPT:
		return yescrypt_wrong(hash);
	case FORM_NONE:
		break;
	}
	return NO_HASH;
}

/* --- does it match? ------------------------------------------------------------------------- */

static bool same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

/* The bytes are compared by digests of them, so that their lengths do not show either. */
static bool plain_matches(struct str hash, struct str password)
{
	struct str right = behind_brace(hash);
	uint8_t a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];
	unsigned n;
	bool ok = EVP_Digest(right.n > 0 ? right.p : "", right.n, a, &n, EVP_sha256(), NULL) == 1 &&
		  EVP_Digest(password.n > 0 ? password.p : "", password.n, b, &n, EVP_sha256(),
			     NULL) == 1 &&
		  same(a, b, n);

	explicit_bzero(a, sizeof(a));
	explicit_bzero(b, sizeof(b));
	return ok;
}

static bool sha1_of(struct str password, struct str salt, uint8_t out[SHA1_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, password.n > 0 ? password.p : "", password.n) == 1 &&
		  EVP_DigestUpdate(ctx, salt.n > 0 ? salt.p : "", salt.n) == 1 &&
		  EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool sha_matches(struct str hash, struct str password)
{
	char bytes[PASSWORD_HASH_MAX];
	uint8_t mine[SHA1_LEN];
	ptrdiff_t n = sha_bytes(hash, bytes);
	bool ok = n >= SHA1_LEN &&
		  sha1_of(password, str_make(bytes + SHA1_LEN, (size_t)n - SHA1_LEN), mine) &&
		  same(mine, bytes, SHA1_LEN);

	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(mine, sizeof(mine));
	return ok;
}

static bool apr1_matches(struct str hash, struct str password)
{
	struct str rest = str_from_at(hash, sizeof(APR1_MAGIC) - 1);
	size_t salt_n = (size_t)str_chr(rest, '$');
	char mine[APR1_HASH_LEN];
	bool ok = apr1_hash(password, str_head(rest, salt_n), mine) &&
		  same(mine, rest.p + salt_n + 1, sizeof(mine));

	explicit_bzero(mine, sizeof(mine));
	return ok;
}

/* The hash is its own setting (crypt(3)). */
static bool crypt_matches(struct str hash, struct str password)
{
	char setting[PASSWORD_HASH_MAX], phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	struct crypt_data *data;
	const char *mine;
	bool ok;

	if (password.n >= sizeof(phrase))
		return false;
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return false;
	memcpy(setting, hash.p, hash.n);
	setting[hash.n] = '\0';
	if (password.n > 0)
		memcpy(phrase, password.p, password.n);
	phrase[password.n] = '\0';
	mine = crypt_rn(phrase, setting, data, sizeof(*data)); /* NULL, no "*0", when it fails */
	ok = mine != NULL && strlen(mine) == hash.n && same(mine, hash.p, hash.n);
	explicit_bzero(phrase, sizeof(phrase));
	explicit_bzero(setting, sizeof(setting));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return ok;
}

bool password_matches(struct str hash, struct str password)
{
	if (password_wrong(hash) != NULL)
		return false;
	if (password.n > 0 && memchr(password.p, '\0', password.n) != NULL)
		return false;
	switch (form_of(hash)) {
	case FORM_PLAIN:
		return plain_matches(hash, password);
	case FORM_SHA:
	case FORM_SSHA:
		return sha_matches(hash, password);
	case FORM_APR1:
		return apr1_matches(hash, password);
	case FORM_BCRYPT:
	case FORM_SHA_CRYPT:
	case FORM_MD5_CRYPT:
	case FORM_YESCRYPT:
	case FORM_DES:
		return crypt_matches(hash, password);
	case FORM_NONE:
		break;
	}
	return false;
}
