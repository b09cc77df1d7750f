#include "state.h"

#include <stdlib.h>
#include <string.h>

/* Of the signals of one engine: it lives on regions of its own, where no other epoch was. */
#define EPOCH (UINT64_C(1) << 48)

/* While idle, the deadline is looked at once in so many turns. */
#define LOOK_TURNS 64

static const char *const stage_names[STRADS_STAGES] = {"schedule", "push", "pull", "sync"};

/* What a rank that has nothing to do waits for. */
struct expectation {
	enum strads_stage stage;
	const char *what;
	uint64_t set;
	uint32_t block;
	int rank;
};

void
strads_engine_defaults(struct strads_engine_options *options)
{
	*options = (struct strads_engine_options){.schedulers = 1,
						  .depth = 2,
						  .eager_bytes = 4096,
						  .chunk_bytes = 65536,
						  .memory_bytes = (size_t)256 << 20};
}

const char *
strads_stage_name(enum strads_stage stage)
{
	return stage_names[stage];
}

size_t
strads_engine_memory(const struct strads_program *program,
		     const struct strads_engine_options *options, int ranks)
{
	struct strads_shape shape;
	int status = strads_shape_fit(program, options, ranks, &shape);

	return status == STRADS_OK || status == STRADS_ERR_MEMORY ? strads_shape_total(&shape) : 0;
}

/* ---- Life -------------------------------------------------------------------------------- */

/* The three lanes' rings follow each other in the inbox, their credit words after them. */
static int
lanes_init(struct strads_engine *engine)
{
	size_t at = 0;
	size_t ranks = (size_t)engine->ranks;

	for (int i = 0; i < STRADS_LANES; i++) {
		const struct strads_lane_shape *shape = &engine->shape.lane[i];
		struct strads_lane *lane = &engine->lane[i];

		*lane = (struct strads_lane){
		    .id = (enum strads_lane_id)i,
		    .fabric = engine->fabric,
		    .epoch = EPOCH,
		    .rank = engine->rank,
		    .slots = shape->slots,
		    .slot_bytes = shape->slot_bytes,
		    .rings_offset = at,
		    .owed = -1,
		    .sent_stats = &engine->stats.stage[STRADS_SCHEDULE + i],
		    .credit_stats = &engine->stats.stage[STRADS_SYNC],
		};
		lane->out = calloc(ranks, sizeof *lane->out);
		lane->in = calloc(ranks, sizeof *lane->in);
		if (!lane->out || !lane->in)
			return strads_fail(STRADS_ERR_MEMORY, "no memory for %d rings",
					   engine->ranks);
		at += shape->slots * shape->slot_bytes * shape->writers;
	}
	for (int i = 0; i < STRADS_LANES; i++)
		engine->lane[i].credit_offset = at + (size_t)i * sizeof(uint64_t);
	return STRADS_OK;
}

/* The registered memory. What each rank creates, and in which order, is the same on all. */
static int
regions_init(struct strads_engine *engine)
{
	const struct strads_shape *shape = &engine->shape;
	int status = strads_region_new(engine->fabric, STRADS_REMOTE_WRITE,
				       strads_shape_inbox(shape), &engine->inbox);

	if (status == STRADS_OK)
		status = strads_region_new(engine->fabric, STRADS_REMOTE_READ,
					   strads_shape_partials(shape), &engine->partials);
	if (status == STRADS_OK)
		status = strads_region_new(engine->fabric, STRADS_LOCAL, strads_shape_outbox(shape),
					   &engine->outbox);
	for (int i = 0; i < STRADS_LANES; i++)
		engine->lane[i].inbox = engine->inbox;
	return status;
}

/* Everything that a rank can do by itself. */
static int
build(struct strads_engine *engine)
{
	const struct strads_shape *shape = &engine->shape;
	const struct strads_lane_shape *schedule = &shape->lane[STRADS_LANE_SCHEDULE];
	const struct strads_lane_shape *commit = &shape->lane[STRADS_LANE_COMMIT];
	uint8_t *outbox;
	int status = lanes_init(engine);

	if (status == STRADS_OK)
		status = regions_init(engine);
	if (status != STRADS_OK)
		return status;
	outbox = strads_region_base(engine->outbox);
	status = strads_window_init(&engine->window, shape, strads_region_base(engine->partials));
	if (status == STRADS_OK)
		status = strads_scheduler_init(engine, outbox);
	outbox += schedule->slots * schedule->slot_bytes;
	if (status == STRADS_OK)
		status = strads_reducer_init(engine, outbox,
					     outbox + commit->slots * commit->slot_bytes);
	return status;
}

static_assert(sizeof(struct strads_shape) == 8 * sizeof(uint32_t) + 6 * sizeof(uint64_t) +
						 STRADS_LANES * sizeof(struct strads_lane_shape),
	      "shapes are compared byte by byte: no padding");

