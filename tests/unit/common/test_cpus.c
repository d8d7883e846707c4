/* CPU quotas as a tree of files says them, in both generations of cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/process/cpus.h"

static char root[] = "/tmp/silex-test-cpus-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) == NULL;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes root/path, making its directories. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static unsigned quota(const char *self)
{
	char list[256];
	struct cpus_paths paths = {list, root};

	put("self", self);
	snprintf(list, sizeof(list), "%s/self", root);
	return cpus_quota(&paths);
}

static void test_v2(void **state)
{
	put("a/b/cpu.max", "150000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 2); /* 1.5 CPUs */
	put("a/b/cpu.max", "50000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 1);
	put("a/b/cpu.max", "400000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 4);
	put("a/b/cpu.max", "max 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 0);
}

static void test_v2_ancestors_bind_too(void **state)
{
	put("a/cpu.max", "200000 100000\n");
	put("a/b/cpu.max", "max 100000\n");
	put("a/b/c/cpu.max", "800000 100000\n");
	assert_int_equal(quota("0::/a/b/c\n"), 2);
}

static void test_v2_container(void **state)
{
	/* in a container: our own group is the root of the mount */
	put("cpu.max", "300000 100000\n");
	assert_int_equal(quota("0::/\n"), 3);
	/* the host's path, not below our mount */
	assert_int_equal(quota("0::/kubepods.slice/pod1/c1\n"), 3);
}

static void test_v1(void **state)
{
	put("cpu,cpuacct/pod/cpu.cfs_quota_us", "250000\n");
	put("cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("5:cpuset:/pod\n4:cpu,cpuacct:/pod\n1:name=systemd:/pod\n"), 3);
	put("cpu,cpuacct/pod/cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quota("4:cpu,cpuacct:/pod\n"), 0);
}

static void test_v1_mounted_as_cpu(void **state)
{
	put("cpu/cpu.cfs_quota_us", "100000\n");
	put("cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("4:cpu,cpuacct:/docker/abc\n"), 1);
	assert_int_equal(quota("4:cpuacct:/docker/abc\n"), 0);
}

static void test_nonsense(void **state)
{
	static const char *const lines[] = {"",      "\n",     "0\n",         "0:\n",
					    "0::\n", "0::a\n", "0::/../..\n", "::::\n"};

	put("cpu.max", "rubbish\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(quota(lines[i]), 0);
	put("cpu.max", "100000 0\n");
	assert_int_equal(quota("0::/\n"), 0);
	put("cpu.max", "");
	assert_int_equal(quota("0::/\n"), 0);
}

static void test_this_machine(void **state)
{
	assert_true(cpus_affinity() >= 1);
	assert_true(cpus_allowed() >= 1 && cpus_allowed() <= cpus_affinity());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_v2, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_v2_ancestors_bind_too, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_v2_container, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_v1, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_v1_mounted_as_cpu, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	    cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
