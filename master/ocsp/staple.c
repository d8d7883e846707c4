/* staple: see staple.h. */
#include "master/ocsp/staple.h"

#include <bsd/stdlib.h>
#include <bsd/sys/queue.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "k8s/api/curl_ev.h"
#include "master/ocsp/ocsp_msg.h"

#define FIRST_MS     200u /* many certificates come together: not all in the same moment */
#define RETRY_MS     5000u
#define RETRY_MAX_MS (3600u * 1000)
#define LEAST_MS     1000u /* between two good answers */

struct stapler {
	struct ev *ev;
	struct board *board;
	struct curl_ev *curl;
	struct curl_slist *headers;
	unsigned running;
	TAILQ_HEAD(, staple) waiting;
};

struct staple {
	struct stapler *s;
	TAILQ_ENTRY(staple) link; /* waiting */
	bool waits;
	CURL *easy; /* being asked */
	struct ocsp_question question;
	struct timer next;
	uint32_t failures; /* in a row */
	char *kept;        /* of the answer that comes in */
	size_t kept_n;
	char *response; /* in use */
	size_t response_n;
	int64_t until;
	char why[CERT_WHY_MAX]; /* said in the log; "" when all is well */
	char name[600];
	void (*changed)(void *arg);
	void *arg;
};

static int64_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* Between n/2 and n. */
static uint64_t jitter(uint64_t n)
{
	return n / 2 + arc4random() % (n / 2 + 1);
}

static void ask_in(struct staple *t, uint64_t ms)
{
	timer_set(ev_timers(t->s->ev), &t->next, ev_now_ms(t->s->ev) + ms);
}

/* --- what came of it ------------------------------------------------------------------------ */

static void set_response(struct staple *t, char *der, size_t n, int64_t until)
{
	uint64_t have = t->response != NULL, will = der != NULL;

	atomic_fetch_add(&t->s->board->stats[BOARD_OCSP_STAPLED], will - have);
	free(t->response);
	t->response = der;
	t->response_n = n;
	t->until = until;
}

static void failed(struct staple *t, const char *why)
{
	uint64_t wait = (uint64_t)RETRY_MS << (t->failures < 10 ? t->failures : 10);
	int64_t left_ms = t->response == NULL ? INT64_MAX : (t->until - now_s()) * 1000;

	board_add(t->s->board, BOARD_OCSP_FAILED, 1);
	t->failures++;
	if (strcmp(t->why, why) != 0)
		log_warn("OCSP: nothing new to staple", LOG_Z("secret", t->name),
			 LOG_Z("responder", t->question.url), LOG_Z("why", why));
	(void)snprintf(t->why, sizeof(t->why), "%s", why);
	wait = jitter(wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	if (left_ms > 0 && (uint64_t)left_ms < wait)
		wait = (uint64_t)left_ms + 1; /* to be there when it has to go */
	ask_in(t, wait);
}

static void answered(struct staple *t)
{
	char why[CERT_WHY_MAX];
	uint64_t wait;
	int64_t until;

	if (!ocsp_answer_check(&t->question, str_make(t->kept, t->kept_n), now_s(), &until, why)) {
		failed(t, why);
		return;
	}
	if (t->why[0] != '\0')
		log_info("OCSP: stapling again", LOG_Z("secret", t->name));
	t->why[0] = '\0';
	t->failures = 0;
	set_response(t, t->kept, t->kept_n, until);
	t->kept = NULL;
	t->kept_n = 0;
	wait = jitter((uint64_t)(until - now_s()) * 1000 * 2 / 3);
	ask_in(t, wait < LEAST_MS ? LEAST_MS : wait);
	t->changed(t->arg);
}

static void ask_waiting(struct stapler *s);

static void end_call(struct staple *t)
{
	struct stapler *s = t->s;

	if (t->easy == NULL)
		return;
	curl_ev_remove(s->curl, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	s->running--;
}

static void on_end(void *arg, CURL *easy, CURLcode code)
{
	struct stapler *s = arg;
	struct staple *t = NULL;
	char why[CERT_WHY_MAX];
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	end_call(t);
	if (code != CURLE_OK) {
		failed(t, curl_easy_strerror(code));
	} else if (status != 200) {
		(void)snprintf(why, sizeof(why), "HTTP status %ld", status);
		failed(t, why);
	} else {
		answered(t);
	}
	ask_waiting(s);
}

/* --- asking --------------------------------------------------------------------------------- */

static size_t on_bytes(char *p, size_t size, size_t nmemb, void *arg)
{
	struct staple *t = arg;
	size_t n = size * nmemb;

	if (t->kept == NULL)
		t->kept = malloc(OCSP_RESPONSE_MAX);
	if (t->kept == NULL || n > OCSP_RESPONSE_MAX - t->kept_n)
		return 0; /* ends it: CURLE_WRITE_ERROR */
	memcpy(t->kept + t->kept_n, p, n);
	t->kept_n += n;
	return n;
}

static bool set_up(struct staple *t, CURL *e)
{
	bool ok = true;

	ok &= curl_easy_setopt(e, CURLOPT_URL, t->question.url) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->s->headers) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->question.request.n) ==
	      CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->question.request.p) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)STAPLE_CONNECT_MS) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(STAPLE_CONNECT_MS + STAPLE_READ_MS)) ==
	      CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_PRIVATE, t) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK;
	return ok;
}

