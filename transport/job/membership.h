/*
 * What the environment says about the job of a process that was started by hand, by a script or by
 * a launcher: which rank it is, of how many, where rank 0 is met, and the job's secret.
 */
#ifndef STRADS_MEMBERSHIP_H
#define STRADS_MEMBERSHIP_H

#include "job/secret.h"
#include "job/socket.h"

#define STRADS_SECRET_MIN 16 /* characters, of one that is set */

struct strads_membership {
	int rank;
	int size;
	char host[STRADS_SOCKET_HOST]; /* rank 0's */
	uint16_t port;
	struct strads_secret secret; /* length 0: none, and host is this host's own loopback */
};

/* Whether STRADS_ROOT says that this process is to meet others. */
bool strads_membership_present(void);

/* Reads STRADS_RANK and STRADS_SIZE, else what Open MPI, PMIx, PMI or Slurm have set; STRADS_ROOT,
 * else the first host of a Slurm step and a port that follows from the step's number; STRADS_SECRET
 * or the first line of the file STRADS_SECRET_FILE. Returns STRADS_OK, ERR_INPUT (the sentence
 * names the variable). */
int strads_membership_read(struct strads_membership *membership);

#endif
