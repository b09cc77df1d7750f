#include "sched/shape.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct strads_program
program_of(uint32_t block_max, uint32_t blocks, size_t partial_max, size_t commit_max)
{
	return (struct strads_program){.name = "sizes",
				       .block_max = block_max,
				       .set_blocks_max = blocks,
				       .partial_max = partial_max,
				       .commit_max = commit_max};
}

static struct strads_engine_options
options_of(size_t memory_bytes)
{
	struct strads_engine_options options;

	strads_engine_defaults(&options);
	options.memory_bytes = memory_bytes;
	return options;
}

static void
strads_shape_fit__stays_within_the_budget(void **state)
{
	struct strads_program program = program_of(64, 8, 2200, 600);

	(void)state;
	for (int ranks = 1; ranks <= 4096; ranks *= 4)
		for (size_t mib = 8; mib <= 256; mib *= 2) {
			struct strads_engine_options options = options_of(mib << 20);
			struct strads_shape shape;

			assert_int_equal(strads_shape_fit(&program, &options, ranks, &shape),
					 STRADS_OK);
			assert_true(strads_shape_total(&shape) <= options.memory_bytes);
			assert_true(shape.window >= program.set_blocks_max);
			assert_true(shape.reads >= 1 && shape.reductions >= 1);
			for (int i = 0; i < STRADS_LANES; i++) {
				uint32_t slots = shape.lane[i].slots;

				assert_true(slots >= 2 && (slots & (slots - 1)) == 0);
				assert_true(shape.lane[i].slot_bytes > STRADS_WIRE_TAIL);
				assert_int_equal(shape.lane[i].slot_bytes % 64, 0);
				assert_true(shape.lane[i].slot_bytes <= options.chunk_bytes);
			}
		}
}

static void
strads_shape_fit__small_programs_have_small_slots(void **state)
{
	struct strads_program program = program_of(1, 1, 1, 8);
	struct strads_engine_options options = options_of((size_t)256 << 20);
	struct strads_shape shape;

	(void)state;
	assert_int_equal(strads_shape_fit(&program, &options, 64, &shape), STRADS_OK);
	for (int i = 0; i < STRADS_LANES; i++)
		assert_true(shape.lane[i].slot_bytes <= 128);
}

/* A thousand ranks that keep to the default budget must fit into one process of a simulation. */
static void
strads_shape_fit__many_ranks_have_small_rings(void **state)
{
	struct strads_program program = program_of(64, 1, 64, 512);
	struct strads_engine_options options = options_of((size_t)256 << 20);
	struct strads_shape shape;

	(void)state;
	assert_int_equal(strads_shape_fit(&program, &options, 1024, &shape), STRADS_OK);
	assert_true(strads_shape_total(&shape) < (size_t)8 << 20);
}

static void
strads_shape_fit__impossible_budget_says_what_is_needed(void **state)
{
	struct strads_program program = program_of(1024, 100, 100000, 8192);
	struct strads_engine_options options = options_of((size_t)1 << 20);
	size_t needed = strads_engine_memory(&program, &options, 4);
	struct strads_shape shape;
	char figure[32];

	(void)state;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_MEMORY);
	assert_true(needed > options.memory_bytes);
	snprintf(figure, sizeof figure, "%zu bytes", needed);
	assert_non_null(strstr(strads_error(), figure));
	options.memory_bytes = needed;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_OK);
	assert_int_equal(strads_shape_total(&shape), needed);
}

static bool
is_early(void *state, uint32_t kind)
{
	(void)state;
	return kind == 1;
}

/* Sets of an early kind can do with as few drafts as others have: what they have beyond that, in
 * each of many sets, is no reason to refuse a budget. */
