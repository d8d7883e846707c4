/* access_format: see access_format.h. */
#include "worker/log/access_format.h"

#include "common/vars/log_format.h"
#include "worker/log/access_line.h"

/* Most of each value that a peer chose: as much as may be, else as much as surely fits. */
static const size_t budgets[] = {1000, 250, 60};

static bool is_default(struct str template)
{
	return template.n == 0 || str_eq(template, STR(LOG_FORMAT_DEFAULT));
}

void access_format_set(struct access_format *f, const struct conf *conf)
{
	struct str template = str_from(conf->log_format_upstream);
	struct text t;

	f->builtin = (enum conf_access_format)conf->access_log_format;
	f->program_n = 0;
	f->escape = conf->log_format_escape_none   ? VARS_PLAIN
		    : conf->log_format_escape_json ? VARS_JSON
						   : VARS_HEX;
	if (is_default(template) && f->escape == VARS_HEX)
		return;
	if (template.n == 0)
		template = STR(LOG_FORMAT_DEFAULT);
	text_fixed(&t, f->program, sizeof(f->program));
	if (log_format_compile(&vars_of_requests, template, &t, NULL) != VARS_BAD)
		f->program_n = t.n;
}

void access_format_write(const struct access_format *f, const struct request *r,
			 const struct moment *now, struct text *t)
{
	struct str program = str_make(f->program, f->program_n);

	if (program.n == 0) {
		if (f->builtin == CONF_ACCESS_JSON)
			access_line_json(t, r, now);
		else
			access_line_upstreaminfo(t, r, now);
		return;
	}
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		t->n = 0;
		t->full = false;
		vars_write(program, r, now, (struct vars_style){f->escape, budgets[i]}, t);
		text_char(t, '\n');
		if (!t->full)
			return;
	}
}

bool access_format_reads(const struct access_format *f, const struct field *field, bool answer)
{
	if (f->program_n != 0)
		return vars_read_field(str_make(f->program, f->program_n), field, answer);
	return !answer && access_line_reads(field);
}
