/*
 * msg_tbl: every message master and worker may exchange. What is not in this table, or is sent
 * in the wrong direction, state or size, ends the peer (OpenSSH's monitor is the model).
 *     MSG(id, number, direction, min_len, max_len, descriptor, states)
 * direction: TO_WORKER or TO_MASTER. descriptor: NO_FD, or MAY_FD = at most one.
 * states: of the worker as the receiver sees it: S starting, R ready, D draining.
 * Numbers are never used again: an old worker may face a newer master.
 */
/* clang-format off */
MSG(READY,   1, TO_MASTER, 8, 8, NO_FD,  MSG_IN_S | MSG_IN_D)            /* u64 table version in use */
MSG(DRAINED, 2, TO_MASTER, 0, 0, NO_FD,  MSG_IN_R | MSG_IN_D)            /* nothing is left; exits next */
MSG(DRAIN,   3, TO_WORKER, 8, 8, NO_FD,  MSG_IN_S | MSG_IN_R | MSG_IN_D) /* struct msg_drain */
MSG(VERSION, 4, TO_WORKER, 8, 8, NO_FD,  MSG_IN_S | MSG_IN_R | MSG_IN_D) /* u64: look at the table */
MSG(LOG,     5, TO_WORKER, 4, 4, MAY_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* u32 enum msg_log, new sink */
MSG(CONF,    9, TO_WORKER, 0, 0, MAY_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* the live settings anew, as WORKER_FD_CONF */
MSG(KEYS,    6, TO_WORKER, 0, 0, MAY_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* a channel to the keys process */
MSG(TICKETS, 7, TO_WORKER, 240, 240, NO_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* struct msg_tickets */
MSG(USERS,  11, TO_WORKER, 0, 0, MAY_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* a channel to the auth process */
MSG(PORT,   10, TO_WORKER, 16, 16, MAY_FD, MSG_IN_S | MSG_IN_R | MSG_IN_D) /* struct msg_port */
/* clang-format on */
