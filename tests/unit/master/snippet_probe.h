/*
 * snippet_probe: a snippet is compiled and what was told of it is kept: for test_snippet*.c. The
 * includes that cmocka wants come first in each of them.
 */
#ifndef SILEX_TESTS_UNIT_MASTER_SNIPPET_PROBE_H
#define SILEX_TESTS_UNIT_MASTER_SNIPPET_PROBE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/policy_header.h"
#include "common/policy/policy_map.h"
#include "common/policy/policy_snippet.h"
#include "master/translate/snippet/snippet.h"

struct told {
	char text[2048];
	unsigned notes, left, closed, refused;
	struct annots given;
};

static inline void tell(void *arg, enum snippet_told how, const char *text)
{
	struct told *to = arg;

	to->notes += how == SNIPPET_NOTE;
	to->left += how == SNIPPET_LEFT_OUT;
	to->closed += how == SNIPPET_LOCATION_CLOSED;
	to->refused += how == SNIPPET_REFUSED;
	(void)snprintf(to->text + strlen(to->text), sizeof(to->text) - strlen(to->text), "%s\n",
		       text);
}

static inline const char *give(void *arg, enum annot_id id, struct str value)
{
	struct told *to = arg;

	if (annots_has(&to->given, id))
		return "is given twice";
	return annots_set(&to->given, id, value);
}

static struct text maps;               /* of the last one */
static struct snippet_zones zones;     /* of all http-snippets of a test */
static struct snippet_servers servers; /* of the last one */

static inline bool run(enum snippet_kind kind, const char *in, const struct snippet_user *user,
		       struct snippet_names *names, struct text *out)
{
	bool of_all = kind > SNIPPET_OF_AUTH;

	free(maps.p);
	text_growing(&maps, MAPS_BYTES_MAX);
	servers_free(&servers);

	return snippet_compile(&(struct snippet_job){.kind = kind,
						     .from = {{str_from(in), user, of_all}},
						     .n = 1,
						     .maps = &maps,
						     .zones = &zones,
						     .servers = &servers,
						     .ports = {80, 443},
						     .healthz = 10254},
			       names, out);
}

static inline bool compile(enum snippet_kind kind, const char *in, struct told *told,
			   struct text *out)
{
	struct snippet_user user = {.tell = tell, .give = give, .arg = told};
	struct snippet_names names = {.n = 0};

	*told = (struct told){.notes = 0};
	annots_defaults(&told->given);
	return run(kind, in, &user, &names, out);
}

static inline struct snip good(enum snippet_kind kind, const char *in, struct text *out)
{
	struct told told;
	struct snip s;

	if (!compile(kind, in, &told, out))
		fail_msg("%s: %s", in, told.text);
	assert_true(snip_read(str_make(out->p, out->n), &s));
	return s;
}

static inline void refused(enum snippet_kind kind, const char *in, const char *why)
{
	struct told told;
	struct text out;

	if (compile(kind, in, &told, &out))
		fail_msg("%s is taken", in);
	assert_int_equal(told.refused, 1);
	if (strstr(told.text, why) == NULL)
		fail_msg("%s: %s", in, told.text);
	free(out.p);
}

#endif