/* Ends with the same shape on all ranks, or with an error on all. */
static int
compare_shapes(struct strads_engine *engine)
{
	struct strads_shape *all = calloc((size_t)engine->ranks, sizeof *all);
	int status = STRADS_OK;

	if (!all)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %d shapes", engine->ranks);
	status = strads_job_agree(engine->job, status);
	if (status == STRADS_OK)
		status =
		    strads_job_allgather(engine->job, &engine->shape, sizeof engine->shape, all);
	for (int i = 0; status == STRADS_OK && i < engine->ranks; i++)
		if (memcmp(&all[i], &engine->shape, sizeof engine->shape) != 0)
			status = strads_fail(STRADS_ERR_ARGUMENT,
					     "rank %d and rank %d were given different programs or "
					     "engine options",
					     engine->rank, i);
	free(all);
	return status;
}

static int
wire_up(struct strads_engine *engine)
{
	int status = strads_job_agree(engine->job, build(engine));

	if (status == STRADS_OK)
		status = compare_shapes(engine);
	return status == STRADS_OK ? strads_fabric_wire(engine->fabric) : status;
}

int
strads_engine_new(struct strads_fabric *fabric, const struct strads_program *program,
		  const struct strads_engine_options *options, struct strads_engine **engine)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t timeout_ms =
	    options->timeout_ms ? options->timeout_ms : strads_fabric_timeout_ms(fabric);
	struct strads_engine *new = calloc(1, sizeof *new);
	int status = STRADS_OK;

	if (!new)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for an engine");
	if (status == STRADS_OK)
		status = strads_shape_fit(program, options, strads_job_size(job), &new->shape);
	status = strads_job_agree(job, status);
	if (status != STRADS_OK)
		goto free_new;
	new->fabric = fabric;
	new->job = job;
	new->program = program;
	new->rank = strads_job_rank(job);
	new->ranks = strads_job_size(job);
	new->schedulers = options->schedulers;
	new->depth = (uint64_t)options->depth;
	new->timeout_ns = timeout_ms * 1000000;
	status = wire_up(new);
	if (status != STRADS_OK)
		goto delete_new;
	*engine = new;
	return STRADS_OK;

delete_new:
	strads_engine_delete(&new);
	return status;
free_new:
	free(new);
	return status;
}

void
strads_engine_delete(struct strads_engine **engine)
{
	struct strads_engine *old = *engine;

	if (!old)
		return;
	strads_reducer_free(&old->reducer);
	strads_scheduler_free(&old->scheduler);
	strads_window_free(&old->window);
	if (old->outbox)
		strads_region_delete(&old->outbox);
	if (old->partials)
		strads_region_delete(&old->partials);
	if (old->inbox)
		strads_region_delete(&old->inbox);
	for (int i = 0; i < STRADS_LANES; i++) {
		free(old->lane[i].in);
		free(old->lane[i].out);
	}
	free(old);
	*engine = NULL;
}

/* ---- Time -------------------------------------------------------------------------------- */

void
strads_engine_begin(struct strads_engine *engine)
{
	uint64_t now;

	if (!engine->lapsed)
		return; /* work follows work: one look at the clock parts them */
	now = strads_fabric_clock_ns(engine->fabric);
	if (engine->idle)
		engine->stats.stage[engine->waits].stall_ns += now - engine->lap;
	engine->idle = false;
	engine->lapsed = false;
	engine->lap = now;
}

void
strads_engine_end(struct strads_engine *engine, enum strads_stage stage)
{
	uint64_t now = strads_fabric_clock_ns(engine->fabric);

	engine->stats.stage[stage].busy_ns += now - engine->lap;
	engine->lap = now;
}

int
strads_engine_returned(int status, const char *primitive, const struct strads_program *program,
		       uint64_t set, uint32_t index)
{
	if (status == STRADS_OK)
		return STRADS_OK;
	if (status > 0)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "program %s: %s of set %llu block %u returned %d, which is no status",
		    program->name, primitive, (unsigned long long)set, index, status);
	if (strads_error()[0])
		return status;
	return strads_fail(status, "program %s: %s of set %llu block %u failed (%s)", program->name,
			   primitive, (unsigned long long)set, index, strads_status_name(status));
}

/* ---- The loop ---------------------------------------------------------------------------- */

