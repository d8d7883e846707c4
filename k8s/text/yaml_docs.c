/*
 * yaml_docs: a file's documents, cut at their "---" lines before libyaml sees them, so that one
 * that is broken does not take its neighbours with it. See yaml.h.
 */
#include <string.h>

#include "k8s/text/yaml.h"

static struct str line_of(struct str s)
{
	ptrdiff_t nl = str_chr(s, '\n');

	return nl == -1 ? s : str_make(s.p, (size_t)nl + 1);
}

static bool is_marker(struct str line)
{
	return str_starts(line, STR("---")) &&
	       (line.n == 3 || strchr(" \t\r\n", line.p[3]) != NULL);
}

/* Blank, a comment, a bare "---" or "...", or a %directive: nothing to parse in it. */
static bool is_hollow(struct str line)
{
	struct str s = line;

	if (is_marker(s) || str_starts(s, STR("...")))
		s = str_from_at(s, 3);
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
		s = str_from_at(s, 1);
	return s.n == 0 || s.p[0] == '#' || line.p[0] == '%';
}

/* One document's lines: up to the next marker. True when there is something in it to parse. */
static bool cut(struct str *rest, uint32_t *line, struct yaml_doc *out)
{
	bool solid = false;

	*out = (struct yaml_doc){.text = str_make(rest->p, 0), .line = *line};
	while (rest->n > 0) {
		struct str l = line_of(*rest);

		if (out->text.n > 0 && is_marker(l))
			break;
		solid = solid || !is_hollow(l);
		out->text.n += l.n;
		*rest = str_from_at(*rest, l.n);
		*line += 1;
	}
	return solid;
}

bool yaml_next(struct str *rest, uint32_t *line, struct yaml_doc *out)
{
	if (str_starts(*rest, STR("\xef\xbb\xbf")))
		*rest = str_from_at(*rest, 3);
	while (rest->n > 0)
		if (cut(rest, line, out))
			return true;
	return false;
}
