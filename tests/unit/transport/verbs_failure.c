/* What fails after wire-up: who is told, in which words, and that nothing hangs or leaks. */
#include "verbs_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <arpa/inet.h>

static struct verbs_pair pair;

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	verbs_pair_open(&pair);
	return pair.status[0] || pair.status[1] || verbs_pair_join(&pair, 0);
}

static int
teardown(void **state)
{
	(void)state;
	verbs_pair_close(&pair);
	return fake.live;
}

static int
put(size_t bytes, struct strads_counter *counter)
{
	return strads_put(pair.fabrics[0], 1, pair.open[0], 0, strads_region_base(pair.own[0]),
			  bytes, counter);
}

/* An operation ends with `refusal`: counted, told to flush, to progress, and to what comes next. */
static void
expect(enum ibv_wc_status refusal, int status, const char *hint)
{
	struct strads_counter counter = {0};

	fake.refuse = refusal;
	assert_int_equal(put(8000, &counter), STRADS_OK);
	assert_int_equal(put(16, &counter), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), status);
	assert_non_null(strstr(strads_error(), "rank 1"));
	assert_non_null(strstr(strads_error(), hint));
	assert_int_equal(verbs_pair_turn(&pair, 0), status); /* it stays so */
	assert_int_equal(counter.posted, 2);
	assert_int_equal(counter.done, 2);
	assert_int_equal(counter.status, status);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), status);
	assert_int_equal(put(16, &counter), status);
	assert_int_equal(counter.posted, 2);
}

static void
completion__retry_exceeded_names_the_peer(void **state)
{
	(void)state;
	expect(IBV_WC_RETRY_EXC_ERR, STRADS_ERR_PEER, "does not answer");
}

static void
completion__refused_access_names_the_peer(void **state)
{
	(void)state;
	expect(IBV_WC_REM_ACCESS_ERR, STRADS_ERR_PEER, "refuses access");
}

static void
completion__receive_missing_names_the_peer(void **state)
{
	(void)state;
	expect(IBV_WC_RNR_RETRY_EXC_ERR, STRADS_ERR_PEER, "no receive");
}

static void
completion__own_buffer_gone_is_the_callers(void **state)
{
	(void)state;
	expect(IBV_WC_LOC_PROT_ERR, STRADS_ERR_FABRIC, "not registered");
}

static void
completion__of_an_unknown_status_has_a_sentence(void **state)
{
	(void)state;
	expect(IBV_WC_TM_RNDV_INCOMPLETE, STRADS_ERR_FABRIC, "kernel's log");
}

static void
post__refused_counts_as_a_failed_operation(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	fake.calls = 0;
	fake.fail_at = 1;
	assert_int_equal(put(8000, &counter), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_ERR_FABRIC);
	assert_non_null(strstr(strads_error(), "fake0"));
	assert_int_equal(counter.done, 1);
	assert_int_equal(counter.status, STRADS_ERR_FABRIC);
}

static void
receive__refused_ends_the_endpoint(void **state)
{
	(void)state;
	assert_int_equal(strads_put_signal(pair.fabrics[0], 1, pair.open[0], 0, NULL, 0, 1, NULL),
			 STRADS_OK);
	fake.calls = 0;
	fake.fail_at = 1;
	assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_ERR_FABRIC);
	assert_non_null(strstr(strads_error(), "receive"));
}

/* A peer that has closed after all was done is not a failure, even if it could not be told how many
 * of its signals were taken; one that is missed is. */
static void
peer__closed_is_an_error_only_to_who_needs_it(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	for (uint64_t i = 1; i <= pair.verbs[0]->window / 2; i++) {
		assert_int_equal(
		    strads_put_signal(pair.fabrics[0], 1, pair.open[0], 0, NULL, 0, i, NULL),
		    STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	}
	strads_region_delete(&pair.own[0]);
	strads_region_delete(&pair.open[0]);
	strads_fabric_close(&pair.fabrics[0]);
	for (int turn = 0; turn < 100; turn++)
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_int_equal(strads_put(pair.fabrics[1], 0, pair.open[1], 0,
				    strads_region_base(pair.own[1]), 8, &counter),
			 STRADS_ERR_PEER);
	assert_non_null(strstr(strads_error(), "rank 0"));
}

static void
event__device_gone_ends_the_endpoint(void **state)
{
	(void)state;
	fake_event(IBV_EVENT_DEVICE_FATAL, 1);
	strads_verbs_hear(pair.verbs[0]);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_ERR_FABRIC);
	assert_non_null(strstr(strads_error(), "fake0"));
	assert_non_null(strstr(strads_error(), "removed"));
}

