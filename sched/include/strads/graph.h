/*
 * Which variables interact: the Gram matrix of the columns, sparse, for problems small enough to
 * have it.
 */
#ifndef STRADS_GRAPH_H
#define STRADS_GRAPH_H

#include "strads/columns.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More variables, or more interactions on a rank, are refused: 65,536 and 2^26 (512 MiB). */
#define STRADS_GRAPH_VARIABLES_MAX (UINT64_C(1) << 16)
#define STRADS_GRAPH_EDGES_MAX     (UINT64_C(1) << 26)

struct strads_graph_options {
	uint64_t variables;
	uint64_t rows;   /* of the whole matrix */
	uint64_t absent; /* of these, without values, which do not count */
	bool centred;    /* columns of mean 0: all interact */
	/* Of S schedulers each has the interactions with its own variables, k mod S. */
	int scheduler;  /* 0 … schedulers − 1 */
	int schedulers; /* S ≥ 1 */
};

/* Who is changed by variable j: the scheduler's own k ≠ j whose columns have x_jᵀx_k ≠ 0, the
 * columns centred if they are. */
struct strads_graph {
	struct strads_graph_options options;
	uint64_t *first; /* [variables + 1] of j in the two below */
	uint32_t *to;    /* [edges] k, ascending */
	float *weight;   /* [edges] |x_jᵀx_k| */
	uint64_t room;
};

/* STRADS_OK, or ERR_INPUT: so many variables are too many. The same on every rank. */
STRADS_MUST_CHECK int strads_graph_check(uint64_t variables);

/* Reads all columns, which takes its time and blocks, for start-up: `columns` holds them all.
 * Returns STRADS_OK, ERR_INPUT (too many variables or interactions), ERR_MEMORY, or as
 * strads_columns_hold and strads_fabric_progress. Thread: owner. */
STRADS_MUST_CHECK int strads_graph_new(struct strads_fabric *fabric, struct strads_columns *columns,
				       const struct strads_graph_options *options,
				       struct strads_graph **graph);
void strads_graph_delete(struct strads_graph **graph);

/* Bytes it has. */
size_t strads_graph_bytes(const struct strads_graph *graph);

#ifdef __cplusplus
}
#endif

#endif
