#include "job/member.h"

#include "strads/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
collective_reset(struct strads_hub *hub)
{
	for (int rank = 0; rank < hub->options.size; rank++) {
		struct strads_member *member = &hub->members[rank];
		free(member->contribution);
		member->contribution = NULL;
		member->gave = false;
	}
	hub->gave = 0;
	hub->sequence++;
}

static int
first_that_left(const struct strads_hub *hub)
{
	int rank = 0;

	while (hub->members[rank].presence != STRADS_LEFT)
		rank++;
	return rank;
}

/* The answer of a collective that every rank has contributed to. */
static struct strads_message *
collective_answer(const struct strads_hub *hub)
{
	const struct strads_member *members = hub->members;
	uint64_t bytes = members[0].contribution_bytes;
	char text[128];

	for (int rank = 1; rank < hub->options.size; rank++) {
		if (members[rank].contribution_bytes == bytes)
			continue;
		snprintf(text, sizeof text,
			 "rank %d gave %llu bytes to a collective where rank 0 gave %llu", rank,
			 (unsigned long long)members[rank].contribution_bytes,
			 (unsigned long long)bytes);
		return strads_message_new_verdict(STRADS_FRAME_REFUSED, rank, hub->sequence,
						  STRADS_ERR_PROTOCOL, text);
	}
	struct strads_message *message = strads_message_new(STRADS_FRAME_GATHERED, 0, hub->sequence,
							    bytes * (uint64_t)hub->options.size);
	if (!message || !bytes)
		return message;
	for (int rank = 0; rank < hub->options.size; rank++)
		memcpy(strads_message_payload(message) + (uint64_t)rank * bytes,
		       members[rank].contribution, bytes);
	return message;
}

void
strads_collective_step(struct strads_hub *hub)
{
	char text[200];

	if (hub->failed || !hub->gave)
		return;
	if (hub->ranks_in[STRADS_LEFT]) {
		int left = first_that_left(hub);
		snprintf(text, sizeof text,
			 "%s has left the job while others wait for it in a collective",
			 hub->members[left].who);
		strads_hub_fail(hub, left, STRADS_ERR_PEER, text, 0);
	} else if (hub->gave == hub->options.size) {
		struct strads_message *answer = collective_answer(hub);
		collective_reset(hub);
		strads_member_send_all(hub, -1, answer);
		strads_message_release(answer);
	}
}

/* Nobody can come to a collective who has not joined: "ranks 1, 3-5". */
static void
list_expected(const struct strads_hub *hub, char *text, size_t bytes)
{
	size_t length =
	    (size_t)snprintf(text, bytes, "rank%s", hub->ranks_in[STRADS_EXPECTED] > 1 ? "s" : "");

	for (int rank = 0, last; rank < hub->options.size; rank = last + 1) {
		last = rank;
		if (hub->members[rank].presence != STRADS_EXPECTED)
			continue;
		while (last + 1 < hub->options.size &&
		       hub->members[last + 1].presence == STRADS_EXPECTED)
			last++;
		if (length + 32 > bytes) {
			snprintf(text + length, bytes - length, ", …");
			return;
		}
		length += (size_t)snprintf(text + length, bytes - length, "%s %d",
					   strchr(text, ' ') ? "," : "", rank);
		if (last > rank)
			length += (size_t)snprintf(text + length, bytes - length, "-%d", last);
	}
}

static void
join_expire(struct strads_hub *hub)
{
	char who[200], text[300];

	list_expected(hub, who, sizeof who);
	snprintf(text, sizeof text,
		 "%s did not join the job within %.3g s: started, and with the "
		 "same address of rank 0?",
		 who, (double)hub->options.timeout_ms * 1e-3);
	strads_hub_fail(hub, -1, STRADS_ERR_TIMEOUT, text, 0);
}

void
strads_collective_expire(struct strads_hub *hub)
{
	int absent = 0, missing = 0;
	char text[256];

	if (hub->ranks_in[STRADS_EXPECTED]) {
		join_expire(hub);
		return;
	}
	for (int rank = hub->options.size - 1; rank >= 0; rank--)
		if (!hub->members[rank].gave) {
			absent = rank;
			missing++;
		}
	const struct strads_member *member = &hub->members[absent];
	snprintf(text, sizeof text, "%s%s did not come to a collective within %.3g s", member->who,
		 missing > 1 ? " (and others)" : "", (double)hub->options.timeout_ms * 1e-3);
	strads_hub_fail(hub, absent, STRADS_ERR_TIMEOUT, text, 0);
}
