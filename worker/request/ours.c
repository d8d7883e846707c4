/* ours: see ours.h. */
#include "worker/request/ours.h"

bool ours_to_say(enum field_id id)
{
	switch (id) {
	case FIELD_PROXY: /* httpoxy */
	case FIELD_X_FORWARDED_FOR:
	case FIELD_X_FORWARDED_HOST:
	case FIELD_X_FORWARDED_PORT:
	case FIELD_X_FORWARDED_PROTO:
	case FIELD_X_FORWARDED_SCHEME:
	case FIELD_X_FORWARDED_PREFIX:
	case FIELD_X_FORWARDED_SERVER:
	case FIELD_X_ORIGINAL_FORWARDED_FOR:
	case FIELD_X_ORIGINAL_FORWARDED_HOST:
	case FIELD_X_ORIGINAL_URI:
	case FIELD_X_ORIGINAL_URL:
	case FIELD_X_ORIGINAL_METHOD:
	case FIELD_X_REWRITE_URL:
	case FIELD_X_REAL_IP:
	case FIELD_X_REQUEST_ID:
	case FIELD_X_SCHEME:
	case FIELD_X_AUTH_REQUEST_REDIRECT:
	case FIELD_SSL_CLIENT_VERIFY:
	case FIELD_SSL_CLIENT_SUBJECT_DN:
	case FIELD_SSL_CLIENT_ISSUER_DN:
	case FIELD_SSL_CLIENT_CERT:
	case FIELD_MAX_FORWARDS:
		return true;
	default:
		return false;
	}
}

bool ours_of_question(enum field_id id)
{
	switch (id) {
	case FIELD_X_ORIGINAL_URI:
	case FIELD_X_ORIGINAL_URL:
	case FIELD_X_ORIGINAL_METHOD:
	case FIELD_X_AUTH_REQUEST_REDIRECT:
	case FIELD_SSL_CLIENT_VERIFY:
	case FIELD_SSL_CLIENT_SUBJECT_DN:
	case FIELD_SSL_CLIENT_ISSUER_DN:
	case FIELD_SSL_CLIENT_CERT:
		return true;
	default:
		return false;
	}
}

static uint64_t random64(struct worker *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng * 0x2545f4914f6cdd1dull;
}

static void put_hex64(char *to, uint64_t bits)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < 16; i += 2, bits >>= 8) {
		to[i] = hex[bits >> 4 & 15];
		to[i + 1] = hex[bits & 15];
	}
}

void ours_request_id(struct request *r, struct str given)
{
	if (r->request_id.n > 0)
		return;
	r->request_id = given;
	if (given.n > 0 || !r->w->conf->generate_request_id)
		return;
	put_hex64(r->id, random64(r->w));
	put_hex64(r->id + 16, random64(r->w));
	r->request_id = str_make(r->id, REQUEST_ID_LEN);
}
