/* curl_lib: see curl_lib.h. deploy/ knows the library's name too: image and package bring it. */
#include "k8s/api/curl_lib.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "common/check.h"
#include "common/log/log.h"

/* Macros of the same names, which check callers. */
#undef curl_easy_setopt
#undef curl_multi_setopt
#undef curl_easy_getinfo

#define LIBRARY "libcurl.so.4"

/* Every function of libcurl that is called: type, name, parameters, arguments. */
#define FUNCTIONS(X)                                                                               \
	X(CURLcode, curl_global_init, (long flags), (flags))                                       \
	X(CURL *, curl_easy_init, (void), ())                                                      \
	X(const char *, curl_easy_strerror, (CURLcode code), (code))                               \
	X(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *data),    \
	  (list, data))                                                                            \
	X(CURLM *, curl_multi_init, (void), ())                                                    \
	X(CURLMcode, curl_multi_cleanup, (CURLM * multi_handle), (multi_handle))                   \
	X(CURLMcode, curl_multi_add_handle, (CURLM * multi_handle, CURL * curl_handle),            \
	  (multi_handle, curl_handle))                                                             \
	X(CURLMcode, curl_multi_remove_handle, (CURLM * multi_handle, CURL * curl_handle),         \
	  (multi_handle, curl_handle))                                                             \
	X(CURLMsg *, curl_multi_info_read, (CURLM * multi_handle, int *msgs_in_queue),             \
	  (multi_handle, msgs_in_queue))                                                           \
	X(CURLMcode, curl_multi_assign, (CURLM * multi_handle, curl_socket_t sockfd, void *sockp), \
	  (multi_handle, sockfd, sockp))                                                           \
	X(CURLMcode, curl_multi_socket_action,                                                     \
	  (CURLM * multi_handle, curl_socket_t s, int ev_bitmask, int *running_handles),           \
	  (multi_handle, s, ev_bitmask, running_handles))
/* The same, without a result. */
#define ENDERS(X)                                   \
	X(curl_global_cleanup, (void), ())          \
	X(curl_easy_cleanup, (CURL * curl), (curl)) \
	X(curl_slist_free_all, (struct curl_slist * list), (list))
/* One more argument, whose type the option tells. */
#define VARIADIC(X)                                         \
	X(CURLcode, curl_easy_setopt, CURL, CURLoption)     \
	X(CURLMcode, curl_multi_setopt, CURLM, CURLMoption) \
	X(CURLcode, curl_easy_getinfo, CURL, CURLINFO)

static struct {
	void *library;
#define MEMBER(type, name, params, args) type(*name) params;
	FUNCTIONS(MEMBER)
#undef MEMBER
#define MEMBER(name, params, args) void(*name) params;
	ENDERS(MEMBER)
#undef MEMBER
#define MEMBER(type, name, handle, option) type (*name)(handle *, option, ...);
	VARIADIC(MEMBER)
#undef MEMBER
} lib;

static bool find(void *library, const char *name, void *to)
{
	void *at = dlsym(library, name);

	memcpy(to, &at, sizeof(at)); /* ISO C knows no other way from data to function pointers */
	return at != NULL;
}

static bool find_all(void *library)
{
	bool ok = true;

#define FIND(type, name, params, args) ok = find(library, #name, &lib.name) && ok;
	FUNCTIONS(FIND)
#undef FIND
#define FIND(name, params, args) ok = find(library, #name, &lib.name) && ok;
	ENDERS(FIND)
#undef FIND
#define FIND(type, name, handle, option) ok = find(library, #name, &lib.name) && ok;
	VARIADIC(FIND)
#undef FIND
	return ok;
}

int curl_lib_load(void)
{
	void *library;

	if (lib.library != NULL)
		return 0;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL || !find_all(library)) {
		log_error("cannot load the library that talks to the API server",
			  LOG_Z("library", LIBRARY), LOG_Z("why", dlerror()));
		errno = ENOENT;
		return -1;
	}
	lib.library = library;
	return 0;
}

/* ---- forwarders ---------------------------------------------------------------------- */

#define FORWARD(type, name, params, args)   \
	type(name) params                   \
	{                                   \
		CHECK(lib.library != NULL); \
		return lib.name args;       \
	}
FUNCTIONS(FORWARD)
#undef FORWARD

#define FORWARD(name, params, args)         \
	void(name) params                   \
	{                                   \
		CHECK(lib.library != NULL); \
		lib.name args;              \
	}
ENDERS(FORWARD)
#undef FORWARD

/* The type is the option's number divided by 10000 (curl.h, CURLOPTTYPE_*). */
#define FORWARD(type, name, handle_t, handle, option_t)                            \
	type(name)(handle_t * handle, option_t option, ...)                        \
	{                                                                          \
		va_list ap;                                                        \
		type code;                                                         \
                                                                                   \
		CHECK(lib.library != NULL);                                        \
		va_start(ap, option);                                              \
		if (option < CURLOPTTYPE_OBJECTPOINT)                              \
			code = lib.name(handle, option, va_arg(ap, long));         \
		else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) \
			code = lib.name(handle, option, va_arg(ap, curl_off_t));   \
		else                                                               \
			code = lib.name(handle, option, va_arg(ap, void *));       \
		va_end(ap);                                                        \
		return code;                                                       \
	}
FORWARD(CURLcode, curl_easy_setopt, CURL, curl, CURLoption)
FORWARD(CURLMcode, curl_multi_setopt, CURLM, multi_handle, CURLMoption)
#undef FORWARD

CURLcode(curl_easy_getinfo)(CURL *curl, CURLINFO info, ...)
{
	CURLcode code;
	va_list ap;

	CHECK(lib.library != NULL);
	va_start(ap, info);
	code = lib.curl_easy_getinfo(curl, info, va_arg(ap, void *));
	va_end(ap);
	return code;
}
