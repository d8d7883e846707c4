/* Shared memory objects: names, a full system as an error, a descriptor that cannot write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/table/shm.h"

static char name[SHM_NAME_MAX];

static int make_name(void **state)
{
	char instance[32];

	(void)snprintf(instance, sizeof(instance), "shm-test.%ld", (long)getpid());
	return shm_name(name, instance, "table");
}

static void names(void **state)
{
	char buf[SHM_NAME_MAX], big[SHM_NAME_MAX + 1];

	assert_int_equal(shm_name(buf, "a.b-c_9", "slot.3"), 0);
	assert_string_equal(buf, "/silex.a.b-c_9.slot.3");
	assert_int_equal(shm_name(buf, "", "table"), -1);
	assert_int_equal(shm_name(buf, "../x", "table"), -1);
	assert_int_equal(shm_name(buf, "a b", "table"), -1);
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(shm_name(buf, big, "table"), -1);
	assert_int_equal(errno, EINVAL);
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static void grows_and_stays(void **state)
{
	int fd = shm_create(name);
	char *p;

	assert_int_not_equal(fd, -1);
	assert_int_equal(shm_grow(fd, 0, 4096), 0);
	p = shm_map(fd, 1 << 20, 1); /* more than it is long */
	assert_non_null(p);
	memcpy(p, "first", 6);
	assert_int_equal(shm_grow(fd, 4096, 65536), 0);
	assert_int_equal(size_of(fd), 65536);
	p[65535] = 'x'; /* reserved: no SIGBUS */
	assert_string_equal(p, "first");
	munmap(p, 1 << 20);
	close(fd);
	assert_int_equal(shm_unlink(name), 0);
}

static void no_room_is_an_error(void **state)
{
	struct rlimit was, tight;
	int fd = shm_create(name);

	assert_int_equal(shm_grow(fd, 0, 4096), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight = was;
	tight.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(shm_grow(fd, 4096, 8193), -1); /* and no SIGXFSZ */
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(shm_grow(fd, 4096, 8192), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(shm_grow(fd, 8192, UINT64_MAX), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(shm_grow(fd, 8192, (uint64_t)1 << 50), -1); /* more than the machine has */
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(size_of(fd), 8192);
	close(fd);
	assert_int_equal(shm_unlink(name), 0);
}

static void created_anew(void **state)
{
	int old = shm_create(name), fd, ro;

	assert_int_equal(shm_grow(old, 0, 4096), 0);
	fd = shm_create(name); /* the old one lives on without a name */
	assert_int_not_equal(fd, -1);
	assert_int_equal(size_of(fd), 0);
	assert_int_equal(size_of(old), 4096);
	assert_int_equal(shm_open_readonly(name, old), -1);
	assert_int_equal(errno, ESTALE);
	ro = shm_open_readonly(name, fd);
	assert_int_not_equal(ro, -1);
	assert_null(shm_map(ro, 4096, 1));
	assert_int_equal(errno, EACCES);
	close(ro);
	shm_remove(name, old); /* the name is not the old one's any more */
	ro = shm_open_readonly(name, fd);
	assert_int_not_equal(ro, -1);
	close(ro);
	shm_remove(name, fd);
	assert_int_equal(shm_unlink(name), -1);
	assert_int_equal(errno, ENOENT);
	close(fd);
	close(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(grows_and_stays),
	    cmocka_unit_test(no_room_is_an_error),
	    cmocka_unit_test(created_anew),
	};

	return cmocka_run_group_tests(tests, make_name, NULL);
}
