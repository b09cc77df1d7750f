/*
 * What the hub knows of itself and of each rank. Shared by hub.c, member.c and collective.c alone.
 */
#ifndef STRADS_MEMBER_H
#define STRADS_MEMBER_H

#include "job/frame.h"
#include "job/hub.h"
#include "job/outbox.h"

enum strads_presence {
	STRADS_EXPECTED,
	STRADS_PRESENT,
	STRADS_LEFT,
	STRADS_GONE,
	STRADS_PRESENCES
};

struct strads_member {
	struct strads_hub_source source;
	struct strads_hub *hub;
	int rank;
	int fd;
	enum strads_presence presence;
	char who[96];
	struct strads_reader reader;
	struct strads_outbox outbox;
	int letters; /* of this rank, on their way to others */
	bool muted;  /* not listened to, as they are too many */
	bool gave;   /* has contributed to the collective under way */
	uint8_t *contribution;
	uint64_t contribution_bytes;
};

struct strads_hub {
	struct strads_hub_options options;
	int epoll;
	uint64_t sequence; /* of the collective under way or next */
	int gave;          /* ranks that have contributed */
	uint64_t deadline_ms;
	int ranks_in[STRADS_PRESENCES]; /* how many ranks are in each */
	int connected;                  /* how many have an open socket */
	int muted;                      /* how many are not listened to */
	bool failed;
	struct strads_message *news; /* why, for later comers; NULL for want of memory */
	int exit_code;
	struct strads_member members[];
};

/* Closes its socket, if it is open, and forgets what was on its way. */
void strads_member_close(struct strads_member *member);

void strads_member_becomes(struct strads_member *member, enum strads_presence presence);

/* A rank that cannot be told for want of memory (of the message, which is then NULL, or here) is
 * cut off: it sees its channel close. */
void strads_member_send(struct strads_member *member, struct strads_message *message);

/* To all ranks that are there but one; −1: to all. */
void strads_member_send_all(struct strads_hub *hub, int except, struct strads_message *message);

/* Takes what has come, from a rank that has ended even if it is muted. */
void strads_member_read(struct strads_member *member, bool ended);

/* For the hub's loop. */
void strads_member_ready(struct strads_hub_source *source, uint32_t events);

/* The exit code of a rank; the hub keeps the highest. */
void strads_hub_note_code(struct strads_hub *hub, int code);

/* Ends the collective under way if it is complete, or if it can never be. */
void strads_collective_step(struct strads_hub *hub);

/* Its deadline has passed: says who is missing. */
void strads_collective_expire(struct strads_hub *hub);

#endif
