#include "recommend_best.h"

#include <string.h>

void
strads_recommend_best_offer(struct strads_recommendation *best, size_t most, size_t *count,
			    double prediction, uint64_t item)
{
	size_t from = 0, end = *count;

	if (*count == most && !(prediction > best[most - 1].prediction))
		return;
	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (best[middle].prediction >= prediction)
			from = middle + 1;
		else
			end = middle;
	}
	*count += *count < most;
	memmove(best + from + 1, best + from, (*count - from - 1) * sizeof *best);
	best[from] = (struct strads_recommendation){prediction, item};
}
