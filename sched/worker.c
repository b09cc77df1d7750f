#include "state.h"

#include <string.h>

/* ---- Blocks in --------------------------------------------------------------------------- */

/* What is wrong with a block that has arrived whole, or NULL. */
static const char *
check_block(const struct strads_engine *engine, const struct strads_entry *entry)
{
	const struct strads_wire_block *wire = entry->wire;
	size_t keys = wire->flags & STRADS_WIRE_RANGE ? 0 : wire->n * sizeof(strads_key);

	if (entry->sink.total < sizeof *wire)
		return "is shorter than its header";
	if (wire->n > engine->program->block_max)
		return "has more variables than block_max";
	if (wire->kind > 255 || (engine->worker.index > 0 && wire->kind != engine->worker.kind))
		return "is of an impossible kind";
	if (wire->reducer >= (uint32_t)engine->ranks)
		return "names a reducer that is not a rank";
	if (wire->flags & ~(STRADS_WIRE_LAST | STRADS_WIRE_RANGE))
		return "has unknown flags";
	if (entry->sink.total != sizeof *wire + keys)
		return "has another number of keys than it says";
	return NULL;
}

static void
read_block(const struct strads_wire_block *wire, const struct strads_sink *sink,
	   struct strads_block *block)
{
	*block = (struct strads_block){
	    .set = sink->set,
	    .index = sink->block,
	    .kind = wire->kind,
	    .arg = wire->arg,
	    .n = wire->n,
	    .last = wire->flags & STRADS_WIRE_LAST,
	    .reducer = (int)wire->reducer,
	    .keys = wire->flags & STRADS_WIRE_RANGE ? NULL : (const strads_key *)(wire + 1),
	    .first = wire->first,
	};
}

/* What the set that begins is pushed against: the state `staleness` sets back, but nothing from
 * before a set of an early kind, which itself waits for all before it. */
static void
begin_set(struct strads_engine *engine, uint64_t set)
{
	struct strads_worker *worker = &engine->worker;
	uint64_t oldest = set > engine->staleness ? set - engine->staleness : 0;

	if (worker->early) {
		worker->base = set;
		worker->fenced = set + 1;
	} else {
		worker->base = oldest > worker->fenced ? oldest : worker->fenced;
	}
}

/* Whether this rank adds up others' partials of that reducer's blocks. */
static bool
sums_up(const struct strads_engine *engine, int reducer)
{
	int place = strads_tree_place(&engine->tree, reducer, engine->rank);

	return place == 0 || strads_tree_children(&engine->tree, place) > 0;
}

/* Admits the block that has arrived in the window's next entry. */
static int
admit(struct strads_engine *engine, struct strads_entry *entry)
{
	const struct strads_program *program = engine->program;
	struct strads_worker *worker = &engine->worker;
	struct strads_block *block = &entry->block;
	const char *wrong = check_block(engine, entry);

	if (!wrong) {
		read_block(entry->wire, &entry->sink, block);
		if (worker->index == 0) {
			worker->kind = block->kind;
			worker->early =
			    program->early && program->early(program->state, block->kind);
			begin_set(engine, block->set);
		}
		if (!worker->early && !block->last && worker->index + 1 >= program->set_blocks_max)
			wrong = "is not the last of its set though no more fit";
	}
	if (wrong)
		return strads_fail(STRADS_ERR_PROTOCOL, "rank %d: set %llu block %u %s",
				   engine->rank, (unsigned long long)worker->set, worker->index,
				   wrong);
	entry->base = worker->base;
	entry->early = worker->early;
	entry->pushed = false;
	entry->committed = false;
	entry->elems = program->partial_elems(program->state, block);
	if (entry->elems > program->partial_max)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "program %s: set %llu block %u has a partial of %zu doubles, more "
		    "than partial_max, %zu",
		    program->name, (unsigned long long)block->set, block->index, entry->elems,
		    program->partial_max);
	if (program->seen && engine->rank < engine->schedulers) {
		int status = strads_engine_returned(program->seen(program->state, block), "seen",
						    program, block->set, block->index);
		if (status != STRADS_OK)
			return status;
	}
	worker->index = block->last ? 0 : worker->index + 1;
	worker->set += block->last;
	entry->summed = !sums_up(engine, block->reducer);
	if (!entry->summed)
		strads_window_queue(&engine->window, entry);
	engine->window.admitted++;
	return STRADS_OK;
}

