/*
 * The few items with the highest predictions.
 */
#ifndef STRADS_CLI_RECOMMEND_BEST_H
#define STRADS_CLI_RECOMMEND_BEST_H

#include <stddef.h>
#include <stdint.h>

struct strads_recommendation {
	double prediction;
	uint64_t item;
};

/* Takes an item into `best` [most], of which *count are there, the best first, if it belongs there.
 * Of equal predictions the item that was offered first is the better one. most ≥ 1. Thread: any. */
void strads_recommend_best_offer(struct strads_recommendation *best, size_t most, size_t *count,
				 double prediction, uint64_t item);

#endif
