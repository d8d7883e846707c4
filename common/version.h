/* version: what `silex --version` says, and the User-Agent towards the API server. */
#ifndef SILEX_COMMON_VERSION_H
#define SILEX_COMMON_VERSION_H

#ifndef SILEX_VERSION
#define SILEX_VERSION "0.1.0"
#endif

#endif
