/*
 * pause: process 1 of a pod's sandbox in tests/cluster. It holds the pod's namespaces and ends when
 * told.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void end(int number)
{
	(void)number;
	_exit(0);
}

int main(void)
{
	signal(SIGTERM, end);
	signal(SIGINT, end);
	for (;;)
		pause();
}