/* Makes the window's next entry ready for a block; false if it is still in use. */
static bool
receive(struct strads_engine *engine, struct strads_entry *entry)
{
	struct strads_window *window = &engine->window;
	struct strads_worker *worker = &engine->worker;

	if (worker->receiving)
		return true;
	if (window->admitted - window->synced == window->size ||
	    entry->sent.done != entry->sent.posted ||
	    !strads_cast_returned(&engine->reducer.cast, &entry->loan))
		return false;
	worker->scheduler = (int)(worker->set % (uint64_t)engine->schedulers);
	entry->wire = entry->inbox;
	entry->block_message = 0;
	entry->commit_message = 0;
	entry->sink = (struct strads_sink){.set = worker->set,
					   .block = worker->index,
					   .base = (uint8_t *)entry->wire,
					   .room = engine->shape.block_bytes};
	worker->receiving = true;
	return true;
}

/* Takes the block over from this rank's own scheduler: AGAIN if it is not drafted yet. */
static int
take_draft(struct strads_engine *engine, struct strads_entry *entry, bool *moved)
{
	struct strads_draft *draft =
	    strads_scheduler_draft(engine, entry->sink.set, entry->sink.block);

	if (!draft)
		return STRADS_AGAIN;
	strads_engine_begin(engine);
	entry->draft = draft;
	entry->wire = draft->wire;
	entry->sink.total = draft->bytes;
	*moved = true;
	return STRADS_OK;
}

/* Takes what has come of the block from the rank that schedules it: AGAIN until it is whole. */
static int
take_block(struct strads_engine *engine, struct strads_entry *entry, int scheduler, bool *moved)
{
	struct strads_lane *lane = &engine->lane[STRADS_LANE_SCHEDULE];
	int status = STRADS_AGAIN;

	while (status == STRADS_AGAIN && strads_lane_ready(lane, scheduler)) {
		strads_engine_begin(engine);
		status = strads_sink_step(&entry->sink, lane, scheduler, moved);
	}
	entry->block_message = lane->in[scheduler].read;
	return status;
}

