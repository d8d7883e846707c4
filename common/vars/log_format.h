/*
 * log_format: log-format-upstream and log-format-stream, as programs of variables.
 *
 * ingress-nginx puts the text between quotes into nginx.conf, so a backslash takes its special
 * meaning from "\"", "\'" and "\\" there; the same is read here. One request stays one line:
 * line ends of the template become blanks, those around it are taken off.
 */
#ifndef SILEX_COMMON_VARS_LOG_FORMAT_H
#define SILEX_COMMON_VARS_LOG_FORMAT_H

#include "common/vars/vars.h"

#define LOG_FORMAT_MAX 2047 /* of the template: log_format_upstream, _stream of struct conf */

/* What ingress-nginx writes unless told otherwise. */
#define LOG_FORMAT_DEFAULT                                                                 \
	"$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent " \
	"\"$http_referer\" \"$http_user_agent\" $request_length $request_time "            \
	"[$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr "        \
	"$upstream_response_length $upstream_response_time $upstream_status $req_id"

/* As vars_compile_of(): set is vars_of_requests, or vars_of_sessions (stream_vars.h). */
enum vars_result log_format_compile(const struct vars_set *set, struct str template,
				    struct text *out, char why[VARS_WHY_MAX]);

#endif
