/* password, apr1, htpasswd: hashes made by openssl passwd and by libcrypt match their password and
 * no other; what is broken or would cost too much is refused; lines are read as nginx reads them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "master/basic/apr1.h"
#include "master/basic/htpasswd.h"
#include "master/basic/password.h"

#define LONG_PHRASE "a long pass phrase, longer than sixteen bytes by far"

static const struct {
	const char *hash, *password;
} vectors[] = {
    {"$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret"},
    {"$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01", "secret"},
    {"abNANd1rDfiNc", "secret"},
    {"$1$salt$ez2vlPGdaLYkJam5pWs/Y1", "secret"},
    {"$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6", "secret"},
    {"$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/"
     "S0cZ5WrCciNZgfhbpkeFQ4JfkHX.8vPq45lY0iINnCx1Lkm.",
     "secret"},
    {"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "secret"},
    {"$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "myPassword"},
    {"$apr1$xy$43..WIhbfuznGvwoCyUek/", ""},
    {"$apr1$abcdefgh$9eptqKXif/fhjFz10u8BW/", LONG_PHRASE},
    {"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"},
    {"{PLAIN}secret", "secret"},
    {"{PLAIN}", ""},
};

static bool matches(const char *hash, const char *password)
{
	return password_matches(str_from(hash), str_from(password));
}

static void test_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *hash = vectors[i].hash, *password = vectors[i].password;

		assert_null(password_wrong(str_from(hash)));
		assert_true(matches(hash, password));
		assert_false(matches(hash, "secret2"));
		assert_false(matches(hash, "Secret"));
		if (password[0] != '\0')
			assert_false(matches(hash, ""));
	}
}

/* RFC 2307's {SSHA}: SHA-1 of password and salt, then the salt. */
static void test_salted_sha(void **state)
{
	/* printf 'secretsalt' | openssl sha1 -binary, and "salt" behind it */
	static const char hash[] = "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0";

	assert_null(password_wrong(str_from(hash)));
	assert_true(matches(hash, "secret"));
	assert_false(matches(hash, "secretsalt"));
	assert_non_null(password_wrong(STR("{SSHA}AAAA")));
	assert_non_null(password_wrong(STR("{SHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0")));
}

/* A C library's functions would stop at it. */
static void test_nul(void **state)
{
	static const char with[] = "secret\0x";
	struct str password = str_make(with, sizeof(with) - 1);

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_false(password_matches(str_from(vectors[i].hash), password));
	assert_non_null(password_wrong(str_make("ab\0ANd1rDfiNc", 13)));
}

static void test_long(void **state)
{
	char password[2000];

	memset(password, 'x', sizeof(password));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_false(password_matches(str_from(vectors[i].hash),
					      str_make(password, sizeof(password))));
}

static void refused(const char *hash, const char *because)
{
	const char *why = password_wrong(str_from(hash));

	assert_non_null(why);
	assert_non_null(strstr(why, because));
	assert_false(matches(hash, ""));
	assert_false(matches(hash, "secret"));
}

static void test_costs(void **state)
{
	refused("$2b$15$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "lower cost");
	refused("$2b$31$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "lower cost");
	refused("$5$rounds=1000001$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6", "lower cost");
	refused("$5$rounds=99999999999$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
		"no hash");
	refused("$y$jET$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01", "lower cost");
	refused("$y$j9z$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01", "lower cost");
}

static void test_broken(void **state)
{
	refused("", "empty");
	refused("secret", "no hash");
	refused("plain text", "no hash");
	refused("$2b$05$abc", "cut off");
	refused("$2b$xx$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "cut off");
	refused("$2b$03$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "cut off");
	refused("$2x$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "no hash");
	refused("$apr1$abcdefgh$", "cut off");
	refused("$apr1$abcdefghi$h9FWgUz3n9YxylKLlR5SQ/", "cut off");
	refused("$apr1$", "cut off");
	refused("$1$salt", "cut off");
	refused("$5$rounds=$", "no hash");
	refused("$5$rounds=5", "no hash");
	refused("$5$", "cut off");
	refused("$y$j", "no hash");
	refused("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
		"no hash");
	refused("{SHA}", "base64");
	refused("{SHA}!!!!", "base64");
	refused("{MD5}5en6G6MezRroT3XKqkdPOmY/BfQ=", "no hash");
	refused("ab:ANd1rDfiNc", "no hash");
}

static void test_apr1(void **state)
{
	char out[APR1_HASH_LEN];

	assert_true(apr1_hash(STR("secret"), STR("abcdefgh"), out));
	assert_memory_equal(out, "h9FWgUz3n9YxylKLlR5SQ/", sizeof(out));
}

/* --- lines ---------------------------------------------------------------------------------- */

static void test_lines(void **state)
{
	struct htpasswd h = {.rest = STR("# users\n"
					 "\n"
					 "alice:{PLAIN}one:the first\r\n"
					 "no colon\n"
					 ":{PLAIN}x\n"
					 "bob:secret\n"
					 " carol :{PLAIN}two")};

	assert_int_equal(htpasswd_next(&h), HTPASSWD_USER);
	assert_int_equal(h.line, 3);
	assert_true(str_eq(h.user, STR("alice")) && str_eq(h.hash, STR("{PLAIN}one")));
	assert_int_equal(htpasswd_next(&h), HTPASSWD_BAD);
	assert_int_equal(h.line, 4);
	assert_non_null(strstr(h.why, "no colon"));
	assert_int_equal(htpasswd_next(&h), HTPASSWD_BAD);
	assert_non_null(strstr(h.why, "name"));
	assert_int_equal(htpasswd_next(&h), HTPASSWD_BAD);
	assert_non_null(strstr(h.why, "no hash"));
	assert_int_equal(htpasswd_next(&h), HTPASSWD_USER);
	assert_int_equal(h.line, 7);
	assert_true(str_eq(h.user, STR(" carol ")) && str_eq(h.hash, STR("{PLAIN}two")));
	assert_int_equal(htpasswd_next(&h), HTPASSWD_END);
	assert_int_equal(htpasswd_next(&h), HTPASSWD_END);
}

static void test_pairs(void **state)
{
	char name[HTPASSWD_USER_MAX + 1];
	struct htpasswd h = {.line = 0};

	memset(name, 'u', sizeof(name));
	assert_int_equal(htpasswd_pair(&h, STR("bob"), STR("{PLAIN}pw\n")), HTPASSWD_USER);
	assert_true(str_eq(h.hash, STR("{PLAIN}pw")));
	assert_int_equal(htpasswd_pair(&h, STR("bob"), STR("")), HTPASSWD_BAD);
	assert_int_equal(htpasswd_pair(&h, str_make(name, HTPASSWD_USER_MAX), STR("{PLAIN}pw")),
			 HTPASSWD_USER);
	assert_int_equal(htpasswd_pair(&h, str_make(name, sizeof(name)), STR("{PLAIN}pw")),
			 HTPASSWD_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors), cmocka_unit_test(test_salted_sha),
	    cmocka_unit_test(test_nul),     cmocka_unit_test(test_long),
	    cmocka_unit_test(test_costs),   cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_apr1),    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
