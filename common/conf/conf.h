/*
 * conf: the settings, as plain old data of one fixed size, made from conf_tbl.h.
 *
 * Order of precedence: defaults, then the file, then the command line. The master parses into a
 * fresh struct and swaps it in when it is whole, so a bad file at SIGHUP changes nothing; it
 * hands the struct to a worker as a sealed memfd. Errors name file, line, key, what is wrong and
 * what is allowed. Nobody but this room writes a struct conf that is in use.
 */
#ifndef SILEX_COMMON_CONF_CONF_H
#define SILEX_COMMON_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

/* In the order of the choices in conf_tbl.h; event_backend is an enum ev_backend (ev.h),
 * log_level an enum log_level and log_format an enum log_format (log.h). */
enum conf_sandbox {
	CONF_SANDBOX_OFF,
	CONF_SANDBOX_LOG,
	CONF_SANDBOX_ON
};
enum conf_access_format {
	CONF_ACCESS_UPSTREAMINFO,
	CONF_ACCESS_JSON
};

struct conf {
#define CONF_BOOL(key, field, def, when, shown, help)                    bool field;
#define CONF_NUM(type, key, field, def, lo, hi, unit, when, shown, help) uint64_t field;
#define CONF_TEXT(type, key, field, def, cap, when, shown, help)         char field[cap];
#define CONF_ENUM(key, field, def, choices, when, shown, help)           uint8_t field;
#include "common/conf/conf_tbl.h"
};

#define CONF_ERROR_MAX 512

/* All defaults. */
void conf_init(struct conf *c);

/*
 * Set one key from text, as the file and the command line do. Returns 0, or -1 with the whole
 * sentence ("key: what is wrong, what is allowed", unknown key: "did you mean ...") in err.
 * An ignored key (conf_ignored_tbl.h) returns 1 with the reason in err. *c changes only on 0.
 */
int conf_set(struct conf *c, struct str key, struct str value, char err[CONF_ERROR_MAX]);

/*
 * Read `key = value` lines (# comments, values optionally in double or single quotes) on top of
 * *c. 0, or -1 with "file:line: ..." in err; ENOENT and the like are told the same way. notice
 * (may be NULL) is told of ignored keys. On -1 *c is as before the call.
 */
typedef void conf_notice_fn(void *arg, const char *text);
int conf_read_file(struct conf *c, const char *path, conf_notice_fn *notice, void *arg,
		   char err[CONF_ERROR_MAX]);
/* The same from memory; name stands for the file in messages. */
int conf_read_text(struct conf *c, const char *name, struct str text, conf_notice_fn *notice,
		   void *arg, char err[CONF_ERROR_MAX]);

/* Every key has the same value in both. */
bool conf_eq(const struct conf *a, const struct conf *b);
/* First key whose value differs and that is fixed at start, or NULL: what HUP must refuse to
 * take over and report. */
const char *conf_fixed_difference(const struct conf *running, const struct conf *fresh);
/* Copy every field that is fixed at start from running to fresh. */
void conf_keep_fixed(struct conf *fresh, const struct conf *running);

/* The next element of a CSV value, blanks removed, empty ones skipped; false at the end. */
bool conf_csv_next(struct str *rest, struct str *element);

/* A sealed, close-on-exec memfd with magic, ABI and size, or -1 with errno. */
int conf_to_fd(const struct conf *c);
/* Its reader. 0, or -1 with errno (EINVAL: magic, ABI or size do not fit). fd stays open. */
int conf_from_fd(struct conf *c, int fd);

#endif
