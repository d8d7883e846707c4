/*
 * curl_lib: libcurl, loaded when there is an API server to talk to.
 *
 * libcurl brings two dozen libraries (LDAP, Kerberos, another TLS) and half of the master's
 * resident memory with it. A Silex that serves a directory of manifests needs none of that, so the
 * program is not linked with it: the functions we call are forwarders, which lead nowhere before
 * curl_lib_load(). Nothing else is lazy: all of libcurl is bound when it is loaded.
 */
#ifndef SILEX_K8S_API_CURL_LIB_H
#define SILEX_K8S_API_CURL_LIB_H

/* Once for the life of the process; again is harmless. 0, or -1 with the reason logged. */
int curl_lib_load(void);

#endif