/* What an idle rank waits for: the oldest thing that is missing. */
static struct expectation
expects(const struct strads_engine *engine)
{
	const struct strads_window *window = &engine->window;
	struct expectation e;
	const struct strads_entry *entry;

	if (strads_reducer_waits_for(engine, &entry, &e.rank)) {
		e.stage = STRADS_PULL;
		e.what = "partial";
	} else if (window->sent < window->pushed) {
		entry = strads_window_at(window, window->sent);
		e.stage = STRADS_PUSH;
		e.what = "room for the partial";
		e.rank = entry->block.reducer;
	} else if (window->synced < window->sent) {
		entry = strads_window_at(window, window->synced);
		for (uint64_t i = window->synced; entry->committed && i + 1 < window->sent; i++)
			entry = strads_window_at(window, i + 1);
		e.stage = STRADS_SYNC;
		e.what = "commit";
		e.rank = entry->block.reducer;
	} else {
		e.stage = STRADS_SCHEDULE;
		e.what = "schedule";
		e.set = engine->worker.set;
		e.block = engine->worker.index;
		e.rank = (int)(e.set % (uint64_t)engine->schedulers);
		return e;
	}
	e.set = entry->block.set;
	e.block = entry->block.index;
	return e;
}

/* One pass over the roles; each does what it can. */
static int
step(struct strads_engine *engine, bool *moved)
{
	static int (*const steps[])(struct strads_engine *, bool *) = {
	    strads_worker_collect, strads_worker_sync, strads_scheduler_step, strads_worker_admit,
	    strads_worker_push,    strads_worker_send, strads_reducer_step,
	};

	for (size_t i = 0; i < sizeof steps / sizeof *steps && !engine->stopping; i++) {
		int status = steps[i](engine, moved);

		if (status != STRADS_OK)
			return status;
	}
	for (int i = 0; i < STRADS_LANES; i++) {
		int status = strads_lane_settle(&engine->lane[i]);

		if (status < 0)
			return status;
	}
	return STRADS_OK;
}

/* Idle for the `turns`-th time in a row: waits, up to the deadline. */
static int
rest(struct strads_engine *engine, uint64_t turns)
{
	uint64_t deadline = engine->lap + engine->timeout_ns;

	if (turns == 0) {
		strads_engine_begin(engine);
		engine->waits = expects(engine).stage;
		engine->idle = true;
		engine->lapsed = true;
		deadline = engine->lap + engine->timeout_ns;
	} else if (turns % LOOK_TURNS == 0 && strads_fabric_clock_ns(engine->fabric) >= deadline) {
		struct expectation e = expects(engine);

		return strads_fail(STRADS_ERR_TIMEOUT,
				   "rank %d: no %s of set %llu block %u from rank %d for %llu s",
				   engine->rank, e.what, (unsigned long long)e.set, e.block, e.rank,
				   (unsigned long long)(engine->timeout_ns / 1000000000));
	}
	strads_fabric_wait(engine->fabric, deadline);
	return STRADS_OK;
}

static int
run(struct strads_engine *engine)
{
	uint64_t turns = 0;

	while (!engine->stopping) {
		bool moved = false;
		int status = strads_fabric_progress(engine->fabric);

		engine->lapsed = true;
		if (status == STRADS_OK)
			status = step(engine, &moved);
		if (status == STRADS_OK && !moved)
			status = rest(engine, turns++);
		if (status != STRADS_OK)
			return status;
		if (moved) {
			if (turns > 0)
				strads_fabric_awake(engine->fabric);
			turns = 0;
		}
	}
	return STRADS_OK;
}

/* What was sent for the sets that are done arrives before the ranks part. What was sent for later
 * ones waits in the rings for the next run. */
static int
drain(struct strads_engine *engine)
{
	uint64_t deadline = strads_fabric_clock_ns(engine->fabric) + engine->timeout_ns;
	int status;

	while ((status = strads_flush(engine->fabric, -1)) == STRADS_AGAIN) {
		status = strads_fabric_progress(engine->fabric);
		if (status != STRADS_OK)
			return status;
		if (strads_fabric_clock_ns(engine->fabric) >= deadline)
			return strads_fail(
			    STRADS_ERR_TIMEOUT,
			    "rank %d: operations of set %llu did not complete in %llu s",
			    engine->rank, (unsigned long long)engine->finished - 1,
			    (unsigned long long)(engine->timeout_ns / 1000000000));
		strads_fabric_wait(engine->fabric, deadline);
	}
	strads_fabric_awake(engine->fabric);
	return status;
}

int
strads_engine_run(struct strads_engine *engine)
{
	uint64_t start = strads_fabric_clock_ns(engine->fabric);
	int status;

	(void)strads_fail(STRADS_OK, "%s", ""); /* a sentence found later is of this run */
	engine->stopping = false;
	engine->idle = false;
	engine->lap = start;
	status = run(engine);
	if (status == STRADS_OK)
		status = drain(engine);
	if (status == STRADS_OK)
		status = strads_job_barrier(engine->job);
	else if (status != STRADS_ERR_PEER && status != STRADS_ERR_ABORTED)
		strads_job_abort(engine->job, status);
	engine->stats.wall_ns += strads_fabric_clock_ns(engine->fabric) - start;
	return status;
}

void
strads_engine_stats(const struct strads_engine *engine, struct strads_engine_stats *stats)
{
	*stats = engine->stats;
}
