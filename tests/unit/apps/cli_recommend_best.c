#include "../../../apps/cli/recommend_best.h"

#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>

#include <cmocka.h>

#include "strads/random.h"

#define ITEMS 300

/* Whether item i belongs before item j. */
static bool
is_better(const double *prediction, uint64_t i, uint64_t j)
{
	return prediction[i] > prediction[j] || (prediction[i] == prediction[j] && i < j);
}

/* Every item's place is the number of better ones. */
static void
offer__keeps_the_best_in_order(void **state)
{
	double prediction[ITEMS];

	(void)state;
	for (uint64_t i = 0; i < ITEMS; i++)
		prediction[i] = (double)(strads_random(1, 2, i) % 100); /* many are equal */
	for (size_t most = 1; most <= ITEMS + 20; most += 13) {
		struct strads_recommendation best[ITEMS + 20];
		size_t count = 0;

		for (uint64_t i = 0; i < ITEMS; i++)
			strads_recommend_best_offer(best, most, &count, prediction[i], i);
		assert_int_equal(count, most < ITEMS ? most : ITEMS);
		for (size_t place = 0; place < count; place++) {
			size_t better = 0;

			for (uint64_t j = 0; j < ITEMS; j++)
				better += is_better(prediction, j, best[place].item);
			assert_int_equal(better, place);
			assert_true(best[place].prediction == prediction[best[place].item]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(offer__keeps_the_best_in_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
