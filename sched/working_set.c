#include "strads/working_set.h"

#include "strads/order.h"

#include <stdlib.h>
#include <string.h>

/* Violators at least, if there are as many. */
#define START 300

size_t
strads_working_set_bytes(uint64_t max)
{
	struct strads_working_set *set = NULL;

	return sizeof *set + max * (2 * sizeof *set->support.entry + 2 * sizeof *set->list +
				    sizeof *set->permutation);
}

int
strads_working_set_new(uint64_t max, struct strads_working_set **out)
{
	struct strads_working_set *set;

	if (max < 1 || max > UINT32_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a working set of %llu variables: give 1 to 2^32 - 1",
				   (unsigned long long)max);
	set = calloc(1, sizeof *set);
	if (!set)
		goto fail;
	set->growth = 2;
	set->max = set->support.max = set->violators.max = max;
	set->support.entry = calloc(max, sizeof *set->support.entry);
	set->violators.entry = calloc(max, sizeof *set->violators.entry);
	set->list = calloc(max, sizeof *set->list);
	set->part = calloc(max, sizeof *set->part);
	set->permutation = calloc(max, sizeof *set->permutation);
	if (!set->support.entry || !set->violators.entry || !set->list || !set->part ||
	    !set->permutation)
		goto fail;
	set->violators.room = START < max ? START : max;
	*out = set;
	return STRADS_OK;

fail:
	strads_working_set_delete(&set);
	return strads_fail(STRADS_ERR_MEMORY, "no memory for a working set of %llu variables",
			   (unsigned long long)max);
}

void
strads_working_set_delete(struct strads_working_set **pointer)
{
	struct strads_working_set *set = *pointer;

	if (!set)
		return;
	free(set->support.entry);
	free(set->violators.entry);
	free(set->list);
	free(set->part);
	free(set->permutation);
	free(set);
	*pointer = NULL;
}

void
strads_working_set_clear(struct strads_working_set *set)
{
	strads_candidates_clear(&set->support, UINT64_MAX);
	strads_candidates_clear(&set->violators, set->violators.room);
}

void
strads_working_set_support(struct strads_working_set *set, strads_key key, float gradient)
{
	strads_candidates_add(&set->support, key, gradient);
}

void
strads_working_set_violator(struct strads_working_set *set, strads_key key, float gradient)
{
	strads_candidates_add(&set->violators, key, gradient);
}

void
strads_working_set_choose(struct strads_working_set *set, uint64_t seed)
{
	struct strads_candidates *support = &set->support, *worst = &set->violators;
	uint64_t most = set->max - support->count, more = (set->growth - 1) * support->count, room;

	strads_candidates_keep(worst, more > START ? more : START);
	strads_candidates_keep(worst, most);
	set->count = support->count + worst->count;
	strads_order_shuffle(seed, (uint32_t)set->count, set->permutation);
	for (uint64_t k = 0; k < set->count; k++)
		set->list[set->permutation[k]] = k < support->count
						     ? support->entry[k].key
						     : worst->entry[k - support->count].key;
	strads_working_set_widen(set);
	/* No more than there are now can be in the support next time. */
	room = (set->growth - 1) * set->count;
	room = room > START ? room : START;
	worst->room = room < set->max ? room : set->max;
}

void
strads_working_set_mark(struct strads_working_set *set, strads_key key)
{
	if (set->marked < set->max)
		set->part[set->marked++] = key;
}

void
strads_working_set_narrow(struct strads_working_set *set)
{
	set->narrow = true;
}

void
strads_working_set_widen(struct strads_working_set *set)
{
	set->narrow = false;
	set->marked = 0;
}

uint32_t
strads_working_set_draw(const struct strads_working_set *set, uint32_t n, uint64_t draw,
			strads_key *keys)
{
	uint64_t size = strads_working_set_size(set), blocks = size / n + (size % n != 0), first;
	const strads_key *from = set->narrow ? set->part : set->list;
	uint32_t have;

	if (blocks == 0)
		return 0;
	first = draw % blocks * n;
	have = size - first < n ? (uint32_t)(size - first) : n;
	memcpy(keys, from + first, have * sizeof *keys);
	return have;
}
