#include "state.h"

#include <stdlib.h>
#include <string.h>

/* Of the signals of one engine: it lives on regions of its own, where no other epoch was. */
#define EPOCH (UINT64_C(1) << 48)

/* What it may cost to send a message by itself: computing for as long is not waited for. */
#define BRIEF_NS 5000

static const char *const stage_names[STRADS_STAGES] = {"schedule", "push", "pull", "sync"};

void
strads_engine_defaults(struct strads_engine_options *options)
{
	*options = (struct strads_engine_options){.schedulers = 1,
						  .depth = 2,
						  .eager_bytes = 65536,
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

/* The three lanes' rings follow each other in the inbox, their credit words after them. */
static int
lanes_init(struct strads_engine *engine)
{
	size_t at = 0;

	for (int i = 0; i < STRADS_LANES; i++) {
		const struct strads_lane_shape *shape = &engine->shape.lane[i];
		struct strads_lane *lane = &engine->lane[i];
		int status;

		*lane = (struct strads_lane){
		    .id = (enum strads_lane_id)i,
		    .fabric = engine->fabric,
		    .epoch = EPOCH,
		    .rank = engine->rank,
		    .tree = strads_shape_tree(&engine->shape, (enum strads_lane_id)i),
		    .slots = shape->slots,
		    .slot_bytes = shape->slot_bytes,
		    .rings_offset = at,
		    .sent_stats = &engine->stats.stage[STRADS_SCHEDULE + i],
		    .credit_stats = &engine->stats.stage[STRADS_SYNC],
		};
		status = strads_lane_init(lane);
		if (status != STRADS_OK)
			return status;
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
		status = strads_region_new(
		    engine->fabric, STRADS_LOCAL,
		    strads_shape_outbox(shape, engine->rank < engine->schedulers), &engine->outbox);
	for (int i = 0; i < STRADS_LANES; i++)
		engine->lane[i].inbox = engine->inbox;
	return status;
}

/* Everything that a rank can do by itself. */
static int
build(struct strads_engine *engine)
{
	const struct strads_shape *shape = &engine->shape;
	/* The outbox, in this order. */
	uint8_t *schedule_trailers, *commit_trailers, *commits, *staging, *drafts;
	int status = lanes_init(engine);

	if (status == STRADS_OK)
		status = regions_init(engine);
	if (status != STRADS_OK)
		return status;
	schedule_trailers = strads_region_base(engine->outbox);
	commit_trailers = schedule_trailers + strads_shape_trailers(shape, STRADS_LANE_SCHEDULE);
	commits = commit_trailers + strads_shape_trailers(shape, STRADS_LANE_COMMIT);
	staging = commits + strads_shape_commits(shape);
	drafts = staging + shape->reads * shape->read_bytes;
	status = strads_window_init(&engine->window, shape, strads_region_base(engine->partials),
				    commits);
	if (status == STRADS_OK)
		status = strads_scheduler_init(engine, (void *)schedule_trailers, drafts);
	if (status == STRADS_OK)
		status = strads_reducer_init(engine, (void *)commit_trailers, staging);
	return status;
}

static_assert(sizeof(struct strads_shape) == 12 * sizeof(uint32_t) + 7 * sizeof(uint64_t) +
						 STRADS_LANES * sizeof(struct strads_lane_shape),
	      "shapes are compared byte by byte: no padding");

/* Gathers all ranks' shapes, if they have STRADS_OK, and looks for one that differs. */
static int
compare_shapes(struct strads_engine *engine, int status)
{
	const struct strads_shape *shape;
	void *all;

	status = strads_job_gather(engine->job, status, &engine->shape, sizeof engine->shape, &all);
	if (status != STRADS_OK)
		return status;
	shape = all;
	for (int i = 0; status == STRADS_OK && i < engine->ranks; i++)
		if (memcmp(&shape[i], &engine->shape, sizeof engine->shape) != 0)
			status = strads_fail(STRADS_ERR_ARGUMENT,
					     "rank %d and rank %d were given different programs or "
					     "engine options",
					     engine->rank, i);
	free(all);
	return status;
}

/* Builds, and ends with the same shape on all ranks, or with an error on all. What that takes tells
 * how long a tick is. */
static int
wire_up(struct strads_engine *engine)
{
	uint64_t ns = strads_fabric_clock_ns(engine->fabric);
	uint64_t ticks = strads_fabric_ticks(engine->fabric);
	int status = compare_shapes(engine, build(engine));

	if (status == STRADS_OK)
		status = strads_fabric_wire(engine->fabric);
	ns = strads_fabric_clock_ns(engine->fabric) - ns;
	ticks = strads_fabric_ticks(engine->fabric) - ticks;
	engine->brief_ticks = ns > 0 ? (uint64_t)((double)ticks / (double)ns * BRIEF_NS) : BRIEF_NS;
	return status;
}

int
strads_engine_new(struct strads_fabric *fabric, const struct strads_program *program,
		  const struct strads_engine_options *options, struct strads_engine **engine)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t timeout_ms =
	    options->timeout_ms ? options->timeout_ms : strads_fabric_timeout_ms(fabric);
	struct strads_engine *new = calloc(1, sizeof *new);
	int status;

	if (!new)
		return strads_job_agree(job,
					strads_fail(STRADS_ERR_MEMORY, "no memory for an engine"));
	status = strads_job_agree(
	    job, strads_shape_fit(program, options, strads_job_size(job), &new->shape));
	if (status != STRADS_OK)
		goto free_new;
	new->fabric = fabric;
	new->job = job;
	new->program = program;
	new->rank = strads_job_rank(job);
	new->ranks = strads_job_size(job);
	new->tree = strads_shape_tree(&new->shape, STRADS_LANE_COMMIT);
	new->schedulers = options->schedulers;
	new->depth = (uint64_t)options->depth;
	new->staleness = (uint64_t)options->staleness;
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
	for (int i = 0; i < STRADS_LANES; i++)
		strads_lane_free(&old->lane[i]);
	free(old);
	*engine = NULL;
}

void
strads_engine_stats(const struct strads_engine *engine, struct strads_engine_stats *stats)
{
	*stats = engine->stats;
	strads_engine_clocked(engine, stats);
}
