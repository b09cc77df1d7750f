/* How connections of the verbs provider are opened, in both ways, and what may go wrong. */
#include "verbs_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS 20000000000u /* of waits that end by themselves much sooner */

static struct verbs_pair pair;

static void
open_pair(const char *wire)
{
	assert_int_equal(setenv("STRADS_VERBS_WIRE", wire, 1), 0);
	verbs_pair_open(&pair);
}

static void
open_both(const char *wire)
{
	open_pair(wire);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(pair.status[1], STRADS_OK);
}

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	verbs_pair_close(&pair);
	return fake.live || fake.missing || fake.overrun || unsetenv("STRADS_VERBS_WIRE");
}

static int
signal_word(int from, uint64_t value)
{
	return strads_put_signal(pair.fabrics[from], 1 - from, pair.open[from], 0,
				 strads_region_base(pair.own[from]), 64, value, NULL);
}

/* Something goes each way. */
static void
expect_traffic(void)
{
	for (int from = 0; from < 2; from++) {
		assert_int_equal(signal_word(from, 7), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1 - from), STRADS_OK);
		assert_int_equal(strads_signal_load(pair.open[1 - from], 64), 7);
	}
}

static void
expect_wired(const char *how)
{
	for (int rank = 0; rank < 2; rank++) {
		struct strads_fabric_info info;

		strads_fabric_query(pair.fabrics[rank], 1 - rank, &info);
		assert_non_null(strstr(info.wired, how));
	}
}

/* Turns both until rank `from` knows what became of its connection. */
static int
await(int from)
{
	struct strads_verbs_peer *peer = &pair.verbs[from]->peers[1 - from];
	uint64_t until = strads_monotone_ns() + PATIENCE_NS;

	do {
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	} while (!peer->ready && !peer->status && strads_monotone_ns() < until);
	return peer->ready ? STRADS_OK : peer->status;
}

static void
open__first_use_connects(void **state)
{
	static const char *const wires[] = {"job", "cm", "auto"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (int first = 0; first < 2; first++) {
			struct strads_fabric_stats stats;

			open_both(wires[i]);
			assert_null(pair.verbs[0]->peers[1].qp);
			expect_wired("on first use");
			assert_int_equal(signal_word(first, 1), STRADS_AGAIN);
			strads_fabric_stats(pair.fabrics[first], &stats);
			assert_int_equal(stats.operations[STRADS_OP_PUT_SIGNAL], 0);
			assert_int_equal(strads_flush(pair.fabrics[first], -1), STRADS_OK);
			assert_int_equal(verbs_pair_join(&pair, first), STRADS_OK);
			expect_wired(i == 0 ? "as was asked for" : "by librdmacm");
			expect_traffic();
			verbs_pair_close(&pair);
			assert_int_equal(fake.live, 0);
		}
	}
}

static void
open__crossing_makes_one_connection(void **state)
{
	static const char *const wires[] = {"job", "cm"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		open_both(wires[i]);
		assert_int_equal(signal_word(0, 1), STRADS_AGAIN);
		assert_int_equal(signal_word(1, 1), STRADS_AGAIN);
		assert_int_equal(await(0), STRADS_OK);
		assert_int_equal(await(1), STRADS_OK);
		expect_traffic();
		verbs_pair_close(&pair);
		assert_int_equal(fake.live, 0);
	}
}

/* Until the server sleeps without a period. */
static void
let_rest(struct strads_verbs *verbs, uint64_t until_ns)
{
	bool resting = false;

	while (!resting && strads_monotone_ns() < until_ns) {
		if (!strads_baton_try(&verbs->baton))
			continue;
		resting = verbs->inbound_armed;
		strads_baton_pass(&verbs->baton);
	}
	assert_true(resting);
}

