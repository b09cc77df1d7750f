/*
 * Puts and gets need nobody at the target, but signals come into receives that must be given back,
 * and their writers want to know, or a rank that computes, or waits in a collective, would hold up
 * whoever has more to tell it than a window. So the server takes signals while the owner is away.
 * It never ends an operation, for the owner reads its counters without the baton.
 *
 * Peers that want to connect call, by letter or by librdmacm, and the adapter tells of itself.
 * These it hears at any time, and nobody else does: the owner would have to ask, by a system call
 * each.
 */
#include "verbs/connection.h"

#include "job/job.h"

#include <rdma/rdma_cma.h>

#define PERIOD_MS 5    /* between two looks at the owner; a window lasts longer */
#define TRIES     1000 /* for a baton that is free for a moment only */

/* Whether the next signal will be an event: none has come for a period, and there is nothing that
 * goes by time, nor a letter that the owner may leave unread. Whoever has the baton. */
static bool
may_rest(struct strads_verbs *verbs)
{
	bool silent = verbs->arrivals == verbs->heard;

	verbs->heard = verbs->arrivals;
	if (!silent || verbs->unsettled || verbs->status || strads_verbs_letters_wait(verbs))
		return false;
	strads_verbs_events_read(verbs);
	return strads_verbs_arm_inbound(verbs) && !strads_verbs_take(verbs);
}

static bool
serve(void *context)
{
	struct strads_verbs *verbs = context;
	bool resting = false;
	bool more = true;

	while (more && strads_baton_try(&verbs->baton)) {
		bool needed = strads_server_needed(&verbs->server);

		more = needed && verbs->status == STRADS_OK && strads_verbs_take(verbs);
		strads_verbs_tell_all(verbs);
		if (!more) {
			strads_verbs_connections_turn(verbs);
			resting = needed && may_rest(verbs);
		}
		strads_baton_pass(&verbs->baton);
	}
	return resting;
}

/* The owner looks for what comes; it may go away without a word. It has the baton again and again,
 * nearly all the time. */
static bool
rest(void *context)
{
	struct strads_verbs *verbs = context;
	bool resting;

	for (int tries = 0; !strads_baton_try(&verbs->baton); tries++) {
		if (tries == TRIES)
			return false;
	}
	resting = !atomic_load(&verbs->server.asleep) && may_rest(verbs);
	strads_baton_pass(&verbs->baton);
	return resting;
}

/* What the job has to say reaches this thread then, so the owner, which may be about to sleep until
 * the job says something, must learn of it here. */
static bool
answer_job(void *context)
{
	struct strads_verbs *verbs = context;
	int status = strads_job_serve(strads_fabric_job(verbs->fabric));

	strads_baton_wait(&verbs->baton);
	if (status < 0)
		strads_verbs_break(verbs, status, "%s", strads_error());
	strads_verbs_connections_turn(verbs);
	strads_baton_pass(&verbs->baton);
	return status >= 0;
}

static bool
answer_manager(void *context)
{
	struct strads_verbs *verbs = context;

	strads_baton_wait(&verbs->baton);
	strads_verbs_manager_turn(verbs);
	strads_baton_pass(&verbs->baton);
	return true;
}

static bool
answer_adapter(void *context)
{
	struct strads_verbs *verbs = context;
	bool goes_on;

	strads_baton_wait(&verbs->baton);
	goes_on = strads_verbs_hear(verbs);
	strads_baton_pass(&verbs->baton);
	return goes_on;
}

void
strads_verbs_server_stop(struct strads_verbs *verbs)
{
	atomic_store(&strads_fabric_job(verbs->fabric)->attended, false);
	strads_server_stop(&verbs->server);
}

int
strads_verbs_server_start(struct strads_verbs *verbs)
{
	struct strads_server_duty duty = {.context = verbs,
					  .serve = serve,
					  .rest = rest,
					  .fd = verbs->channel->fd,
					  .gate = verbs->gate,
					  .sleeps = strads_fabric_sleeps(verbs->fabric),
					  .period_ms = PERIOD_MS};
	int status;

	strads_server_attend(&verbs->server, strads_fabric_job(verbs->fabric)->fd, answer_job,
			     verbs);
	if (verbs->manager.channel)
		strads_server_attend(&verbs->server, verbs->manager.channel->fd, answer_manager,
				     verbs);
	strads_server_attend(&verbs->server, verbs->port.context->async_fd, answer_adapter, verbs);
	status = strads_server_start(&verbs->server, &duty);
	atomic_store(&strads_fabric_job(verbs->fabric)->attended, status == STRADS_OK);
	return status;
}
