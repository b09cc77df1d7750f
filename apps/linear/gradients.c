#include "gradients.h"

#include <assert.h>
#include <math.h>

/* The header, then the support, then the worst of the others. */
struct header {
	double gradient_max;
	double l1;
	uint32_t support;
	uint32_t violators;
};

struct entry {
	uint32_t offset; /* in the range */
	float gradient;
};

static_assert(sizeof(struct header) == 24, "header has holes");
static_assert(sizeof(struct entry) == 8, "entry has holes");

size_t
strads_linear_gradients_max(uint32_t variables)
{
	return sizeof(struct header) + variables * sizeof(struct entry);
}

void
strads_linear_gradients_begin(struct strads_linear_gradients *gradients, uint64_t room)
{
	struct header *header = gradients->commit;

	*header = (struct header){0};
	if (gradients->violators)
		strads_candidates_clear(gradients->violators, room);
}

void
strads_linear_gradients_add(struct strads_linear_gradients *gradients, uint32_t k, double gradient,
			    double beta)
{
	struct header *header = gradients->commit;
	struct entry *entry = (struct entry *)(header + 1);

	header->gradient_max = gradient > header->gradient_max ? gradient : header->gradient_max;
	header->l1 += fabs(beta);
	if (beta != 0)
		entry[header->support++] = (struct entry){k, (float)gradient};
	else if (gradients->violators && gradient > gradients->least)
		strads_candidates_add(gradients->violators, k, (float)gradient);
}

size_t
strads_linear_gradients_end(struct strads_linear_gradients *gradients)
{
	struct header *header = gradients->commit;
	struct entry *entry = (struct entry *)(header + 1) + header->support;
	const struct strads_candidates *violators = gradients->violators;

	for (uint64_t k = 0; violators && k < violators->count; k++) {
		entry[k].offset = (uint32_t)violators->entry[k].key;
		entry[k].gradient = violators->entry[k].gradient;
		header->violators++;
	}
	return sizeof *header + ((size_t)header->support + header->violators) * sizeof *entry;
}

int
strads_linear_gradients_sync(const struct strads_block *block, const void *commit, size_t bytes,
			     const struct strads_linear_screen *screen,
			     struct strads_linear_tally *tally,
			     struct strads_working_set *working_set)
{
	const struct header *header = commit;
	const struct entry *entry = (const struct entry *)(header + 1);
	uint64_t entries = 0;

	if (bytes >= sizeof *header)
		entries = (uint64_t)header->support + header->violators;
	if (bytes < sizeof *header || entries > block->n ||
	    bytes != sizeof *header + entries * sizeof *entry)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u gradients",
				   (unsigned long long)block->set, bytes, block->n);
	if (header->gradient_max > tally->gradient_max)
		tally->gradient_max = header->gradient_max;
	tally->l1 += header->l1;
	tally->nonzeros += header->support;
	for (uint64_t k = 0; working_set && k < entries; k++) {
		strads_key key;

		if (entry[k].offset >= block->n)
			return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: candidate %u of %u",
					   (unsigned long long)block->set, entry[k].offset,
					   block->n);
		key = strads_linear_screen_key(screen, block->first + entry[k].offset);
		if (k < header->support)
			strads_working_set_support(working_set, key, entry[k].gradient);
		else
			strads_working_set_violator(working_set, key, entry[k].gradient);
	}
	return STRADS_OK;
}
