/* h1_fault: the ids of h1_fault_tbl.h. Internal to http1/: the rooms outside see h1_refusal. */
#ifndef SILEX_WORKER_WIRE_H1_FAULT_H
#define SILEX_WORKER_WIRE_H1_FAULT_H

enum h1_fault {
	H1_OK = 0,
	H1_SHORT, /* not a fault: the bytes end before the syntax does */
#define FAULT(id, status, reason, why) H1_FAULT_##id,
#include "worker/wire/h1_fault_tbl.h"
#undef FAULT
	H1_FAULT_COUNT
};

#endif