static void ask(struct staple *t)
{
	free(t->kept);
	t->kept = NULL;
	t->kept_n = 0;
	board_add(t->s->board, BOARD_OCSP_ASKED, 1);
	t->easy = curl_easy_init();
	if (t->easy == NULL) {
		failed(t, "out of memory");
		return;
	}
	t->s->running++;
	if (set_up(t, t->easy) && curl_ev_add(t->s->curl, t->easy) == 0)
		return;
	end_call(t);
	failed(t, "libcurl refused the request");
}

static void ask_waiting(struct stapler *s)
{
	struct staple *t;

	while (s->running < STAPLE_AT_ONCE && (t = TAILQ_FIRST(&s->waiting)) != NULL) {
		TAILQ_REMOVE(&s->waiting, t, link);
		t->waits = false;
		ask(t);
	}
}

static void on_time(struct timer *timer)
{
	struct staple *t = container_of(timer, struct staple, next);

	if (t->response != NULL && t->until <= now_s()) {
		set_response(t, NULL, 0, 0);
		t->changed(t->arg);
	}
	CHECK(!t->waits && t->easy == NULL);
	TAILQ_INSERT_TAIL(&t->s->waiting, t, link);
	t->waits = true;
	ask_waiting(t->s);
}

/* --- life ----------------------------------------------------------------------------------- */

struct staple *staple_new(struct stapler *s, const struct cert_pair *p, const char *name,
			  void (*changed)(void *arg), void *arg)
{
	struct staple *t = calloc(1, sizeof(*t));
	char why[CERT_WHY_MAX] = "out of memory";

	if (t == NULL || !ocsp_question_make(&t->question, p, why)) {
		log_info("OCSP: nothing to staple", LOG_Z("secret", name), LOG_Z("why", why));
		free(t);
		return NULL;
	}
	t->s = s;
	t->changed = changed;
	t->arg = arg;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	timer_init(&t->next, on_time);
	ask_in(t, jitter(FIRST_MS));
	return t;
}

void staple_free(struct staple *t)
{
	if (t == NULL)
		return;
	timer_cancel(ev_timers(t->s->ev), &t->next);
	if (t->waits)
		TAILQ_REMOVE(&t->s->waiting, t, link);
	if (t->easy != NULL) {
		end_call(t);
		ask_waiting(t->s);
	}
	set_response(t, NULL, 0, 0);
	ocsp_question_free(&t->question);
	free(t->kept);
	free(t);
}

struct str staple_response(const struct staple *t, int64_t *until)
{
	if (t == NULL || t->response == NULL)
		return STR_NONE;
	*until = t->until;
	return str_make(t->response, t->response_n);
}

struct stapler *stapler_new(struct ev *ev, struct board *board)
{
	struct stapler *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	s->board = board;
	TAILQ_INIT(&s->waiting);
	s->curl = curl_ev_new(ev, on_end, s);
	if (s->curl == NULL) {
		log_error("OCSP: responses cannot be fetched", LOG_ERRNO(errno));
		free(s);
		return NULL;
	}
	s->headers = curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	return s;
}

void stapler_free(struct stapler *s)
{
	if (s == NULL)
		return;
	CHECK(s->running == 0 && TAILQ_EMPTY(&s->waiting));
	curl_slist_free_all(s->headers);
	curl_ev_free(s->curl);
	free(s);
}
