#include "sim/sim.h"

#include <stdio.h>

/* ---- The queue of the ranks that will run ---- */

static inline bool
earlier(struct strads_sim_turn a, struct strads_sim_turn b)
{
	/* Without a branch, which could not be predicted. */
	return (a.due < b.due) | ((a.due == b.due) & (a.rank < b.rank));
}

static inline struct strads_sim_turn
turn_of(const struct strads_sim_rank *rank)
{
	return (struct strads_sim_turn){.due = rank->due, .rank = rank->rank};
}

static inline void
place(struct strads_sim *sim, int at, struct strads_sim_turn turn)
{
	sim->queue[at] = turn;
	sim->places[turn.rank] = at;
}

/* Puts `turn` into the hole at `at`, or nearer to the front if it belongs there. */
static void
rise(struct strads_sim *sim, int at, struct strads_sim_turn turn)
{
	while (at > 0) {
		int parent = (at - 1) / 2;

		if (!earlier(turn, sim->queue[parent]))
			break;
		place(sim, at, sim->queue[parent]);
		at = parent;
	}
	place(sim, at, turn);
}

/* Puts `turn` into the hole at `at`, or nearer to the end if it belongs there. */
static void
sink(struct strads_sim *sim, int at, struct strads_sim_turn turn)
{
	const struct strads_sim_turn *queue = sim->queue;

	for (int child = 2 * at + 1; child < sim->queued; child = 2 * at + 1) {
		if (child + 1 < sim->queued)
			child += earlier(queue[child + 1], queue[child]);
		if (!earlier(queue[child], turn))
			break;
		place(sim, at, queue[child]);
		at = child;
	}
	place(sim, at, turn);
}

/* Puts `turn` into the hole at `at`, or wherever else it belongs. */
static void
settle(struct strads_sim *sim, int at, struct strads_sim_turn turn)
{
	if (at > 0 && earlier(turn, sim->queue[(at - 1) / 2]))
		rise(sim, at, turn);
	else
		sink(sim, at, turn);
}

static void
enqueue(struct strads_sim_rank *rank)
{
	rise(rank->sim, rank->sim->queued++, turn_of(rank));
}

void
strads_sim_dequeue(struct strads_sim_rank *rank)
{
	struct strads_sim *sim = rank->sim;
	int at = sim->places[rank->rank];
	struct strads_sim_turn last;

	if (rank == sim->self)
		sim->self = NULL;
	if (at < 0)
		return;
	sim->places[rank->rank] = -1;
	last = sim->queue[--sim->queued];
	if (last.rank != rank->rank)
		settle(sim, at, last);
}

/* Takes the first rank off the queue; the one that gives way, if it is due at all, takes its
 * place. */
static struct strads_sim_rank *
replace_first(struct strads_sim *sim)
{
	struct strads_sim_rank *first = &sim->ranks[sim->queue[0].rank];

	if (sim->self && sim->self->due < STRADS_SIM_NEVER) {
		sim->places[first->rank] = -1;
		sink(sim, 0, turn_of(sim->self));
	} else {
		strads_sim_dequeue(first);
	}
	return first;
}

/* ---- What comes next ---- */

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

static struct strads_sim_rank *
turn_to(struct strads_sim *sim, struct strads_sim_rank *rank)
{
	sim->self = NULL;
	rank->state = STRADS_SIM_READY;
	if (rank->clock < rank->due)
		rank->clock = rank->due;
	strads_sim_stir(sim, rank->clock);
	strads_sim_stir(sim, (uint64_t)rank->rank);
	return rank;
}

/* Handles events until it is a rank's turn: one of the queue, or `self`, which gives way and is
 * not in the queue (NULL: none does). NULL: no rank will ever run again. */
static struct strads_sim_rank *
next_rank(struct strads_sim *sim, struct strads_sim_rank *self)
{
	sim->self = self;
	while (sim->unfinished > 0) {
		struct strads_sim_turn first = {.due = STRADS_SIM_NEVER, .rank = sim->size};
		bool own;

		if (sim->queued > 0)
			first = sim->queue[0];
		own = sim->self && earlier(turn_of(sim->self), first);
		if (own)
			first = turn_of(sim->self);
		if (sim->events.count > 0 && sim->events.heap[0].time <= first.due) {
			struct strads_event event = strads_events_take(&sim->events);

			handle(sim, &event);
		} else if (first.due < STRADS_SIM_NEVER) {
			return turn_to(sim, own ? sim->self : replace_first(sim));
		} else if (!strads_sim_deadlock(sim)) {
			break;
		}
	}
	return NULL;
}

/* ---- Switching to it ---- */

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

/* Lets others run until `rank` is due, or resumed. */
static void
give_way(struct strads_sim_rank *rank)
{
	struct strads_sim_rank *next = next_rank(rank->sim, rank);

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
	rank->due = rank->clock;
	give_way(rank);
}

void
strads_sim_block(struct strads_sim_rank *rank, enum strads_sim_state state, uint64_t due)
{
	rank->state = state;
	rank->due = due;
	give_way(rank);
}

void
strads_sim_resume(struct strads_sim_rank *rank, uint64_t time)
{
	int at = rank->sim->places[rank->rank];

	rank->due = rank->clock > time ? rank->clock : time;
	if (at >= 0)
		settle(rank->sim, at, turn_of(rank));
	else if (rank != rank->sim->self)
		enqueue(rank);
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
	strads_sim_announce(rank);
	struct strads_coroutine *next = coroutine_of(sim, next_rank(sim, NULL));
	forget_sentence();
	strads_coroutine_leave(rank->coroutine, next);
}

void
strads_sim_run(struct strads_sim *sim)
{
	for (int rank = 0; rank < sim->size; rank++)
		enqueue(&sim->ranks[rank]);
	forget_sentence();
	strads_coroutine_switch(sim->caller, next_rank(sim, NULL)->coroutine);
}
