/*
 * What is going to happen in the simulation, in the order of its time. Internal to sim/.
 */
#ifndef STRADS_SIM_EVENTS_H
#define STRADS_SIM_EVENTS_H

#include <stddef.h>
#include <stdint.h>

enum strads_event_kind {
	STRADS_EVENT_REQUEST,  /* a get or fetch-add reaches the rank it asks */
	STRADS_EVENT_PIECE,    /* a part of torn data lands */
	STRADS_EVENT_ARRIVE,   /* the first byte reaches the link it comes in by */
	STRADS_EVENT_LAND,     /* the last byte is in memory */
	STRADS_EVENT_COMPLETE, /* the initiator learns of it */
	STRADS_EVENT_KILL,     /* a rank dies */
	STRADS_EVENT_NEWS,     /* the others learn why the job cannot go on */
};

struct strads_sim_operation;

struct strads_event {
	uint64_t time;     /* ps */
	uint64_t sequence; /* in the order they were added: decides between equal times */
	struct strads_sim_operation *operation; /* NULL for KILL and NEWS */
	enum strads_event_kind kind;
	int number; /* PIECE: which; KILL, NEWS: the rank it is about */
};

/* All zero: empty. */
struct strads_events {
	struct strads_event *heap; /* binary heap */
	size_t count;
	size_t capacity;
	uint64_t added;
};

/* Room for `count` events altogether. Returns STRADS_OK or ERR_MEMORY. */
int strads_events_reserve(struct strads_events *events, size_t count);
void strads_events_free(struct strads_events *events);

/* Adds an event, whose sequence is set here; there must be room for it. */
void strads_events_add(struct strads_events *events, struct strads_event event);

/* Removes and returns the earliest; there must be one. */
struct strads_event strads_events_take(struct strads_events *events);

#endif
