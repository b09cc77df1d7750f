#include "shape.h"

#include "reducer.h"
#include "scheduler.h"
#include "window.h"

#define PAGE         4096
#define LINE         64
#define SLOT_MIN     256 /* smallest slot of a lane whose messages can be cut */
#define WINDOW_EXTRA 16  /* blocks in flight beyond the whole sets there must be room for */
#define REDUCTIONS   4
#define READS        8
#define SLOTS_MAX    32

/* By trees a rank sums up other ranks' blocks, too. */
#define TREE_REDUCTIONS 16

/* Fewer ranks reach each other directly. From there on the arity of the trees is that by which a
 * round takes least where a level costs two latencies and what is between them, and each rank right
 * below another two messages, two credits and what its bytes take on a link and in a sum. The
 * figures are those of InfiniBand: 1.5 us, 100 ns a message, 12 bytes a nanosecond. */
#define TREE_RANKS   16
#define LEVEL_NS     5000
#define RANK_NS      150
#define BYTES_PER_NS 12
#define ADDS_PER_NS  2

/* Rings take at most this part of the budget, so that a job of many ranks stays small by itself. */
#define RINGS_PART 64

/* Arithmetic that stays at SIZE_MAX: sizes come from the user. */
static size_t
times(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static size_t
plus(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static size_t
round_up(size_t bytes, size_t unit)
{
	size_t more = plus(bytes, unit - 1);

	return more == SIZE_MAX ? more : more / unit * unit;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
lane_bytes(const struct strads_lane_shape *lane)
{
	return times(times(lane->slots, lane->slot_bytes), lane->writers);
}

static size_t
rings_bytes(const struct strads_shape *shape)
{
	size_t sum = 0;

	for (int i = 0; i < STRADS_LANES; i++)
		sum = plus(sum, lane_bytes(&shape->lane[i]));
	return sum;
}

struct strads_tree
strads_shape_tree(const struct strads_shape *shape, enum strads_lane_id id)
{
	int ranks = (int)shape->ranks;
	int all = ranks > 1 ? ranks - 1 : 1;

	return (struct strads_tree){.ranks = ranks,
				    .arity = id == STRADS_LANE_PARTIAL ? all : (int)shape->arity};
}

size_t
strads_shape_inbox(const struct strads_shape *shape)
{
	return round_up(plus(rings_bytes(shape), times(shape->ranks, STRADS_CREDIT_BYTES)), PAGE);
}

size_t
strads_shape_partials(const struct strads_shape *shape)
{
	return round_up(times(shape->window, shape->partial_stride), PAGE);
}

size_t
strads_shape_trailers(const struct strads_shape *shape, enum strads_lane_id id)
{
	return round_up(times(shape->lane[id].slots, sizeof(struct strads_trailer)), LINE);
}

size_t
strads_shape_commits(const struct strads_shape *shape)
{
	return times(shape->window, shape->commit_stride);
}

size_t
strads_shape_drafts(const struct strads_shape *shape)
{
	return times(times(shape->draft_sets, shape->set_blocks), shape->draft_stride);
}

static size_t
reads_bytes(const struct strads_shape *shape)
{
	return times(shape->reads, shape->read_bytes);
}

size_t
strads_shape_outbox(const struct strads_shape *shape, bool schedules)
{
	size_t sum = plus(strads_shape_trailers(shape, STRADS_LANE_SCHEDULE),
			  strads_shape_trailers(shape, STRADS_LANE_COMMIT));

	sum = plus(sum, strads_shape_commits(shape));
	sum = plus(sum, reads_bytes(shape));
	return round_up(plus(sum, schedules ? strads_shape_drafts(shape) : 0), PAGE);
}

static size_t
window_bytes(const struct strads_shape *shape)
{
	size_t entry = plus(sizeof(struct strads_entry), shape->block_bytes);

	return plus(times(shape->window, entry), strads_shape_partials(shape));
}

uint32_t
strads_shape_sums(const struct strads_shape *shape)
{
	return shape->relays > 0 ? 0 : shape->reductions;
}

static size_t
reduction_bytes(const struct strads_shape *shape)
{
	size_t sum = times(plus(shape->partial_elems, 1), sizeof(double));

	return plus(times(strads_shape_sums(shape), sum),
		    times(shape->reductions, sizeof(struct strads_reduction)));
}

/* Everything that is kept for each pair of ranks or each slot, beside the slots. */
static size_t
bookkeeping_bytes(const struct strads_shape *shape)
{
	size_t pair = sizeof(struct strads_ring_out) + sizeof(struct strads_ring_in);
	size_t sum = times(times(shape->ranks, STRADS_LANES), pair);

	sum = plus(sum, times(shape->ranks, sizeof(struct strads_awaited)));
	for (int i = 0; i < STRADS_LANES; i++) {
		size_t slots = shape->lane[i].slots;
		size_t counters = times(slots, sizeof(struct strads_counter));

		sum = plus(sum, times(slots, sizeof(struct strads_message)));
		if (i != STRADS_LANE_PARTIAL)
			sum = plus(
			    sum, times(shape->relays, plus(counters, sizeof(struct strads_relay))));
	}
	sum = plus(sum, times(shape->draft_sets, sizeof(struct strads_draft_set)));
	sum = plus(sum,
		   times(times(shape->draft_sets, shape->set_blocks), sizeof(struct strads_draft)));
	return plus(sum, times(shape->reads, sizeof(struct strads_reading)));
}

size_t
strads_shape_total(const struct strads_shape *shape)
{
	size_t registered = plus(strads_shape_inbox(shape), strads_shape_outbox(shape, true));
	size_t private = plus(reduction_bytes(shape), bookkeeping_bytes(shape));

	return plus(plus(registered, private), window_bytes(shape));
}

/* Halves a lane's slots down to `least`, then their size down to the smallest. */
static bool
shrink_lane(struct strads_shape *shape, int id)
{
	struct strads_lane_shape *lane = &shape->lane[id];
	/* Partials are not cut: those that do not fit are read, and only a note travels. */
	uint64_t least = id == STRADS_LANE_PARTIAL ? LINE : SLOT_MIN;

	if (lane->slots > 2)
		lane->slots /= 2;
	else if (lane->slot_bytes > least)
		lane->slot_bytes =
		    lane->slot_bytes / 2 < least ? least : round_up(lane->slot_bytes / 2, LINE);
	else
		return false;
	return true;
}

/* Shrinks the lane that takes most and can shrink. */
static bool
shrink_rings(struct strads_shape *shape)
{
	int order[STRADS_LANES] = {0, 1, 2};

	for (int i = 0; i < STRADS_LANES; i++) {
		for (int j = i + 1; j < STRADS_LANES; j++)
			if (lane_bytes(&shape->lane[order[j]]) >
			    lane_bytes(&shape->lane[order[i]])) {
				int other = order[i];

				order[i] = order[j];
				order[j] = other;
			}
		if (shrink_lane(shape, order[i]))
			return true;
	}
	return false;
}

static bool
shrink_reads(struct strads_shape *shape)
{
	if (shape->reads > 2)
		shape->reads /= 2;
	else if (shape->read_bytes > SLOT_MIN)
		shape->read_bytes = shape->read_bytes / 2 < SLOT_MIN
					? SLOT_MIN
					: round_up(shape->read_bytes / 2, LINE);
	else
		return false;
	return true;
}

static bool
shrink_window(struct strads_shape *shape)
{
	uint32_t extra = shape->window - shape->window_min;

	if (extra == 0)
		return false;
	shape->window -= (extra + 1) / 2;
	if (shape->set_blocks > shape->window)
		shape->set_blocks = shape->window;
	return true;
}

/* Keeps fewer drafts of a set of an early kind: of another all are kept. */
static bool
shrink_drafts(struct strads_shape *shape)
{
	uint32_t least = shape->window_min / (shape->staleness + 1);

	if (shape->set_blocks <= least)
		return false;
	shape->set_blocks -= (shape->set_blocks - least + 1) / 2;
	return true;
}

static bool
shrink_reductions(struct strads_shape *shape)
{
	if (shape->reductions == 1)
		return false;
	shape->reductions /= 2;
	return true;
}

/* Makes what takes most smaller; false if everything is as small as it can be. */
static bool
shrink(struct strads_shape *shape)
{
	const struct {
		size_t bytes;
		bool (*shrink)(struct strads_shape *);
	} parts[] = {
	    {rings_bytes(shape), shrink_rings},
	    {reads_bytes(shape), shrink_reads},
	    {plus(window_bytes(shape), strads_shape_commits(shape)), shrink_window},
	    {strads_shape_drafts(shape), shrink_drafts},
	    {reduction_bytes(shape), shrink_reductions},
	};
	const size_t n = sizeof parts / sizeof *parts;
	bool tried[sizeof parts / sizeof *parts] = {false};

	for (size_t round = 0; round < n; round++) {
		size_t most = n;

		for (size_t i = 0; i < n; i++)
			if (!tried[i] && (most == n || parts[i].bytes > parts[most].bytes))
				most = i;
		if (parts[most].shrink(shape))
			return true;
		tried[most] = true;
	}
	return false;
}

/* Whether the places of `levels` levels below a root are enough for all other ranks. */
static bool
tree_holds(int ranks, int arity, int levels)
{
	int64_t level = 1, places = 0;

	for (int i = 0; i < levels && places < ranks - 1; i++)
		places += level *= arity;
	return places >= ranks - 1;
}

/* The arity by which a block of this shape reaches `ranks` ranks and comes back soonest. */
static int
best_arity(const struct strads_shape *shape, int ranks)
{
	double bytes = (double)shape->block_bytes + (double)shape->commit_stride +
		       (double)shape->partial_stride;
	double rank_ns =
	    RANK_NS + bytes / BYTES_PER_NS + (double)shape->partial_elems / ADDS_PER_NS;
	double least_ns = (ranks - 1) * rank_ns + LEVEL_NS;
	int best = ranks - 1;

	for (int arity = best, levels = 2; arity > 2; levels++) {
		double ns;

		while (arity > 2 && tree_holds(ranks, arity - 1, levels))
			arity--;
		ns = levels * (arity * rank_ns + LEVEL_NS);
		if (ns < least_ns) {
			least_ns = ns;
			best = arity;
		}
	}
	return best;
}

/* To how many ranks one hands on what goes to all. */
static uint32_t
choose_arity(const struct strads_shape *shape, int asked, int ranks)
{
	int all = ranks > 1 ? ranks - 1 : 1;

	if (asked > 0)
		return (uint32_t)(asked < all ? asked : all);
	return (uint32_t)(ranks < TREE_RANKS ? all : best_arity(shape, ranks));
}

static int
check(const struct strads_program *program, const struct strads_engine_options *options, int ranks)
{
	if (ranks < 1 || options->schedulers < 1 || options->schedulers > ranks)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "%d schedulers on %d ranks: there must be 1 to as many as ranks",
				   options->schedulers, ranks);
	if (options->depth < 1 || options->depth > 1024)
		return strads_fail(STRADS_ERR_ARGUMENT, "depth %d is not one of 1 … 1024",
				   options->depth);
	if (options->staleness < 0 || options->staleness >= options->depth)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "staleness %d with depth %d: a set that is pushed before the "
				   "last %d are committed is scheduled before that too; give a "
				   "depth of at least %d",
				   options->staleness, options->depth, options->staleness,
				   options->staleness + 1);
	if (options->fan_out < 0)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a fan-out of %d ranks: there must be 1, or 0 for what suits "
				   "the number of ranks",
				   options->fan_out);
	if (options->chunk_bytes < SLOT_MIN || options->chunk_bytes > UINT32_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "chunks of %zu bytes: there must be 256 bytes to 4 GiB in one",
				   options->chunk_bytes);
	if (program->block_max < 1 || program->set_blocks_max < 1)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "program %s: block_max and set_blocks_max must be at least 1",
				   program->name);
	return STRADS_OK;
}

