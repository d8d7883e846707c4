/* asan: is this build under AddressSanitizer? Allocators then hand out single mallocs. */
#ifndef SILEX_COMMON_MEM_ASAN_H
#define SILEX_COMMON_MEM_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#endif
