/*
 * A parameter server: rows of numbers that all ranks read and add to, with no schedule. What the
 * scheduled engine is compared with, on the same transport.
 *
 * Li et al., "Scaling distributed machine learning with the parameter server", OSDI 2014; Ho et
 * al., "More effective distributed ML via a stale synchronous parallel parameter server", NIPS
 * 2013.
 */
#ifndef STRADS_SERVER_H
#define STRADS_SERVER_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every rank is a worker and owns a shard of the rows, which lie in a hashed table. A worker gets
 * rows, adds to rows, and says `clock` when it is through with one unit of work. What it adds
 * travels at the clock, as one stream into the inbox of each owner, which applies it. An owner
 * tells everyone up to which clock all workers' additions are in its shard, its floor.
 *
 * Bounded staleness: at clock c a get brings a row that has all additions of all workers up to
 * clock c − s − 1, all of the worker's own, and perhaps newer ones of others: how much newer
 * depends on what happened to arrive. A row that was read before and is not too old yet is not read
 * again. */
struct strads_server;

struct strads_server_options {
	uint32_t width;       /* doubles in a row */
	int staleness;        /* s ≥ 0 */
	uint32_t rows_max;    /* different rows that a rank gets or adds to, at most */
	uint64_t shard_rows;  /* rows that a shard is expected to hold */
	size_t shard_bytes;   /* memory of a shard, at most */
	size_t message_bytes; /* of one message of additions; at least a row */
};

/* Width 64, s 0, 65536 rows, 64 MiB, messages of 16 KiB. */
void strads_server_defaults(struct strads_server_options *options);

/* Bytes of registered and private memory that a server takes on each of `ranks` ranks. */
size_t strads_server_memory(const struct strads_server_options *options, int ranks);

/* Collective, with the same options on all ranks; rows are zero. Returns STRADS_OK, ERR_ARGUMENT,
 * ERR_MEMORY, or as strads_hashed_new. Thread: owner. */
STRADS_MUST_CHECK int strads_server_new(struct strads_fabric *fabric,
					const struct strads_server_options *options,
					struct strads_server **server);

/* Frees and nulls. All ranks must have settled and met (a barrier). Thread: owner. */
void strads_server_delete(struct strads_server **server);

/* The calls below never block. On STRADS_AGAIN call the same again after strads_fabric_progress;
 * meanwhile nothing else. Each also applies what has come to this rank's shard; a worker with long
 * work calls strads_server_step now and then. All may return ERR_PROTOCOL, ERR_MEMORY (a shard is
 * full) and what operations fail with. Thread: owner. */

/* Brings n rows, [n][width], in the order of `keys`. ERR_ARGUMENT: more than rows_max different
 * ones. */
STRADS_MUST_CHECK int strads_server_get(struct strads_server *server, const strads_key *keys,
					size_t n, double *rows);

/* Adds delta [width] to a row: seen by this worker's gets at once, by others after the clock. Never
 * AGAIN. */
STRADS_MUST_CHECK int strads_server_add(struct strads_server *server, strads_key key,
					const double *delta);

/* Ends this clock: all that was added is on its way. */
STRADS_MUST_CHECK int strads_server_clock(struct strads_server *server);

/* Waits until the additions of all workers in all clocks so far are in; gets that follow read anew.
 * Collective in effect: it ends when every rank has come to the same clock. */
STRADS_MUST_CHECK int strads_server_settle(struct strads_server *server);

/* Takes in what has come: OK, never AGAIN. */
STRADS_MUST_CHECK int strads_server_step(struct strads_server *server);

/* Clocks that this worker has ended. */
uint64_t strads_server_clocks(const struct strads_server *server);

#ifdef __cplusplus
}
#endif

#endif
