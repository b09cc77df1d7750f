/* The rank's side of the door. */
#ifndef STRADS_KNOCK_H
#define STRADS_KNOCK_H

#include "job/secret.h"

struct strads_knock {
	const char *where; /* rank 0's address, for sentences */
	const char *host;  /* on which this rank runs */
	int rank;
	int size;
	const struct strads_secret *secret;
};

/* Introduces a rank over a fresh connection, and writes the job's cookie. Returns STRADS_OK;
 * ERR_PEER (closed: perhaps the door was too busy), ERR_TIMEOUT; ERR_PROTOCOL (no strads, or
 * another version), ERR_ACCESS (the secrets differ), ERR_ARGUMENT (there is no room for this rank):
 * it is no use to try again. */
int strads_knock(const struct strads_knock *knock, int fd, uint64_t deadline_ms, uint64_t *cookie);

#endif
