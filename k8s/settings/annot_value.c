/* annot_value: see annot_value.h. */
#include "k8s/settings/annot_value.h"

#include "common/check.h"
#include "k8s/settings/annot_words.h"

#define TEXT_MAX 2000

/* Go's strconv.ParseBool. */
static bool parse_bool(struct str s, int64_t *out)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (str_eq(s, str_from(yes[i])) || str_eq(s, str_from(no[i]))) {
			*out = str_eq(s, str_from(yes[i]));
			return true;
		}
	}
	return false;
}

/* Go's strconv.Atoi: a sign and decimal digits, no unit. */
static bool parse_int(struct str s, int64_t *out)
{
	bool minus = str_starts(s, STR("-"));
	uint64_t v;

	if (minus || str_starts(s, STR("+")))
		s = str_from_at(s, 1);
	if (!str_u64(s, INT64_MAX, &v))
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* Digits and k, m or g, whatever their case. */
static bool parse_size(struct str s, int64_t *out)
{
	int shift = 0;
	uint64_t v;

	if (s.n == 0)
		return false;
	switch (ascii_lower(s.p[s.n - 1])) {
	case 'k':
		shift = 10;
		break;
	case 'm':
		shift = 20;
		break;
	case 'g':
		shift = 30;
		break;
	}
	if (shift != 0)
		s.n--;
	if (!str_u64(s, (uint64_t)INT64_MAX >> shift, &v))
		return false;
	*out = (int64_t)(v << shift);
	return true;
}

/* Words are parted by spaces, and lines. */
static bool next_word(struct str *rest, struct str *word)
{
	size_t i = 0, from;

	while (i < rest->n && (rest->p[i] == ' ' || rest->p[i] == '\n'))
		i++;
	from = i;
	while (i < rest->n && rest->p[i] != ' ' && rest->p[i] != '\n')
		i++;
	*word = str_make(rest->p + from, i - from);
	*rest = str_from_at(*rest, i);
	return word->n > 0;
}

/* Words, in any order; "off" beside others still is off, as in nginx. */
static bool parse_next(struct str s, int64_t *out)
{
	static const struct {
		const char *word;
		uint16_t bit;
	} words[] = {
	    {"off", 0},
	    {"error", NEXT_ERROR},
	    {"timeout", NEXT_TIMEOUT},
	    {"invalid_header", NEXT_INVALID_HEADER},
	    {"http_500", NEXT_HTTP_500},
	    {"http_502", NEXT_HTTP_502},
	    {"http_503", NEXT_HTTP_503},
	    {"http_504", NEXT_HTTP_504},
	    {"http_403", NEXT_HTTP_403},
	    {"http_404", NEXT_HTTP_404},
	    {"http_429", NEXT_HTTP_429},
	    {"non_idempotent", NEXT_NON_IDEMPOTENT},
	};
	size_t n = sizeof(words) / sizeof(*words), i;
	bool off = false;
	struct str word;

	*out = 0;
	while (next_word(&s, &word)) {
		for (i = 0; i < n && !str_eq(word, str_from(words[i].word)); i++)
			;
		if (i == n)
			return false;
		off = off || i == 0;
		*out |= words[i].bit;
	}
	if (off)
		*out = 0;
	return true;
}

static bool parse_verify(struct str s, int64_t *out)
{
	static const char *const words[] = {
	    [TLS_VERIFY_OFF] = "off",
	    [TLS_VERIFY_ON] = "on",
	    [TLS_VERIFY_OPTIONAL] = "optional",
	    [TLS_VERIFY_OPTIONAL_NO_CA] = "optional_no_ca",
	};

	for (int i = 0; i < (int)(sizeof(words) / sizeof(*words)); i++) {
		if (str_eq(s, str_from(words[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* ingress-nginx takes any case, and blanks around. */
static const char *parse_protocol(struct str s, int64_t *out)
{
	s = str_trim(s);
	if (str_ieq(s, STR("HTTP")))
		return *out = CLUSTER_HTTP, NULL;
	if (str_ieq(s, STR("HTTPS")))
		return *out = CLUSTER_HTTPS, NULL;
	if (str_ieq(s, STR("AUTO_HTTP")))
		return *out = CLUSTER_AUTO, NULL;
	if (str_ieq(s, STR("GRPC")) || str_ieq(s, STR("H2C")))
		return *out = CLUSTER_H2C, NULL;
	if (str_ieq(s, STR("GRPCS")) || str_ieq(s, STR("H2")))
		return *out = CLUSTER_H2, NULL;
	if (str_ieq(s, STR("FCGI")))
		return *out = CLUSTER_FCGI, NULL;
	return "must be HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS, H2C, H2 or FCGI";
}

const char *annot_value_number(enum annot_type type, struct str value, int64_t *out)
{
	switch (type) {
	case ANNOT_BOOL:
		return parse_bool(value, out) ? NULL : "must be \"true\" or \"false\"";
	case ANNOT_INT:
		return parse_int(value, out) ? NULL : "must be a whole number without unit";
	case ANNOT_SIZE:
		return parse_size(value, out) ? NULL
					      : "must be a number of bytes, or one with k, m or g";
	case ANNOT_PROTOCOL:
		return parse_protocol(value, out);
	case ANNOT_NEXT:
		return parse_next(value, out)
			   ? NULL
			   : "must be words of: error timeout invalid_header http_500 http_502 "
			     "http_503 http_504 http_403 http_404 http_429 non_idempotent off";
	case ANNOT_VERIFY:
		return parse_verify(value, out)
			   ? NULL
			   : "must be \"on\", \"off\", \"optional\" or \"optional_no_ca\"";
	case ANNOT_BALANCE:
	case ANNOT_AFFINITY_TYPE:
	case ANNOT_AFFINITY_MODES:
	case ANNOT_CANARY_MODES:
	case ANNOT_SAME_SITE:
	case ANNOT_HTTP_VERSIONS:
	case ANNOT_CONNECTIONS:
		return annot_word(type, value, out);
	case ANNOT_STRING:
	case ANNOT_PATH:
	case ANNOT_URL:
	case ANNOT_PLACE:
	case ANNOT_HOST:
	case ANNOT_WORD:
	case ANNOT_NETS:
	case ANNOT_TEXT:
	case ANNOT_EDIT:
	case ANNOT_SNIPPET:
		break;
	}
	BUG("an annotation of type string with a numeric target");
}

/* Nothing that could end a line, or be taken for the end of a text. */
static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n <= TEXT_MAX;
}

static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
		    c != '_' && c != ':' && c != '[' && c != ']')
			return false;
	}
	return true;
}

static bool is_nets(struct str s)
{
	struct policy_net net;
	struct str one;

	while (annot_csv_next(&s, &one))
		if (!policy_net_parse(one, &net))
			return false;
	return true;
}

static bool is_url(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static bool is_path(struct str s)
{
	return s.p[0] == '/' && !str_starts(s, STR("//"));
}

/* RFC 6265 §4.1.1: nothing that would end a cookie's name or an attribute's value. */
static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == ';' || s.p[i] == ',' ||
		    s.p[i] == '=' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return true;
}

static int words_of(struct str s)
{
	struct str word;
	int n = 0;

	while (next_word(&s, &word))
		n++;
	return n;
}

const char *annot_value_text(enum annot_type type, struct str s)
{
	if (type == ANNOT_SNIPPET)
		return NULL;
	if (!is_text(s))
		return "must not hold control characters, nor be longer than 2000 bytes";
	if (s.n == 0)
		return NULL;
	if (type == ANNOT_PATH && !is_path(s))
		return "must be a path that begins with one \"/\"";
	if (type == ANNOT_URL && !is_url(s))
		return "must be a URL that begins with http:// or https://";
	if (type == ANNOT_PLACE && !is_path(s) && !is_url(s))
		return "must be a path that begins with one \"/\", or a URL that begins with "
		       "http:// or https://";
	if (type == ANNOT_HOST && !is_host(s))
		return "must be a host name, with or without a port; variables are not supported";
	if (type == ANNOT_WORD && !is_word(s))
		return "must be visible characters without blank ; , = \\ and quotes";
	if (type == ANNOT_NETS && !is_nets(s))
		return "must be IP addresses or networks (192.0.2.0/24) parted by commas";
	if (type == ANNOT_TEXT && words_of(s) != 1)
		return "must be one word, without blanks";
	if (type == ANNOT_EDIT && !str_eq(s, STR("off")) && words_of(s) != 2)
		return "must be \"off\", or two words: what is replaced, and what it becomes";
	return NULL;
}

bool annot_csv_next(struct str *rest, struct str *item)
{
	while (rest->n > 0) {
		ptrdiff_t comma = str_chr(*rest, ',');

		*item = str_trim(comma == -1 ? *rest : str_make(rest->p, (size_t)comma));
		*rest = comma == -1 ? STR_NONE : str_from_at(*rest, (size_t)comma + 1);
		if (item->n > 0)
			return true;
	}
	return false;
}
