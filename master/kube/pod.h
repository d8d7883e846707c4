/*
 * pod: who this replica is to the cluster: POD_NAME, POD_NAMESPACE and NODE_NAME of the
 * environment, as manifests set them from the pod. Outside a pod: a name that no other replica has.
 */
#ifndef SILEX_MASTER_KUBE_POD_H
#define SILEX_MASTER_KUBE_POD_H

struct pod {
	char name[254];     /* POD_NAME or "" */
	char ns[64];        /* POD_NAMESPACE or "" */
	char node[254];     /* NODE_NAME or "" */
	char identity[300]; /* never empty: POD_NAME, or host name and process id */
	char home[64];      /* where our Lease lives: ns, else `fallback`, else "default" */
};

/* fallback: the namespace of the kubeconfig's context or of the service account; may be NULL. */
void pod_read(struct pod *p, const char *fallback);

#endif
