/*
 * Every flag of ingress-nginx v1.15 (facts: flags §C) may be given: it works, or is accepted and
 * said to have no effect. What users pass in a Deployment must never keep Silex from starting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/conf/conf.h"
#include "common/conf/conf_args.h"

static const char *const works[] = {
    "--ingress-class=nginx",
    "--controller-class=k8s.io/ingress-nginx",
    "--ingress-class-by-name",
    "--watch-ingress-without-class=true",
    "--watch-namespace=one",
    "--watch-namespace-selector=env=prod",
    "--configmap=infra/silex",
    "--default-ssl-certificate=infra/cert",
    "--default-backend-service=infra/errors",
    "--publish-service=infra/silex",
    "--publish-status-address=192.0.2.1,lb.example.com",
    "--report-node-internal-ip-address",
    "--update-status=false",
    "--update-status-on-shutdown=false",
    "--status-update-interval=60",
    "--election-id=leader",
    "--election-ttl=30s",
    "--disable-leader-election",
    "--http-port=80",
    "--https-port=443",
    "--healthz-port=10254",
    "--healthz-host=127.0.0.1",
    "--health-check-path=/healthz",
    "--enable-metrics=true",
    "--metrics-per-host=false",
    "--metrics-per-undefined-host",
    "--report-status-classes",
    "--time-buckets=0.005,0.01,10",
    "--length-buckets=10,20",
    "--size-buckets=10,100",
    "--exclude-socket-metrics=connect_duration_seconds",
    "--annotations-prefix=nginx.ingress.kubernetes.io",
    "--enable-annotation-validation=true",
    "--deep-inspect=true",
    "--disable-catch-all",
    "--disable-svc-external-name",
    "--disable-sync-events",
    "--enable-topology-aware-routing",
    "--shutdown-grace-period=5",
    "--post-shutdown-grace-period=10",
    "--apiserver-host=https://192.0.2.1:6443",
    "--kubeconfig=/etc/kubeconfig",
    "--certificate-authority=/etc/ca.crt",
    "--v=2",
};
static const char *const no_effect[] = {
    "--default-server-port=8181",
    "--health-check-timeout=10",
    "--bucket-factor=1.1",
    "--max-buckets=100",
    "--monitor-max-batch-size=10000",
    "--enable-ssl-chain-completion",
    "--sync-period=0",
    "--sync-rate-limit=0.3",
    "--dynamic-configuration-retries=15",
    "--status-port=10246",
    "--stream-port=10247",
    "--internal-logger-address=127.0.0.1:11514",
    "--profiling=false",
    "--profiler-port=10245",
    "--profiler-address=127.0.0.1",
    "--validating-webhook=:8443",
    "--validating-webhook-certificate=/usr/local/certificates/cert",
    "--validating-webhook-key=/usr/local/certificates/key",
    "--disable-full-test",
    "--maxmind-license-key=x",
    "--maxmind-mirror=https://example.com",
    "--maxmind-edition-ids=GeoLite2-City",
    "--maxmind-retries-count=1",
    "--maxmind-retries-timeout=0s",
};

struct told {
	unsigned n;
	char text[1024];
};

static void notice(void *arg, const char *text)
{
	struct told *told = arg;

	told->n++;
	strncpy(told->text, text, sizeof(told->text) - 1);
}

/* The notices that one flag gives. */
static struct told give(const char *flag)
{
	char copy[256], err[CONF_ERROR_MAX] = "";
	char *argv[] = {(char *)"silex", copy, NULL};
	struct conf_args a;
	struct conf c;
	struct told told = {0};

	strncpy(copy, flag, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	if (conf_args_read(&a, 2, argv, err) == -1 || conf_load(&c, &a, notice, &told, err) == -1)
		fail_msg("%s: %s", flag, err);
	assert_int_equal(a.action, CONF_RUN);
	return told;
}

static void test_those_that_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (give(works[i]).n != 0)
			fail_msg("%s is said to have no effect", works[i]);
}

/* One line each, that names the flag. */
static void test_those_without_effect(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(no_effect) / sizeof(no_effect[0]); i++) {
		struct told told = give(no_effect[i]);
		char name[64];
		size_t n = strcspn(no_effect[i] + 2, "=");

		assert_true(n < sizeof(name));
		memcpy(name, no_effect[i] + 2, n);
		name[n] = '\0';
		assert_int_equal(told.n, 1);
		assert_non_null(strstr(told.text, name));
	}
}

static void test_version(void **state)
{
	char err[CONF_ERROR_MAX];
	char *argv[] = {(char *)"silex", (char *)"--version", NULL};
	struct conf_args a;

	(void)state;
	assert_int_equal(conf_args_read(&a, 2, argv, err), 0);
	assert_int_equal(a.action, CONF_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_those_that_work),
	    cmocka_unit_test(test_those_without_effect),
	    cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
