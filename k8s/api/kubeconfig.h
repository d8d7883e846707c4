/*
 * kubeconfig: the file kubectl uses, as an access (access.h).
 */
#ifndef SILEX_K8S_API_KUBECONFIG_H
#define SILEX_K8S_API_KUBECONFIG_H

#include "k8s/api/access.h"

/*
 * Fill *a (zeroed) from the file's context (NULL: its current-context). Relative file names count
 * from the kubeconfig's directory, as kubectl has it. 0, or -1 with "file: what is wrong" in err;
 * *a is then partly filled and still to be freed.
 */
int kubeconfig_read(struct access *a, const char *file, const char *context,
		    char err[ACCESS_ERROR_MAX]);

#endif
