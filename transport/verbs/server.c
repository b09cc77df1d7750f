/*
 * Puts and gets need nobody at the target, but signals come into receives that must be given back,
 * and their writers want to know, or a rank that computes, or waits in a collective, would hold up
 * whoever has more to tell it than a window. So the server takes signals while the owner is away.
 * It never ends an operation, for the owner reads its counters without a lock.
 */
#include "verbs/verbs.h"

#define PERIOD_MS 5 /* between two looks at the owner; a window lasts longer */

static bool
serve(void *context)
{
	struct strads_verbs *verbs = context;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&verbs->lock);
		more = strads_server_needed(&verbs->server) && verbs->status == STRADS_OK &&
		       strads_verbs_take(verbs);
		strads_verbs_tell_all(verbs);
		pthread_mutex_unlock(&verbs->lock);
	}
	return false;
}

int
strads_verbs_server_start(struct strads_verbs *verbs)
{
	struct strads_server_duty duty = {
	    .context = verbs, .serve = serve, .fd = -1, .period_ms = PERIOD_MS};

	return strads_server_start(&verbs->server, &duty);
}
