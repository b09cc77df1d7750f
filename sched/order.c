#include "strads/order.h"

#include <string.h>

#include "strads/random.h"

/* Streams of the random numbers used here; a draw adds its number. */
#define STREAM_DRAW    (UINT64_C(1) << 62)
#define STREAM_SHUFFLE (UINT64_C(2) << 62)

/* Up to so many positions, a draw shuffles a list of them; beyond, it needs no list. */
#define LIST_MAX 256

#define ROUNDS 8

static const char *const names[] = {
    [STRADS_ORDER_CYCLIC] = "cyclic",
    [STRADS_ORDER_RANDOM] = "random",
    [STRADS_ORDER_FIXED] = "fixed",
};

/* A keyed permutation of 0 … n − 1, n > LIST_MAX: a Feistel network over pairs (left < rows, right
 * < columns) with rows · columns barely above n, walked until it falls below n. Black and Rogaway,
 * "Ciphers with arbitrary finite domains", CT-RSA 2002, method 3. */
struct shuffle {
	uint64_t n;
	uint64_t rows;
	uint64_t columns;
	uint64_t key[ROUNDS];
};

const char *
strads_order_name(enum strads_order order)
{
	return names[order];
}

int
strads_order_parse(const char *name)
{
	for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static void
shuffle_init(struct shuffle *shuffle, uint64_t seed, uint64_t draw, uint64_t n)
{
	uint64_t rows = 1;

	for (uint64_t bit = UINT64_C(1) << 30; bit; bit >>= 1)
		if ((rows + bit) * (rows + bit) <= n)
			rows += bit;
	shuffle->n = n;
	shuffle->rows = rows; /* ⌊√n⌋, at most 2^31 */
	shuffle->columns = n / rows + (n % rows != 0);
	for (int i = 0; i < ROUNDS; i++)
		shuffle->key[i] = strads_random(seed, STREAM_DRAW + draw, (uint64_t)i);
}

static uint64_t
shuffle_at(const struct shuffle *shuffle, uint64_t x)
{
	uint64_t rows = shuffle->rows, columns = shuffle->columns;

	do {
		uint64_t left = x / columns, right = x % columns;

		for (int i = 0; i < ROUNDS; i += 2) {
			left +=
			    strads_random_scale(strads_random_mix(shuffle->key[i] + right), rows);
			left -= left >= rows ? rows : 0;
			right += strads_random_scale(strads_random_mix(shuffle->key[i + 1] + left),
						     columns);
			right -= right >= columns ? columns : 0;
		}
		x = left * columns + right;
	} while (x >= shuffle->n);
	return x;
}

static void
draw_cyclic(uint64_t n, uint32_t count, uint64_t draw, uint64_t *positions)
{
	uint64_t at = (uint64_t)((unsigned __int128)draw * count % n);

	for (uint32_t i = 0; i < count; i++) {
		positions[i] = at;
		at = at + 1 == n ? 0 : at + 1;
	}
}

/* The first steps of a Fisher–Yates shuffle of 0 … n − 1, n ≤ LIST_MAX. */
static void
draw_from_list(uint64_t seed, uint32_t n, uint32_t count, uint64_t draw, uint64_t *positions)
{
	uint8_t list[LIST_MAX];

	for (uint32_t i = 0; i < n; i++)
		list[i] = (uint8_t)i;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t bits = strads_random(seed, STREAM_DRAW + draw, i);
		uint32_t j = i + (uint32_t)strads_random_scale(bits, n - i);

		positions[i] = list[j];
		list[j] = list[i];
	}
}

static void
draw_random(uint64_t seed, uint64_t n, uint32_t count, uint64_t draw, uint64_t *positions)
{
	struct shuffle shuffle;

	if (n <= LIST_MAX) {
		draw_from_list(seed, (uint32_t)n, count, draw, positions);
		return;
	}
	shuffle_init(&shuffle, seed, draw, n);
	for (uint32_t i = 0; i < count; i++)
		positions[i] = shuffle_at(&shuffle, i);
}

static uint32_t
draw_fixed(uint64_t n, const uint32_t *permutation, uint32_t count, uint64_t draw,
	   uint64_t *positions)
{
	uint64_t blocks = n / count + (n % count != 0);
	uint64_t from = draw % blocks * count;
	uint32_t have = n - from < count ? (uint32_t)(n - from) : count;

	for (uint32_t i = 0; i < have; i++)
		positions[i] = permutation[from + i];
	return have;
}

uint32_t
strads_order_draw(enum strads_order order, uint64_t seed, uint64_t n, const uint32_t *permutation,
		  uint32_t set_size, uint64_t draw, uint64_t *positions)
{
	uint32_t count = set_size < n ? set_size : (uint32_t)n;

	if (count == 0)
		return 0;
	switch (order) {
	case STRADS_ORDER_CYCLIC:
		draw_cyclic(n, count, draw, positions);
		return count;
	case STRADS_ORDER_RANDOM:
		draw_random(seed, n, count, draw, positions);
		return count;
	case STRADS_ORDER_FIXED:
		return draw_fixed(n, permutation, count, draw, positions);
	}
	return 0;
}

void
strads_order_shuffle(uint64_t seed, uint32_t n, uint32_t *permutation)
{
	for (uint32_t i = 0; i < n; i++) {
		/* Fisher–Yates from the inside out: i goes to a random place among 0 … i. */
		uint32_t j = (uint32_t)strads_random_scale(strads_random(seed, STREAM_SHUFFLE, i),
							   (uint64_t)i + 1);

		if (j != i)
			permutation[i] = permutation[j];
		permutation[j] = i;
	}
}
