/*
 * h2_glitch: how much nonsense one HTTP/2 connection may send.
 *
 * Each frame that costs us work and brings nothing (a stream reset before its answer, a reset we
 * are provoked into, pings, settings, empty frames, tiny window updates, priorities) adds points.
 * Useful frames and time take points away, so that a client which does such things in proportion
 * to its traffic never gets near the limit. Over the limit the connection ends with
 * ENHANCE_YOUR_CALM. Pure: no session, no clock of its own.
 * Facts: CVE-2023-44487 (rapid reset), CVE-2025-8671 (MadeYouReset), CVE-2019-9511..9518.
 */
#ifndef SILEX_WORKER_HTTP2_H2_GLITCH_H
#define SILEX_WORKER_HTTP2_H2_GLITCH_H

#include <stdbool.h>
#include <stdint.h>

#define H2_GLITCH_LIMIT   600 /* points; 128 cancelled streams at once are 256 */
#define H2_GLITCH_DECAY   25  /* milliseconds per point forgotten */
#define H2_TINY_INCREMENT 256 /* a window update below it brings nothing */

enum h2_glitch_points {
	H2_GLITCH_IDLE_FRAME =
	    1,               /* ping, settings, priority, empty data, unknown type, tiny window */
	H2_GLITCH_RESET = 2, /* the client gives up a stream that was not answered */
	H2_GLITCH_FAULT = 6, /* a fault of the client's for which we reset a stream */
};

struct h2_glitch {
	uint32_t points;
	uint64_t at_ms; /* when points were last made up for time */
	uint64_t total; /* points ever given, for dumps */
};

/* True when the connection is over the limit. */
bool h2_glitch(struct h2_glitch *g, uint32_t points, uint64_t now_ms);
/* A frame that carried something. */
static inline void h2_glitch_useful(struct h2_glitch *g)
{
	g->points -= g->points > 0;
}

#endif