static void
event__port_down_explains_what_fails_then(void **state)
{
	(void)state;
	fake_event(IBV_EVENT_PORT_ERR, 1);
	expect(IBV_WC_RETRY_EXC_ERR, STRADS_ERR_PEER, "port went down");
}

static void
event__port_up_again_is_forgotten(void **state)
{
	(void)state;
	fake_event(IBV_EVENT_PORT_ERR, 1);
	strads_verbs_hear(pair.verbs[0]);
	assert_non_null(pair.verbs[0]->news);
	fake_event(IBV_EVENT_PORT_ACTIVE, 1);
	strads_verbs_hear(pair.verbs[0]);
	assert_null(pair.verbs[0]->news);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
}

static void
event__of_another_port_explains_nothing(void **state)
{
	(void)state;
	fake_event(IBV_EVENT_PORT_ERR, 2);
	strads_verbs_hear(pair.verbs[0]);
	assert_null(pair.verbs[0]->news);
}

/* The event may come after what fails for it. */
static void
port__down_is_seen_without_an_event(void **state)
{
	(void)state;
	fake.ports[0][0].attr.state = IBV_PORT_DOWN;
	expect(IBV_WC_LOC_QP_OP_ERR, STRADS_ERR_FABRIC, "its port is down");
}

static void
port__gone_is_seen_without_an_event(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	fake.refuse = IBV_WC_LOC_QP_OP_ERR;
	fake.paused = true;
	assert_int_equal(put(8000, &counter), STRADS_OK);
	fake_run(1);
	fake.calls = 0;
	fake.fail_at = 1;
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_ERR_FABRIC);
	assert_string_equal(fake.what, "ibv_query_port");
	assert_non_null(strstr(strads_error(), "the device was removed"));
	assert_int_equal(counter.done, 1);
}

/* What a peer sends is checked: nothing outside of the words it may write is touched. */
static void
signal__of_nonsense_is_refused(void **state)
{
	static const uint32_t nonsense[] = {
	    5,                     /* a note in a slot that is not due */
	    UINT32_C(1) << 30 | 9, /* more taken than were sent */
	    UINT32_C(2) << 30 | 3, /* an unknown word grows */
	    UINT32_C(3) << 30,     /* no such kind */
	};

	(void)state;
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		struct strads_verbs *verbs = pair.verbs[1];

		verbs->status = STRADS_OK;
		strads_verbs_signal_arrived(verbs, &verbs->peers[0], nonsense[i]);
		assert_int_equal(verbs->status, STRADS_ERR_PROTOCOL);
		assert_non_null(strstr(verbs->why, "rank 0"));
		assert_int_equal(verbs->peers[0].taken, 0);
	}
}

static void
signal__note_of_a_place_outside_is_refused(void **state)
{
	static const struct strads_verbs_note notes[] = {
	    {.value = 1, .offset = PAIR_BYTES, .region = 0},
	    {.value = 1, .offset = PAIR_BYTES - 4, .region = 0},
	    {.value = 1, .offset = UINT64_MAX - 7, .region = 0},
	    {.value = 1, .offset = 0, .region = 7},
	    {.value = 1, .offset = 0, .region = UINT32_MAX},
	    {.value = 1, .offset = 0, .region = 0, .number = 1},
	    {.value = 1, .offset = 0, .region = 0, .word = STRADS_VERBS_WORDS},
	    {.value = 1, .offset = 0, .region = 0, .taken = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		struct strads_verbs *verbs = pair.verbs[1];

		verbs->status = STRADS_OK;
		verbs->mailbox[0] = notes[i];
		strads_verbs_signal_arrived(verbs, &verbs->peers[0], 0);
		assert_int_equal(verbs->status, STRADS_ERR_PROTOCOL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(completion__retry_exceeded_names_the_peer),
	    TEST(completion__refused_access_names_the_peer),
	    TEST(completion__receive_missing_names_the_peer),
	    TEST(completion__own_buffer_gone_is_the_callers),
	    TEST(completion__of_an_unknown_status_has_a_sentence),
	    TEST(post__refused_counts_as_a_failed_operation),
	    TEST(receive__refused_ends_the_endpoint),
	    TEST(peer__closed_is_an_error_only_to_who_needs_it),
	    TEST(event__device_gone_ends_the_endpoint),
	    TEST(event__port_down_explains_what_fails_then),
	    TEST(event__port_up_again_is_forgotten),
	    TEST(event__of_another_port_explains_nothing),
	    TEST(port__down_is_seen_without_an_event),
	    TEST(port__gone_is_seen_without_an_event),
	    TEST(signal__of_nonsense_is_refused),
	    TEST(signal__note_of_a_place_outside_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
