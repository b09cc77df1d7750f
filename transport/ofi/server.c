/*
 * libfabric's tcp moves bytes only inside its calls, so that a rank that computes would stall
 * whoever reads from it. So while the owner is away the server moves peers' operations, sleeping on
 * the endpoint's descriptor between them.
 */
#include "ofi/ofi.h"

#define PERIOD_MS 1         /* between two looks at the owner */
#define BAR_NS    100000000 /* after memory has gone */
#define IDLE_MAX  8         /* times to find nothing, and yet not be let to sleep, in one period */

static bool
needed(const struct strads_ofi *ofi)
{
	uint64_t barred = atomic_load_explicit(&ofi->barred_ns, memory_order_relaxed);

	return strads_server_needed(&ofi->server) &&
	       (barred == 0 || strads_monotone_ns() >= barred);
}

/* Serves until nothing is left or the owner is back, and gives the baton back between any two
 * batches.
 */
static bool
serve(void *context)
{
	struct strads_ofi *ofi = context;
	struct fid *fids[] = {&ofi->cq->fid};
	bool away = true;
	bool settled = false;

	for (int idle = 0; away && !settled && idle < IDLE_MAX;) {
		if (!strads_baton_try(&ofi->baton))
			return false;
		away = needed(ofi) && !ofi->status;
		if (away && !strads_ofi_drain(ofi)) {
			idle++;
			settled = strads_ofi_bundles_post(ofi) && strads_ofi_signal_tell(ofi) &&
				  ofi->fd >= 0 && fi_trywait(ofi->root, fids, 1) == 0;
		}
		strads_baton_pass(&ofi->baton);
	}
	return settled;
}

int
strads_ofi_server_start(struct strads_ofi *ofi)
{
	struct strads_server_duty duty = {.context = ofi,
					  .serve = serve,
					  .fd = ofi->fd,
					  .gate = ofi->gate,
					  .sleeps = strads_fabric_sleeps(ofi->fabric),
					  .period_ms = PERIOD_MS};

	return strads_server_start(&ofi->server, &duty);
}

/* A rank that gives up deletes its regions, and then closes its endpoint, while others still write:
 * what has come in part must not go on into memory that is gone. */
void
strads_ofi_server_bar(struct strads_ofi *ofi)
{
	atomic_store_explicit(&ofi->barred_ns, strads_monotone_ns() + BAR_NS, memory_order_relaxed);
}
