/* Operations of the verbs provider: what arrives, in how many requests, and what holds them back.
 */
#include "verbs_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <poll.h>

#define WORD  sizeof(uint64_t)
#define TURNS 100 /* that take all that can be on the way */

static struct verbs_pair pair;
static uint8_t *out;      /* rank 0's local region */
static const uint8_t *in; /* rank 1's open region */

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void
open_pair(void)
{
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(pair.status[1], STRADS_OK);
	assert_int_equal(verbs_pair_join(&pair, 0), STRADS_OK);
	out = strads_region_base(pair.own[0]);
	in = strads_region_base(pair.open[1]);
	fake.posts = 0;
	fake.packets = 0;
}

static int
teardown(void **state)
{
	(void)state;
	verbs_pair_close(&pair);
	return fake.live || fake.missing || fake.overrun;
}

static int
put(size_t offset, size_t bytes, struct strads_counter *counter)
{
	return strads_put(pair.fabrics[0], 1, pair.open[0], offset, out, bytes, counter);
}

static int
signal_word(size_t offset, size_t bytes, uint64_t value, struct strads_counter *counter)
{
	return strads_put_signal(pair.fabrics[0], 1, pair.open[0], offset, out, bytes, value,
				 counter);
}

static int
get(size_t offset, size_t bytes, struct strads_counter *counter)
{
	return strads_get(pair.fabrics[0], 1, pair.open[0], offset, out, bytes, counter);
}

static uint64_t
word_at(size_t offset)
{
	return strads_signal_load(pair.open[1], offset);
}

static bool
complete(const struct strads_counter *counter)
{
	return counter->done == counter->posted && counter->status == STRADS_OK;
}

static void
put_signal__word_appears_when_its_owner_looks(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	open_pair();
	memset(out, 7, 64);
	assert_int_equal(signal_word(128, 64, 5, &counter), STRADS_OK);
	assert_int_equal(in[128], 7); /* the payload is where it belongs … */
	assert_int_equal(word_at(192), 0);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter)); /* … without anything done by its owner */
	assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_int_equal(word_at(192), 5);
}

