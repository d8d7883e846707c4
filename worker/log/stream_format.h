/*
 * stream_format: log-format-stream, compiled when the settings arrive, and the values of its
 * variables (common/vars/stream_var_tbl.h). The default is stream_line's, by hand.
 */
#ifndef SILEX_WORKER_LOG_STREAM_FORMAT_H
#define SILEX_WORKER_LOG_STREAM_FORMAT_H

#include "common/conf/conf.h"
#include "common/process/slot.h"
#include "worker/log/stream_line.h"

struct stream_format {                   /* all zero at first */
	enum conf_access_format builtin; /* while program is empty */
	struct str program;              /* malloc'ed */
	const char *host;                /* $hostname, borrowed */
	const struct slot *slot;         /* knows $pid */
};

/* From the settings, which the master has checked; what cannot be compiled is the default. */
void stream_format_set(struct stream_format *f, const struct conf *conf, const char *host,
		       const struct slot *slot);
void stream_format_free(struct stream_format *f);
/* One line with its newline in t, which has ACCESS_LINE_MAX bytes; t->full when it does not fit. A
 * variable without value is "-". */
void stream_format_write(const struct stream_format *f, const struct stream_record *r,
			 const struct moment *now, struct text *t);

#endif
