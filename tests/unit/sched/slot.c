#include "sched/slot.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "strads/random.h"

#define LINES_MAX 4
#define WORDS_MAX (LINES_MAX * STRADS_SLOT_WORDS)

static void
fill(uint64_t *value, uint32_t words, uint64_t number)
{
	for (uint32_t i = 0; i < words; i++)
		value[i] = number * UINT64_C(0x9e3779b97f4a7c15);
}

static void
strads_slot_check__free_then_used(void **state)
{
	(void)state;
	for (uint32_t words = 1; strads_slot_lines(words) <= LINES_MAX; words++) {
		uint64_t slot[WORDS_MAX] = {0}, value[WORDS_MAX], read[WORDS_MAX], key = 7;

		assert_int_equal(strads_slot_check(slot, words, &key), STRADS_SLOT_FREE);
		for (uint64_t number = 0; number < 3; number++) {
			fill(value, words, number);
			strads_slot_write(slot, 0, value, words);
			assert_int_equal(strads_slot_check(slot, words, &key), STRADS_SLOT_USED);
			assert_int_equal(key, 0);
			strads_slot_value(slot, read, words);
			assert_memory_equal(read, value, words * sizeof *read);
		}
	}
}

static void
strads_slot_lines__whole_lines_are_used(void **state)
{
	(void)state;
	assert_int_equal(strads_slot_lines(1), 1);
	assert_int_equal(strads_slot_lines(6), 1);
	assert_int_equal(strads_slot_lines(7), 2);
	assert_int_equal(strads_slot_lines(13), 2);
	assert_int_equal(strads_slot_lines(14), 3);
}

/* Any mixture of two versions, byte by byte, is one of them or torn. */
static void
strads_slot_check__mixtures_are_torn(void **state)
{
	uint64_t before[WORDS_MAX] = {0}, after[WORDS_MAX], mixed[WORDS_MAX], value[WORDS_MAX];

	(void)state;
	for (uint32_t words = 1; strads_slot_lines(words) <= LINES_MAX; words += 3) {
		size_t bytes = strads_slot_lines(words) * STRADS_SLOT_WORDS * sizeof *mixed;

		memset(before, 0, sizeof before);
		fill(value, words, 1);
		strads_slot_write(before, 5, value, words);
		memcpy(after, before, sizeof after);
		fill(value, words, 2);
		strads_slot_write(after, 5, value, words);
		for (uint64_t trial = 0; trial < 2000; trial++) {
			size_t from = strads_random(1, trial, 0) % bytes;
			size_t to = from + strads_random(1, trial, 1) % (bytes - from) + 1;
			uint64_t key;

			memcpy(mixed, before, bytes);
			memcpy((uint8_t *)mixed + from, (uint8_t *)after + from, to - from);
			if (memcmp(mixed, before, bytes) && memcmp(mixed, after, bytes))
				assert_int_equal(strads_slot_check(mixed, words, &key),
						 STRADS_SLOT_TORN);
		}
	}
}

#define SHARED_WORDS 13
#define WRITES       20000

struct shared {
	uint64_t slot[2 * STRADS_SLOT_WORDS];
	bool done;
};

static void *
write_on(void *arg)
{
	struct shared *shared = arg;
	uint64_t value[SHARED_WORDS];

	for (uint64_t number = 1; number <= WRITES; number++) {
		fill(value, SHARED_WORDS, number);
		strads_slot_write(shared->slot, 9, value, SHARED_WORDS);
	}
	__atomic_store_n(&shared->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* A reader that copies the words in another order every time, while they are written. */
static void
strads_slot_check__beside_a_writer(void **state)
{
	struct shared shared = {.done = false};
	const uint32_t n = 2 * STRADS_SLOT_WORDS;
	uint64_t copy[2 * STRADS_SLOT_WORDS], value[SHARED_WORDS], key;
	bool done = false;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_on, &shared), 0);
	for (uint32_t turn = 0; !done; turn++) {
		enum strads_slot_state found;

		done = __atomic_load_n(&shared.done, __ATOMIC_ACQUIRE);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = (i * (2 * turn + 1) + turn) % n;

			copy[at] = __atomic_load_n(&shared.slot[at], __ATOMIC_RELAXED);
		}
		found = strads_slot_check(copy, SHARED_WORDS, &key);
		if (found == STRADS_SLOT_USED) {
			assert_int_equal(key, 9);
			strads_slot_value(copy, value, SHARED_WORDS);
			for (uint32_t i = 1; i < SHARED_WORDS; i++)
				assert_true(value[i] == value[0]);
		}
		assert_true(!done || found == STRADS_SLOT_USED);
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_slot_check__free_then_used),
	    cmocka_unit_test(strads_slot_lines__whole_lines_are_used),
	    cmocka_unit_test(strads_slot_check__mixtures_are_torn),
	    cmocka_unit_test(strads_slot_check__beside_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