static void
put_signal__a_known_word_needs_one_request(void **state)
{
	(void)state;
	open_pair();
	assert_int_equal(signal_word(0, 8, 1, NULL), STRADS_OK);
	assert_int_equal(fake.packets, 2);
	for (uint64_t value = 2; value <= 10; value++) {
		out[0] = (uint8_t)value;
		assert_int_equal(signal_word(0, 8, value, NULL), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
		assert_int_equal(word_at(8), value);
		assert_int_equal(in[0], value);
	}
	assert_int_equal(fake.packets, 2 + 9);
	assert_int_equal(fake.posts, 10);
}

/* Any jump of the value is taken: back to an old one, too, as after a reconnect. */
/* Signals that are answered by signals: nothing else needs to be sent to keep the windows open. */
static void
put_signal__tells_what_was_taken(void **state)
{
	(void)state;
	open_pair();
	for (uint64_t value = 1; value <= 4 * STRADS_VERBS_WINDOW; value++) {
		assert_int_equal(signal_word(0, 8, value, NULL), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
		assert_int_equal(
		    strads_put_signal(pair.fabrics[1], 0, pair.open[1], 0, NULL, 0, value, NULL),
		    STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	}
	/* One each, and once the payload that went ahead of the first note. */
	assert_int_equal(fake.packets, 2 * 4 * STRADS_VERBS_WINDOW + 1);
}

static void
put_signal__any_value_arrives(void **state)
{
	static const uint64_t values[] = {1,  1, UINT64_C(1) << 48, (UINT64_C(1) << 48) + 4194303,
					  12, 0, UINT64_MAX};

	(void)state;
	open_pair();
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(signal_word(40, 0, values[i], NULL), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
		assert_int_equal(word_at(40), values[i]);
	}
}

/* More words than both ends remember. */
static void
put_signal__many_words_arrive(void **state)
{
	(void)state;
	open_pair();
	for (uint64_t value = 1; value <= 3; value++) {
		for (size_t i = 0; i < 1000; i++) {
			while (signal_word(i * WORD, 0, value + i, NULL) == STRADS_AGAIN) {
				assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
				assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
			}
		}
		for (int turn = 0; turn < TURNS; turn++)
			assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(word_at(i * WORD), value + i);
	}
}

/* A target that computes holds its peer back before any queue is full. */
static void
put_signal__waits_for_a_target_that_does_not_look(void **state)
{
	struct strads_counter counter = {0};
	uint64_t sent = 0;

	(void)state;
	open_pair();
	while (signal_word(0, 8, sent + 1, &counter) == STRADS_OK) {
		sent++;
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	}
	assert_int_equal(sent, pair.verbs[0]->window);
	assert_true(complete(&counter)); /* what was sent has arrived all the same */
	for (int turn = 0; turn < TURNS; turn++)
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_int_equal(word_at(8), sent);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(signal_word(0, 8, sent + 1, NULL), STRADS_OK);
}

static void
put_signal__gives_up_on_a_target_that_never_looks(void **state)
{
	uint64_t until = strads_monotone_ns() + 20000000000u;
	uint64_t sent = 0;
	int status;

	(void)state;
	open_pair();
	do {
		status = signal_word(0, 0, sent + 1, NULL);
		sent += status == STRADS_OK;
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	} while (status >= 0 && strads_monotone_ns() < until);
	assert_int_equal(status, STRADS_ERR_TIMEOUT);
	assert_non_null(strstr(strads_error(), "rank 1"));
}

/* … unless it is away altogether: then its server takes signals, of more than any window. */
static void
put_signal__goes_on_while_the_target_is_away(void **state)
{
	uint64_t until = strads_monotone_ns() + 20000000000u;
	uint64_t many = 5 * STRADS_VERBS_WINDOW;
	uint64_t sent = 0;

	(void)state;
	open_pair();
	assert_int_equal(strads_verbs_server_start(pair.verbs[1]), STRADS_OK);
	while (sent < many && strads_monotone_ns() < until) {
		sent += signal_word(sent % 100 * 16, 8, sent + 1, NULL) == STRADS_OK;
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	}
	assert_int_equal(sent, many);
	while (word_at((many - 1) % 100 * 16 + 8) < many && strads_monotone_ns() < until)
		;
	assert_int_equal(word_at((many - 1) % 100 * 16 + 8), many);
}

/* … and after a silence, in which it does not look every few milliseconds. */
static void
put_signal__wakes_the_server_that_rests(void **state)
{
	uint64_t until = strads_monotone_ns() + 20000000000u;
	struct strads_verbs *target;
	bool resting = false;

	(void)state;
	open_pair();
	target = pair.verbs[1];
	assert_int_equal(strads_verbs_server_start(target), STRADS_OK);
	for (uint64_t k = 1; k <= 3; k++) {
		for (resting = false; !resting && strads_monotone_ns() < until;) {
			if (!strads_baton_try(&target->baton))
				continue;
			resting = target->inbound_armed;
			strads_baton_pass(&target->baton);
		}
		assert_true(resting);
		assert_int_equal(signal_word(0, 8, k, NULL), STRADS_OK);
		while (word_at(8) != k && strads_monotone_ns() < until)
			assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
		assert_int_equal(word_at(8), k);
	}
}

/* What the adapter and the connection manager say, the server hears alone. */
static void
server__hears_the_adapter(void **state)
{
	uint64_t until = strads_monotone_ns() + 20000000000u;
	int status = STRADS_OK;

	(void)state;
	open_pair();
	assert_int_equal(strads_verbs_server_start(pair.verbs[0]), STRADS_OK);
	fake_event(IBV_EVENT_DEVICE_FATAL, 1);
	while (status == STRADS_OK && strads_monotone_ns() < until)
		status = strads_provider_verbs.progress(pair.verbs[0]);
	assert_int_equal(status, STRADS_ERR_FABRIC);
	assert_non_null(strstr(strads_error(), "removed"));
}

/* A request that yields no completion when all is well: its failure is seen all the same. */
static void
put_signal__its_failure_is_seen_unasked(void **state)
{
	int status = STRADS_OK;

	(void)state;
	open_pair();
	fake.refuse = IBV_WC_RETRY_EXC_ERR;
	assert_int_equal(signal_word(0, 8, 1, NULL), STRADS_OK);
	for (int turn = 0; turn < 100 && status == STRADS_OK; turn++)
		status = strads_provider_verbs.progress(pair.verbs[0]);
	assert_int_equal(status, STRADS_ERR_PEER);
}

/* Both at once, in both directions, for long. */
static void
put_signal__windows_turn_over(void **state)
{
	uint64_t sent[2] = {0};

	(void)state;
	open_pair();
	for (int turn = 0; turn < 20000; turn++) {
		for (int rank = 0; rank < 2; rank++) {
			if (turn % (rank ? 3 : 5) != 0)
				assert_int_equal(verbs_pair_turn(&pair, rank), STRADS_OK);
			sent[rank] += strads_put_signal(pair.fabrics[rank], 1 - rank,
							pair.open[rank], sent[rank] % 7 * 16,
							strads_region_base(pair.own[rank]), 8,
							sent[rank] + 1, NULL) == STRADS_OK;
		}
	}
	assert_true(sent[0] > 1000 && sent[1] > 1000);
	for (int turn = 0; turn < TURNS; turn++) {
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	}
	for (int rank = 0; rank < 2; rank++)
		assert_int_equal(
		    strads_signal_load(pair.open[1 - rank], (sent[rank] - 1) % 7 * 16 + 8),
		    sent[rank]);
}

static void
put_signal__longer_than_a_request(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	open_pair(); /* a request carries 4096 bytes */
	for (size_t i = 0; i < 20000; i++)
		out[i] = (uint8_t)(i * 31);
	assert_int_equal(signal_word(0, 20000, 9, &counter), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(word_at(20000), 9);
	assert_memory_equal(in, out, 20000);
}

/* Longer than the whole queue: it goes on as completions come, and what follows stays behind. */
static void
put__longer_than_the_queue(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	fake.attr.max_qp_wr = 8;
	open_pair();
	fake.paused = true;
	for (size_t i = 0; i < 50000; i++)
		out[i] = (uint8_t)(i * 29);
	assert_int_equal(put(0, 50000, &counter), STRADS_OK);
	assert_int_equal(signal_word(50000, 0, 3, NULL), STRADS_AGAIN);
	for (int turn = 0; turn < 20 && !complete(&counter); turn++) {
		fake_run(3);
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	}
	assert_true(complete(&counter));
	assert_memory_equal(in, out, 50000);
	assert_int_equal(signal_word(50000, 0, 3, NULL), STRADS_OK);
	fake.paused = false;
	fake_run(100);
}

/* Small puts wait for the signal that tells of them, or for progress, and share a doorbell. */
static void
put__small_ones_share_a_doorbell(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	open_pair();
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(put(i * 100, 100, &counter), STRADS_OK);
	assert_int_equal(fake.posts, 0);
	assert_int_equal(signal_word(800, 0, 1, &counter), STRADS_OK);
	assert_int_equal(fake.posts, 1);
	assert_int_equal(fake.packets, 9);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(put(0, 100, &counter), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(fake.posts, 2);
	assert_true(complete(&counter));
}

static void
get__as_many_at_once_as_both_adapters_take(void **state)
{
	struct strads_counter counter = {0};

	(void)state;
	open_pair();
	fake.paused = true;
	memset(strads_region_base(pair.open[1]), 3, 1000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(get(0, 1000, &counter), STRADS_OK);
	assert_int_equal(get(0, 1000, &counter), STRADS_AGAIN);
	assert_int_equal(counter.posted, 4);
	fake_run(1);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(get(0, 1000, &counter), STRADS_OK);
	fake_run(10);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(out[999], 3);
	fake.paused = false;
}

/* A header and a payload are one request, however they lie. */
static void
put_signalv__gathers_into_one_request(void **state)
{
	struct strads_piece pieces[] = {{.bytes = 40}, {.bytes = 8, .count = 3, .stride = 100}};

	(void)state;
	open_pair();
	pieces[0].base = out + 500;
	pieces[1].base = out;
	memset(out + 500, 9, 40);
	for (size_t i = 0; i < 3; i++)
		memset(out + i * 100, (int)i + 1, 8);
	for (uint64_t value = 1; value <= 2; value++) {
		fake.packets = 0;
		assert_int_equal(
		    strads_put_signalv(pair.fabrics[0], 1, pair.open[0], 0, pieces, 2, value, NULL),
		    STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
		assert_int_equal(word_at(64), value);
	}
	assert_int_equal(fake.packets, 1); /* the word is known by then */
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(in[i], i < 40 ? 9 : (i - 40) / 8 + 1);
}

/* More items than entries in a request, and requests than the queue takes: the operation waits,
 * with a list of its own. */
static void
putv__more_items_than_the_queue(void **state)
{
	struct strads_counter counter = {0};
	struct strads_piece column;

	(void)state;
	open_pair();
	fake.paused = true;
	column = (struct strads_piece){out, 2, 1000, 4};
	for (size_t i = 0; i < 4000; i++)
		out[i] = (uint8_t)(i * 7);
	assert_int_equal(strads_putv(pair.fabrics[0], 1, pair.open[0], 0, &column, 1, &counter),
			 STRADS_OK);
	memset(&column, 0xff, sizeof column);
	assert_int_equal(put(0, 8, NULL), STRADS_AGAIN);
	fake.paused = false;
	fake_run(1000);
	for (int turn = 0; turn < TURNS; turn++)
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(fake.packets, 1000 / FAKE_SGES);
	for (size_t i = 0; i < 2000; i++)
		assert_int_equal(in[i], (uint8_t)((i / 2 * 4 + i % 2) * 7));
}

static void
getv__scatters_by_as_many_entries_as_a_read_takes(void **state)
{
	struct strads_counter counter = {0};
	struct strads_piece column;

	(void)state;
	open_pair();
	column = (struct strads_piece){out, 8, 5, 24};
	memset(out, 0, 200);
	for (size_t i = 0; i < 40; i++)
		((uint8_t *)strads_region_base(pair.open[1]))[i] = (uint8_t)(i + 1);
	assert_int_equal(strads_getv(pair.fabrics[0], 1, pair.open[0], 0, &column, 1, &counter),
			 STRADS_OK);
	for (int turn = 0; turn < TURNS; turn++)
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(fake.packets, 3);
	for (size_t i = 0; i < 120; i++)
		assert_int_equal(out[i], i % 24 < 8 ? i / 24 * 8 + i % 24 + 1 : 0);
}

static void
flush__reads_behind_the_writes(void **state)
{
	(void)state;
	open_pair();
	fake.paused = true;
	assert_int_equal(put(0, 5000, NULL), STRADS_OK);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), STRADS_AGAIN);
	fake_run(2); /* both writes, but not the read */
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), STRADS_AGAIN);
	fake_run(1);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), STRADS_OK);
	fake.paused = false;
}

static void
fetch_add__where_the_adapter_is_atomic_to_processors(void **state)
{
	struct strads_counter counter = {0};
	uint64_t *word;

	(void)state;
	open_pair();
	word = strads_region_base(pair.open[1]);
	*word = 40;
	assert_int_equal(strads_fetch_add(pair.fabrics[0], 1, pair.open[0], 0, 2,
					  (uint64_t *)(void *)out, &counter),
			 STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(*word, 42);
	assert_int_equal(*(uint64_t *)(void *)out, 40);
}

static void
fetch_add__unsupported_where_it_is_not(void **state)
{
	struct strads_fabric_info info;

	(void)state;
	fake.attr.atomic_cap = IBV_ATOMIC_HCA;
	open_pair();
	strads_fabric_query(pair.fabrics[0], 1, &info);
	assert_false(info.fetch_add);
	assert_int_equal(
	    strads_fetch_add(pair.fabrics[0], 1, pair.open[0], 0, 2, (uint64_t *)(void *)out, NULL),
	    STRADS_ERR_UNSUPPORTED);
}

static void
sleep__a_signal_wakes(void **state)
{
	const struct strads_provider *provider = &strads_provider_verbs;
	struct pollfd gate;

	(void)state;
	open_pair();
	gate = (struct pollfd){.fd = provider->wait_fd(pair.verbs[1]), .events = POLLIN};
	assert_int_equal(provider->sleep_prepare(pair.verbs[1]), STRADS_OK);
	assert_int_equal(poll(&gate, 1, 0), 0);
	assert_int_equal(signal_word(0, 0, 1, NULL), STRADS_OK);
	assert_int_equal(poll(&gate, 1, 0), 1);
	provider->sleep_done(pair.verbs[1]);
	assert_int_equal(poll(&gate, 1, 0), 0);
	assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_int_equal(word_at(0), 1);
}

static void
sleep__not_while_there_is_something_to_take(void **state)
{
	const struct strads_provider *provider = &strads_provider_verbs;

	(void)state;
	open_pair();
	assert_int_equal(signal_word(0, 0, 1, NULL), STRADS_OK);
	assert_int_equal(provider->sleep_prepare(pair.verbs[1]), STRADS_AGAIN);
	provider->sleep_done(pair.verbs[1]);
	assert_int_equal(word_at(0), 1);
	assert_int_equal(provider->sleep_prepare(pair.verbs[1]), STRADS_OK);
	provider->sleep_done(pair.verbs[1]);
}

/* What a server that takes signals just now does to the owner: nothing starts, nothing waits. */
static void
baton__is_only_tried(void **state)
{
	const struct strads_provider *provider = &strads_provider_verbs;
	struct strads_counter counter = {0};

	(void)state;
	open_pair();
	assert_true(strads_baton_try(&pair.verbs[0]->baton));
	assert_int_equal(put(0, 8, &counter), STRADS_AGAIN);
	assert_int_equal(get(0, 8, &counter), STRADS_AGAIN);
	assert_int_equal(signal_word(0, 8, 1, &counter), STRADS_AGAIN);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), STRADS_AGAIN);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(provider->sleep_prepare(pair.verbs[0]), STRADS_AGAIN);
	provider->sleep_done(pair.verbs[0]);
	assert_int_equal(counter.posted, 0);
	assert_int_equal(fake.posts, 0);
	strads_baton_pass(&pair.verbs[0]->baton);
	assert_int_equal(strads_flush(pair.fabrics[0], 1), STRADS_OK);
	assert_int_equal(signal_word(0, 8, 1, &counter), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	assert_true(complete(&counter));
	assert_int_equal(word_at(8), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(put_signal__word_appears_when_its_owner_looks),
	    TEST(put_signal__a_known_word_needs_one_request),
	    TEST(put_signal__tells_what_was_taken),
	    TEST(put_signal__any_value_arrives),
	    TEST(put_signal__many_words_arrive),
	    TEST(put_signal__waits_for_a_target_that_does_not_look),
	    TEST(put_signal__gives_up_on_a_target_that_never_looks),
	    TEST(put_signal__goes_on_while_the_target_is_away),
	    TEST(put_signal__wakes_the_server_that_rests),
	    TEST(put_signal__its_failure_is_seen_unasked),
	    TEST(server__hears_the_adapter),
	    TEST(put_signal__windows_turn_over),
	    TEST(put_signal__longer_than_a_request),
	    TEST(put__longer_than_the_queue),
	    TEST(put__small_ones_share_a_doorbell),
	    TEST(get__as_many_at_once_as_both_adapters_take),
	    TEST(put_signalv__gathers_into_one_request),
	    TEST(putv__more_items_than_the_queue),
	    TEST(getv__scatters_by_as_many_entries_as_a_read_takes),
	    TEST(flush__reads_behind_the_writes),
	    TEST(fetch_add__where_the_adapter_is_atomic_to_processors),
	    TEST(fetch_add__unsupported_where_it_is_not),
	    TEST(baton__is_only_tried),
	    TEST(sleep__a_signal_wakes),
	    TEST(sleep__not_while_there_is_something_to_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
