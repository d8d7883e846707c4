/* finding: what was found, told once. See finding.h. */
#include "master/translate/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/log/log.h"

void finding_scope_free(struct finding_scope *s)
{
	free(s->old);
	free(s->now);
	*s = (struct finding_scope){0};
}

void finding_begin(struct finding_scope *s)
{
	CHECK(s->n_now == 0);
}

void finding_end(struct finding_scope *s)
{
	free(s->old);
	s->old = s->now;
	s->n_old = s->n_now;
	s->now = NULL;
	s->n_now = s->cap_now = 0;
}

static bool is_in(const uint64_t *list, uint32_t n, uint64_t hash)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == hash)
			return true;
	return false;
}

static void remember(struct finding_scope *s, uint64_t hash)
{
	if (s->n_now == s->cap_now) {
		s->cap_now = s->cap_now == 0 ? 4 : s->cap_now * 2;
		s->now = reallocarray(s->now, s->cap_now, sizeof(*s->now));
		CHECK(s->now != NULL);
	}
	s->now[s->n_now++] = hash;
}

/* Is this the first time, in this rendering and the one before? */
static bool is_new(struct finding_scope *s, const struct finding *f)
{
	uint64_t hash = hash_str(str_from(f->text), f->kind);

	hash = hash_str(f->name, hash_str(f->ns, hash));
	if (is_in(s->now, s->n_now, hash))
		return false;
	remember(s, hash);
	return !is_in(s->old, s->n_old, hash);
}

void finding_about(struct findings *f, struct finding_scope *s, enum finding_level level,
		   const char *reason, const struct obj *o, const char *fmt, ...)
{
	char text[1024];
	struct finding one = {.level = level,
			      .reason = reason,
			      .kind = o->kind,
			      .ns = o->ns,
			      .name = o->name,
			      .file = o->file,
			      .line = o->line,
			      .text = text};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (is_new(s, &one))
		f->tell(f->arg, &one);
}

void finding_to_log(void *arg, const struct finding *f)
{
	/* Each finding is told once already: a site of its own keeps the rate limit, which is
	 * meant for repetition, away from a directory with many faults. */
	struct log_site site = {0};
	enum log_level level = f->level == FINDING_NOTE ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
	const struct log_field fields[] = {
	    LOG_Z("reason", f->reason),
	    LOG_Z("kind", obj_kind_name(f->kind)),
	    LOG_STR("ns", f->ns),
	    LOG_STR("name", f->name),
	    LOG_Z("what", f->text),
	    f->file.n > 0 ? LOG_STR("file", f->file) : (struct log_field){.type = LOG_T_END},
	    LOG_U64("line", f->line),
	    {.type = LOG_T_END},
	};

	(void)arg;
	if (log_enabled(level))
		log_event(&site, level, "finding", fields);
}
