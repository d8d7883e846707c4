/*
 * Basic authentication's words: what a client sends in Authorization, and what a worker sends to
 * the auth process, which must not believe it. What is read lies inside and is bounded; a question
 * that is written is read back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/basic/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct str s, size_t most, const void *of, size_t bytes)
{
	if (s.n > most || s.p < (const char *)of || s.p + s.n > (const char *)of + bytes)
		abort();
}

static void round_trip(struct str user, struct str password)
{
	static struct basic_ask ask;
	struct str u, p;
	size_t n = basic_ask_write(&ask, user, password);

	if (!basic_ask_read(&ask, n, &u, &p) || !str_eq(u, user) || !str_eq(p, password))
		abort();
	if (basic_ask_read(&ask, n - 1, &u, &p) || basic_ask_read(&ask, n + 1, &u, &p))
		abort();
}

static void as_a_field(const uint8_t *data, size_t n)
{
	static struct credentials c;
	struct field field = {.name = "authorization",
			      .name_n = 13,
			      .value = (const char *)data,
			      .value_n = (uint32_t)n,
			      .id = FIELD_AUTHORIZATION};
	struct head h = {.fields = &field, .n_fields = 1};

	if (!credentials_read(&h, &c))
		return;
	check(c.user, BASIC_NAME_MAX, c.bytes, sizeof(c.bytes));
	check(c.password, BASIC_PASSWORD_MAX, c.bytes, sizeof(c.bytes));
	if (c.user.n == 0 || str_chr(c.user, ':') != -1)
		abort();
	round_trip(c.user, c.password);
	credentials_wipe(&c);
}

static void as_a_packet(const uint8_t *data, size_t n)
{
	static struct basic_ask ask;
	struct str user, password;

	if (n > sizeof(ask))
		return; /* cut by the socket */
	memcpy(&ask, data, n);
	if (!basic_ask_read(&ask, n, &user, &password))
		return;
	check(user, BASIC_NAME_MAX, &ask, n);
	check(password, BASIC_PASSWORD_MAX, &ask, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	as_a_field(data, n);
	as_a_packet(data, n);
	return 0;
}