/* The target computes: the thread beside it, which rests until then, answers. */
static void
open__a_busy_target_answers(void **state)
{
	static const char *const wires[] = {"job", "cm"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (int from = 0; from < 2; from++) {
			uint64_t until = strads_monotone_ns() + PATIENCE_NS;
			int status;

			open_both(wires[i]);
			assert_int_equal(strads_verbs_server_start(pair.verbs[1 - from]),
					 STRADS_OK);
			let_rest(pair.verbs[1 - from], until);
			strads_server_turn(&pair.verbs[1 - from]->server); /* the last */
			while ((status = signal_word(from, 3)) == STRADS_AGAIN &&
			       strads_monotone_ns() < until)
				assert_int_equal(verbs_pair_turn(&pair, from), STRADS_OK);
			assert_int_equal(status, STRADS_OK);
			while (strads_signal_load(pair.open[1 - from], 64) != 3 &&
			       strads_monotone_ns() < until)
				;
			assert_int_equal(strads_signal_load(pair.open[1 - from], 64), 3);
			verbs_pair_close(&pair);
			assert_int_equal(fake.live, 0);
		}
	}
}

/* A rank without a listener is reached over the job, and so is one whose address does not resolve;
 * the first refusal is remembered. */
static void
open__goes_over_the_job_where_librdmacm_fails(void **state)
{
	static const enum rdma_cm_event_type errors[] = {
	    RDMA_CM_EVENT_ADDR_ERROR, RDMA_CM_EVENT_ROUTE_ERROR, RDMA_CM_EVENT_CONNECT_ERROR,
	    RDMA_CM_EVENT_UNREACHABLE, RDMA_CM_EVENT_REJECTED};

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		for (int first = 0; first < 2; first++) {
			open_both("auto");
			fake.derail = errors[i];
			fake.derailed = true;
			assert_int_equal(verbs_pair_join(&pair, first), STRADS_OK);
			assert_false(fake.derailed);
			expect_wired("over the job's control channel");
			expect_traffic();
			verbs_pair_close(&pair);
			assert_int_equal(fake.live, 0);
		}
	}
}

static void
open__goes_over_the_job_where_a_call_is_not_heard(void **state)
{
	(void)state;
	open_both("auto");
	fake.derail = RDMA_CM_EVENT_CONNECT_REQUEST;
	fake.derailed = true;
	assert_int_equal(signal_word(0, 1), STRADS_AGAIN);
	assert_int_equal(await(0), STRADS_OK);
	expect_wired("over the job's control channel");
	expect_traffic();
}

static void
open__only_by_librdmacm_fails_with_it(void **state)
{
	static const enum rdma_cm_event_type errors[] = {
	    RDMA_CM_EVENT_ADDR_ERROR, RDMA_CM_EVENT_ROUTE_ERROR, RDMA_CM_EVENT_REJECTED,
	    RDMA_CM_EVENT_UNREACHABLE};

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		open_both("cm");
		fake.derail = errors[i];
		fake.derailed = true;
		assert_int_equal(verbs_pair_join(&pair, 0),
				 i < 2 ? STRADS_ERR_FABRIC : STRADS_ERR_PEER);
		assert_non_null(strstr(strads_error(), "librdmacm"));
		assert_non_null(strstr(strads_error(), "rank 1's fake0"));
		assert_int_equal(signal_word(1, 1), STRADS_ERR_PEER);
		assert_non_null(strstr(strads_error(), "rank 0's fake0"));
		verbs_pair_close(&pair);
		assert_int_equal(fake.live, 0);
	}
}

/* The sentence names both ends and what to try. */
static void
open__deadline_ends_it(void **state)
{
	static const char *const wires[] = {"job", "cm", "auto"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int first = i == 1; /* over librdmacm, the higher rank depends on a letter */

		open_both(wires[i]);
		verbs_pair_deafen(true);
		fake.derail = RDMA_CM_EVENT_CONNECT_REQUEST;
		fake.derailed = true;
		assert_int_equal(signal_word(first, 1), STRADS_AGAIN);
		assert_int_equal(await(first), STRADS_ERR_TIMEOUT);
		assert_int_equal(signal_word(first, 1), STRADS_ERR_TIMEOUT);
		assert_non_null(strstr(strads_error(), first ? "rank 0" : "rank 1"));
		assert_non_null(strstr(strads_error(), "fake0 port 1 (GID ::ffff:10.77.0.1)"));
		assert_non_null(strstr(strads_error(), "rping"));
		verbs_pair_close(&pair);
		assert_int_equal(fake.live, 0);
		fake.derailed = false;
	}
}

