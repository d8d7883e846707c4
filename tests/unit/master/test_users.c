/* users: Secrets become lists under numbers, which change when they do, are put again when the auth
 * process was lost, and are dropped late; userlist: whom a list knows. The auth process is played
 * by the test. */
#include "tests/unit/master/translate_fixture.h"

#include <unistd.h>

#include "common/loop/timer.h"
#include "master/basic/userlist.h"
#include "master/basic/users.h"

static struct ev *ev;
static struct store *store;
static struct users *us;
static char said[4096]; /* what happened, one word after the other */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	size_t at = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(said + at, sizeof(said) - at, fmt, ap);
	va_end(ap);
}

static void heard(const char *want)
{
	assert_string_equal(said, want);
	said[0] = '\0';
}

static void put(void *process, uint64_t number, int fd, uint32_t bytes)
{
	char text[1000];

	assert_ptr_equal(process, said);
	assert_true(bytes < sizeof(text));
	assert_int_equal(read(fd, text, sizeof(text)), bytes);
	say("put%u<%.*s>", (unsigned)number, (int)bytes, text);
}

static void drop(void *process, uint64_t number)
{
	say("drop%u ", (unsigned)number);
}

static void changed(void *arg, struct users_list *l)
{
	say("changed ");
}

static void wanted(void *arg, struct str ns, struct str name)
{
	say("want-" STR_FMT " ", STR_ARG(name));
}

static void settled(void *arg)
{
}

static const struct users_ops ops = {.changed = changed, .want = wanted, .settled = settled};

static void on_event(void *arg, const struct obj *old, const struct obj *new)
{
	users_secret_changed(us, new != NULL ? new : old);
}

