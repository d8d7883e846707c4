/* access: kubeconfig, --apiserver-host and the pod's service account, and what is said when none
 * of them is there. */
#include "k8s_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "k8s/api/access.h"

static char dir[] = "/tmp/silex-access-XXXXXX";

static const char *file(const char *name, const char *text)
{
	static char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static int make_dir(void **state)
{
	(void)unsetenv("KUBERNETES_SERVICE_HOST");
	(void)unsetenv("KUBERNETES_SERVICE_PORT");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"config", "token", "ca.crt", "namespace"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

static const char kubeconfig[] =
    "apiVersion: v1\nkind: Config\ncurrent-context: b\n"
    "clusters:\n"
    "- {name: one, cluster: {server: 'https://one.test:6443/', certificate-authority: ca.crt}}\n"
    "- {name: two, cluster: {server: 'https://two.test', insecure-skip-tls-verify: true}}\n"
    "users:\n"
    "- {name: alice, user: {token: secret}}\n"
    "- {name: bob, user: {tokenFile: token}}\n"
    "contexts:\n"
    "- {name: a, context: {cluster: one, user: alice, namespace: infra}}\n"
    "- {name: b, context: {cluster: two, user: bob}}\n";

static void test_kubeconfig(void **state)
{
	const char *path = file("config", kubeconfig);
	struct access_options opt = {.kubeconfig = path};
	char err[ACCESS_ERROR_MAX], want[128];
	struct access *a = access_find(&opt, err);

	assert_non_null(a);
	assert_string_equal(a->server, "https://two.test");
	assert_true(a->insecure);
	(void)snprintf(want, sizeof(want), "%s/token", dir); /* relative to the file */
	assert_string_equal(a->token_file, want);
	access_free(a);

	opt.context = "a";
	a = access_find(&opt, err);
	assert_non_null(a);
	assert_string_equal(a->server, "https://one.test:6443");
	assert_string_equal(a->token, "secret");
	assert_string_equal(a->ns, "infra");
	(void)snprintf(want, sizeof(want), "%s/ca.crt", dir);
	assert_string_equal(a->ca.file, want);
	access_free(a);
}

static void test_overrides(void **state)
{
	struct access_options opt = {.kubeconfig = file("config", kubeconfig),
				     .apiserver_host = "10.1.2.3:6443",
				     .ca_file = "/x/ca.pem"};
	char err[ACCESS_ERROR_MAX];
	struct access *a = access_find(&opt, err);

	assert_non_null(a);
	assert_string_equal(a->server, "https://10.1.2.3:6443");
	assert_string_equal(a->ca.file, "/x/ca.pem");
	access_free(a);
	opt = (struct access_options){.apiserver_host = "http://127.0.0.1:8001/"};
	a = access_find(&opt, err);
	assert_non_null(a);
	assert_string_equal(a->server, "http://127.0.0.1:8001");
	access_free(a);
}

static void test_pod(void **state)
{
	struct access_options opt = {.service_account_dir = dir};
	char err[ACCESS_ERROR_MAX];
	struct access *a;

	assert_null(access_find(&opt, err));
	assert_non_null(strstr(err, "--kubeconfig"));
	(void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	(void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	(void)unlink(file("token", ""));
	assert_null(access_find(&opt, err));
	assert_non_null(strstr(err, "automountServiceAccountToken"));
	(void)file("token", "t");
	(void)file("namespace", "infra\n");
	a = access_find(&opt, err);
	assert_non_null(a);
	assert_string_equal(a->server, "https://[fd00::1]:443");
	assert_string_equal(a->ns, "infra");
	access_free(a);
	(void)unsetenv("KUBERNETES_SERVICE_HOST");
}

static void test_bad_kubeconfigs(void **state)
{
	static const char *const bad[] = {
	    "",
	    "[]",
	    "x: [",
	    "current-context: none\nclusters: []\nusers: []\ncontexts: []\n",
	    "current-context: a\ncontexts: [{name: a, context: {cluster: none, user: none}}]\n",
	    "current-context: a\ncontexts: 7\n",
	};
	char err[ACCESS_ERROR_MAX];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct access_options opt = {.kubeconfig = file("config", bad[i])};

		err[0] = '\0';
		assert_null(access_find(&opt, err));
		assert_non_null(strstr(err, "config"));
	}
	assert_null(access_find(&(struct access_options){.kubeconfig = "/nowhere/at/all"}, err));
	assert_non_null(strstr(err, "/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kubeconfig),
	    cmocka_unit_test(test_overrides),
	    cmocka_unit_test(test_pod),
	    cmocka_unit_test(test_bad_kubeconfigs),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
