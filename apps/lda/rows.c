/*
 * A row is one number, 4 · (counts above 0) + form, and then: pairs of topic and count in one
 * number or in two, or the counts of all topics, two in a number or one.
 */
#include "rows.h"

#define NARROW_MAX 65535u /* of what shares a number with another */

enum form { NARROW_PAIRS, WIDE_PAIRS, NARROW_ALL, WIDE_ALL };

/* Numbers behind the first. */
static size_t
form_length(enum form form, uint32_t n, uint32_t topics)
{
	switch (form) {
	case NARROW_PAIRS:
		return n;
	case WIDE_PAIRS:
		return 2 * (size_t)n;
	case NARROW_ALL:
		return (topics + 1) / 2;
	default:
		return topics;
	}
}

/* The shortest form of n counts, the largest of which is that. */
static enum form
form_choose(uint32_t n, uint64_t largest, uint32_t topics)
{
	bool narrow = largest <= NARROW_MAX;
	enum form pairs = narrow && topics <= NARROW_MAX + 1 ? NARROW_PAIRS : WIDE_PAIRS;
	enum form all = narrow ? NARROW_ALL : WIDE_ALL;

	return form_length(pairs, n, topics) <= form_length(all, n, topics) ? pairs : all;
}

size_t
strads_lda_row_capacity(uint64_t occurrences, uint32_t topics)
{
	uint32_t n = occurrences < topics ? (uint32_t)occurrences : topics;

	return 1 + form_length(form_choose(n, occurrences, topics), n, topics);
}

static uint32_t *
pairs_write(const struct strads_gibbs *gibbs, bool narrow, uint32_t *to)
{
	for (uint32_t i = 0; i < gibbs->n_listed; i++) {
		uint32_t k = gibbs->listed[i], count = gibbs->count[k];

		if (count == 0)
			continue;
		if (narrow) {
			*to++ = k << 16 | count;
		} else {
			*to++ = k;
			*to++ = count;
		}
	}
	return to;
}

uint32_t *
strads_lda_row_write(const struct strads_gibbs *gibbs, uint32_t *to)
{
	uint32_t n = 0, largest = 0, topics = gibbs->topics;
	enum form form;

	for (uint32_t i = 0; i < gibbs->n_listed; i++) {
		uint32_t count = gibbs->count[gibbs->listed[i]];

		n += count > 0;
		largest = count > largest ? count : largest;
	}
	form = form_choose(n, largest, topics);
	*to++ = n << 2 | form;
	if (form == NARROW_PAIRS || form == WIDE_PAIRS)
		return pairs_write(gibbs, form == NARROW_PAIRS, to);
	/* Behind the last topic there are zeros, so that a pair of counts can always be made. */
	for (uint32_t k = 0; k < topics; k += form == NARROW_ALL ? 2 : 1)
		*to++ = form == NARROW_ALL ? gibbs->count[k] | gibbs->count[k + 1] << 16
					   : gibbs->count[k];
	return to;
}

static int
senseless(const char *what)
{
	return strads_fail(STRADS_ERR_PROTOCOL, "a word's counts of topics make no sense: %s",
			   what);
}

int
strads_lda_row_read(const uint32_t *from, const uint32_t *end, uint32_t topics, uint32_t *topic,
		    uint32_t *count, uint32_t *n, const uint32_t **next)
{
	uint32_t stated, found = 0;
	enum form form;
	size_t length;

	if (from >= end)
		return senseless("they are missing");
	stated = *from >> 2;
	form = *from & 3;
	length = form_length(form, stated, topics);
	if (stated > topics || length > (size_t)(end - ++from))
		return senseless("they are longer than the block");
	for (size_t i = 0; i < length; i++) {
		uint32_t pair[2][2] = {{(uint32_t)i, from[i]}, {0, 0}};

		if (form == NARROW_PAIRS) {
			pair[0][0] = from[i] >> 16;
			pair[0][1] = from[i] & NARROW_MAX;
		} else if (form == WIDE_PAIRS) {
			pair[0][0] = from[i++];
			pair[0][1] = from[i];
		} else if (form == NARROW_ALL) {
			pair[0][0] = 2 * (uint32_t)i;
			pair[0][1] = from[i] & NARROW_MAX;
			pair[1][0] = 2 * (uint32_t)i + 1;
			pair[1][1] = from[i] >> 16;
		}
		for (int j = 0; j < 2; j++) {
			if (pair[j][1] == 0)
				continue;
			if (pair[j][0] >= topics || found == stated)
				return senseless("they are other topics or more than they say");
			topic[found] = pair[j][0];
			count[found++] = pair[j][1];
		}
	}
	if (found != stated)
		return senseless("they are fewer than they say");
	*n = found;
	*next = from + length;
	return STRADS_OK;
}
