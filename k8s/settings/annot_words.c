/* annot_words: see annot_words.h. */
#include "k8s/settings/annot_words.h"

#include "common/check.h"

#define WORDS_MAX 4

/* In the order of their enum. */
struct words {
	const char *v[WORDS_MAX];
	bool any_case;
	const char *must;
};

static const struct words *words_of(enum annot_type type)
{
	static const struct words balance = {
	    {"round_robin", "ewma"}, false, "must be \"round_robin\" or \"ewma\""};
	static const struct words affinity = {{"none", "cookie"}, false, "must be \"cookie\""};
	static const struct words mode = {
	    {"balanced", "persistent"}, false, "must be \"balanced\" or \"persistent\""};
	static const struct words canary = {
	    {"sticky", "legacy"}, false, "must be \"sticky\" or \"legacy\""};
	static const struct words site = {
	    {"unset", "None", "Lax", "Strict"}, true, "must be \"None\", \"Lax\" or \"Strict\""};
	static const struct words version = {{"1.1", "1.0"}, false, "must be \"1.0\" or \"1.1\""};
	static const struct words connection = {
	    {"unset", "close", "keep-alive"}, false, "must be \"close\" or \"keep-alive\""};

	switch (type) {
	case ANNOT_BALANCE:
		return &balance;
	case ANNOT_AFFINITY_TYPE:
		return &affinity;
	case ANNOT_AFFINITY_MODES:
		return &mode;
	case ANNOT_CANARY_MODES:
		return &canary;
	case ANNOT_SAME_SITE:
		return &site;
	case ANNOT_HTTP_VERSIONS:
		return &version;
	case ANNOT_CONNECTIONS:
		return &connection;
	default:
		BUG("an annotation of words that nobody knows");
	}
}

const char *annot_word(enum annot_type type, struct str value, int64_t *out)
{
	const struct words *w = words_of(type);

	for (int i = 0; i < WORDS_MAX && w->v[i] != NULL; i++) {
		struct str word = str_from(w->v[i]);

		if (w->any_case ? str_ieq(value, word) : str_eq(value, word)) {
			*out = i;
			return NULL;
		}
	}
	return w->must;
}
