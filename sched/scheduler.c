#include "state.h"

#include <stdlib.h>

int
strads_scheduler_init(struct strads_engine *engine, struct strads_trailer *trailers,
		      uint8_t *blocks)
{
	const struct strads_shape *shape = &engine->shape;
	struct strads_scheduler *scheduler = &engine->scheduler;
	size_t drafts = (size_t)shape->draft_sets * shape->set_blocks;

	if (engine->rank >= engine->schedulers)
		return STRADS_OK;
	scheduler->begun = scheduler->next = scheduler->sending = (uint64_t)engine->rank;
	scheduler->sets = calloc(shape->draft_sets, sizeof *scheduler->sets);
	scheduler->drafts = calloc(drafts, sizeof *scheduler->drafts);
	scheduler->cast =
	    (struct strads_cast){.lane = &engine->lane[STRADS_LANE_SCHEDULE], .trailers = trailers};
	scheduler->cast.messages =
	    calloc(shape->lane[STRADS_LANE_SCHEDULE].slots, sizeof *scheduler->cast.messages);
	if (!scheduler->sets || !scheduler->drafts || !scheduler->cast.messages)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu drafts of blocks", drafts);
	for (size_t i = 0; i < drafts; i++)
		scheduler->drafts[i].wire = (void *)(blocks + i * shape->draft_stride);
	return STRADS_OK;
}

void
strads_scheduler_free(struct strads_scheduler *scheduler)
{
	free(scheduler->cast.messages);
	free(scheduler->drafts);
	free(scheduler->sets);
	*scheduler = (struct strads_scheduler){0};
}

static struct strads_draft_set *
draft_set(const struct strads_engine *engine, uint64_t set)
{
	uint64_t own = set / (uint64_t)engine->schedulers;

	return &engine->scheduler.sets[own % engine->shape.draft_sets];
}

/* Draft `index` of a set; only one of an early kind has more than there are places. */
static struct strads_draft *
draft_at(const struct strads_engine *engine, const struct strads_draft_set *set, uint32_t index)
{
	uint32_t places = engine->shape.set_blocks;
	size_t first = (size_t)(set - engine->scheduler.sets) * places;

	return &engine->scheduler.drafts[first + index % places];
}

/* Whether that draft can be made: what was there before is neither sent nor used any more. */
static bool
draft_free(const struct strads_engine *engine, const struct strads_draft_set *set, uint32_t index)
{
	const struct strads_draft *draft = draft_at(engine, set, index);

	return !draft->used && strads_cast_returned(&engine->scheduler.cast, &draft->loan);
}

struct strads_draft *
strads_scheduler_draft(const struct strads_engine *engine, uint64_t number, uint32_t index)
{
	const struct strads_draft_set *set;

	if (number >= engine->scheduler.next)
		return NULL;
	set = draft_set(engine, number);
	return index < set->drafted ? draft_at(engine, set, index) : NULL;
}

/* Whether set t of this rank may follow from the state: sets … t − depth are finished. */
static bool
is_due(const struct strads_engine *engine, uint64_t set)
{
	return set < engine->finished + engine->depth;
}

bool
strads_scheduler_holds(const struct strads_engine *engine)
{
	const struct strads_draft_set *set;

	if (engine->rank >= engine->schedulers)
		return false;
	if (engine->program->begin)
		return is_due(engine, engine->scheduler.begun);
	if (is_due(engine, engine->scheduler.next))
		return true;
	set = engine->scheduler.newest;
	return set && !set->early && !set->complete;
}

static int
check_draft(const struct strads_engine *engine, const struct strads_draft_set *set, uint64_t number,
	    const struct strads_block_draft *draft)
{
	const struct strads_program *program = engine->program;
	const char *what = NULL;

	if (draft->n > program->block_max)
		what = "more variables than block_max";
	else if (draft->kind > 255)
		what = "a kind above 255";
	else if (set->drafted > 0 && draft->kind != set->kind)
		what = "another kind than the set's first block";
	else if (draft->reducer < -1 || draft->reducer >= engine->ranks)
		what = "a reducer that is not a rank";
	else if (!set->early && !draft->last && set->drafted + 1 >= program->set_blocks_max)
		what = "more blocks after it than set_blocks_max, in a kind that is not early";
	if (!what)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_ARGUMENT, "program %s: schedule of set %llu block %u: %s",
			   program->name, (unsigned long long)number, set->drafted, what);
}

