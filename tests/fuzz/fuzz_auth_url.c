/* URLs of auth services and of mirror-target: what is taken apart lies in the text, and could be
 * put into a request. */
#include <stdlib.h>

#include "common/check.h"
#include "common/vars/vars.h"
#include "master/translate/auth/auth_cache.h"
#include "master/translate/auth/auth_url.h"
#include "master/translate/mirror/mirror_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		CHECK(s.p[i] > 0x20 && s.p[i] < 0x7f);
}

/* The same text as auth-cache-duration. */
static void times(struct str in)
{
	struct text t;

	text_growing(&t, 4096);
	if (auth_cache_times(in, &t) == NULL)
		CHECK(t.n > 0 && t.n % sizeof(struct policy_auth_time) == 0 &&
		      t.n <= AUTH_CACHE_TIMES_MAX * sizeof(struct policy_auth_time));
	free(t.p);
}

/* The same text as mirror-target. */
static void mirror(struct str in)
{
	struct auth_url u;
	struct text t;
	bool same;

	text_growing(&t, 4096);
	if (mirror_url_parse(in, &u, &t, &same) == NULL) {
		clean(u.host);
		clean(str_make(t.p, t.n));
		CHECK(u.host.n > 0 && u.port != 0 && str_chr(u.host, '$') == -1);
		CHECK(t.n > 0 && (t.p[0] == '/' || (t.p[0] == '$' && same)));
	}
	free(t.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = str_make((const char *)data, n);
	struct auth_url u;
	const char *wrong = auth_url_parse(in, &u);

	times(in);
	mirror(in);
	if (wrong != NULL) {
		CHECK(wrong[0] != '\0');
		return 0;
	}
	clean(u.host);
	clean(u.path);
	clean(u.query);
	CHECK(u.host.n > 0 && u.port != 0 && str_chr(u.host, '/') == -1);
	CHECK(u.path.n > 0 && u.path.p[0] == '/');
	CHECK(u.query.n == 0 || u.query.p[0] == '?');
	CHECK((u.ns.n > 0) == (u.service.n > 0) && u.ns.n + u.service.n < u.host.n);
	CHECK(u.by_host || str_chr(u.host, '$') == -1);
	return 0;
}
