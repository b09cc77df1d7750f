/*
 * What a parameter server is made of: its worker's side (server.c) and its owner's
 * (server_inbox.c).
 */
#ifndef STRADS_SCHED_SERVER_STATE_H
#define STRADS_SCHED_SERVER_STATE_H

#include "keymap.h"
#include "ring.h"
#include "strads/hashed.h"
#include "strads/server.h"

#define STRADS_SERVER_NEVER UINT64_MAX

/* In the trailer of a message of additions: no further message of that clock. */
#define STRADS_SERVER_LAST 1u

/* A row as this worker has it. */
struct strads_server_row {
	int owner;
	uint64_t version; /* the owner's floor when it was read, or NEVER */
	uint64_t asked;   /* the owner's floor when it was asked for */
	bool reading;
	enum strads_hashed_answer answer;
};

/* What this worker added in one clock; clock c in c mod (s + 1). */
struct strads_server_added {
	double *delta;     /* [rows_max][width] */
	bool *touched;     /* [rows_max] */
	uint32_t *numbers; /* [rows_max]: of the rows touched, in order */
	uint32_t count;
};

/* Two messages to a peer, in turn. */
struct strads_server_out {
	struct strads_counter counter[2];
	unsigned next;
};

/* A row is stored as `ranks` clocks, those of each worker's that are in, and the numbers. */
struct strads_server {
	struct strads_fabric *fabric;
	struct strads_server_options options;
	int rank, ranks;
	struct strads_hashed *hashed;
	struct strads_region *inbox;  /* rings, credit words, the owners' floors */
	struct strads_region *outbox; /* [ranks][2] messages */
	struct strads_lane lane;
	struct strads_stage_stats lane_stats;
	size_t floors_offset;

	/* The owner. */
	uint64_t *applied; /* [ranks] clocks of each worker that are in */
	uint64_t floor;    /* the least of these … */
	uint64_t *told;    /* [ranks] … as the peers know it */
	uint64_t *scratch; /* one stored row */

	/* The worker. */
	uint64_t clock;
	struct strads_keymap map;       /* the rows it has met, by number */
	struct strads_server_row *rows; /* [rows_max] */
	uint64_t *stored;               /* [rows_max] stored rows, its own additions among them */
	struct strads_server_added *added; /* [s + 1] */
	struct strads_server_out *out;     /* [ranks] */
	size_t asked;                      /* of the keys of the get under way */
	bool sending;                      /* a clock is being ended … */
	int peer;                          /* … and this peer is being sent … */
	uint32_t position;                 /* … from this of the rows touched on */
};

static inline size_t
strads_server_row_words(const struct strads_server *server)
{
	return (size_t)server->ranks + server->options.width;
}

static inline struct strads_server_added *
strads_server_added_at(const struct strads_server *server, uint64_t clock)
{
	return &server->added[clock % ((uint64_t)server->options.staleness + 1)];
}

/* Up to which clock all additions are in the shard of `owner`, as far as is known here. */
uint64_t strads_server_floor(const struct strads_server *server, int owner);

/* Applies what this rank adds to its own rows in its present clock. */
STRADS_MUST_CHECK int strads_server_apply_own(struct strads_server *server);

/* Sends the next message of this clock to server->peer: AGAIN if there is no room. Then position is
 * where to go on, or beyond all. */
STRADS_MUST_CHECK int strads_server_send(struct strads_server *server);

#endif
