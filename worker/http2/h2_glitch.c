/* h2_glitch: see h2_glitch.h. */
#include "worker/http2/h2_glitch.h"

bool h2_glitch(struct h2_glitch *g, uint32_t points, uint64_t now_ms)
{
	uint64_t forgotten = (now_ms - g->at_ms) / H2_GLITCH_DECAY;

	if (forgotten > 0) {
		g->points -= forgotten < g->points ? (uint32_t)forgotten : g->points;
		g->at_ms = now_ms;
	}
	g->points += points;
	g->total += points;
	return g->points > H2_GLITCH_LIMIT;
}