static uint32_t
ceil_div(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

/* The product, or the largest number there is. */
static uint32_t
times_u32(uint32_t a, uint32_t b)
{
	uint32_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT32_MAX : product;
}

/* A lane with slots for `blocks` blocks in flight, twice, so that credit comes by halves; its
 * messages carry up to `payload` bytes where the chunk allows. */
static struct strads_lane_shape
lane_shape(int writers, size_t blocks, size_t payload, size_t chunk)
{
	uint32_t slots = 2;

	while (slots < 2 * blocks && slots < SLOTS_MAX)
		slots *= 2;
	return (struct strads_lane_shape){
	    .writers = (uint32_t)writers,
	    .slots = slots,
	    .slot_bytes = smaller(round_up(plus(payload, STRADS_WIRE_TAIL), LINE), chunk)};
}

/* The shape that a program would have if memory were no concern. */
static void
prefer(const struct strads_program *program, const struct strads_engine_options *options, int ranks,
       struct strads_shape *shape)
{
	size_t chunk = options->chunk_bytes / LINE * LINE;
	size_t partial = times(program->partial_max, sizeof(double));
	/* No set is synced before those that must not see it have been pushed. */
	uint32_t least = times_u32(program->set_blocks_max, (uint32_t)options->staleness + 1);
	uint32_t window = least > UINT32_MAX - WINDOW_EXTRA ? UINT32_MAX : least + WINDOW_EXTRA;
	size_t blocks = ceil_div(window, (uint32_t)ranks); /* of a window, to one reducer */
	struct strads_tree tree;

	*shape = (struct strads_shape){
	    .ranks = (uint32_t)ranks,
	    .schedulers = (uint32_t)options->schedulers,
	    .depth = (uint32_t)options->depth,
	    .staleness = (uint32_t)options->staleness,
	    .window = window,
	    .window_min = least,
	    .reads = READS,
	    .draft_sets = ceil_div((uint32_t)options->depth, (uint32_t)options->schedulers),
	    /* Of a set of an early kind whatever there is room for is under way at a time. */
	    .set_blocks = program->early ? window : program->set_blocks_max,
	    .read_bytes = smaller(round_up(partial ? partial : 1, LINE), chunk),
	    .block_bytes = sizeof(struct strads_wire_block) + 8 * (uint64_t)program->block_max,
	    .partial_elems = program->partial_max,
	    .partial_stride = round_up(plus(partial, STRADS_WIRE_TAIL), LINE),
	    .commit_stride = round_up(plus(program->commit_max, STRADS_WIRE_TAIL), LINE),
	};
	shape->draft_stride = shape->block_bytes + STRADS_WIRE_TAIL;
	shape->arity = choose_arity(shape, options->fan_out, ranks);
	tree = strads_shape_tree(shape, STRADS_LANE_COMMIT);
	shape->relays = (uint32_t)strads_tree_inner(&tree) - 1;
	shape->reductions = shape->relays > 0 ? TREE_REDUCTIONS : REDUCTIONS;
	shape->lane[STRADS_LANE_SCHEDULE] =
	    lane_shape(options->schedulers, window, shape->block_bytes, chunk);
	shape->lane[STRADS_LANE_PARTIAL] =
	    lane_shape(ranks, blocks, smaller(options->eager_bytes, partial), chunk);
	shape->lane[STRADS_LANE_COMMIT] = lane_shape(ranks, blocks, program->commit_max, chunk);
}

int
strads_shape_fit(const struct strads_program *program, const struct strads_engine_options *options,
		 int ranks, struct strads_shape *shape)
{
	int status = check(program, options, ranks);
	size_t room;

	if (status != STRADS_OK)
		return status;
	prefer(program, options, ranks, shape);
	while (rings_bytes(shape) > options->memory_bytes / RINGS_PART && shrink_rings(shape))
		;
	while (strads_shape_total(shape) > options->memory_bytes && shrink(shape))
		;
	room = shape->lane[STRADS_LANE_PARTIAL].slot_bytes - STRADS_WIRE_TAIL;
	shape->eager_elems = smaller(options->eager_bytes, room) / sizeof(double);
	if (strads_shape_total(shape) <= options->memory_bytes)
		return STRADS_OK;
	return strads_fail(
	    STRADS_ERR_MEMORY,
	    "program %s needs at least %zu bytes on each of %d ranks, the budget is %zu: "
	    "raise the budget, or use smaller blocks or fewer of them in a set",
	    program->name, strads_shape_total(shape), ranks, options->memory_bytes);
}