/* Puts the draft, its keys already in place, into the form it is sent in; returns its length. */
static size_t
write_draft(const struct strads_engine *engine, const struct strads_block_draft *draft,
	    uint64_t number, uint32_t index, struct strads_wire_block *wire)
{
	uint64_t reducer = draft->reducer >= 0 ? (uint64_t)draft->reducer
					       : (number + index) % (uint64_t)engine->ranks;

	*wire = (struct strads_wire_block){
	    .arg = draft->arg,
	    .first = draft->range ? draft->first : 0,
	    .n = draft->n,
	    .kind = draft->kind,
	    .reducer = (uint32_t)reducer,
	    .flags = (draft->last ? STRADS_WIRE_LAST : 0) | (draft->range ? STRADS_WIRE_RANGE : 0),
	};
	return sizeof *wire + (draft->range ? 0 : draft->n * sizeof(strads_key));
}

/* Asks the program for the set's next block. */
static int
draft_block(struct strads_engine *engine, uint64_t number, struct strads_draft_set *set)
{
	const struct strads_program *program = engine->program;
	struct strads_draft *place = draft_at(engine, set, set->drafted);
	struct strads_block_draft draft = {.keys = (strads_key *)(place->wire + 1), .reducer = -1};
	int status;

	strads_engine_begin(engine);
	status = program->schedule(program->state, number, set->drafted, &draft);
	if (status == STRADS_AGAIN && program->begin && set->drafted == 0)
		return status;
	status = strads_engine_returned(status, "schedule", program, number, set->drafted);
	if (status != STRADS_OK)
		return status;
	if (set->drafted == 0) {
		set->kind = draft.kind;
		set->early = program->early && program->early(program->state, draft.kind);
	}
	status = check_draft(engine, set, number, &draft);
	if (status != STRADS_OK)
		return status;
	place->bytes = write_draft(engine, &draft, number, set->drafted, place->wire);
	place->used = true;
	set->drafted++;
	set->complete = draft.last;
	return STRADS_OK;
}

/* Begins the next set, if that is due and the program has a primitive for it. */
static int
begin_step(struct strads_engine *engine, bool *moved)
{
	const struct strads_program *program = engine->program;
	uint64_t number = engine->scheduler.begun;

	if (!program->begin || !is_due(engine, number))
		return STRADS_OK;
	*moved = true;
	strads_engine_begin(engine);
	engine->scheduler.begun += (uint64_t)engine->schedulers;
	return strads_engine_returned(program->begin(program->state, number), "begin", program,
				      number, 0);
}

/* Whether the first block of set `next` can be asked for. */
static bool
next_is_begun(const struct strads_engine *engine)
{
	const struct strads_scheduler *scheduler = &engine->scheduler;

	return engine->program->begin ? scheduler->next < scheduler->begun
				      : is_due(engine, scheduler->next);
}

int
strads_scheduler_too_late(const struct strads_engine *engine)
{
	const struct strads_scheduler *scheduler = &engine->scheduler;
	uint64_t waited_ns = strads_fabric_clock_ns(engine->fabric) - scheduler->asked_ns;

	return strads_fail(STRADS_ERR_TIMEOUT,
			   "rank %d: program %s had no schedule of set %llu for %.1f s",
			   engine->rank, engine->program->name, (unsigned long long)scheduler->next,
			   (double)waited_ns * 1e-9);
}

/* The program has no first block of set `next` yet: that is waiting, up to a deadline if it is not
 * another rank that is waited for, whose sets come before. */
static int
put_off(struct strads_engine *engine)
{
	struct strads_scheduler *scheduler = &engine->scheduler;
	uint64_t now = strads_fabric_clock_ns(engine->fabric);

	engine->idle = true;
	engine->waits = STRADS_SCHEDULE;
	engine->lapsed = true;
	if (engine->worker.set + (engine->worker.index > 0) < scheduler->next)
		return STRADS_OK;
	if (!scheduler->asked)
		scheduler->asked_ns = now;
	scheduler->asked = true;
	return now - scheduler->asked_ns < engine->timeout_ns ? STRADS_OK
							      : strads_scheduler_too_late(engine);
}

/* Drafts the first block of set `next`, if the program has it. */
static int
draft_first(struct strads_engine *engine, struct strads_draft_set *set, bool *moved)
{
	struct strads_scheduler *scheduler = &engine->scheduler;
	struct strads_draft_set before = *set;
	int status;

	*set = (struct strads_draft_set){0};
	status = draft_block(engine, scheduler->next, set);
	if (status == STRADS_AGAIN) {
		*set = before; /* which may be the newest there is: it is not to be drafted again */
		return put_off(engine);
	}
	*moved = true;
	scheduler->newest = set;
	scheduler->asked = false;
	scheduler->next += (uint64_t)engine->schedulers;
	return status;
}

