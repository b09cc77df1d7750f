/*
 * The shape of an engine: how many of everything, how large, from sizes and the budget alone. The
 * same on all ranks.
 */
#ifndef STRADS_SCHED_SHAPE_H
#define STRADS_SCHED_SHAPE_H

#include "ring.h"

struct strads_lane_shape {
	uint32_t writers; /* ranks that write: rings in every inbox */
	uint32_t slots;   /* a power of two, at least 2 */
	uint64_t slot_bytes;
};

struct strads_shape {
	uint32_t ranks;
	uint32_t schedulers;
	uint32_t depth;
	uint32_t staleness;
	uint32_t arity;        /* of the trees by which things go to all and sums come back */
	uint32_t relays;       /* places of such a tree, but the root's, with others below them */
	uint32_t window;       /* blocks between admission and sync … */
	uint32_t window_min;   /* … of which there must be room for so many */
	uint32_t reductions;   /* blocks summed at a time: a power of two */
	uint32_t reads;        /* gets of partials under way at a time */
	uint32_t draft_sets;   /* sets a scheduler may have drafted and not sent */
	uint32_t set_blocks;   /* drafts kept of each, until they are synced */
	uint64_t eager_elems;  /* partials of up to so many doubles travel with their signal */
	uint64_t read_bytes;   /* most bytes of one get */
	uint64_t block_bytes;  /* a block with its keys, as a stream */
	uint64_t draft_stride; /* of the drafts: a block and room for a trailer */
	uint64_t partial_elems;
	uint64_t partial_stride; /* of the partial slots: a partial and room for a trailer */
	uint64_t commit_stride;  /* of the commits, likewise */
	struct strads_lane_shape lane[STRADS_LANES];
};

/* Fits a shape into options->memory_bytes. Returns STRADS_OK, ERR_ARGUMENT (an option or a size of
 * the program is out of range), ERR_MEMORY (not even the smallest shape fits; *shape is that one).
 */
STRADS_MUST_CHECK int strads_shape_fit(const struct strads_program *program,
				       const struct strads_engine_options *options, int ranks,
				       struct strads_shape *shape);

/* The tree of a lane's messages. One that carries partials goes from its sender to one rank alone,
 * whichever that is: of the sender's own tree, all are right below it. */
struct strads_tree strads_shape_tree(const struct strads_shape *shape, enum strads_lane_id id);

/* Sums that are kept apart from partials: by trees a sum grows where the rank's own partial is. */
uint32_t strads_shape_sums(const struct strads_shape *shape);

/* Bytes of the inbox (peers write), of the partials (peers read), of the outbox (local, registered)
 * of a rank that schedules or not, and of everything together. SIZE_MAX: more than can be counted.
 */
size_t strads_shape_inbox(const struct strads_shape *shape);
size_t strads_shape_partials(const struct strads_shape *shape);
size_t strads_shape_outbox(const struct strads_shape *shape, bool schedules);
size_t strads_shape_total(const struct strads_shape *shape);

/* Parts of the outbox: the trailers of a lane's cast, the window's commits, all drafts. */
size_t strads_shape_trailers(const struct strads_shape *shape, enum strads_lane_id id);
size_t strads_shape_commits(const struct strads_shape *shape);
size_t strads_shape_drafts(const struct strads_shape *shape);

#endif
