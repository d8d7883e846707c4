/* procstat: see procstat.h. */
#include "master/workers/procstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct sample {
	uint64_t cpu_ms, vm_bytes, rss_bytes;
};

/* Processor time seen of whoever sits in a slot; the last one is the master. */
struct seen {
	uint32_t pid;
	uint64_t cpu_ms;
};
static struct seen seen[SLOT_MAX + 1];
static uint64_t due_ms;

static void put_text(char *to, size_t n, const char *from)
{
	(void)snprintf(to, n, "%s", from);
}

void procstat_identity(struct board *b)
{
	const char *pod = getenv("POD_NAME"), *ns = getenv("POD_NAMESPACE");
	char host[sizeof(b->pod_name)];

	if (gethostname(host, sizeof(host)) == -1)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	put_text(b->pod_name, sizeof(b->pod_name), pod != NULL ? pod : host);
	put_text(b->pod_namespace, sizeof(b->pod_namespace), ns != NULL ? ns : "");
	procstat_changed(b);
}

void procstat_changed(struct board *b)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	atomic_store(&b->published_us,
		     (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	atomic_store(&b->stats[BOARD_CONFIG_OK_TIME], (uint64_t)now.tv_sec);
}

/* proc(5), /proc/PID/stat: behind the name, which may hold anything, field 3 begins. */
static bool read_stat(uint32_t pid, struct sample *s)
{
	char path[32], text[1024], *at;
	unsigned long long v[24] = {0};
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL || strlen(at) < 4)
		return false;
	at += 4; /* ") S", and then field 4 */
	for (unsigned field = 4; field < 25; field++)
		v[field - 4] = strtoull(at, &at, 10);
	s->cpu_ms = (v[14 - 4] + v[15 - 4]) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
	s->vm_bytes = v[23 - 4];
	s->rss_bytes = v[24 - 4] * (unsigned long)sysconf(_SC_PAGESIZE);
	return true;
}

static void add(struct sample *sum, struct seen *was, uint32_t pid, uint64_t *n)
{
	struct sample s;

	if (pid == 0 || !read_stat(pid, &s))
		return;
	if (was->pid != pid)
		*was = (struct seen){.pid = pid};
	sum->cpu_ms += s.cpu_ms > was->cpu_ms ? s.cpu_ms - was->cpu_ms : 0;
	was->cpu_ms = s.cpu_ms;
	sum->vm_bytes += s.vm_bytes;
	sum->rss_bytes += s.rss_bytes;
	++*n;
}

static uint64_t open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the directory's own */
}

void procstat_tick(struct board *b, uint64_t now_ms)
{
	struct sample sum = {0};
	uint64_t n = 0;

	if (now_ms < due_ms)
		return;
	due_ms = now_ms + PROCSTAT_MS;
	for (unsigned i = 0; i < atomic_load(&b->slots) && i < SLOT_MAX; i++)
		add(&sum, &seen[i], atomic_load(&b->workers[i].pid), &n);
	add(&sum, &seen[SLOT_MAX], (uint32_t)getpid(), &n);
	board_add(b, BOARD_CPU_MS, sum.cpu_ms);
	atomic_store(&b->stats[BOARD_VM_BYTES], sum.vm_bytes);
	atomic_store(&b->stats[BOARD_RSS_BYTES], sum.rss_bytes);
	atomic_store(&b->stats[BOARD_PROCESSES], n);
	atomic_store(&b->stats[BOARD_OPEN_FDS], open_descriptors());
}
