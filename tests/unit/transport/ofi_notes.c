/* What comes in with completion data is checked before anything is written. No network is used. */
#include "ofi/ofi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after its requirements */
#include <cmocka.h>

#define RANKS  3
#define WRITER 2
#define TELLS  (UINT64_C(1) << 31)

struct bench {
	struct strads_ofi ofi;
	struct strads_ofi_peer peers[RANKS];
	struct strads_ofi_note mailbox[RANKS][STRADS_OFI_SLOTS];
	struct strads_region region;
	struct strads_region read_only;
	struct strads_region *regions[2];
	uint64_t words[4];
	uint64_t guard;
};

static int
set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);

	assert_non_null(bench);
	bench->region = (struct strads_region){.access = STRADS_REMOTE_WRITE,
					       .base = (uint8_t *)bench->words,
					       .bytes = sizeof bench->words};
	bench->read_only = bench->region;
	bench->read_only.access = STRADS_REMOTE_READ;
	bench->regions[0] = &bench->region;
	bench->regions[1] = &bench->read_only;
	bench->ofi = (struct strads_ofi){.size = RANKS,
					 .ordered = true,
					 .peers = bench->peers,
					 .mailbox = bench->mailbox[0],
					 .regions = bench->regions,
					 .n_regions = 2};
	*state = bench;
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

/* The note comes in slot 0 from rank 2. */
static void
arrive(struct bench *bench, struct strads_ofi_note note)
{
	bench->mailbox[WRITER][0] = note;
	strads_ofi_signal_arrived(&bench->ofi, WRITER << 12);
}

static void
assert_refused(const struct bench *bench)
{
	assert_int_equal(bench->ofi.status, STRADS_ERR_PROTOCOL);
	assert_true(strlen(bench->ofi.why) > 0);
	assert_int_equal(bench->peers[WRITER].taken, 0);
	for (size_t i = 0; i < sizeof bench->words / sizeof bench->words[0]; i++)
		assert_int_equal(bench->words[i], 0);
	assert_int_equal(bench->guard, 0);
}

static void
arrived__good_note_stores_its_word(void **state)
{
	struct bench *bench = *state;

	arrive(bench, (struct strads_ofi_note){.value = 77, .offset = 24});
	assert_int_equal(bench->ofi.status, STRADS_OK);
	assert_int_equal(bench->words[3], 77);
	assert_int_equal(bench->peers[WRITER].taken, 1);
	assert_ptr_equal(bench->ofi.first_telling, &bench->peers[WRITER]);
}

/* Three signals at once, of which the last two lie beyond the window's end. */
static void
arrived__all_notes_of_a_bundle_are_taken(void **state)
{
	struct bench *bench = *state;
	uint32_t slot = STRADS_OFI_WINDOW - 1;

	bench->peers[WRITER].taken = bench->peers[WRITER].told = slot;
	for (uint32_t i = 0; i < 3; i++)
		bench->mailbox[WRITER][slot + i] =
		    (struct strads_ofi_note){.value = 70 + i, .offset = 8 * i, .number = slot + i};
	strads_ofi_signal_arrived(&bench->ofi, WRITER << 12 | (2 * STRADS_OFI_WINDOW + slot));
	assert_int_equal(bench->ofi.status, STRADS_OK);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bench->words[i], 70 + i);
	assert_int_equal(bench->peers[WRITER].taken, slot + 3);
}

static void
arrived__word_beyond_the_region_is_refused(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .offset = 32});
	assert_refused(*state);
}

static void
arrived__offset_that_wraps_is_refused(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .offset = UINT64_MAX - 7});
	assert_refused(*state);
}

static void
arrived__odd_offset_is_refused(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .offset = 4});
	assert_refused(*state);
}

static void
arrived__unknown_region_is_refused(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .region = 2});
	assert_refused(*state);
}

static void
arrived__region_to_read_only_is_refused(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .region = 1});
	assert_refused(*state);
}

