/*
 * Models along a path of λs, and how they are collected from the ranks that own their parts.
 */
#ifndef STRADS_LINEAR_PATH_H
#define STRADS_LINEAR_PATH_H

#include "model.h"

/* One λ. All but the model is the same on all ranks. */
struct strads_linear_point {
	struct strads_linear_progress at; /* when it was done */
	double seconds;                   /* that it took */
	struct strads_linear_model model; /* on rank 0 */
};

/* By descending λ. */
struct strads_linear_path {
	uint64_t count;
	struct strads_linear_point *point; /* [count] */
};

/* What a rank has of the models: its nonzeros on the original scale, one λ after the other, by
 * ascending key. */
struct strads_linear_share {
	uint64_t *count; /* of nonzeros, by λ */
	uint64_t entries;
	uint64_t room;
	struct strads_linear_entry *entry; /* [room] */
};

struct strads_linear_entry {
	strads_key key;
	double value;
};

/* Makes room for `more` entries. Returns STRADS_OK, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_linear_share_grow(struct strads_linear_share *share, uint64_t more);
void strads_linear_share_free(struct strads_linear_share *share);

/* Collects the models of all path->count λs on rank 0, by gets; later ranks own later keys.
 * Intercepts are `offset` − Σ β_j·μ_j. Collective. Returns as strads_linear_model_gather. Thread:
 * owner. */
STRADS_MUST_CHECK int strads_linear_path_gather(struct strads_fabric *fabric,
						const struct strads_linear_share *share,
						const struct strads_linear_columns *columns,
						double offset, struct strads_linear_path *path);
void strads_linear_path_free(struct strads_linear_path *path);

#endif