/* Drafts one block: of the set that is held for, else the first of one that is begun, else of the
 * oldest that is incomplete and has room. */
static int
draft_step(struct strads_engine *engine, bool *moved)
{
	struct strads_scheduler *scheduler = &engine->scheduler;
	uint64_t step = (uint64_t)engine->schedulers;
	struct strads_draft_set *set = scheduler->newest;

	if (set && !set->early && !set->complete) {
		if (!draft_free(engine, set, set->drafted))
			return STRADS_OK;
		*moved = true;
		return draft_block(engine, scheduler->next - step, set);
	}
	set = next_is_begun(engine) ? draft_set(engine, scheduler->next) : NULL;
	if (set && draft_free(engine, set, 0)) {
		bool drafted = false;
		int status = draft_first(engine, set, &drafted);

		*moved |= drafted;
		if (status != STRADS_OK || drafted)
			return status;
	}
	for (uint64_t number = scheduler->sending; number < scheduler->next; number += step) {
		set = draft_set(engine, number);
		if (set->complete || set->drafted - set->sent == engine->shape.set_blocks ||
		    !draft_free(engine, set, set->drafted))
			continue;
		*moved = true;
		return draft_block(engine, number, set);
	}
	return STRADS_OK;
}

/* Composes the drafts, in order, while the cast has room. */
static void
compose_step(struct strads_engine *engine, bool *moved)
{
	struct strads_scheduler *scheduler = &engine->scheduler;
	struct strads_stream *stream = &scheduler->stream;

	while (scheduler->sending < scheduler->next) {
		struct strads_draft_set *set = draft_set(engine, scheduler->sending);
		struct strads_draft *draft = draft_at(engine, set, set->sent);

		if (!stream->open && set->sent == set->drafted)
			return;
		if (!stream->open)
			strads_stream_start(stream, scheduler->sending, set->sent, draft->wire,
					    draft->bytes, &draft->loan);
		strads_stream_compose(stream, &scheduler->cast, moved);
		if (stream->open)
			return;
		set->sent++;
		if (set->complete && set->sent == set->drafted)
			scheduler->sending += (uint64_t)engine->schedulers;
	}
}

/* The first set of this rank that has not been sent to its end; *block: nor that one of it. */
static uint64_t
untold(const struct strads_engine *engine, uint32_t *block)
{
	const struct strads_scheduler *scheduler = &engine->scheduler;
	const struct strads_cast *cast = &scheduler->cast;

	if (cast->sent < cast->composed) {
		*block = strads_cast_waiting(cast)->block;
		return strads_cast_waiting(cast)->set;
	}
	*block =
	    scheduler->sending < scheduler->next ? draft_set(engine, scheduler->sending)->sent : 0;
	return scheduler->sending;
}

bool
strads_scheduler_told(const struct strads_engine *engine, uint64_t set, bool first)
{
	uint32_t block;
	uint64_t next;

	if (engine->rank >= engine->schedulers)
		return true;
	next = untold(engine, &block);
	return next > set || (next == set && (block > 0 || !first));
}

/* Whether others cannot go on without what is to be sent next. */
static bool
is_urgent(const struct strads_engine *engine)
{
	const struct strads_scheduler *scheduler = &engine->scheduler;
	const struct strads_cast *cast = &scheduler->cast;
	uint64_t next =
	    cast->sent < cast->composed ? strads_cast_waiting(cast)->set : scheduler->sending;

	return next <= engine->finished + engine->staleness;
}

int
strads_scheduler_step(struct strads_engine *engine, bool *moved)
{
	int status;

	if (engine->rank >= engine->schedulers)
		return STRADS_OK;
	status = begin_step(engine, moved);
	if (status == STRADS_OK)
		status = draft_step(engine, moved);
	if (status != STRADS_OK)
		return status;
	return is_urgent(engine) ? strads_scheduler_send(engine, moved) : STRADS_OK;
}

int
strads_scheduler_send(struct strads_engine *engine, bool *moved)
{
	int status;

	if (engine->rank >= engine->schedulers)
		return STRADS_OK;
	compose_step(engine, moved);
	status = strads_cast_step(&engine->scheduler.cast, moved);
	return status == STRADS_AGAIN ? STRADS_OK : status;
}
