#include "gradients.h"

#include <assert.h>

static_assert(sizeof(struct strads_linear_range_sums) == 32, "the sums have holes");
static_assert(sizeof(struct strads_linear_range_entry) == 8, "an entry has holes");

size_t
strads_linear_gradients_max(uint32_t variables)
{
	return sizeof(struct strads_linear_range_sums) +
	       variables * sizeof(struct strads_linear_range_entry);
}

struct strads_linear_gradients
strads_linear_gradients_begin(void *commit, const struct strads_working_set *list,
			      struct strads_candidates *scratch, double least)
{
	struct strads_linear_gradients gradients = {
	    .sums = commit, .violators = list ? scratch : NULL, .least = least};

	*gradients.sums = (struct strads_linear_range_sums){0};
	gradients.entry = (struct strads_linear_range_entry *)(gradients.sums + 1);
	if (list)
		strads_candidates_clear(scratch, list->violators.room);
	return gradients;
}

size_t
strads_linear_gradients_end(struct strads_linear_gradients *gradients)
{
	struct strads_linear_range_sums *sums = gradients->sums;
	struct strads_linear_range_entry *entry = gradients->entry + sums->support;
	const struct strads_candidates *violators = gradients->violators;
	uint32_t count = violators ? (uint32_t)violators->count : 0;

	for (uint32_t k = 0; k < count; k++) {
		entry[k].key = (uint32_t)violators->entry[k].key;
		entry[k].gradient = violators->entry[k].gradient;
	}
	sums->violators = count;
	return sizeof *sums + ((size_t)sums->support + count) * sizeof *entry;
}

int
strads_linear_gradients_sync(const struct strads_block *block, const void *commit, size_t bytes,
			     uint64_t cols, struct strads_linear_tally *tally,
			     struct strads_working_set *list)
{
	const struct strads_linear_range_sums *sums = commit;
	const struct strads_linear_range_entry *entry = (const void *)(sums + 1);
	uint64_t entries;

	if (bytes < sizeof *sums)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: gradients of %zu bytes",
				   (unsigned long long)block->set, bytes);
	entries = (uint64_t)sums->support + sums->violators;
	if (entries > block->n || bytes != sizeof *sums + entries * sizeof *entry)
		return strads_fail(
		    STRADS_ERR_PROTOCOL, "set %llu: %llu candidates among %u gradients",
		    (unsigned long long)block->set, (unsigned long long)entries, block->n);
	if (sums->gradient_max > tally->gradient_max)
		tally->gradient_max = sums->gradient_max;
	tally->l1 += sums->l1;
	tally->ridge += sums->ridge;
	tally->nonzeros += sums->support;
	for (uint64_t k = 0; list && k < entries; k++) {
		if (entry[k].key >= cols)
			return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: candidate %u of %llu",
					   (unsigned long long)block->set, entry[k].key,
					   (unsigned long long)cols);
		if (k < sums->support)
			strads_working_set_support(list, entry[k].key, entry[k].gradient);
		else
			strads_working_set_violator(list, entry[k].key, entry[k].gradient);
	}
	return STRADS_OK;
}
