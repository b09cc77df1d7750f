/*
 * What the verbs provider itself does on the data path, on any machine: the adapter is one that is
 * none, and its calls are not watched. Two ranks of this process operate on each other.
 */
#include "quiet.h"

#include "unit/transport/verbs_pair.h"

#include <stdio.h>

#define ROUNDS 2000 /* more signals than can be on the way */
#define TURNS  10

static struct verbs_pair pair;
static struct ibv_context_ops adapter;

static int
post_send(struct ibv_qp *qp, struct ibv_send_wr *requests, struct ibv_send_wr **refused)
{
	bool watched = quiet_pause("ibv_post_send");
	int error = adapter.post_send(qp, requests, refused);

	quiet_resume(watched);
	return error;
}

static int
post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *receives, struct ibv_recv_wr **refused)
{
	bool watched = quiet_pause("ibv_post_srq_recv");
	int error = adapter.post_srq_recv(srq, receives, refused);

	quiet_resume(watched);
	return error;
}

static int
poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *completions)
{
	bool watched = quiet_pause("ibv_poll_cq");
	int found = adapter.poll_cq(cq, n, completions);

	quiet_resume(watched);
	return found;
}

/* Puts pauses around what the adapter does. */
static void
stand_between(void)
{
	for (int rank = 0; rank < 2; rank++) {
		struct ibv_context_ops *ops = &pair.verbs[rank]->port.context->ops;

		if (ops->post_send == post_send)
			continue; /* both share a context */
		adapter = *ops;
		ops->post_send = post_send;
		ops->post_srq_recv = post_srq_recv;
		ops->poll_cq = poll_cq;
	}
}

static bool
turn_both(void)
{
	return verbs_pair_turn(&pair, 0) == STRADS_OK && verbs_pair_turn(&pair, 1) == STRADS_OK;
}

/* Operations of one rank on the other; whether all of them are complete after a few turns. */
static bool
operate(int rank, uint64_t k)
{
	struct strads_fabric *fabric = pair.fabrics[rank];
	const struct strads_region *open = pair.open[rank];
	uint8_t *own = strads_region_base(pair.own[rank]);
	struct strads_counter counter = {0};
	size_t bytes = 8 << k % 12;
	bool flushed = false;

	if (strads_put(fabric, 1 - rank, open, 64, own, bytes, &counter) ||
	    strads_get(fabric, 1 - rank, open, 64, own + PAIR_BYTES / 2, bytes, &counter) ||
	    strads_put_signal(fabric, 1 - rank, open, 0, own, 8, k, &counter))
		return false;
	for (int i = 0; i < TURNS; i++) {
		if (!turn_both())
			return false;
		flushed = strads_flush(fabric, 1 - rank) == STRADS_OK;
	}
	return flushed && counter.done == counter.posted && counter.status == STRADS_OK &&
	       strads_signal_load(pair.open[1 - rank], 8) == k;
}

static bool
run(uint64_t first, uint64_t rounds)
{
	bool complete = true;

	for (uint64_t k = first; k < first + rounds && complete; k++)
		complete = operate(0, k) && operate(1, k);
	return complete;
}

int
main(void)
{
	bool complete, quiet;

	fake_reset();
	verbs_pair_open(&pair);
	if (!quiet_works() || pair.status[0] || pair.status[1] || verbs_pair_join(&pair, 0)) {
		fprintf(stderr, "cannot begin: %s\n", strads_error());
		return 1;
	}
	stand_between();
	complete = run(1, 100);
	quiet_begin();
	complete = complete && run(101, ROUNDS);
	quiet_end();
	quiet = quiet_report("verbs without an adapter", NULL, 0);
	if (!complete)
		fprintf(stderr, "not all operations were complete: %s\n", strads_error());
	verbs_pair_close(&pair);
	return complete && quiet ? 0 : 1;
}
