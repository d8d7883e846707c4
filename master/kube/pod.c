/* pod: see pod.h. */
#include "master/kube/pod.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v == NULL ? "" : v;
}

void pod_read(struct pod *p, const char *fallback)
{
	char host[128] = "silex";

	(void)strlcpy(p->name, env("POD_NAME"), sizeof(p->name));
	(void)strlcpy(p->ns, env("POD_NAMESPACE"), sizeof(p->ns));
	(void)strlcpy(p->node, env("NODE_NAME"), sizeof(p->node));
	(void)gethostname(host, sizeof(host) - 1);
	if (p->name[0] != '\0')
		(void)strlcpy(p->identity, p->name, sizeof(p->identity));
	else
		(void)snprintf(p->identity, sizeof(p->identity), "%s_%ld", host, (long)getpid());
	if (p->ns[0] != '\0')
		(void)strlcpy(p->home, p->ns, sizeof(p->home));
	else
		(void)strlcpy(p->home, fallback != NULL && *fallback != '\0' ? fallback : "default",
			      sizeof(p->home));
}
