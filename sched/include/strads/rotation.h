/*
 * The rotation scheduler: as many blocks of variables as workers, which move round them.
 */
#ifndef STRADS_ROTATION_H
#define STRADS_ROTATION_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of variables (positions 0 … n − 1) is cut once into P blocks, sizes equal to within one.
 * In sub-round t worker p has block (p + t) mod P, so that no two work on the same variable, and
 * each sees every block once in P sub-rounds (Lee et al., NIPS 2014, section 3). A block that is
 * too large for one sub-round is taken slice by slice. All functions are pure. */
struct strads_rotation {
	uint64_t positions;
	int workers;        /* P ≥ 1 */
	uint32_t slice_max; /* ≥ 1 */
};

/* Slices of a block: sub-rounds in which every position comes once; at least 1. Thread: any. */
uint64_t strads_rotation_slices(const struct strads_rotation *rotation);

/* The block that a worker has. Thread: any. */
int strads_rotation_block(const struct strads_rotation *rotation, uint64_t t, int worker);

/* The slice of it that comes in sub-round t: *first and those behind it; returns how many, at most
 * slice_max. Thread: any. */
uint32_t strads_rotation_slice(const struct strads_rotation *rotation, uint64_t t, int worker,
			       uint64_t *first);

#ifdef __cplusplus
}
#endif

#endif
