/*
 * field_id: names to ids by one probe of a small hash table and one compare.
 *
 * The table is filled before main() from field_tbl.h and never changes. Its hash looks at the
 * length and three characters only; the compare decides. Names in the table consist of letters,
 * digits and "-", all of which have bit 0x20 set in lower case: so or-ing 0x20 into a token and
 * comparing eight bytes at a time is an exact case-insensitive compare.
 */
#include <string.h>

#include "common/check.h"
#include "worker/head/field_id.h"

#define F FIELD_FRAMING
#define P FIELD_PROTECTED
#define T FIELD_NO_TRAILER
const struct field_info field_infos[FIELD_COUNT] = {
    [FIELD_OTHER] = {{"", 0}, 0},
#define FIELD(id, text, bits) [FIELD_##id] = {{text, sizeof(text) - 1}, bits},
#include "worker/head/field_tbl.h"
#undef FIELD
};
#undef F
#undef P
#undef T

#define SLOTS     512 /* a power of two, well above FIELD_COUNT */
#define NAME_MAX_ 32  /* longest name of the table, rounded up to eight */

static uint8_t slots[SLOTS];               /* ids, open addressing, 0 = empty */
static char lower[FIELD_COUNT][NAME_MAX_]; /* names in lower case, zero-padded */

static inline unsigned slot_of(const char *s, size_t n)
{
	unsigned first = (unsigned char)s[0] | 0x20u, last = (unsigned char)s[n - 1] | 0x20u;
	unsigned mid = (unsigned char)s[n / 2] | 0x20u;

	return ((unsigned)n * 61u + first * 7u + mid * 131u + last * 29u) & (SLOTS - 1);
}

static inline uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool same(const char *low, const char *s, size_t n)
{
	const uint64_t fold = 0x2020202020202020u;
	size_t i = 0;

	if (n >= 8) {
		for (; i + 8 <= n; i += 8)
			if ((load8(s + i) | fold) != load8(low + i))
				return false;
		return (load8(s + n - 8) | fold) == load8(low + n - 8);
	}
	for (; i < n; i++)
		if ((s[i] | 0x20) != low[i])
			return false;
	return true;
}

__attribute__((constructor)) static void fill(void)
{
	for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
		struct str name = field_infos[id].name;
		unsigned at;

		CHECK(name.n > 0 && name.n <= NAME_MAX_);
		for (size_t i = 0; i < name.n; i++)
			lower[id][i] = ascii_lower(name.p[i]);
		for (at = slot_of(lower[id], name.n); slots[at] != 0; at = (at + 1) & (SLOTS - 1))
			;
		slots[at] = (uint8_t)id;
	}
}

enum field_id field_lookup(const char *name, size_t n)
{
	if (n == 0 || n > NAME_MAX_)
		return FIELD_OTHER;
	for (unsigned at = slot_of(name, n); slots[at] != 0; at = (at + 1) & (SLOTS - 1)) {
		unsigned id = slots[at];

		if (field_infos[id].name.n == n && same(lower[id], name, n))
			return (enum field_id)id;
	}
	return FIELD_OTHER;
}
