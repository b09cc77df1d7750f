/*
 * Words' counts as they move: what is written is read again, in whichever form, and what makes no
 * sense is refused.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apps/lda/layout.h"
#include "../../../apps/lda/rows.h"
#include "strads/random.h"

#define TOPICS_MAX 70000

static struct strads_gibbs gibbs;
static uint32_t row[2 * TOPICS_MAX + 1], topic[TOPICS_MAX], count[TOPICS_MAX];

static int
set_up(void **state)
{
	(void)state;
	gibbs.count = calloc(TOPICS_MAX + 32, sizeof *gibbs.count);
	gibbs.listed = calloc(TOPICS_MAX, sizeof *gibbs.listed);
	gibbs.place = calloc(TOPICS_MAX + 32, sizeof *gibbs.place);
	assert_true(gibbs.count && gibbs.listed && gibbs.place);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(gibbs.count);
	free(gibbs.listed);
	free(gibbs.place);
	return 0;
}

/* n of the topics, the first of which has `largest`; writes and reads them. */
static void
check(uint32_t topics, uint32_t n, uint32_t largest)
{
	const uint32_t *next;
	uint64_t occurrences = largest;
	uint32_t found, *end;

	gibbs.topics = topics;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = (uint32_t)((uint64_t)i * topics / n);

		strads_gibbs_put(&gibbs, k, i == 0 ? largest : 1 + i % 3);
		occurrences += i == 0 ? 0 : 1 + i % 3;
	}
	end = strads_lda_row_write(&gibbs, row);
	assert_true((size_t)(end - row) <= strads_lda_row_capacity(occurrences, topics));
	assert_int_equal(strads_lda_row_read(row, end, topics, topic, count, &found, &next),
			 STRADS_OK);
	assert_ptr_equal(next, end);
	assert_int_equal(found, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(count[i], gibbs.count[topic[i]]);
	if (end > row + 1)
		assert_int_equal(
		    strads_lda_row_read(row, end - 1, topics, topic, count, &found, &next),
		    STRADS_ERR_PROTOCOL);
	strads_gibbs_end(&gibbs);
}

static void
row__is_read_as_it_was_written(void **state)
{
	static const uint32_t topics[] = {1, 2, 7, 100, 65536, 65537, TOPICS_MAX};
	static const uint32_t largest[] = {1, 65535, 65536, 1u << 30};

	(void)state;
	for (size_t t = 0; t < sizeof topics / sizeof *topics; t++)
		for (size_t l = 0; l < sizeof largest / sizeof *largest; l++)
			for (uint32_t n = 1; n <= topics[t];
			     n = n < topics[t] && 5 * n > topics[t] ? topics[t] : 5 * n)
				check(topics[t], n, largest[l]);
	gibbs.topics = 5;
	assert_ptr_equal(strads_lda_row_write(&gibbs, row), row + 1);
}

static void
row__makes_sense_or_is_refused(void **state)
{
	/* Two pairs in a number each, then in two; then all of three topics. */
	static const uint32_t bad[][4] = {
	    {2 << 2 | 0, 1u << 16 | 1, 9u << 16 | 1, 0}, /* no such topic */
	    {2 << 2 | 0, 1u << 16 | 1, 2u << 16 | 0, 0}, /* a count of 0 */
	    {4 << 2 | 0, 1, 1, 1},                       /* more topics than there are */
	    {1 << 2 | 1, 3, 1, 0},
	    {1 << 2 | 2, 1, 1, 0}, /* more than it says */
	    {3 << 2 | 3, 1, 0, 1}, /* fewer */
	    {2 << 2 | 1, 1, 1, 0}, /* longer than what there is */
	};
	uint32_t found;
	const uint32_t *next;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(
		    strads_lda_row_read(bad[i], bad[i] + 4, 3, topic, count, &found, &next),
		    STRADS_ERR_PROTOCOL);
	assert_int_equal(strads_lda_row_read(row, row, 3, topic, count, &found, &next),
			 STRADS_ERR_PROTOCOL);
}

/* Every word has one place, blocks are about as heavy, and parts follow each other. */
static void
layout__gives_every_word_a_place(void **state)
{
	(void)state;
	for (int blocks = 1; blocks <= 9; blocks += 4)
		for (uint32_t parts = 1; parts <= 5; parts += 4) {
			struct strads_lda_layout layout = {
			    .words = 1000, .blocks = blocks, .parts = parts, .topics = 50};
			uint64_t total = 0, seen = 0;

			layout.count = calloc(layout.words, sizeof *layout.count);
			assert_non_null(layout.count);
			for (uint64_t w = 0; w < layout.words; w++)
				total += layout.count[w] = strads_random(1, 0, w) % (w % 100 + 1);
			assert_int_equal(strads_lda_layout_make(&layout), STRADS_OK);
			for (int b = 0; b < blocks; b++) {
				uint64_t first = layout.part_first[(uint32_t)b * parts], load = 0;
				uint64_t end = layout.part_first[((uint32_t)b + 1) * parts];

				for (uint64_t i = first; i < end; i++) {
					assert_true(i == first ||
						    layout.word_at[i] > layout.word_at[i - 1]);
					load += layout.count[layout.word_at[i]];
					seen += layout.word_at[i];
				}
				assert_true(load * (uint64_t)blocks < total + 2000 &&
					    load * (uint64_t)blocks + 2000 > total);
			}
			assert_int_equal(seen, 1000 * 999 / 2);
			for (uint32_t p = 0; p < (uint32_t)blocks * parts; p++)
				assert_true(layout.part_first[p] <= layout.part_first[p + 1]);
			strads_lda_layout_free(&layout);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row__is_read_as_it_was_written),
	    cmocka_unit_test(row__makes_sense_or_is_refused),
	    cmocka_unit_test(layout__gives_every_word_a_place),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
