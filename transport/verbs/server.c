/*
 * Puts and gets need nobody at the target, but signals come into receives that must be given back,
 * and their writers want to know, or a rank that computes, or waits in a collective, would hold up
 * whoever has more to tell it than a window. So the server takes signals while the owner is away.
 * It never ends an operation, for the owner reads its counters without the baton.
 *
 * Peers that want to connect call, by letter or by librdmacm: those it answers at any time.
 */
#include "verbs/verbs.h"

#include "job/job.h"

#include <errno.h>
#include <rdma/rdma_cma.h>
#include <string.h>
#include <sys/epoll.h>

#define PERIOD_MS 5 /* between two looks at the owner; a window lasts longer */

static bool
serve(void *context)
{
	struct strads_verbs *verbs = context;
	bool more = true;

	while (more && strads_baton_try(&verbs->baton)) {
		more = strads_server_needed(&verbs->server) && verbs->status == STRADS_OK &&
		       strads_verbs_take(verbs);
		strads_verbs_tell_all(verbs);
		if (!more)
			strads_verbs_connections_turn(verbs);
		strads_baton_pass(&verbs->baton);
	}
	return false;
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
	strads_verbs_connections_turn(verbs);
	strads_baton_pass(&verbs->baton);
	return true;
}

int
strads_verbs_server_start(struct strads_verbs *verbs)
{
	struct strads_server_duty duty = {
	    .context = verbs, .serve = serve, .fd = -1, .period_ms = PERIOD_MS};
	struct epoll_event event = {.events = EPOLLIN};
	int status;

	strads_server_attend(&verbs->server, strads_fabric_job(verbs->fabric)->fd, answer_job,
			     verbs);
	if (verbs->manager.channel)
		strads_server_attend(&verbs->server, verbs->manager.channel->fd, answer_manager,
				     verbs);
	status = strads_server_start(&verbs->server, &duty);
	if (status || epoll_ctl(verbs->gate, EPOLL_CTL_ADD, verbs->server.rouse, &event) == 0)
		return status;
	return strads_fail(STRADS_ERR_IO, "cannot watch an event descriptor: %s", strerror(errno));
}
