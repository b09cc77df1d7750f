/*
 * What a rank waits for that has nothing to do: to say so, and to look for it.
 */
#ifndef STRADS_SCHED_EXPECTATION_H
#define STRADS_SCHED_EXPECTATION_H

#include "state.h"

/* What a rank that has nothing to do waits for. */
struct strads_expectation {
	enum strads_stage stage;
	const char *what;
	uint64_t set;
	uint32_t block;
	int rank;    /* that it is from … */
	int through; /* … and that hands it on to this one: perhaps the same */
	int height;  /* levels of ranks that this one may wait for itself */
};

/* What an idle rank waits for: of all that is missing of the oldest set, what comes first in a
 * round. A partial may be missing because its rank misses an older set's commit, as this one does.
 */
struct strads_expectation strads_engine_expects(const struct strads_engine *engine);

#define STRADS_SIGNALS 8

/* The signals of messages that any step waits for, the most important first; returns how many: none
 * where the engine waits for something else, too. */
size_t strads_engine_signals(const struct strads_engine *engine,
			     struct strads_signal signals[static STRADS_SIGNALS]);

#endif