int
strads_worker_relay(struct strads_engine *engine, bool *moved)
{
	uint64_t set = engine->worker.set;
	uint64_t end = engine->finished + engine->depth; /* what lies beyond is not drafted */

	if (engine->shape.relays == 0)
		return STRADS_OK;
	for (int i = 0; i < engine->schedulers && set < end; i++, set++) {
		int scheduler = (int)(set % (uint64_t)engine->schedulers);
		int status =
		    strads_lane_relay(&engine->lane[STRADS_LANE_SCHEDULE], scheduler, moved);

		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

int
strads_worker_admit(struct strads_engine *engine, bool *moved)
{
	for (;;) {
		struct strads_entry *entry =
		    strads_window_at(&engine->window, engine->window.admitted);
		int scheduler, status;

		if (!receive(engine, entry))
			return STRADS_OK;
		scheduler = engine->worker.scheduler;
		status = scheduler == engine->rank ? take_draft(engine, entry, moved)
						   : take_block(engine, entry, scheduler, moved);
		if (status != STRADS_OK)
			return status == STRADS_AGAIN ? STRADS_OK : status;
		engine->worker.receiving = false;
		status = admit(engine, entry);
		if (status != STRADS_OK)
			return status;
	}
}

/* ---- Partials out ------------------------------------------------------------------------ */

/* Whether the block has been passed on to those that are to have it from this rank. */
static bool
is_passed_on(const struct strads_engine *engine, const struct strads_entry *entry)
{
	if (engine->shape.relays == 0)
		return true;
	return strads_lane_passed(&engine->lane[STRADS_LANE_SCHEDULE],
				  (int)(entry->block.set % (uint64_t)engine->schedulers),
				  entry->block_message);
}

/* A block is passed on before it is pushed: whoever goes on to a last set owes nobody a schedule.
 */
static int
push_next(struct strads_engine *engine, bool *moved)
{
	const struct strads_program *program = engine->program;
	struct strads_window *window = &engine->window;
	const struct strads_block *block;
	struct strads_entry *entry;
	int status;

	if (window->pushed == window->admitted)
		return STRADS_OK;
	entry = strads_window_at(window, window->pushed);
	block = &entry->block;
	if (entry->base != engine->finished || !is_passed_on(engine, entry))
		return STRADS_OK;
	strads_engine_begin(engine);
	if (!window->pushing) {
		memset(entry->partial, 0, entry->elems * sizeof(double));
		strads_fabric_charge(engine->fabric,
				     STRADS_COPY_NS * sizeof(double) * (double)entry->elems);
	}
	status = program->push(program->state, block, entry->partial);
	window->pushing = status == STRADS_AGAIN;
	if (window->pushing)
		return STRADS_OK;
	status = strads_engine_returned(status, "push", program, block->set, block->index);
	if (status != STRADS_OK)
		return status;
	if (program->push_cost_ns)
		strads_fabric_charge(engine->fabric, program->push_cost_ns(program->state, block));
	entry->pushed = true;
	window->pushed++;
	engine->worker.sets_pushed += block->last;
	*moved = true;
	return STRADS_OK;
}

/* Sends a partial, or the note that it can be read, up the reducer's tree: the trailer follows the
 * partial where it lies, so that nothing is copied. */
static int
send_partial(struct strads_engine *engine, struct strads_entry *entry)
{
	const struct strads_tree *tree = &engine->tree;
	int reducer = entry->block.reducer;
	int above = strads_tree_parent(tree, strads_tree_place(tree, reducer, engine->rank));
	bool eager = entry->elems <= engine->shape.eager_elems;
	struct strads_trailer *trailer = (void *)(entry->partial + entry->elems);
	size_t bytes = entry->elems * sizeof(double);
	struct strads_piece message = {.base = eager ? (void *)entry->partial : (void *)trailer,
				       .bytes = (eager ? bytes : 0) + sizeof *trailer};

	*trailer = (struct strads_trailer){.set = entry->block.set,
					   .total = bytes,
					   .block = entry->block.index,
					   .bytes = eager ? (uint32_t)bytes : 0,
					   .lane = STRADS_LANE_PARTIAL};
	return strads_lane_send(&engine->lane[STRADS_LANE_PARTIAL],
				strads_tree_rank(tree, reducer, above), &message, 1, &entry->sent);
}

static int
send_partials(struct strads_engine *engine, bool *moved)
{
	struct strads_window *window = &engine->window;

	while (window->sent < window->pushed) {
		struct strads_entry *entry = strads_window_at(window, window->sent);
		int status;

		/* This rank's own reducer takes the partial from where it lies. */
		if (entry->block.reducer == engine->rank) {
			window->sent++;
			continue;
		}
		if (!entry->summed)
			return STRADS_OK;
		status = send_partial(engine, entry);
		if (status != STRADS_OK)
			return status == STRADS_AGAIN ? STRADS_OK : status;
		entry->sink = (struct strads_sink){.set = entry->block.set,
						   .block = entry->block.index,
						   .base = entry->commit,
						   .room = engine->program->commit_max};
		strads_window_await(window, entry);
		window->sent++;
		*moved = true;
	}
	return STRADS_OK;
}

int
strads_worker_push(struct strads_engine *engine, bool *moved)
{
	int status = push_next(engine, moved);

	return status == STRADS_OK ? send_partials(engine, moved) : status;
}

/* ---- Commits in -------------------------------------------------------------------------- */

/* Takes what has come of the commits that one reducer owes. */
static int
collect_from(struct strads_engine *engine, int reducer, bool *moved)
{
	struct strads_lane *lane = &engine->lane[STRADS_LANE_COMMIT];
	struct strads_awaited *awaited = &engine->window.awaited[reducer];

	while (awaited->first && strads_lane_ready(lane, reducer)) {
		struct strads_entry *entry = awaited->first;
		int status;

		strads_engine_begin(engine);
		status = strads_lane_relay(lane, reducer, moved);
		if (status == STRADS_OK)
			status = strads_sink_step(&entry->sink, lane, reducer, moved);
		if (status < 0)
			return status;
		if (status == STRADS_OK) {
			entry->commit_message = lane->in[reducer].read;
			entry->commit_bytes = entry->sink.total;
			entry->committed = true;
			strads_window_arrived(&engine->window, reducer);
		}
	}
	return STRADS_OK;
}

static int
collect(struct strads_engine *engine, bool *moved)
{
	struct strads_window *window = &engine->window;

	/* Downwards: a reducer that is done leaves the list and the last takes its place. */
	for (int i = window->n_reducers - 1; i >= 0; i--) {
		int status = collect_from(engine, window->reducers[i], moved);

		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

/* ---- Commits applied --------------------------------------------------------------------- */

/* Whether all sets that are pushed against a state without `set` have been pushed. As `base` never
 * falls from a set to the next, the first one that has not tells: it, if it has come, or else what
 * it will be at least. Other ranks are to find out the same though this may be the last set, after
 * which nothing is sent: so what tells them must have been sent. */
static bool
is_released(const struct strads_engine *engine, uint64_t set)
{
	const struct strads_window *window = &engine->window;
	uint64_t pushed = engine->worker.sets_pushed;

	if (engine->staleness == 0)
		return pushed > set;
	if (pushed > set + engine->staleness)
		return strads_scheduler_told(engine, pushed, false);
	return pushed > set && window->pushed < window->admitted &&
	       strads_window_at(window, window->pushed)->base > set &&
	       is_passed_on(engine, strads_window_at(window, window->pushed)) &&
	       strads_scheduler_told(engine, pushed, true);
}

/* Whether this rank has sent on what others need to sync the block: after a last set nothing more
 * is. */
static bool
is_sent_on(const struct strads_engine *engine, const struct strads_entry *entry)
{
	return engine->reducer.cast.sent >= entry->loan.end &&
	       strads_lane_passed(&engine->lane[STRADS_LANE_COMMIT], entry->block.reducer,
				  entry->commit_message);
}

/* Whether the oldest block, whose partial is sent, can be synced. */
static bool
can_sync(const struct strads_engine *engine, const struct strads_entry *entry)
{
	return entry->committed && is_sent_on(engine, entry) &&
	       (entry->early || is_released(engine, entry->block.set)) &&
	       !strads_scheduler_holds(engine);
}

/* The set is synced: tells the program. */
static int
finish(struct strads_engine *engine, const struct strads_block *last)
{
	const struct strads_program *program = engine->program;
	int status = program->finish(program->state, last);

	if (status == STRADS_STOP) {
		engine->stopping = true;
		status = STRADS_OK;
	}
	status = strads_engine_returned(status, "finish", program, last->set, last->index);
	if (status != STRADS_OK)
		return status;
	engine->finished++;
	engine->stats.sets++;
	return STRADS_OK;
}

static int
sync_next(struct strads_engine *engine, bool *moved)
{
	const struct strads_program *program = engine->program;
	struct strads_window *window = &engine->window;
	const struct strads_block *block;
	struct strads_entry *entry;
	int status;

	if (window->synced == window->sent)
		return STRADS_OK;
	entry = strads_window_at(window, window->synced);
	block = &entry->block;
	if (!can_sync(engine, entry))
		return STRADS_OK;
	strads_engine_begin(engine);
	status = strads_engine_returned(
	    program->sync(program->state, block, entry->commit, entry->commit_bytes), "sync",
	    program, block->set, block->index);
	if (status == STRADS_OK && block->last)
		status = finish(engine, block);
	if (status != STRADS_OK)
		return status;
	engine->stats.blocks++;
	engine->stats.variables += block->n;
	if (entry->draft)
		entry->draft->used = false;
	entry->draft = NULL;
	strads_window_pop(window);
	*moved = true;
	return STRADS_OK;
}

int
strads_worker_sync(struct strads_engine *engine, bool *moved)
{
	int status = collect(engine, moved);

	return status == STRADS_OK ? sync_next(engine, moved) : status;
}
