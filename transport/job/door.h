/*
 * How ranks of other processes come to the hub over TCP: who connects proves that it knows the
 * job's secret and then says which rank it is. Whoever does not is turned away, in one line on
 * stderr where it speaks this protocol, and disturbs nobody.
 */
#ifndef STRADS_DOOR_H
#define STRADS_DOOR_H

#include "job/hub.h"
#include "job/secret.h"

#include <stdint.h>

/* Visitors that may wait at once, beside as many as the job has ranks. */
#define STRADS_DOOR_STRANGERS 64

struct strads_door;

struct strads_door_options {
	int listener;                       /* non-blocking; the door owns it on success */
	int size;                           /* ranks of the job */
	const struct strads_secret *secret; /* borrowed */
	uint64_t timeout_ms;                /* for a visitor to introduce itself, at most 10 s;
					       and of admitted connections */
};

/* Admits ranks to `hub`, from whose loop it works. Returns STRADS_OK, ERR_MEMORY, ERR_IO. */
int strads_door_new(struct strads_hub *hub, const struct strads_door_options *options,
		    struct strads_door **door);

/* Closes what is not admitted and nulls. */
void strads_door_delete(struct strads_door **door);

/* The job's cookie, as admitted ranks have it. */
uint64_t strads_door_cookie(const struct strads_door *door);

/* Drops visitors whose time is over, and looks after the listener: call after every
 * strads_hub_serve. Returns milliseconds until it must be called again, −1: not before something
 * comes. */
int strads_door_expire(struct strads_door *door);

#endif