static void
strads_shape_fit__early_kinds_need_no_more_memory(void **state)
{
	struct strads_program program = program_of(1024, 2, 1024, 8192);
	struct strads_engine_options options = options_of(1);
	struct strads_shape shape;
	size_t needed;

	(void)state;
	options.depth = 128;
	options.staleness = 127;
	needed = strads_engine_memory(&program, &options, 4);
	program.early = is_early;
	assert_int_equal(strads_engine_memory(&program, &options, 4), needed);
	options.memory_bytes = needed;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_OK);
	assert_int_equal(shape.set_blocks, program.set_blocks_max);
	options.memory_bytes = 16 * needed;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_OK);
	assert_in_range(shape.set_blocks, program.set_blocks_max + 1, shape.window);
}

static void
strads_shape_fit__sizes_beyond_arithmetic(void **state)
{
	struct strads_program program =
	    program_of(UINT32_MAX, UINT32_MAX, SIZE_MAX / 2, SIZE_MAX - 3);
	struct strads_engine_options options = options_of((size_t)256 << 20);
	struct strads_shape shape;

	(void)state;
	assert_int_equal(strads_shape_fit(&program, &options, 4096, &shape), STRADS_ERR_MEMORY);
}

static void
strads_shape_fit__options_out_of_range(void **state)
{
	struct strads_program program = program_of(64, 1, 64, 512);
	const struct strads_engine_options good = options_of((size_t)64 << 20);
	struct strads_engine_options options = good;
	struct strads_shape shape;

	(void)state;
	options.schedulers = 5;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_ARGUMENT);
	options.schedulers = 0;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_ARGUMENT);
	options = good;
	options.fan_out = -1;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_ARGUMENT);
	options = good;
	options.depth = 0;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_ARGUMENT);
	options = good;
	options.chunk_bytes = 255;
	assert_int_equal(strads_shape_fit(&program, &options, 4, &shape), STRADS_ERR_ARGUMENT);
	program.block_max = 0;
	assert_int_equal(strads_shape_fit(&program, &good, 4, &shape), STRADS_ERR_ARGUMENT);
}

/* Few ranks reach each other directly; a tree of many is broad for small messages, narrower for
 * large ones, and what is asked for counts. */
static void
strads_shape_fit__trees_follow_ranks_and_sizes(void **state)
{
	struct strads_program small = program_of(64, 1, 64, 512);
	struct strads_program large = program_of(1024, 8, 1024, 8192);
	struct strads_engine_options options = options_of((size_t)256 << 20);
	struct strads_shape of_small, of_large;

	(void)state;
	for (int ranks = 1; ranks < 16; ranks++) {
		assert_int_equal(strads_shape_fit(&large, &options, ranks, &of_large), STRADS_OK);
		assert_int_equal(of_large.relays, 0);
	}
	for (int ranks = 64; ranks <= 4096; ranks *= 4) {
		assert_int_equal(strads_shape_fit(&small, &options, ranks, &of_small), STRADS_OK);
		assert_int_equal(strads_shape_fit(&large, &options, ranks, &of_large), STRADS_OK);
		assert_in_range(of_small.arity, 5, 16);
		assert_in_range(of_large.arity, 2, of_small.arity);
		assert_true(of_large.relays > 0);
	}
	options.fan_out = 5;
	assert_int_equal(strads_shape_fit(&small, &options, 8, &of_small), STRADS_OK);
	assert_int_equal(of_small.arity, 5);
	assert_int_equal(of_small.relays, 1);
	options.fan_out = 4096;
	assert_int_equal(strads_shape_fit(&small, &options, 100, &of_small), STRADS_OK);
	assert_int_equal(of_small.arity, 99);
	assert_int_equal(of_small.relays, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_shape_fit__stays_within_the_budget),
	    cmocka_unit_test(strads_shape_fit__small_programs_have_small_slots),
	    cmocka_unit_test(strads_shape_fit__many_ranks_have_small_rings),
	    cmocka_unit_test(strads_shape_fit__impossible_budget_says_what_is_needed),
	    cmocka_unit_test(strads_shape_fit__early_kinds_need_no_more_memory),
	    cmocka_unit_test(strads_shape_fit__sizes_beyond_arithmetic),
	    cmocka_unit_test(strads_shape_fit__trees_follow_ranks_and_sizes),
	    cmocka_unit_test(strads_shape_fit__options_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
