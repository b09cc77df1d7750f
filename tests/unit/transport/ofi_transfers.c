/* Operations on networks of every ability: short longest writes, writes out of order, notes that
 * cannot travel with their payload. */
#include "ofi_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after its requirements */
#include <cmocka.h>

#define PAYLOAD ((size_t)100 * 1024)
#define ROUNDS  5

static void
fill(uint8_t *at, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(i * 31 + seed * 7 + i / 251);
}

static bool
filled(const uint8_t *at, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes; i++) {
		if (at[i] != (uint8_t)(i * 31 + seed * 7 + i / 251))
			return false;
	}
	return true;
}

/* A buffer as pieces that touch: the same bytes. */
static void
cut(uint8_t *own, size_t bytes, struct strads_piece pieces[3])
{
	pieces[0] = (struct strads_piece){.base = own, .bytes = 7};
	pieces[1] = (struct strads_piece){.base = own + 7, .bytes = 30};
	pieces[2] = (struct strads_piece){.base = own + 37, .bytes = bytes - 37};
}

/* Puts before the signal, a payload with it; the reader checks both, then reads them back by get.
 */
static int
exchange(struct pair *pair, size_t payload)
{
	uint8_t *own = strads_region_base(pair->own);
	const uint8_t *open = strads_region_base(pair->open);
	size_t put_at = PAIR_BYTES / 2 + 8;
	struct strads_counter counter = {0};
	struct strads_piece pieces[3];

	cut(own, payload, pieces);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		fill(own, payload, round);
		PAIR_CHECK(PAIR_RETRY(pair, strads_putv(pair->fabric, pair->peer, pair->open,
							put_at, pieces, 3, &counter)) == STRADS_OK);
		PAIR_CHECK(pair_signal(pair, 0, payload, round, &counter) == STRADS_OK);
		PAIR_CHECK(pair_await(pair, payload, round));
		PAIR_CHECK(filled(open, payload, round));
		PAIR_CHECK(filled(open + put_at, payload, round));
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		memset(own, 0, payload);
		PAIR_CHECK(PAIR_RETRY(pair, strads_getv(pair->fabric, pair->peer, pair->open,
							put_at, pieces, 3, &counter)) == STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		PAIR_CHECK(filled(own, payload, round));
		PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	}
	PAIR_CHECK(strads_ofi_outstanding(pair->ofi, pair->peer) == 0);
	return 0;
}

static int
as_found(struct pair *pair)
{
	return exchange(pair, PAYLOAD);
}

static int
in_pieces(struct pair *pair)
{
	pair->ofi->message_bytes = 4000;
	return exchange(pair, PAYLOAD);
}

static int
out_of_order(struct pair *pair)
{
	pair->ofi->ordered = false;
	return exchange(pair, PAYLOAD);
}

static int
note_alone(struct pair *pair)
{
	pair->ofi->fused = false;
	return exchange(pair, 64);
}

static int
poorest(struct pair *pair)
{
	pair->ofi->ordered = false;
	pair->ofi->fused = false;
	pair->ofi->message_bytes = 4000;
	pair->ofi->iov_limit = 1;
	return exchange(pair, PAYLOAD);
}

/* Rank 1 is about to sleep when it finds that it need not, and goes to wait for the job. */
static int
read_from_the_undecided(struct pair *pair)
{
	struct strads_counter counter = {0};

	while (pair->rank == 1 && !pair->fabric->wait.armed) {
		PAIR_CHECK(strads_fabric_progress(pair->fabric) == STRADS_OK);
		strads_fabric_wait(pair->fabric, UINT64_MAX);
	}
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	if (pair->rank == 1)
		return 0;
	PAIR_CHECK(PAIR_RETRY(pair, strads_get(pair->fabric, 1, pair->open, 0,
					       strads_region_base(pair->own), 64, &counter)) ==
		   STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter));
	return 0;
}

static void
get__from_who_only_meant_to_sleep(void **state)
{
	(void)state;
	assert_true(pair_run(read_from_the_undecided, false));
}

