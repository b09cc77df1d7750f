/*
 * The reducer role: sums the partials of all ranks, calls pull on the sum and sends the commit to
 * all. Several blocks are summed at a time, and several pieces of partials are read at a time.
 *
 * Where all partials come to the reducer itself, a sum always is ((p0 + p1) + p2) + …, whatever
 * arrives first and however it travels. Where the reducer has a tree (tree.h), each rank that has
 * others below it adds their sums, in the order of their places, to its own partial and hands that
 * up: s = ((p + s1) + s2) + …, a function of the number of ranks, the arity and the reducer.
 */
#ifndef STRADS_SCHED_REDUCER_H
#define STRADS_SCHED_REDUCER_H

#include "shape.h"
#include "stream.h"

struct strads_engine;
struct strads_entry;

/* One block being summed. */
struct strads_reduction {
	struct strads_entry *entry;
	double *sum;     /* [partial_elems] */
	int first_below; /* by a tree: place of the first rank right below this one, … */
	int below;       /* … and how many there are */
	int next;        /* which addend comes next; those before have been taken or asked for */
	bool noted;      /* it is ready to be read, and being asked for */
	size_t asked;    /* bytes of it asked for */
	uint32_t reads;  /* gets not summed yet */
	bool pulled;
};

/* A piece of a partial: where this rank can look at it, or what a get brings. */
struct strads_reading {
	struct strads_reduction *reduction;
	const void *at;
	struct strads_counter counter;
	int rank;
	bool first;    /* addend */
	size_t offset; /* in the partial */
	size_t bytes;
};

struct strads_reducer {
	uint32_t reductions; /* a power of two */
	uint32_t reads;
	struct strads_reduction *ring; /* [reductions]; first … opened − 1 are in use, mod size */
	uint64_t first, opened;
	double *sums;
	struct strads_reading *readings; /* [reads], used in turn: done … asked − 1 are under way */
	uint64_t asked, done;
	uint8_t *staging; /* [reads][read_bytes], registered */
	struct strads_stream stream;
	struct strads_cast cast;
};

/* `trailers` is the cast's own memory, `staging` what is read into. Returns STRADS_OK or
 * ERR_MEMORY; in either case strads_reducer_free afterwards. */
STRADS_MUST_CHECK int strads_reducer_init(struct strads_engine *engine,
					  struct strads_trailer *trailers, uint8_t *staging);
void strads_reducer_free(struct strads_reducer *reducer);

/* Sums what is there, pulls what is summed, sends what is pulled. *moved is set if it did anything.
 */
STRADS_MUST_CHECK int strads_reducer_step(struct strads_engine *engine, bool *moved);

/* The block and the rank whose partial is waited for; false if none is. */
bool strads_reducer_waits_for(const struct strads_engine *engine, const struct strads_entry **entry,
			      int *rank);

#endif
