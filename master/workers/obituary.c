/* obituary: see obituary.h. */
#include "master/workers/obituary.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/log/log.h"

void obituary_cause(int status, char *buf, size_t n)
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		(void)snprintf(buf, n, "exit code %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	(void)snprintf(buf, n, "killed by signal %d (SIG%s)%s", WTERMSIG(status),
		       name != NULL ? name : "?", WCOREDUMP(status) ? ", core dumped" : "");
}

struct joined {
	char *buf;
	size_t n, max;
};

static void join_event(void *arg, uint64_t at_us, const char *text)
{
	struct joined *j = arg;
	int n = snprintf(j->buf + j->n, j->max - j->n, "%s%" PRIu64 ".%03" PRIu64 " %s",
			 j->n > 0 ? " | " : "", at_us / 1000000, at_us / 1000 % 1000, text);

	if (n > 0)
		j->n = (size_t)n < j->max - j->n ? j->n + (size_t)n : j->max - 1;
}

void obituary_compose(struct obituary *o, unsigned index, pid_t pid, int status, uint64_t lived_ms,
		      const struct slot *slot)
{
	struct joined events = {o->events, 0, sizeof(o->events)};

	*o = (struct obituary){.index = index, .pid = pid, .lived_ms = lived_ms};
	obituary_cause(status, o->cause, sizeof(o->cause));
	if (slot == NULL)
		return;
	(void)slot_panic_read(slot, o->words, sizeof(o->words));
	(void)slot_events_read(slot, OBITUARY_EVENTS, join_event, &events);
}

void obituary_log(const struct obituary *o)
{
	struct log_site site = {0}; /* a new one each time: no death is ever suppressed */
	struct log_field fields[7];
	unsigned n = 0;

	fields[n++] = LOG_U64("worker", o->index);
	fields[n++] = LOG_I64("pid", o->pid);
	fields[n++] = LOG_Z("cause", o->cause);
	fields[n++] = LOG_U64("lived_ms", o->lived_ms);
	if (o->words[0] != '\0')
		fields[n++] = LOG_Z("last_words", o->words);
	if (o->events[0] != '\0')
		fields[n++] = LOG_Z("last_events", o->events);
	fields[n] = (struct log_field){.type = LOG_T_END};
	log_event(&site, LOG_LEVEL_ERROR, "worker died", fields);
}
