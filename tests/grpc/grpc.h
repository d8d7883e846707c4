/*
 * grpc: what the two rooms of the gRPC origin share. grpc.c owns sockets and the loop, methods.c
 * what a stream receives and answers.
 */
#ifndef SILEX_TESTS_GRPC_H
#define SILEX_TESTS_GRPC_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

extern const char *grpc_name;

/* What a session calls, made once. Never NULL. */
nghttp2_session_callbacks *methods_callbacks(void);

#endif
