/* cpus: how many CPUs this process may use. See cpus.h. */
#include "common/process/cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"

static const struct cpus_paths real_paths = {"/proc/self/cgroup", "/sys/fs/cgroup"};

unsigned cpus_affinity(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1; /* more CPUs than the set can tell: rather one worker than none */
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : (unsigned)n;
}

/* The file's first line without its newline, or false. */
static bool first_line(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fgets(buf, (int)cap, f) != NULL;
	(void)fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

/* Quota over period, rounded up; 0 for "max", -1, and anything that is no quota. */
static unsigned ratio(struct str quota, struct str period)
{
	uint64_t q, p;

	if (!str_u64(quota, UINT32_MAX, &q) || !str_u64(period, UINT32_MAX, &p) || q == 0 || p == 0)
		return 0;
	return (unsigned)((q + p - 1) / p);
}

/* cgroup v2: "cpu.max" holds "<quota|max> <period>". */
static unsigned quota_v2(const char *dir)
{
	char path[512], line[64];
	struct str s;
	ptrdiff_t blank;

	if (snprintf(path, sizeof(path), "%s/cpu.max", dir) >= (int)sizeof(path) ||
	    !first_line(path, line, sizeof(line)))
		return 0;
	s = str_from(line);
	blank = str_chr(s, ' ');
	if (blank == -1)
		return 0;
	return ratio(str_make(s.p, (size_t)blank), str_from_at(s, (size_t)blank + 1));
}

/* cgroup v1: two files, the quota is -1 when there is none. */
static unsigned quota_v1(const char *dir)
{
	char path[512], quota[64], period[64];

	if (snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir) >= (int)sizeof(path) ||
	    !first_line(path, quota, sizeof(quota)))
		return 0;
	if (snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir) >= (int)sizeof(path) ||
	    !first_line(path, period, sizeof(period)))
		return 0;
	return ratio(str_from(quota), str_from(period));
}

/* The smaller of two quotas, where 0 is none. */
static unsigned tighter(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/*
 * The tightest quota of a group and all above it, up to the root of the hierarchy. In a container
 * the path of /proc/self/cgroup may be the host's and not exist below our mount; the mount's root
 * is then our own group, and it is always looked at.
 */
static unsigned tightest(const char *root, const char *mount, const char *group,
			 unsigned (*quota)(const char *dir))
{
	char dir[400];
	int base = snprintf(dir, sizeof(dir), "%s%s", root, mount);
	int n = snprintf(dir, sizeof(dir), "%s%s%s", root, mount, group);
	unsigned best = 0;

	if (n < 0 || n >= (int)sizeof(dir))
		return 0;
	for (;;) {
		char *slash;

		best = tighter(best, quota(dir));
		slash = strrchr(dir, '/');
		if (slash == NULL || (int)strlen(dir) <= base)
			return best;
		*slash = '\0';
		if ((int)strlen(dir) < base)
			return best;
	}
}

/* Does the v1 controller list "cpu,cpuacct" name cpu? */
static bool names_cpu(char *list)
{
	char *save = NULL;

	for (char *one = strtok_r(list, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save))
		if (strcmp(one, "cpu") == 0)
			return true;
	return false;
}

/* One line of /proc/self/cgroup: "<hierarchy>:<controllers>:<path>". */
static unsigned line_quota(const char *root, char *line)
{
	char mount[128];
	char *controllers = strchr(line, ':');
	char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');

	if (group == NULL)
		return 0;
	*group++ = '\0';
	controllers++;
	if (group[0] != '/')
		return 0;
	if (group[1] == '\0')
		group[0] = '\0'; /* the root itself */
	if (controllers[0] == '\0')
		return tightest(root, "", group, quota_v2);
	if (snprintf(mount, sizeof(mount), "/%s", controllers) >= (int)sizeof(mount) ||
	    !names_cpu(controllers))
		return 0;
	/* Mounted as /cpu,cpuacct with /cpu as a link to it, or only one of them. */
	return tighter(tightest(root, mount, group, quota_v1),
		       tightest(root, "/cpu", group, quota_v1));
}

unsigned cpus_quota(const struct cpus_paths *paths)
{
	const char *list = paths->self_cgroup != NULL ? paths->self_cgroup : real_paths.self_cgroup;
	const char *root = paths->cgroup_root != NULL ? paths->cgroup_root : real_paths.cgroup_root;
	FILE *f = fopen(list, "re");
	char line[512];
	unsigned best = 0;

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		best = tighter(best, line_quota(root, line));
	}
	(void)fclose(f);
	return best;
}

unsigned cpus_allowed(void)
{
	unsigned n = tighter(cpus_affinity(), cpus_quota(&real_paths));

	return n < 1 ? 1 : n;
}
