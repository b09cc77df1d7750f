/*
 * The dependency check: of a scheduler's candidates those are chosen that do not interfere, with
 * each other or with what is in flight.
 */
#ifndef STRADS_DEPENDENCY_H
#define STRADS_DEPENDENCY_H

#include "strads/columns.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two variables interfere if their columns' correlation |x_jᵀx_k| / (‖x_j‖·‖x_k‖), the columns
 * centred where their means are given, is ρ or more (Lee et al., NIPS 2014, section 3). The columns
 * are read from the ranks that hold them (strads/columns.h). */
struct strads_dependency;

struct strads_dependency_options {
	double rho;              /* 0 … 1; 0.1 is typical */
	uint32_t candidates_max; /* in one set */
	uint32_t set_max;        /* chosen for one set */
	uint32_t depth;          /* sets in flight, the one being chosen among them */
	uint64_t rows;           /* of the whole matrix */
	uint64_t absent;         /* of these, without values, which do not count */
	const double *mean;      /* [columns] by key, borrowed; NULL: not centred */
};

struct strads_dependency_stats {
	uint64_t candidates; /* looked at */
	uint64_t chosen;
	uint64_t products; /* inner products of columns */
	uint64_t busy_ns;  /* computing them */
};

/* Bytes that such a check takes. */
size_t strads_dependency_memory(const struct strads_dependency_options *options);

/* `columns` is borrowed. Returns STRADS_OK, ERR_ARGUMENT (an option out of range) or ERR_MEMORY. */
STRADS_MUST_CHECK int strads_dependency_new(struct strads_fabric *fabric,
					    struct strads_columns *columns,
					    const struct strads_dependency_options *options,
					    struct strads_dependency **dependency);
void strads_dependency_delete(struct strads_dependency **dependency);

/* Set `set`, of these variables, is in flight until set + depth is chosen. Sets are told in order;
 * n is at most set_max. */
void strads_dependency_seen(struct strads_dependency *dependency, uint64_t set,
			    const strads_key *keys, uint32_t n);

/* Goes through the candidates in their order and keeps each that interferes with none kept before
 * and none of the sets set − depth + 1 … set − 1, of which all that update variables must have been
 * seen; at most set_max. Writes them to chosen, their number and the largest correlation among them
 * and with those in flight. STRADS_AGAIN: columns are being read; to be called again with the same
 * arguments after strads_fabric_progress. Else STRADS_OK or as strads_columns_hold. */
STRADS_MUST_CHECK int strads_dependency_choose(struct strads_dependency *dependency, uint64_t set,
					       const strads_key *candidates, uint32_t n,
					       strads_key *chosen, uint32_t *n_chosen,
					       double *worst);

void strads_dependency_stats(const struct strads_dependency *dependency,
			     struct strads_dependency_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