static int setup(void **state)
{
	const struct users_process to = {put, drop, said};

	ev = ev_new(EV_BACKEND_POLL);
	store = store_new();
	us = users_new(ev, store, &to, &ops, NULL);
	store_listen(store, on_event, NULL);
	said[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	users_free(us);
	store_listen(store, NULL, NULL);
	store_free(store);
	ev_free(ev);
	return 0;
}

static void stop(struct timer *t)
{
	ev_stop(ev);
}

static void turn(void)
{
	struct timer t;

	timer_init(&t, stop);
	timer_set(ev_timers(ev), &t, ev_now_ms(ev) + 2);
	ev_run(ev);
}

#define SECRET(data)                                                                            \
	"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: web}\nstringData: {" data \
	"}\n"

static void have(const char *yaml)
{
	(void)store_put(store, decode_one(yaml));
}

static struct users_list *hold(enum users_form form)
{
	return users_hold(us, STR("web"), STR("s"), form);
}

/* --- users ---------------------------------------------------------------------------------- */

static void test_a_list(void **state)
{
	struct users_list *l;

	have(SECRET("auth: \"a:{PLAIN}x\\n# no\\nb:{PLAIN}y:z\\n\""));
	l = hold(USERS_FILE);
	heard("put1<a:{PLAIN}x\nb:{PLAIN}y\n>");
	assert_int_equal(users_number(l), 0);
	assert_null(users_trouble(l));
	assert_false(users_settled(us));
	users_acked(us, 1, true);
	heard("changed ");
	assert_int_equal(users_number(l), 1);
	assert_true(users_settled(us));
	assert_ptr_equal(hold(USERS_FILE), l);
	users_drop(us, l);
	users_drop(us, l);
	assert_ptr_equal(hold(USERS_FILE), l); /* let go and taken again in one turn */
	turn();
	heard("");
	users_drop(us, l);
	turn();
	assert_ptr_not_equal(hold(USERS_MAP), NULL);
}

static void test_a_change(void **state)
{
	struct users_list *l;

	have(SECRET("auth: \"a:{PLAIN}x\""));
	l = hold(USERS_FILE);
	users_acked(us, 1, true);
	have(SECRET("auth: \"a:{PLAIN}new\""));
	heard("put1<a:{PLAIN}x\n>changed put2<a:{PLAIN}new\n>");
	assert_int_equal(users_number(l), 1); /* until the new one is there */
	have(SECRET("auth: \"a:{PLAIN}newer\""));
	heard("drop2 put3<a:{PLAIN}newer\n>");
	users_acked(us, 2, true); /* nobody waits for it any more */
	assert_int_equal(users_number(l), 1);
	users_acked(us, 3, true);
	assert_int_equal(users_number(l), 3);
	heard("changed ");
	users_drop(us, l);
}

static void closed(const char *yaml, enum users_form form, const char *why)
{
	struct users_list *l;

	if (yaml != NULL)
		have(yaml);
	l = hold(form);
	assert_int_equal(users_number(l), 0);
	if (users_trouble(l) == NULL || strstr(users_trouble(l), why) == NULL)
		fail_msg("%s is not about %s", users_trouble(l), why);
	users_drop(us, l);
	turn();
	heard("");
}

static void test_trouble(void **state)
{
	closed(NULL, USERS_FILE, "does not exist");
	closed(SECRET("other: \"a:{PLAIN}x\""), USERS_FILE, "has no key auth");
	closed(SECRET("auth: \"\""), USERS_FILE, "holds no user");
	closed(SECRET("auth: \"# a:{PLAIN}x\\n\\n\""), USERS_FILE, "holds no user");
	closed(SECRET("auth: \"a:x\\nb\""), USERS_FILE, "line 1 of its key auth is no hash");
	closed(SECRET("auth: \"a:x\""), USERS_MAP, "value of its key auth is no hash");
	closed("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: web}\n", USERS_MAP,
	       "holds no user");
}

static void test_a_list_that_goes(void **state)
{
	struct users_list *l;

	have(SECRET("auth: \"a:{PLAIN}x\""));
	l = hold(USERS_FILE);
	users_acked(us, 1, true);
	heard("put1<a:{PLAIN}x\n>changed ");
	have(SECRET("auth: \"a:x\""));
	heard("changed ");
	assert_int_equal(users_number(l), 0);
	have(SECRET("auth: \"a:{PLAIN}x\""));
	heard("put3<a:{PLAIN}x\n>changed ");
	assert_null(users_trouble(l));
	users_acked(us, 3, true);
	heard("changed ");
	assert_true(store_delete(store, OBJ_SECRET, STR("web"), STR("s")));
	heard("changed ");
	assert_int_equal(users_number(l), 0);
	users_acked(us, 3, false);
	heard("");
	users_drop(us, l);
}

static void test_a_bad_line(void **state)
{
	struct users_list *l;

	have(SECRET("auth: \"a:{PLAIN}x\\nb\\nc:y\""));
	l = hold(USERS_FILE);
	heard("put1<a:{PLAIN}x\n>");
	assert_null(users_trouble(l));
	assert_non_null(strstr(users_remark(l), "line 2 of its key auth has no colon"));
	assert_non_null(strstr(users_remark(l), "left out of it: 2"));
	users_drop(us, l);
}

/* As nobody has its memory, or a process that lies. */
static void test_refused(void **state)
{
	struct users_list *l;

	have(SECRET("auth: \"a:{PLAIN}x\""));
	l = hold(USERS_FILE);
	users_acked(us, 7, true);
	users_acked(us, 0, true);
	heard("put1<a:{PLAIN}x\n>");
	users_acked(us, 1, false);
	heard("changed ");
	assert_int_equal(users_number(l), 0);
	assert_non_null(strstr(users_trouble(l), "memory is out"));
	users_drop(us, l);
}

static void test_maps(void **state)
{
	struct users_list *file, *map;

	have(SECRET("auth: \"a:{PLAIN}x\", bob: \"{PLAIN}y\\n\""));
	file = hold(USERS_FILE);
	map = hold(USERS_MAP);
	assert_ptr_not_equal(file, map);
	heard("put1<a:{PLAIN}x\n>put2<bob:{PLAIN}y\n>");
	users_acked(us, 2, true);
	assert_int_equal(users_number(file) + 10 * users_number(map), 20);
	heard("changed ");
	have(SECRET("auth: \"a:{PLAIN}z\""));
	heard("drop1 put3<a:{PLAIN}z\n>changed ");
	users_drop(us, file);
	users_drop(us, map);
}

/* The store has forgotten what was in the Secret; what was in force stays so, under its number. */
static void test_refill(void **state)
{
	struct users_list *l;
	struct obj *again;

	have(SECRET("auth: \"a:{PLAIN}x\""));
	l = hold(USERS_FILE);
	users_acked(us, 1, true);
	store_forget_keys(store);
	heard("put1<a:{PLAIN}x\n>changed ");
	users_refill(us);
	heard("want-s ");
	assert_int_equal(users_number(l), 1);
	assert_false(users_settled(us));
	again = decode_one(SECRET("auth: \"a:{PLAIN}x\""));
	users_secret_again(us, obj_secret(again));
	heard("put1<a:{PLAIN}x\n>");
	users_acked(us, 1, true);
	assert_true(users_settled(us));
	heard("");
	users_secret_again(us, obj_secret(again)); /* nobody wanted it */
	heard("");
	have(SECRET("auth: \"a:{PLAIN}y\""));
	heard("put2<a:{PLAIN}y\n>");
	users_drop(us, l);
	obj_free(again);
}

/* Held for the first time when the store has forgotten it. */
static void test_held_late(void **state)
{
	struct users_list *l;
	struct obj *again;

	have(SECRET("auth: \"a:{PLAIN}x\""));
	store_forget_keys(store);
	l = hold(USERS_FILE);
	heard("want-s ");
	assert_null(users_trouble(l));
	again = decode_one(SECRET("auth: \"a:{PLAIN}x\""));
	users_secret_again(us, obj_secret(again));
	users_acked(us, 1, true);
	heard("put1<a:{PLAIN}x\n>changed ");
	assert_int_equal(users_number(l), 1);
	users_drop(us, l);
	obj_free(again);
}

/* --- userlist ------------------------------------------------------------------------------- */

static struct userlist *list_of(struct userlists *all, uint64_t number, const char *text)
{
	return userlist_put(all, number, strdup(text), strlen(text));
}

static void test_userlist(void **state)
{
	struct userlists all = RB_INITIALIZER(&all);
	struct userlist *l = list_of(&all, 3, "bob:{PLAIN}1\nbad\nalice:{PLAIN}2\nbob:{PLAIN}3\n");
	bool known;

	assert_non_null(l);
	assert_ptr_equal(userlist_find(&all, 3), l);
	assert_null(userlist_find(&all, 4));
	assert_true(str_eq(userlist_hash(l, STR("bob"), &known), STR("{PLAIN}1")) && known);
	assert_true(str_eq(userlist_hash(l, STR("alice"), &known), STR("{PLAIN}2")) && known);
	assert_true(userlist_hash(l, STR("bo"), &known).n > 0 && !known);
	assert_true(userlist_hash(l, STR("zoe"), &known).n > 0 && !known);
	assert_true(userlist_hash(l, STR(""), &known).n > 0 && !known);
	assert_null(list_of(&all, 3, "carol:{PLAIN}1\n")); /* a number is given once */
	assert_null(list_of(&all, 5, "# nobody\n"));
	assert_null(list_of(&all, 5, ""));
	userlist_drop(&all, l);
	assert_null(userlist_find(&all, 3));
}

#define CASE(f)  cmocka_unit_test(f)
#define USERS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    USERS(test_a_list),     USERS(test_a_change),
	    USERS(test_trouble),    USERS(test_a_list_that_goes),
	    USERS(test_a_bad_line), USERS(test_refused),
	    USERS(test_maps),       USERS(test_refill),
	    USERS(test_held_late),  CASE(test_userlist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
