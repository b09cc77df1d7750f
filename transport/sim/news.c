#include "sim/sim.h"

#include <stdio.h>

void
strads_sim_tell(struct strads_sim *sim, uint64_t time, int status, const char *text)
{
	if (sim->trouble.status != STRADS_OK)
		return;
	sim->trouble.status = status;
	snprintf(sim->trouble.text, sizeof sim->trouble.text, "%s", text);
	sim->gathered = 0;
	for (int i = 0; i < sim->size; i++) {
		struct strads_sim_rank *rank = &sim->ranks[i];

		strads_sim_notify(rank, time);
		if (rank->state == STRADS_SIM_GATHER && rank->share.status == STRADS_AGAIN)
			strads_sim_resume(rank, time);
	}
}

int
strads_sim_check(const struct strads_sim *sim)
{
	if (sim->trouble.status == STRADS_OK)
		return STRADS_OK;
	return strads_fail(sim->trouble.status, "%s", sim->trouble.text);
}

void
strads_sim_miss(struct strads_sim *sim, uint64_t time)
{
	char text[128];

	snprintf(text, sizeof text,
		 "rank %d has left the job while others wait for it in a collective",
		 sim->departed);
	strads_sim_tell(sim, time, STRADS_ERR_PEER, text);
}

/* ---- Death, abort, departure ---- */

static void
add_news(struct strads_sim *sim, uint64_t time, enum strads_event_kind kind, int about)
{
	strads_events_add(&sim->events,
			  (struct strads_event){.time = time, .kind = kind, .number = about});
}

void
strads_sim_plan_death(struct strads_sim *sim)
{
	if (sim->options.kill_at_ns > 0)
		add_news(sim, strads_sim_ps(sim->options.kill_at_ns), STRADS_EVENT_KILL,
			 sim->options.kill_rank);
}

void
strads_sim_kill(struct strads_sim *sim, const struct strads_event *event)
{
	struct strads_sim_rank *rank = &sim->ranks[event->number];

	if (rank->state == STRADS_SIM_DONE)
		return;
	if (rank->state == STRADS_SIM_GATHER && rank->share.status == STRADS_AGAIN)
		sim->gathered--;
	strads_sim_dequeue(rank);
	rank->state = STRADS_SIM_KILLED;
	rank->exit_code = STRADS_SIM_KILLED_CODE;
	sim->unfinished--;
	add_news(sim, strads_sim_detected(sim), STRADS_EVENT_NEWS, event->number);
}

void
strads_sim_announce(struct strads_sim_rank *rank)
{
	add_news(rank->sim, rank->clock + STRADS_SIM_CONTROL_PS, STRADS_EVENT_NEWS, rank->rank);
}

void
strads_sim_spread(struct strads_sim *sim, const struct strads_event *event)
{
	const struct strads_sim_rank *rank = &sim->ranks[event->number];
	char text[sizeof sim->trouble.text];

	if (rank->state == STRADS_SIM_KILLED) {
		snprintf(text, sizeof text, "rank %d was killed by the simulator at %llu ns",
			 rank->rank, (unsigned long long)sim->options.kill_at_ns);
		strads_sim_tell(sim, event->time, STRADS_ERR_PEER, text);
	} else if (rank->aborted) {
		if (sim->trouble.status == STRADS_OK)
			sim->trouble.missed = rank->missed;
		snprintf(text, sizeof text, "rank %d gave up: %.900s", rank->rank,
			 rank->last_words ? rank->last_words : "no memory to say why");
		strads_sim_tell(sim, event->time, STRADS_ERR_ABORTED, text);
	} else {
		sim->departed = rank->rank;
		if (sim->gathered > 0)
			strads_sim_miss(sim, event->time);
	}
}

/* ---- Deadlock ---- */

enum { WAITING_NAMED = 8 };

/* Writes down who waits since when; returns the latest of these times. */
static uint64_t
describe_waiting(const struct strads_sim *sim, char *text, size_t bytes)
{
	uint64_t latest = 0;
	size_t used = 0;
	int waiting = 0;

	for (int i = 0; i < sim->size; i++) {
		const struct strads_sim_rank *rank = &sim->ranks[i];

		if (rank->state != STRADS_SIM_WAITING && rank->state != STRADS_SIM_GATHER)
			continue;
		if (rank->clock > latest)
			latest = rank->clock;
		if (waiting++ < WAITING_NAMED)
			used += (size_t)snprintf(
			    text + used, bytes - used, "%s rank %d waits in %s since %llu ns",
			    waiting > 1 ? "," : "", rank->rank,
			    rank->state == STRADS_SIM_GATHER ? "a collective"
							     : "strads_fabric_wait",
			    (unsigned long long)(rank->clock / STRADS_SIM_PS));
	}
	if (waiting > WAITING_NAMED)
		snprintf(text + used, bytes - used, ", and %d more", waiting - WAITING_NAMED);
	return latest;
}

bool
strads_sim_deadlock(struct strads_sim *sim)
{
	bool known = sim->trouble.status != STRADS_OK;
	char who[900]; /* WAITING_NAMED + 1 times less than 100 */
	char text[sizeof sim->trouble.text];
	uint64_t latest = describe_waiting(sim, who, sizeof who);

	snprintf(text, sizeof text, "deadlock: nothing is under way, and%s", who);
	fprintf(stderr, "strads: %s\n", text);
	strads_sim_tell(sim, latest, STRADS_ERR_ABORTED, text);
	return !known;
}
