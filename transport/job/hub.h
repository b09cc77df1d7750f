/*
 * The centre of the control channel: one epoll loop, one stream socket per rank. It answers
 * collectives, passes an abort on to the others, and tells them who died. The first thing that
 * ends the job is what every rank is told; later ones are ignored.
 *
 * Not thread-safe: the supervising parent of a local job, or one thread of rank 0, owns it.
 */
#ifndef STRADS_HUB_H
#define STRADS_HUB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct strads_hub;

/* Something else that the hub's loop watches. */
struct strads_hub_source {
	void (*ready)(struct strads_hub_source *source, uint32_t events);
};

struct strads_hub_options {
	int size;
	uint64_t timeout_ms; /* of a collective, from its first contribution */
	bool close_is_death; /* nobody else learns how a rank ended: tell it from its socket */
};

/* Returns STRADS_OK, ERR_MEMORY, ERR_IO. */
int strads_hub_new(const struct strads_hub_options *options, struct strads_hub **hub);

/* Closes all sockets and nulls. */
void strads_hub_delete(struct strads_hub **hub);

/* Serves `rank` over `fd` from now on and owns the descriptor. `who` names the rank in sentences:
 * "rank 2 (pid 4711)". Returns STRADS_OK, ERR_ARGUMENT (that rank is served already), ERR_IO; on
 * failure the descriptor stays the caller's. */
int strads_hub_connect(struct strads_hub *hub, int rank, int fd, const char *who);

/* Readable when strads_hub_serve has something to do. */
int strads_hub_fd(const struct strads_hub *hub);

/* Milliseconds until strads_hub_serve must be called even if nothing comes; −1: never. */
int strads_hub_timeout_ms(const struct strads_hub *hub);

/* Waits for up to timeout_ms (−1: for ever) and serves what came, and the deadlines of
 * collectives. Returns STRADS_OK, ERR_IO. */
int strads_hub_serve(struct strads_hub *hub, int timeout_ms);

/* Reads what `rank` had sent before it ended, so that its last words count. */
void strads_hub_drain(struct strads_hub *hub, int rank);

/* Rank `rank` will not come back; `sentence` says how it ended. */
void strads_hub_death(struct strads_hub *hub, int rank, const char *sentence);

/* Ends the job for all ranks that are still there, unless something has already. `missed`: 1 + the
 * rank that rank `about` has waited for in vain, or 0. */
void strads_hub_fail(struct strads_hub *hub, int about, int status, const char *sentence,
		     uint64_t missed);

/* The name given to strads_hub_connect. */
const char *strads_hub_who(const struct strads_hub *hub, int rank);

bool strads_hub_expects(const struct strads_hub *hub, int rank); /* it has not connected yet */
bool strads_hub_left(const struct strads_hub *hub, int rank);    /* it has said so itself */
bool strads_hub_failed(const struct strads_hub *hub);            /* the job cannot go on */
/* Ranks not left and not dead; once the job has failed nobody is waited for who has not come. */
int strads_hub_waiting_for(const struct strads_hub *hub);
int strads_hub_leavers(const struct strads_hub *hub);   /* ranks that have left */
int strads_hub_connected(const struct strads_hub *hub); /* ranks with an open socket */
int strads_hub_exit_code(const struct strads_hub *hub); /* highest; 1 for a dead rank */

/* Adds a descriptor to the loop. Returns STRADS_OK, ERR_IO. */
int strads_hub_watch(struct strads_hub *hub, int fd, struct strads_hub_source *source);
void strads_hub_unwatch(struct strads_hub *hub, int fd);

#endif