/* Whoever sleeps until something comes is woken all the same. */
static void
open__deadline_wakes_a_sleeper(void **state)
{
	const struct strads_provider *provider = &strads_provider_verbs;
	struct pollfd gate;

	(void)state;
	open_both("job");
	verbs_pair_deafen(true);
	gate = (struct pollfd){.fd = provider->wait_fd(pair.verbs[0]), .events = POLLIN};
	assert_int_equal(signal_word(0, 1), STRADS_AGAIN);
	assert_int_equal(provider->sleep_prepare(pair.verbs[0]), STRADS_OK);
	assert_int_equal(poll(&gate, 1, 20000), 1);
	provider->sleep_done(pair.verbs[0]);
	assert_int_equal(poll(&gate, 1, 0), 0);
}

/* ---- What strangers send ---- */

static void
called__strangers_are_refused(void **state)
{
	uint64_t words[7] = {0};
	int live;

	(void)state;
	open_both("auto");
	live = fake.live;
	assert_int_equal(fake_call_all(NULL, 0), 2);
	for (uint64_t n = 0; n < 40; n++) {
		/* The format of a call, of ranks that exist and of others; the tokens are wrong. */
		words[0] = UINT64_C(0x43425653) | (n % 4) << 32;
		words[1] = pair.verbs[n % 2]->token + (n > 20);
		words[2] = n * UINT64_C(0x9e3779b97f4a7c15);
		fake_call_all(words, n % 3 ? sizeof words : 16);
		assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
		assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
	}
	assert_int_equal(fake.live, live);
	assert_null(pair.verbs[1]->peers[0].qp);
	assert_int_equal(verbs_pair_join(&pair, 0), STRADS_OK);
	expect_wired("by librdmacm");
	expect_traffic();
}

static void
letter__of_nonsense_is_passed_over(void **state)
{
	uint8_t bytes[STRADS_MAIL_MAX];

	(void)state;
	open_both("job");
	for (size_t n = 0; n <= sizeof bytes; n++) {
		memset(bytes, (int)n, sizeof bytes);
		verbs_pair_write(0, bytes, n);
	}
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_null(pair.verbs[0]->peers[1].qp);
	assert_int_equal(verbs_pair_join(&pair, 1), STRADS_OK);
	expect_traffic();
}

/* What an endpoint of the same job has said that was closed since. */
static void
letter__of_an_older_fabric_is_passed_over(void **state)
{
	uint8_t bytes[STRADS_MAIL_MAX];
	size_t n;

	(void)state;
	open_both("job");
	assert_int_equal(verbs_pair_join(&pair, 1), STRADS_OK);
	n = verbs_pair_letter(bytes);
	assert_true(n > 0);
	verbs_pair_close(&pair);
	open_both("job");
	for (int to = 0; to < 2; to++) {
		verbs_pair_write(to, bytes, n);
		assert_int_equal(verbs_pair_turn(&pair, to), STRADS_OK);
		assert_null(pair.verbs[to]->peers[1 - to].qp);
	}
	assert_int_equal(verbs_pair_join(&pair, 0), STRADS_OK);
	expect_traffic();
}

/* Nobody waits for the deadline to learn that a peer has closed its fabric. */
static void
letter__to_a_closed_fabric_is_answered(void **state)
{
	static const char *const wires[] = {"job", "cm", "auto"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (int first = 0; first < 2; first++) {
			int status = STRADS_AGAIN;

			open_both(wires[i]);
			verbs_pair_leave(&pair, 1 - first);
			for (int turn = 0; turn < 10 && status == STRADS_AGAIN; turn++) {
				status = signal_word(first, 1);
				assert_int_equal(verbs_pair_turn(&pair, first), STRADS_OK);
			}
			assert_int_equal(status, STRADS_ERR_PEER);
			assert_non_null(strstr(strads_error(), first ? "rank 0" : "rank 1"));
			if (i != 1 || first)
				assert_non_null(strstr(strads_error(), "has closed its fabric"));
			verbs_pair_close(&pair);
			assert_int_equal(fake.live, 0);
		}
	}
}