/* The reader looks away until the writer has been refused; then every signal comes. */
static int
fill_window(struct pair *pair)
{
	struct strads_counter counter = {0};
	uint64_t deadline = strads_monotone_ns() + PAIR_DEADLINE_NS;
	uint64_t sent = 0;

	/* The servers would take the signals, or have the baton. */
	strads_server_stop(&pair->ofi->server);
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	if (pair->rank == 1) {
		PAIR_CHECK(pair_await(pair, 8, 1)); /* connected */
		PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
		PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
		PAIR_CHECK(pair_await(pair, 0, 2 * STRADS_OFI_WINDOW));
		return 0;
	}
	PAIR_CHECK(pair_signal(pair, 8, 0, 1, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter));
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	while (strads_put_signal(pair->fabric, 1, pair->open, 0, NULL, 0, sent + 1, &counter) ==
	       STRADS_OK) {
		sent++;
		PAIR_CHECK(strads_provider_ofi.progress(pair->ofi) == STRADS_OK);
	}
	PAIR_CHECK(sent == STRADS_OFI_WINDOW);
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	for (; sent < 2 * STRADS_OFI_WINDOW; sent++)
		PAIR_CHECK(pair_signal(pair, 0, 0, sent + 1, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	PAIR_CHECK(strads_monotone_ns() < deadline);
	return 0;
}

/* While the server has the baton nothing starts, nothing waits for it, and nothing is lost. */
static int
try_baton(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	struct strads_counter counter = {0};

	if (pair->rank == 1)
		return 0;
	strads_server_stop(&pair->ofi->server);
	PAIR_CHECK(strads_baton_try(&pair->ofi->baton));
	PAIR_CHECK(strads_get(pair->fabric, 1, pair->open, 0, own, 8, &counter) == STRADS_AGAIN);
	PAIR_CHECK(strads_put(pair->fabric, 1, pair->open, 0, own, 8, &counter) == STRADS_AGAIN);
	PAIR_CHECK(strads_put_signal(pair->fabric, 1, pair->open, 0, own, 8, 1, &counter) ==
		   STRADS_AGAIN);
	PAIR_CHECK(counter.posted == 0);
	PAIR_CHECK(strads_provider_ofi.progress(pair->ofi) == STRADS_OK);
	PAIR_CHECK(strads_ofi_sleep_prepare(pair->ofi) == STRADS_AGAIN);
	strads_ofi_sleep_done(pair->ofi);
	strads_baton_pass(&pair->ofi->baton);
	PAIR_CHECK(pair_signal(pair, 0, 8, 1, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	return 0;
}

/* All operations are under way: one more is refused, and not lost. */
static int
fill_pool(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	struct strads_counter counter = {0};
	struct strads_counter first = {0};
	uint64_t started = 0;
	int status;

	if (pair->rank == 1)
		return 0;
	strads_server_stop(&pair->ofi->server); /* it might have the baton */
	PAIR_CHECK(pair_signal(pair, 0, 0, 1, &first) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &first));
	while ((status = strads_get(pair->fabric, 1, pair->open, 8 * started, own + started, 8,
				    &counter)) == STRADS_OK)
		started++;
	PAIR_CHECK(status == STRADS_AGAIN);
	PAIR_CHECK(!pair->ofi->free && started > STRADS_OFI_OPS / 2); /* but for probes */
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	PAIR_CHECK(strads_get(pair->fabric, 1, pair->open, 0, own, 8, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	return 0;
}

/* What is kept back leaves when it is released, as few writes as the network's limits let it. */
static int
hold_back(struct pair *pair)
{
	enum { SIGNALS = STRADS_OFI_NOTES + 2 };
	struct strads_ofi_peer *peer = &pair->ofi->peers[pair->peer];
	uint64_t *own = strads_region_base(pair->own), before;
	struct strads_counter counter = {0};

	strads_server_stop(&pair->ofi->server); /* it would see them off */
	if (pair->rank == 1)
		return pair_await(pair, 8 * SIGNALS, 3) ? 0 : __LINE__;
	PAIR_CHECK(pair_signal(pair, 8 * SIGNALS, 0, 1, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter)); /* connected */
	before = peer->sent;
	strads_fabric_hold(pair->fabric);
	for (size_t i = 0; i < SIGNALS; i++)
		PAIR_CHECK(strads_put_signal(pair->fabric, 1, pair->open, 8 * i, NULL, 0, 1,
					     &counter) == STRADS_OK);
	PAIR_CHECK(peer->sent == before + STRADS_OFI_NOTES);
	PAIR_CHECK(strads_put(pair->fabric, 1, pair->open, 1024, own, 8, &counter) == STRADS_OK);
	PAIR_CHECK(peer->sent == before + STRADS_OFI_NOTES);
	/* A get goes behind what was started before it. */
	PAIR_CHECK(strads_get(pair->fabric, 1, pair->open, 2048, own + 1, 8, &counter) ==
		   STRADS_OK);
	PAIR_CHECK(peer->sent == before + SIGNALS);
	PAIR_CHECK(strads_put_signal(pair->fabric, 1, pair->open, 8 * SIGNALS, NULL, 0, 2,
				     &counter) == STRADS_OK);
	PAIR_CHECK(peer->sent == before + SIGNALS);
	PAIR_CHECK(strads_fabric_release(pair->fabric) && !strads_fabric_release(pair->fabric));
	PAIR_CHECK(peer->sent == before + SIGNALS + 1);
	PAIR_CHECK(strads_put_signal(pair->fabric, 1, pair->open, 8 * SIGNALS, NULL, 0, 3,
				     &counter) == STRADS_OK);
	PAIR_CHECK(peer->sent == before + SIGNALS + 2);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	return 0;
}

/* Puts that are kept back without a signal are complete when they have arrived. */
static int
hold_puts(struct pair *pair)
{
	uint8_t *own = strads_region_base(pair->own);
	struct strads_counter counter = {0};

	fill(own, 4096, 9);
	for (int round = 0; pair->rank == 0 && round < ROUNDS; round++) {
		strads_fabric_hold(pair->fabric);
		for (size_t at = 0; at < 4096; at += 512)
			PAIR_CHECK(PAIR_RETRY(pair, strads_put(pair->fabric, 1, pair->open, at,
							       own + at, 512, &counter)) ==
				   STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		PAIR_CHECK(strads_ofi_outstanding(pair->ofi, 1) == 0);
	}
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	PAIR_CHECK(strads_provider_ofi.progress(pair->ofi) == STRADS_OK);
	PAIR_CHECK(pair->rank == 0 || filled(strads_region_base(pair->open), 4096, 9));
	return 0;
}

static void
hold__leaves_together_when_released(void **state)
{
	(void)state;
	assert_true(pair_run(hold_back, false));
}

static void
hold__puts_alone_complete(void **state)
{
	(void)state;
	assert_true(pair_run(hold_puts, false));
}

static void
transfer__as_the_network_is(void **state)
{
	(void)state;
	assert_true(pair_run(as_found, false));
}

static void
transfer__longer_than_the_longest_write(void **state)
{
	(void)state;
	assert_true(pair_run(in_pieces, false));
}

static void
transfer__out_of_order(void **state)
{
	(void)state;
	assert_true(pair_run(out_of_order, false));
}

static void
signal__note_apart_from_payload(void **state)
{
	(void)state;
	assert_true(pair_run(note_alone, false));
}

static void
transfer__poorest_network(void **state)
{
	(void)state;
	assert_true(pair_run(poorest, false));
}

static void
signal__window_full_says_again(void **state)
{
	(void)state;
	assert_true(pair_run(fill_window, false));
}

static void
get__operations_used_up_says_again(void **state)
{
	(void)state;
	assert_true(pair_run(fill_pool, false));
}

static void
baton__is_only_tried(void **state)
{
	(void)state;
	assert_true(pair_run(try_baton, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(transfer__as_the_network_is),
	    cmocka_unit_test(transfer__longer_than_the_longest_write),
	    cmocka_unit_test(transfer__out_of_order),
	    cmocka_unit_test(signal__note_apart_from_payload),
	    cmocka_unit_test(transfer__poorest_network),
	    cmocka_unit_test(get__from_who_only_meant_to_sleep),
	    cmocka_unit_test(signal__window_full_says_again),
	    cmocka_unit_test(get__operations_used_up_says_again),
	    cmocka_unit_test(baton__is_only_tried),
	    cmocka_unit_test(hold__leaves_together_when_released),
	    cmocka_unit_test(hold__puts_alone_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
