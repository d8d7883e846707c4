/* Snippets: what is taken becomes a program that is read whole, within its bounds; what is refused
 * says why. The bytes as a program of their own, too, as a broken table would hold them. */
#include <stdlib.h>

#include "common/check.h"
#include "common/policy/policy_header.h"
#include "common/policy/policy_map.h"
#include "common/policy/policy_snippet.h"
#include "master/translate/snippet/snippet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void tell(void *arg, enum snippet_told how, const char *text)
{
	unsigned *refusals = arg;

	CHECK(text[0] != '\0');
	*refusals += how == SNIPPET_REFUSED;
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	(void)arg;
	CHECK(id < ANNOT_IDS);
	return value.n > 3 ? "is long" : NULL;
}

static void walk(struct str bytes, unsigned depth, bool whole)
{
	struct snip_location l;
	struct snip_step step;
	struct snip s;
	size_t lists = 0;

	if (!snip_read(bytes, &s)) {
		CHECK(!whole);
		return;
	}
	while (snip_next(&s.ops, &step))
		CHECK(!whole || step.op.code != SNIP_IF ||
		      (step.op.scope < s.n_scopes && step.op.arg <= s.ops.n));
	while (snip_next_location(&s.locations, &l)) {
		CHECK(!whole || depth == 0);
		if (depth == 0 && !l.refused)
			walk(l.program, 1, whole);
	}
	CHECK(!whole || (s.ops.n == 0 && s.locations.n == 0));
	for (unsigned scope = 0; scope < s.n_scopes; scope++)
		for (int list = 0; list < SNIP_LISTS; list++)
			lists += snip_list(&s, scope, (enum snip_list)list).n;
	CHECK(!whole || lists == s.lists.n);
}

static void walk_maps(struct str maps, bool whole)
{
	struct map_entry_view e;
	struct map_view m, again;

	while (map_next(&maps, &m)) {
		while (map_next_entry(&m.entries, &e))
			CHECK(!whole || (e.kind == MAP_NET) == m.geo);
		CHECK(!whole || m.entries.n == 0);
		CHECK(!whole || map_find(maps, m.name, &again) || m.name.n > 0);
	}
	CHECK(!whole || maps.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = str_make((const char *)data, n);

	walk(in, 0, false);
	walk_maps(in, false);
	for (int kind = 0; kind < SNIPPET_KINDS; kind++) {
		unsigned refusals = 0;
		struct snippet_user user = {.tell = tell, .give = give, .arg = &refusals};
		struct snippet_names names = {.n = 0};
		static struct snippet_zones zones;
		static struct snippet_servers servers;
		struct text out, maps;
		bool ok;

		zones.n = 0;
		text_growing(&maps, MAPS_BYTES_MAX);
		ok = snippet_compile(&(struct snippet_job){.kind = (enum snippet_kind)kind,
							   .from = {{in, &user, kind > 1}},
							   .n = 1,
							   .maps = &maps,
							   .zones = &zones,
							   .servers = &servers,
							   .ports = {80, 443}},
				     &names, &out);

		CHECK(ok == (refusals == 0));
		if (ok) {
			CHECK(out.n <= SNIP_HOST_MAX &&
			      (kind != SNIPPET_OF_PATH || out.n <= SNIP_PATH_MAX));
			walk(str_make(out.p, out.n), 0, true);
		}
		if (ok)
			walk_maps(str_make(maps.p, maps.n), true);
		CHECK(ok || servers.n == 0);
		for (unsigned i = 0; i < servers.n; i++)
			walk(str_make(servers.v[i].program.p, servers.v[i].program.n), 0, true);
		servers_free(&servers);
		free(maps.p);
		free(out.p);
	}
	return 0;
}
