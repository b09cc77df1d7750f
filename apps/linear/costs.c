#include "costs.h"

void
strads_linear_costs_read(const struct strads_fabric *fabric, const struct strads_engine *engine,
			 double *cost)
{
	struct strads_fabric_stats sent;
	struct strads_engine_stats spent;

	strads_fabric_stats(fabric, &sent);
	for (int op = 0; op < STRADS_OPS; op++)
		cost[STRADS_LINEAR_BYTES + op] = (double)sent.bytes[op];
	strads_engine_stats(engine, &spent);
	for (int stage = 0; stage < STRADS_STAGES; stage++) {
		cost[STRADS_LINEAR_BUSY + stage] = (double)spent.stage[stage].busy_ns * 1e-9;
		cost[STRADS_LINEAR_STALL + stage] = (double)spent.stage[stage].stall_ns * 1e-9;
	}
}

void
strads_linear_costs_tell(const double *cost, struct strads_linear_progress *progress)
{
	for (int op = 0; op < STRADS_OPS; op++)
		progress->bytes_sent[op] = (uint64_t)cost[STRADS_LINEAR_BYTES + op];
	for (int stage = 0; stage < STRADS_STAGES; stage++) {
		progress->stage_seconds[stage] = cost[STRADS_LINEAR_BUSY + stage];
		progress->stage_stall_seconds[stage] = cost[STRADS_LINEAR_STALL + stage];
	}
}
