/*
 * What messages between ranks look like: fixed-size, little-endian.
 *
 * A message is  payload … padding to 8 | trailer | signal word  and ends where its slot ends, so
 * that payload, trailer and signal are one put-signal, however long the payload.
 */
#ifndef STRADS_SCHED_WIRE_H
#define STRADS_SCHED_WIRE_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>

static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "messages are laid out as a little-endian host has "
					       "them in memory");

/* Ends every message. The payload is a piece of a stream of `total` bytes; a note that a partial
 * is ready to be read carries no payload though its stream is not empty. */
struct strads_trailer {
	uint64_t set;
	uint64_t total;  /* bytes of the whole stream */
	uint64_t offset; /* of this piece in the stream */
	uint32_t block;  /* index in its set */
	uint32_t bytes;  /* of this piece */
	uint32_t lane;   /* enum strads_lane_id */
	uint32_t zero;
};

static_assert(sizeof(struct strads_trailer) == 40, "wire format");

#define STRADS_WIRE_LAST  1u /* no further block in this set */
#define STRADS_WIRE_RANGE 2u /* variables first … first + n − 1, no keys follow */

/* A block of a schedule set; its keys follow, 8 bytes each. */
struct strads_wire_block {
	uint64_t arg;
	uint64_t first;
	uint32_t n;
	uint32_t kind;
	uint32_t reducer;
	uint32_t flags;
};

static_assert(sizeof(struct strads_wire_block) == 32, "wire format");

/* What a slot holds beside the payload: trailer and signal word. */
#define STRADS_WIRE_TAIL (sizeof(struct strads_trailer) + sizeof(uint64_t))

static inline size_t
strads_wire_pad(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

#endif