/* Its fabric is closed with a letter in it that was not read. */
static void
letter__not_read_before_the_end_is_answered(void **state)
{
	(void)state;
	open_both("job");
	assert_int_equal(signal_word(0, 1), STRADS_AGAIN);
	verbs_pair_leave(&pair, 1);
	assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
	assert_int_equal(signal_word(0, 1), STRADS_ERR_PEER);
	assert_non_null(strstr(strads_error(), "has closed its fabric"));
}

/* ---- The N-th call fails, for every N ---- */

/* Whether a call can fail, and the connection is opened all the same: tried again, with less asked
 * for, or the other way. */
static bool
forgiven(const char *wire, bool *certainly)
{
	bool automatic = strcmp(wire, "auto") == 0;

	*certainly = !fake.what || strcmp(fake.what, "ibv_create_qp") == 0 ||
		     strcmp(fake.what, "strads_job_post") == 0 ||
		     (automatic && strncmp(fake.what, "rdma_", 5) == 0);
	return *certainly || automatic;
}

/* Both ranks know what became of a connection, in the same words whenever they ask. */
static void
expect_end(int first, int status)
{
	for (int i = 0; i < 2; i++) {
		int from = i ? 1 - first : first;
		int known = await(from);

		assert_int_equal(known < 0, status < 0);
		if (known < 0) {
			assert_int_equal(signal_word(from, 1), known);
			assert_true(strads_error()[0] != '\0');
		}
	}
}

/* Returns false once no call was left to fail. `first`: who wants the connection; 2: both at once.
 */
static bool
fail_call(const char *wire, int first, int n)
{
	bool both = first == 2;
	bool certainly;
	int status;

	fake_reset();
	fake.fail_at = n;
	open_pair(wire);
	if (pair.status[0]) {
		assert_non_null(fake.what);
		assert_int_equal(pair.status[0], pair.status[1]);
		assert_true(pair.why[0][0] != '\0');
	} else {
		first = both ? 1 : first;
		status = both ? signal_word(0, 1) : STRADS_AGAIN;
		if (status == STRADS_AGAIN)
			status = verbs_pair_join(&pair, first);
		if (!forgiven(wire, &certainly))
			assert_true(status < 0);
		else if (certainly)
			assert_int_equal(status, STRADS_OK);
		expect_end(first, status);
		fake.fail_at = 0;
		if (!status && strcmp(wire, "cm") == 0)
			expect_wired("by librdmacm");
		if (!status)
			expect_traffic();
	}
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
	return fake.what != NULL;
}

static void
open__any_call_may_fail(void **state)
{
	static const char *const wires[] = {"job", "cm", "auto"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (int first = 0; first < 3; first++) {
			int n = 1;

			while (fail_call(wires[i], first, n))
				n++;
			assert_true(n > 50);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(open__first_use_connects),
	    TEST(open__crossing_makes_one_connection),
	    TEST(open__a_busy_target_answers),
	    TEST(open__goes_over_the_job_where_librdmacm_fails),
	    TEST(open__goes_over_the_job_where_a_call_is_not_heard),
	    TEST(open__only_by_librdmacm_fails_with_it),
	    TEST(open__deadline_ends_it),
	    TEST(open__deadline_wakes_a_sleeper),
	    TEST(called__strangers_are_refused),
	    TEST(letter__of_nonsense_is_passed_over),
	    TEST(letter__of_an_older_fabric_is_passed_over),
	    TEST(letter__to_a_closed_fabric_is_answered),
	    TEST(letter__not_read_before_the_end_is_answered),
	    TEST(open__any_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
