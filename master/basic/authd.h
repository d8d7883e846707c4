/*
 * authd: the auth process, `silex: auth`. It alone holds the users and hashes of basic
 * authentication.
 *
 * Born as the keys process is (master/process/sibling.h, keys/keyd.h), the first time that an
 * Ingress names a list of users. It starts its verifiers (verifier.h), confines itself, and then
 * takes lists from the master and questions from workers. When the master dies it serves on, and
 * ends with the last worker. What must not happen here: files, network, checking passwords itself,
 * and logging of anything but its own start and end.
 */
#ifndef SILEX_MASTER_BASIC_AUTHD_H
#define SILEX_MASTER_BASIC_AUTHD_H

#define AUTHD_ARG "--auth-process" /* argv[1]; then the uid to take and the sandbox's mode */

/* main() of the process; argv[1] is AUTHD_ARG. Its exit code. */
int authd_main(int argc, char **argv);

#endif