static void
arrived__deleted_region_is_refused(void **state)
{
	struct bench *bench = *state;

	bench->regions[0] = NULL;
	arrive(bench, (struct strads_ofi_note){.value = 77});
	assert_refused(bench);
}

static void
arrived__lost_signal_is_noticed(void **state)
{
	arrive(*state, (struct strads_ofi_note){.value = 77, .number = STRADS_OFI_WINDOW});
	assert_refused(*state);
}

static void
arrived__wrong_slot_is_refused(void **state)
{
	struct bench *bench = *state;

	strads_ofi_signal_arrived(&bench->ofi, WRITER << 12 | 1);
	assert_refused(bench);
}

static void
arrived__more_signals_at_once_than_may_be_is_refused(void **state)
{
	struct bench *bench = *state;

	strads_ofi_signal_arrived(&bench->ofi, WRITER << 12 | STRADS_OFI_WINDOW * STRADS_OFI_NOTES);
	assert_refused(bench);
}

static void
arrived__unknown_rank_is_refused(void **state)
{
	struct bench *bench = *state;

	strads_ofi_signal_arrived(&bench->ofi, RANKS << 12);
	assert_refused(bench);
}

static void
arrived__own_rank_is_refused(void **state)
{
	struct bench *bench = *state;

	strads_ofi_signal_arrived(&bench->ofi, 0);
	assert_refused(bench);
}

static void
arrived__more_told_than_sent_is_refused(void **state)
{
	struct bench *bench = *state;

	bench->peers[WRITER].sent = 3;
	strads_ofi_signal_arrived(&bench->ofi, TELLS | WRITER << 12 | 4);
	assert_refused(bench);
}

/* Three signals are under way, the count of those sent before has left 12 bits. */
static void
arrived__told_count_completes_the_oldest(void **state)
{
	struct bench *bench = *state;
	struct strads_ofi_peer *writer = &bench->peers[WRITER];
	struct strads_ofi_op ops[3];

	for (int i = 0; i < 3; i++)
		ops[i] = (struct strads_ofi_op){.kind = STRADS_OFI_SIGNAL,
						.peer = WRITER,
						.untaken = true,
						.number = 4095 + (uint64_t)i,
						.next = i < 2 ? &ops[i + 1] : NULL};
	*writer = (struct strads_ofi_peer){.sent = 4097,
					   .acknowledged = 4094,
					   .writes = 3,
					   .untaken_first = &ops[0],
					   .untaken_last = &ops[2]};
	strads_ofi_signal_arrived(&bench->ofi, TELLS | WRITER << 12 | (4096 & 0xfff));
	assert_int_equal(bench->ofi.status, STRADS_OK);
	assert_int_equal(writer->acknowledged, 4096);
	assert_ptr_equal(bench->ofi.done_first, &ops[0]);
	assert_ptr_equal(bench->ofi.done_last, &ops[1]);
	assert_ptr_equal(writer->untaken_first, &ops[2]);
	assert_int_equal(writer->writes, 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(arrived__good_note_stores_its_word),
	    CASE(arrived__all_notes_of_a_bundle_are_taken),
	    CASE(arrived__word_beyond_the_region_is_refused),
	    CASE(arrived__offset_that_wraps_is_refused),
	    CASE(arrived__odd_offset_is_refused),
	    CASE(arrived__unknown_region_is_refused),
	    CASE(arrived__region_to_read_only_is_refused),
	    CASE(arrived__deleted_region_is_refused),
	    CASE(arrived__lost_signal_is_noticed),
	    CASE(arrived__wrong_slot_is_refused),
	    CASE(arrived__more_signals_at_once_than_may_be_is_refused),
	    CASE(arrived__unknown_rank_is_refused),
	    CASE(arrived__own_rank_is_refused),
	    CASE(arrived__more_told_than_sent_is_refused),
	    CASE(arrived__told_count_completes_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
