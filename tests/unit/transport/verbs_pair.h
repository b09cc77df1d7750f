/*
 * Two ranks in this process, joined by the verbs provider over adapters that are none. They wire up
 * in two threads; after that the test is both of them.
 */
#ifndef VERBS_PAIR_H
#define VERBS_PAIR_H

#include "fabric.h"
#include "job/job.h"
#include "verbs/verbs.h"
#include "verbs_fake.h"

#define PAIR_BYTES (64 * 1024)

struct verbs_pair {
	struct strads_job jobs[2];
	struct strads_fabric *fabrics[2];
	struct strads_verbs *verbs[2]; /* the providers' contexts inside them */
	struct strads_region *open[2]; /* peers may read and write */
	struct strads_region *own[2];  /* local */
	int status[2];
	char why[2][512];
};

/* Opens and wires both, without their servers; status and why tell how it went. */
void verbs_pair_open(struct verbs_pair *pair);

/* Lets one rank want the connection, and both make progress until it is open or cannot be. Returns
 * STRADS_OK, AGAIN (nothing comes of it), or why. */
int verbs_pair_join(struct verbs_pair *pair, int rank);

/* Letters are lost from now on, or not any more. */
void verbs_pair_deafen(bool deaf);

/* A letter of the other rank comes to rank `to`. */
void verbs_pair_write(int to, const void *bytes, size_t n);

/* Copies the letter that was posted last; returns its length, at most STRADS_MAIL_MAX. */
size_t verbs_pair_letter(void *bytes);

/* Closes what one rank has open. */
void verbs_pair_leave(struct verbs_pair *pair, int rank);

/* Closes whatever is open. */
void verbs_pair_close(struct verbs_pair *pair);

/* Lets one rank make progress, without looking after the job. */
int verbs_pair_turn(struct verbs_pair *pair, int rank);

#endif
