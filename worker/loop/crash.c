/* crash: see crash.h. One global, because a signal handler has no argument for it. */
#include "worker/loop/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/mem/asan.h"
#include "common/check.h"

static struct slot *crash_slot;
static _Alignas(16) char crash_stack[16384];

/* Where the image begins: positions are told relative to it, as addr2line wants them. */
extern const char __executable_start[], __etext[];

struct last_words {
	char text[160];
	size_t n;
};

static void say(struct last_words *w, const char *s)
{
	while (*s != '\0' && w->n + 1 < sizeof(w->text))
		w->text[w->n++] = *s++;
	w->text[w->n] = '\0';
}

static void say_number(struct last_words *w, uint64_t v, unsigned base)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0 && i > 0);
	say(w, &digits[i]);
}

static const char *name_of(int signo)
{
	switch (signo) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGILL:
		return "SIGILL";
	case SIGABRT:
		return "SIGABRT";
	case SIGSYS:
		return "SIGSYS";
	default:
		return "signal";
	}
}

static void say_position(struct last_words *w, const void *context)
{
	const ucontext_t *uc = context;
#if defined(__x86_64__)
	uint64_t ip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	uint64_t ip = uc->uc_mcontext.pc;
#else
	uint64_t ip = 0;
#endif
	uint64_t first = (uint64_t)(uintptr_t)__executable_start;

	if (ip >= first && ip < (uint64_t)(uintptr_t)__etext) {
		say(w, " at silex-worker+0x");
		say_number(w, ip - first, 16);
	} else {
		say(w, " in a library, 0x");
		say_number(w, ip, 16);
	}
}

static void handler(int signo, siginfo_t *info, void *context)
{
	struct last_words w = {.n = 0};

	say(&w, name_of(signo));
	say_position(&w, context);
	if (signo == SIGSYS) {
		say(&w, ", system call ");
		say_number(&w, (uint64_t)info->si_syscall, 10);
		say(&w, " refused by the sandbox");
	} else if (signo == SIGSEGV || signo == SIGBUS) {
		say(&w, ", address 0x");
		say_number(&w, (uint64_t)(uintptr_t)info->si_addr, 16);
	}
	slot_panic(crash_slot, w.text); /* a panic text that is there already stays */
	(void)raise(signo);             /* SA_RESETHAND: now it kills */
}

static void panic_hook(const char *text)
{
	slot_panic(crash_slot, text);
}

int crash_install(struct slot *slot)
{
	static const int signals[] = {
		SIGABRT,
		SIGSYS,
#if !UNDER_ASAN /* its own report is better */
		SIGSEGV,
		SIGBUS,
		SIGFPE,
		SIGILL
#endif
	};
	stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof(crash_stack)};
	struct sigaction sa = {.sa_sigaction = handler,
			       .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};

	crash_slot = slot;
	panic_set_hook(panic_hook);
	(void)sigemptyset(&sa.sa_mask);
	if (sigaltstack(&stack, NULL) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &sa, NULL) == -1)
			return -1;
	return 0;
}
