#include "end.h"

#include <sched.h>
#include <stdio.h>

#define WORD sizeof(uint64_t)

int
end_complain(const struct end *end, const char *what)
{
	fprintf(stderr, "rank %d: %s: %s\n", end->rank, what, strads_error());
	return -1;
}

int
end_open(struct strads_job *job, const char *fabric, size_t bytes, struct end *end)
{
	struct strads_fabric_options options = {.fabric = fabric, .no_sleep = true};

	end->rank = strads_job_rank(job);
	if (strads_fabric_open(job, &options, &end->fabric) ||
	    strads_region_new(end->fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE, bytes,
			      &end->open) ||
	    strads_region_new(end->fabric, STRADS_LOCAL, bytes, &end->own) ||
	    strads_fabric_wire(end->fabric))
		return end_complain(end, fabric);
	return 0;
}

void
end_close(struct end *end)
{
	strads_region_delete(&end->own);
	strads_region_delete(&end->open);
	strads_fabric_close(&end->fabric);
}

void
end_pin(int rank)
{
	cpu_set_t allowed, one;
	int seen = 0;

	if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) < 2)
		return;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && seen++ == rank)
			CPU_SET(cpu, &one);
	}
	(void)sched_setaffinity(0, sizeof one, &one);
}

static int
await(struct end *end, uint64_t value)
{
	while (strads_signal_load(end->open, WORD) < value) {
		if (strads_fabric_progress(end->fabric))
			return end_complain(end, "progress");
	}
	return 0;
}

static int
send(struct end *end, uint64_t value)
{
	int status;

	while ((status = strads_put_signal(end->fabric, 1 - end->rank, end->open, 0,
					   strads_region_base(end->own), WORD, value, NULL)) ==
	       STRADS_AGAIN) {
		if (strads_fabric_progress(end->fabric))
			return end_complain(end, "progress");
	}
	return status ? end_complain(end, "put-signal") : 0;
}

int
end_round_trip(struct end *end, uint64_t value)
{
	if (end->rank == 1 && await(end, value))
		return -1;
	if (send(end, value))
		return -1;
	return end->rank == 0 ? await(end, value) : 0;
}

int
end_ping_pong(struct end *end, uint64_t first, uint64_t rounds)
{
	for (uint64_t k = first + 1; k <= first + rounds; k++) {
		if (end_round_trip(end, k))
			return -1;
	}
	return 0;
}
