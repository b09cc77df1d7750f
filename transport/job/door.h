/*
 * How ranks of other processes come to the hub over TCP: who connects first shows the job's cookie,
 * then says which rank it is. Whatever else connects is dropped and disturbs nobody.
 */
#ifndef STRADS_DOOR_H
#define STRADS_DOOR_H

#include "job/hub.h"

#include <stdint.h>

#define STRADS_DOOR_COOKIE 16 /* bytes */

struct strads_door;

struct strads_door_options {
	int listener; /* non-blocking; the door owns it on success */
	int expected; /* ranks that are to come; then the listener is closed */
	uint8_t cookie[STRADS_DOOR_COOKIE];
	uint64_t timeout_ms; /* for a visitor to introduce itself, and of admitted connections */
};

/* Admits ranks to `hub`, from whose loop it works. Returns STRADS_OK, ERR_MEMORY, ERR_IO. */
int strads_door_new(struct strads_hub *hub, const struct strads_door_options *options,
		    struct strads_door **door);

/* Closes what is not admitted and nulls. */
void strads_door_delete(struct strads_door **door);

/* Drops visitors whose time is over: call after every strads_hub_serve. Returns milliseconds until
 * it must be called again, −1: not before something comes. */
int strads_door_expire(struct strads_door *door);

/* The visitor's side: introduces rank `rank` over a fresh connection. Returns STRADS_OK, ERR_PEER.
 */
int strads_door_knock(int fd, const uint8_t *cookie, int rank, const char *host);

#endif
