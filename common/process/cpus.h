/*
 * cpus: how many CPUs this process may really use: affinity mask, and cgroup quota (v2 cpu.max,
 * v1 cpu.cfs_quota_us / cpu.cfs_period_us) of its own group and every group above it. A quota of
 * 1.5 CPUs counts as 2; never less than 1.
 */
#ifndef SILEX_COMMON_PROCESS_CPUS_H
#define SILEX_COMMON_PROCESS_CPUS_H

/* The files to read, so that a test can show a tree of its own. NULL members: the real ones. */
struct cpus_paths {
	const char *self_cgroup; /* /proc/self/cgroup */
	const char *cgroup_root; /* /sys/fs/cgroup */
};

unsigned cpus_allowed(void);
/* By the affinity mask alone. */
unsigned cpus_affinity(void);
/* By quota alone; 0 = no quota. */
unsigned cpus_quota(const struct cpus_paths *paths);

#endif
