/* retry: see retry.h. */
#include "worker/upstream/retry.h"

#include "common/policy/policy.h"
#include "worker/request/request.h"

/* The policy_next bit a failure falls under, 0 when none can ask for a retry. */
static uint16_t class_of(enum reason why)
{
	switch (why) {
	case REASON_CONNECT_FAILED:
	case REASON_UP_TLS:
	case REASON_UP_RESET:
		return NEXT_ERROR;
	case REASON_CONNECT_TIMEOUT:
	case REASON_UP_SEND_TIMEOUT:
	case REASON_UP_READ_TIMEOUT:
		return NEXT_TIMEOUT;
	case REASON_UP_BAD_HEAD:
	case REASON_UP_HEAD_TOO_LARGE:
		return NEXT_INVALID_HEADER;
	default:
		return 0;
	}
}

static uint16_t class_of_status(uint16_t status)
{
	switch (status) {
	case 500:
		return NEXT_HTTP_500;
	case 502:
		return NEXT_HTTP_502;
	case 503:
		return NEXT_HTTP_503;
	case 504:
		return NEXT_HTTP_504;
	case 403:
		return NEXT_HTTP_403;
	case 404:
		return NEXT_HTTP_404;
	case 429:
		return NEXT_HTTP_429;
	default:
		return 0;
	}
}

static bool within_limits(const struct retry_facts *f)
{
	if (f->tries >= REQUEST_TRIES_MAX)
		return false;
	if (f->elapsed_max_ms != 0 && f->elapsed_ms >= f->elapsed_max_ms)
		return false;
	return f->stale || f->tries_max == 0 || f->tries < f->tries_max;
}

static bool repeatable(const struct retry_facts *f)
{
	return !f->sent || f->idempotent || (f->when & NEXT_NON_IDEMPOTENT) != 0;
}

bool retry_allowed(const struct retry_facts *f)
{
	uint16_t class = class_of(f->why);

	if (class == 0 || !within_limits(f) || !repeatable(f))
		return false;
	/* A pooled connection that was closed under us says nothing about the endpoint. */
	return (f->when & class) != 0 || (f->stale && class == NEXT_ERROR);
}

bool retry_status(const struct retry_facts *f, uint16_t status)
{
	return (f->when & class_of_status(status)) != 0 && within_limits(f) && repeatable(f);
}
