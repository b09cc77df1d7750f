#include "strads/rotation.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define POSITIONS_MAX 100

static void
block__in_p_sub_rounds_each_worker_has_each_block_once(void **state)
{
	(void)state;
	for (int workers = 1; workers <= 7; workers++) {
		struct strads_rotation rotation = {50, workers, 8};

		for (uint64_t from = 0; from < 3; from++) {
			for (int worker = 0; worker < workers; worker++) {
				unsigned had = 0;

				for (uint64_t t = from; t < from + (uint64_t)workers; t++)
					had |= 1U << strads_rotation_block(&rotation, t, worker);
				assert_int_equal(had, (1U << workers) - 1);
			}
		}
		assert_int_equal(strads_rotation_block(&rotation, 5, 2 % workers),
				 (5 + 2 % workers) % workers);
	}
}

/* In any sub-round no position is two workers'; in `slices` sub-rounds in a row each comes once. */
static void
slice__covers_all_positions_once(void **state)
{
	(void)state;
	for (uint64_t positions = 0; positions <= POSITIONS_MAX; positions += 9) {
		for (int workers = 1; workers <= 12; workers += 3) {
			for (uint32_t slice_max = 1; slice_max <= 64; slice_max *= 4) {
				struct strads_rotation rotation = {positions, workers, slice_max};
				uint64_t slices = strads_rotation_slices(&rotation);
				uint8_t times[POSITIONS_MAX] = {0};

				for (uint64_t t = 7; t < 7 + slices; t++) {
					for (int worker = 0; worker < workers; worker++) {
						uint64_t first;
						uint32_t n = strads_rotation_slice(&rotation, t,
										   worker, &first);

						assert_true(n <= slice_max);
						for (uint32_t k = 0; k < n; k++)
							times[first + k]++;
					}
				}
				for (uint64_t k = 0; k < positions; k++)
					assert_int_equal(times[k], 1);
			}
		}
	}
}

static void
slice__lies_in_the_workers_block(void **state)
{
	struct strads_rotation rotation = {40, 4, 3};

	(void)state;
	assert_int_equal(strads_rotation_slices(&rotation), 4);
	for (uint64_t t = 0; t < 12; t++) {
		for (int worker = 0; worker < 4; worker++) {
			uint64_t first,
			    block = (uint64_t)strads_rotation_block(&rotation, t, worker);
			uint32_t n = strads_rotation_slice(&rotation, t, worker, &first);

			assert_in_range(n, 2, 3);
			assert_true(first >= 10 * block && first + n <= 10 * (block + 1));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(block__in_p_sub_rounds_each_worker_has_each_block_once),
	    cmocka_unit_test(slice__covers_all_positions_once),
	    cmocka_unit_test(slice__lies_in_the_workers_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
