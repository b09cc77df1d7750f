/*
 * The plain schedulers: orders over a list of variables, a set at a time.
 */
#ifndef STRADS_ORDER_H
#define STRADS_ORDER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An order over a list of variables (positions 0 … n − 1), a set of `set_size` at a time. All
 * functions are pure: the same arguments give the same answer on every rank. */
enum strads_order {
	STRADS_ORDER_CYCLIC, /* the list in order, again and again; sets run over its end */
	STRADS_ORDER_RANDOM, /* set_size distinct positions drawn uniformly (seed, draw) */
	STRADS_ORDER_FIXED,  /* the list cut once into blocks (after a seeded shuffle), each block
			      * always with the same members; blocks in order */
};

/* "cyclic", "random" or "fixed"; −1 from parse if unknown. */
const char *strads_order_name(enum strads_order order);
int strads_order_parse(const char *name);

/* Positions of draw `draw` (0, 1, …) into `positions` [set_size]; returns how many (less than
 * set_size only when n is, or for the last block of FIXED). `permutation` [n] is the seeded shuffle
 * from strads_order_shuffle, needed by FIXED, else may be NULL. */
uint32_t strads_order_draw(enum strads_order order, uint64_t seed, uint64_t n,
			   const uint32_t *permutation, uint32_t set_size, uint64_t draw,
			   uint64_t *positions);

/* Fisher–Yates with counter-based random numbers: the same permutation of 0 … n − 1 everywhere. */
void strads_order_shuffle(uint64_t seed, uint32_t n, uint32_t *permutation);

#ifdef __cplusplus
}
#endif

#endif
