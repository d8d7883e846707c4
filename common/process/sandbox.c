/*
 * sandbox: see sandbox.h. The order of steps[] is the contract; each step either holds or the
 * process ends.
 *
 * The allow-list is what a worker's loop does and nothing else. Where a call is dangerous only
 * in some form, its arguments are checked: sockets are TCP or UDP, memory is never executable, and
 * prctl, open, exec, fork, ptrace, ftruncate and everything not named here does not exist.
 */
#include "common/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/mem/asan.h"

static int limit_resources(const struct sandbox *s)
{
	struct rlimit files, none = {0, 0};

	if (s->max_files > 0) {
		if (getrlimit(RLIMIT_NOFILE, &files) == -1)
			return -1;
		files.rlim_cur = s->max_files < files.rlim_max ? s->max_files : files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) == -1)
			return -1;
	}
	/* RLIMIT_NPROC 0: nothing can be started even where the filter is off. */
	return setrlimit(RLIMIT_NPROC, &none);
}

/* The root becomes a directory that is already deleted: empty, and nobody can ever put anything
 * into it. Made in /dev/shm, which has to be writable anyway. */
static int empty_root(const struct sandbox *s)
{
	char dir[] = "/dev/shm/silex-empty-XXXXXX";

	if (geteuid() != 0)
		return 0;
	if (mkdtemp(dir) == NULL)
		return -1;
	if (chdir(dir) == -1) {
		(void)rmdir(dir);
		return -1;
	}
	if (rmdir(dir) == -1 || chroot(".") == -1)
		return -1;
	return chdir("/");
}

static int bounding_set(const struct sandbox *s)
{
	if (geteuid() != 0)
		return 0;
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EINVAL && errno != EPERM)
			return -1;
	return 0;
}

static int change_user(const struct sandbox *s)
{
	if (geteuid() != 0 || s->uid == 0)
		return 0;
	if (setgroups(0, NULL) == -1 || setresgid(s->gid, s->gid, s->gid) == -1)
		return -1;
	return setresuid(s->uid, s->uid, s->uid);
}

static int regain_must_fail(const struct sandbox *s)
{
	uid_t r, e, saved;

	if (getresuid(&r, &e, &saved) == -1)
		return -1;
	if (r == 0 || e == 0 || saved == 0) {
		errno = EPERM;
		return s->uid == 0 ? 0 : -1;
	}
	if (setresuid(0, 0, 0) == -1 && setuid(0) == -1 && seteuid(0) == -1)
		return 0;
	errno = EPERM;
	return -1;
}

static int drop_capabilities(const struct sandbox *s)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 && errno != EINVAL)
		return -1;
	return (int)syscall(SYS_capset, &head, none);
}

static int no_new_privileges(const struct sandbox *s)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* clang-format off */
static const int allowed[] = {
	/* bytes */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(splice), SCMP_SYS(pipe2), SCMP_SYS(close), SCMP_SYS(shutdown),
	/* sockets; socket() itself is checked below */
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(connect), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(restart_syscall),
	/* descriptors: no new files, only what there is */
	SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fstat), SCMP_SYS(lseek),
	SCMP_SYS(pread64), /* settings that arrive over the channel */
	/* memory; mmap and mprotect are checked below */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	/* time, chance, identity */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(sched_yield),
	/* signals and the end; tgkill() of itself is checked below */
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group),
#if UNDER_ASAN
	/* what the sanitizers' runtimes need while they report */
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity), SCMP_SYS(prctl),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getppid), SCMP_SYS(prlimit64),
#endif
};
/* clang-format on */

/* The keys process: what it was given, memory, chance, and its end. */
/* clang-format off */
static const int allowed_sealed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(restart_syscall),
	SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(prctl), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(mlock), /* what keys lie in (master/keys/vault.h) */
#if UNDER_ASAN
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getppid), SCMP_SYS(prlimit64), SCMP_SYS(writev),
#endif
};
/* clang-format on */

static int allow_sockets(scmp_filter_ctx ctx)
{
	static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};
	int rc = 0;

	for (unsigned i = 0; i < 4 && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i / 2], 0),
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)types[i % 2]));
	return rc;
}

static int allow_memory(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

static int allow_all(scmp_filter_ctx ctx, bool sealed)
{
	const int *calls = sealed ? allowed_sealed : allowed;
	size_t n = sealed ? sizeof(allowed_sealed) / sizeof(int) : sizeof(allowed) / sizeof(int);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (rc == 0 && !sealed)
		rc = allow_sockets(ctx);
	if (rc == 0)
		rc = allow_memory(ctx);
	if (rc == 0) /* how the C library spells fstat(); names still cannot be opened */
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				      SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	if (rc == 0) /* what of a request the origin has not received (net_unacked) */
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ, 0));
	if (rc == 0) /* abort() and the crash handler: signals to itself only */
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return rc;
}

/* TRAP, not KILL: the handler writes which call it was into the slot, then dies of SIGSYS all
 * the same; and a process that blocks the signal is killed by the kernel. */
static uint32_t refusal(enum sandbox_mode mode)
{
	if (mode == SANDBOX_LOG)
		return SCMP_ACT_LOG;
#if UNDER_ASAN
	return SCMP_ACT_ERRNO(EPERM);
#else
	return SCMP_ACT_TRAP;
#endif
}

static int filter(const struct sandbox *s)
{
	scmp_filter_ctx ctx;
	int rc;

	if (s->mode == SANDBOX_OFF)
		return 0;
	ctx = seccomp_init(refusal(s->mode));
	if (ctx == NULL) {
		errno = ENOMEM;
		return -1;
	}
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	rc = allow_all(ctx, s->sealed);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	int (*enter)(const struct sandbox *s);
} steps[] = {
    {"setting resource limits", limit_resources},
    {"changing to an empty root (needs CAP_SYS_CHROOT, or start without root)", empty_root},
    {"emptying the capability bounding set", bounding_set},
    {"changing the user (needs CAP_SETUID and CAP_SETGID, or start without root)", change_user},
    {"making sure that root cannot be regained", regain_must_fail},
    {"dropping capabilities", drop_capabilities},
    {"setting NO_NEW_PRIVS", no_new_privileges},
    {"loading the seccomp filter (sandbox = off runs without)", filter},
};

int sandbox_enter(const struct sandbox *s, char *why, size_t n)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].enter(s) == 0)
			continue;
		(void)snprintf(why, n, "%s: %s", steps[i].name, strerror(errno));
		return -1;
	}
	return 0;
}
