/* A rank that dies is known to the others, by name and within the deadline. */
#include "conform.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORD sizeof(uint64_t)

/* Dies, by the simulator's hand or its own. */
static void
die(struct conform *c)
{
	while (c->sim)
		strads_fabric_wait(c->fabric,
				   strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS);
	kill(getpid(), SIGKILL);
}

/* Progresses until it fails; within the fabric's deadline of 20 s. */
static int
until_known(struct conform *c, int dead)
{
	uint64_t deadline = strads_fabric_clock_ns(c->fabric) + 20000000000u;
	char name[32];
	int status;

	while ((status = strads_fabric_progress(c->fabric)) == STRADS_OK) {
		CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
		strads_fabric_wait(c->fabric, deadline);
	}
	CHECK(status == STRADS_ERR_PEER);
	snprintf(name, sizeof name, "rank %d ", dead);
	CHECK(strstr(strads_error(), name) != NULL);
	return 0;
}

/* The survivors wait for something, asleep, that would have come from the dead. */
static int
killed_while_waited_for(struct conform *c)
{
	struct strads_region *word = conform_region(c, STRADS_REMOTE_WRITE, WORD);

	CHECK(word && conform_wire(c) == 0);
	if (c->rank == c->size - 1)
		die(c);
	return until_known(c, c->size - 1);
}

/* The survivors keep sending to the dead: no operation hangs or crashes them. */
static int
killed_while_sent_to(struct conform *c)
{
	enum { BYTES = 4096 };
	int dead = c->size - 1;
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, BYTES + WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, BYTES);
	uint64_t deadline;
	uint64_t sent = 0;
	int status = STRADS_OK;

	CHECK(in && out && conform_wire(c) == 0);
	if (c->rank == dead)
		die(c);
	deadline = strads_fabric_clock_ns(c->fabric) + 20000000000u;
	while (status == STRADS_OK) {
		int started = strads_put_signal(c->fabric, dead, in, 0, strads_region_base(out),
						BYTES, sent + 1, NULL);

		CHECK(started == STRADS_OK || started == STRADS_AGAIN ||
		      started == STRADS_ERR_PEER);
		sent += started == STRADS_OK;
		CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
		status = strads_fabric_progress(c->fabric);
		if (started != STRADS_OK && status == STRADS_OK)
			strads_fabric_wait(c->fabric, deadline);
	}
	CHECK(status == STRADS_ERR_PEER);
	return 0;
}

const struct conform_case conform_death_cases[] = {
    {"death", "killed_while_waited_for", killed_while_waited_for, 1},
    {"death", "killed_while_sent_to", killed_while_sent_to, 1},
    {0},
};
