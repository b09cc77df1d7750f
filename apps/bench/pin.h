/*
 * Ranks to processors.
 */
#ifndef STRADS_BENCH_PIN_H
#define STRADS_BENCH_PIN_H

#include "side.h"

#define STRADS_PINNING_MAX 96

/* Binds the calling thread of each rank to a core of its own, spread over the host, where the host
 * has as many as ranks and no launcher has bound them already. `text` says what was done. Nothing
 * is bound if `wanted` is false. Collective. Returns STRADS_OK, or as the team's exchange. */
STRADS_MUST_CHECK int strads_bench_pin(struct strads_team *team, bool wanted,
				       char text[STRADS_PINNING_MAX]);

#endif
