/* Local sides in many short runs, as columns of a matrix are: on networks of every ability, in few
 * messages, and no more under way than there is room for. */
#include "ofi_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after its requirements */
#include <cmocka.h>

#define WORD   sizeof(uint64_t)
#define ROWS   12000 /* of a column that no single message takes */
#define ROUNDS 5

/* Rows of a matrix of two columns, the second empty. */
static void
paint(uint64_t *matrix, size_t rows, uint64_t first)
{
	for (size_t row = 0; row < rows; row++) {
		matrix[2 * row] = first + row;
		matrix[2 * row + 1] = 0;
	}
}

static bool
painted(const uint64_t *at, size_t rows, size_t stride, uint64_t first)
{
	for (size_t row = 0; row < rows; row++) {
		if (at[stride * row] != first + row)
			return false;
	}
	return true;
}

/* A column there with a signal and without, and back into the other column. */
static int
exchange_columns(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	const uint64_t *open = strads_region_base(pair->open);
	struct strads_piece left = {own, WORD, ROWS, 2 * WORD};
	struct strads_piece right = {own + 1, WORD, ROWS, 2 * WORD};
	size_t put_at = PAIR_BYTES / 2 + WORD;
	struct strads_counter counter = {0};

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		paint(own, ROWS, round * ROWS);
		PAIR_CHECK(PAIR_RETRY(pair, strads_putv(pair->fabric, pair->peer, pair->open,
							put_at, &left, 1, &counter)) == STRADS_OK);
		PAIR_CHECK(PAIR_RETRY(pair, strads_put_signalv(pair->fabric, pair->peer, pair->open,
							       0, &left, 1, round, &counter)) ==
			   STRADS_OK);
		PAIR_CHECK(pair_await(pair, ROWS * WORD, round));
		PAIR_CHECK(painted(open, ROWS, 1, round * ROWS));
		PAIR_CHECK(painted(open + put_at / WORD, ROWS, 1, round * ROWS));
		PAIR_CHECK(PAIR_RETRY(pair, strads_getv(pair->fabric, pair->peer, pair->open,
							put_at, &right, 1, &counter)) == STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		PAIR_CHECK(painted(own, ROWS, 2, round * ROWS));
		PAIR_CHECK(painted(own + 1, ROWS, 2, round * ROWS));
		PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	}
	return 0;
}

static int
poorest_columns(struct pair *pair)
{
	pair->ofi->ordered = false;
	pair->ofi->fused = false;
	pair->ofi->message_bytes = 4001;
	pair->ofi->iov_limit = 1;
	return exchange_columns(pair);
}

/* The endpoint's writes and reads of at least a byte are counted. */
static struct fi_ops_rma *posting;
static atomic_uint messages;

static ssize_t
count(const struct fi_msg_rma *message, ssize_t code)
{
	if (code == 0 && message->msg_iov[0].iov_len > 0)
		atomic_fetch_add(&messages, 1);
	return code;
}

static ssize_t
count_write(struct fid_ep *ep, const struct fi_msg_rma *message, uint64_t flags)
{
	return count(message, posting->writemsg(ep, message, flags));
}

static ssize_t
count_read(struct fid_ep *ep, const struct fi_msg_rma *message, uint64_t flags)
{
	return count(message, posting->readmsg(ep, message, flags));
}

static void
count_messages(struct pair *pair)
{
	static struct fi_ops_rma counting;

	strads_baton_wait(&pair->ofi->baton);
	posting = pair->ofi->ep->rma;
	counting = *posting;
	counting.writemsg = count_write;
	counting.readmsg = count_read;
	pair->ofi->ep->rma = &counting;
	strads_baton_pass(&pair->ofi->baton);
}

/* Whether the counter completes after so many messages. */
static bool
took(struct pair *pair, struct strads_counter *counter, unsigned number)
{
	if (!pair_complete(pair, counter) || counter->status)
		return false;
	return atomic_exchange(&messages, 0) == number;
}

static int
count_columns(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	struct strads_piece column = {own, WORD, STRADS_OFI_STAGE_BYTES / WORD, 2 * WORD};
	struct strads_counter counter = {0};

	if (pair->rank == 1)
		return 0;
	count_messages(pair);
	PAIR_CHECK(PAIR_RETRY(pair, strads_putv(pair->fabric, 1, pair->open, 0, &column, 1,
						&counter)) == STRADS_OK);
	PAIR_CHECK(took(pair, &counter, 1));
	PAIR_CHECK(PAIR_RETRY(pair, strads_getv(pair->fabric, 1, pair->open, 0, &column, 1,
						&counter)) == STRADS_OK);
	PAIR_CHECK(took(pair, &counter, 1));
	PAIR_CHECK(PAIR_RETRY(pair, strads_put_signalv(pair->fabric, 1, pair->open, 0, &column, 1,
						       1, &counter)) == STRADS_OK);
	PAIR_CHECK(took(pair, &counter, pair->ofi->fused ? 1 : 2));
	column.count++;
	PAIR_CHECK(PAIR_RETRY(pair, strads_putv(pair->fabric, 1, pair->open, 0, &column, 1,
						&counter)) == STRADS_OK);
	PAIR_CHECK(took(pair, &counter, 2));
	column.count = 100;
	PAIR_CHECK(PAIR_RETRY(pair, strads_put_signalv(pair->fabric, 1, pair->open, 0, &column, 1,
						       2, &counter)) == STRADS_OK);
	PAIR_CHECK(took(pair, &counter, pair->ofi->fused ? 1 : 2));
	return 0;
}

/* More columns under way than can be: one more is refused, and not lost. */
static int
fill_stages(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	struct strads_piece piece = {own, WORD, 100, 2 * WORD};
	struct strads_counter counter = {0};
	size_t started = 0;
	int status;

	if (pair->rank == 1)
		return 0;
	strads_server_stop(&pair->ofi->server); /* it might have the baton */
	paint(own, PAIR_BYTES / (2 * WORD), 1);
	PAIR_CHECK(PAIR_RETRY(pair, strads_put(pair->fabric, 1, pair->open, 0, own, PAIR_BYTES,
					       &counter)) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	memset(own, 0, PAIR_BYTES);
	while ((status = strads_getv(pair->fabric, 1, pair->open, started * 2 * WORD, &piece, 1,
				     &counter)) == STRADS_OK) {
		started++;
		piece.base = own + started * 200;
	}
	PAIR_CHECK(status == STRADS_AGAIN && started > 1 && pair->ofi->free);
	PAIR_CHECK(counter.posted == 1 + started);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	for (size_t i = 0; i < started; i++) {
		PAIR_CHECK(painted(own + i * 200, 50, 4, 1 + i));
	}
	PAIR_CHECK(strads_getv(pair->fabric, 1, pair->open, 0, &piece, 1, &counter) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	return 0;
}

static void
column__as_the_network_is(void **state)
{
	(void)state;
	assert_true(pair_run(exchange_columns, false));
}

static void
column__poorest_network(void **state)
{
	(void)state;
	assert_true(pair_run(poorest_columns, false));
}

static void
column__takes_few_messages(void **state)
{
	(void)state;
	assert_true(pair_run(count_columns, false));
}

static void
column__stages_used_up_says_again(void **state)
{
	(void)state;
	assert_true(pair_run(fill_stages, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(column__as_the_network_is),
	    cmocka_unit_test(column__poorest_network),
	    cmocka_unit_test(column__takes_few_messages),
	    cmocka_unit_test(column__stages_used_up_says_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
