#include "sim/sim.h"

#include <stdio.h>

static inline bool
earlier(const struct strads_sim_rank *a, const struct strads_sim_rank *b)
{
	return a->due < b->due || (a->due == b->due && a->rank < b->rank);
}

/* Moves the rank at `at` towards the front as far as it belongs. */
static void
rise(struct strads_sim *sim, int at)
{
	struct strads_sim_rank **queue = sim->queue;
	struct strads_sim_rank *rank = queue[at];

	while (at > 0) {
		int parent = (at - 1) / 2;

		if (!earlier(rank, queue[parent]))
			break;
		queue[at] = queue[parent];
		queue[at]->position = at;
		at = parent;
	}
	queue[at] = rank;
	rank->position = at;
}

/* Moves the rank at `at` towards the end as far as it belongs. */
static void
sink(struct strads_sim *sim, int at)
{
	struct strads_sim_rank **queue = sim->queue;
	struct strads_sim_rank *rank = queue[at];

	for (int child = 2 * at + 1; child < sim->queued; child = 2 * at + 1) {
		if (child + 1 < sim->queued && earlier(queue[child + 1], queue[child]))
			child++;
		if (!earlier(queue[child], rank))
			break;
		queue[at] = queue[child];
		queue[at]->position = at;
		at = child;
	}
	queue[at] = rank;
	rank->position = at;
}

static void
enqueue(struct strads_sim_rank *rank, uint64_t due)
{
	struct strads_sim *sim = rank->sim;

	rank->due = due;
	sim->queue[sim->queued] = rank;
	rise(sim, sim->queued++);
}

void
strads_sim_dequeue(struct strads_sim_rank *rank)
{
	struct strads_sim *sim = rank->sim;
	struct strads_sim_rank *last = sim->queue[--sim->queued];
	int at = rank->position;

	rank->position = -1;
	if (last == rank)
		return;
	sim->queue[at] = last;
	last->position = at;
	rise(sim, at);
	sink(sim, last->position);
}

static void
handle(struct strads_sim *sim, const struct strads_event *event)
{
	strads_sim_stir(sim, event->time);
	strads_sim_stir(sim, event->sequence << 3 | event->kind);
	switch (event->kind) {
	case STRADS_EVENT_KILL:
		strads_sim_kill(sim, event);
		break;
	case STRADS_EVENT_NEWS:
		strads_sim_spread(sim, event);
		break;
	default:
		strads_sim_advance(sim, event);
	}
}

/* Handles events until it is a rank's turn. NULL: no rank will ever run again. */
static struct strads_sim_rank *
next_rank(struct strads_sim *sim)
{
	while (sim->unfinished > 0) {
		struct strads_sim_rank *first = sim->queue[0];

		if (sim->events.count > 0 && sim->events.heap[0].time <= first->due) {
			struct strads_event event = strads_events_take(&sim->events);

			handle(sim, &event);
		} else if (first->due < STRADS_SIM_NEVER) {
			strads_sim_dequeue(first);
			first->state = STRADS_SIM_READY;
			if (first->clock < first->due)
				first->clock = first->due;
			strads_sim_stir(sim, first->clock);
			strads_sim_stir(sim, (uint64_t)first->rank);
			return first;
		} else if (!strads_sim_deadlock(sim)) {
			break;
		}
	}
	return NULL;
}

static struct strads_coroutine *
coroutine_of(const struct strads_sim *sim, const struct strads_sim_rank *next)
{
	return next ? next->coroutine : sim->caller;
}

/* strads_error() is one sentence for all ranks of this thread; each shall find its own. That
 * costs something only where there is one. */
static __attribute__((noinline)) void
switch_keeping_sentence(struct strads_coroutine *from, struct strads_coroutine *to)
{
	char sentence[1024];

	snprintf(sentence, sizeof sentence, "%s", strads_error());
	strads_coroutine_switch(from, to);
	strads_fail(STRADS_OK, "%s", sentence);
}

static inline void
forget_sentence(void)
{
	if (strads_error()[0] != '\0')
		strads_fail(STRADS_OK, "%s", "");
}

/* Lets others run until it is the turn of `rank`, which is in the queue. */
static void
give_way(struct strads_sim_rank *rank)
{
	struct strads_sim_rank *next = next_rank(rank->sim);

	if (next == rank)
		return;
	if (strads_error()[0] != '\0') {
		switch_keeping_sentence(rank->coroutine, coroutine_of(rank->sim, next));
	} else {
		strads_coroutine_switch(rank->coroutine, coroutine_of(rank->sim, next));
		forget_sentence();
	}
}

void
strads_sim_yield(struct strads_sim_rank *rank)
{
	enqueue(rank, rank->clock);
	give_way(rank);
}

void
strads_sim_block(struct strads_sim_rank *rank, enum strads_sim_state state, uint64_t due)
{
	rank->state = state;
	enqueue(rank, due);
	give_way(rank);
}

void
strads_sim_resume(struct strads_sim_rank *rank, uint64_t time)
{
	rank->due = rank->clock > time ? rank->clock : time;
	rise(rank->sim, rank->position);
	sink(rank->sim, rank->position);
}

void
strads_sim_notify(struct strads_sim_rank *rank, uint64_t time)
{
	rank->news = true;
	if (rank->state == STRADS_SIM_WAITING && time < rank->due)
		strads_sim_resume(rank, time);
}

void
strads_sim_retire(struct strads_sim_rank *rank, int exit_code)
{
	struct strads_sim *sim = rank->sim;

	rank->exit_code = exit_code;
	rank->state = STRADS_SIM_DONE;
	sim->unfinished--;
	if (sim->departed < 0)
		sim->departed = rank->rank;
	if (sim->gathered > 0)
		strads_sim_miss(sim, rank->clock);
	struct strads_coroutine *next = coroutine_of(sim, next_rank(sim));
	forget_sentence();
	strads_coroutine_leave(rank->coroutine, next);
}

void
strads_sim_run(struct strads_sim *sim)
{
	for (int rank = 0; rank < sim->size; rank++)
		enqueue(&sim->ranks[rank], 0);
	forget_sentence();
	strads_coroutine_switch(sim->caller, next_rank(sim)->coroutine);
}
