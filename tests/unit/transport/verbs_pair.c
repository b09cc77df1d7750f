#include "verbs_pair.h"

#include "verbs/connection.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A meeting of two threads that leaves what each has brought. */
struct meeting {
	pthread_barrier_t barrier;
	const void *brought[2];
	strads_mail_taker *takers[2];
	void *contexts[2];
	bool deaf;
	size_t length; /* of the letter posted last */
	uint8_t letter[STRADS_MAIL_MAX];
};

static struct meeting meeting;

static int
allgather(struct strads_job *job, const void *mine, size_t bytes, void *all)
{
	meeting.brought[job->rank] = mine;
	pthread_barrier_wait(&meeting.barrier);
	for (size_t rank = 0; rank < 2 && bytes > 0; rank++)
		memcpy((uint8_t *)all + rank * bytes, meeting.brought[rank], bytes);
	pthread_barrier_wait(&meeting.barrier);
	return STRADS_OK;
}

/* Letters arrive at once, unless the ranks are deaf. */
static int
post(struct strads_job *job, int to, const void *bytes, size_t n)
{
	if (fake_fails("strads_job_post"))
		return STRADS_AGAIN;
	memcpy(meeting.letter, bytes, n);
	meeting.length = n;
	if (!meeting.deaf && meeting.takers[to])
		meeting.takers[to](meeting.contexts[to], job->rank, bytes, n);
	return STRADS_OK;
}

static void
take_mail(struct strads_job *job, strads_mail_taker *taker, void *context)
{
	meeting.takers[job->rank] = taker;
	meeting.contexts[job->rank] = context;
}

static int
check(struct strads_job *job)
{
	(void)job;
	return STRADS_OK;
}

static void
give_up(struct strads_job *job, int status, const char *reason, int missed)
{
	(void)job;
	(void)status;
	(void)reason;
	(void)missed;
}

static const struct strads_job_ops ops = {.name = "local",
					  .allgather = allgather,
					  .check = check,
					  .abort = give_up,
					  .post = post,
					  .take_mail = take_mail};

struct seat {
	struct verbs_pair *pair;
	int rank;
};

static int
open_rank(struct verbs_pair *pair, int rank)
{
	const struct strads_fabric_options options = {.fabric = "verbs"};
	struct strads_job *job = &pair->jobs[rank];
	int status = strads_fabric_open(job, &options, &pair->fabrics[rank]);

	if (status)
		return status;
	pair->verbs[rank] = pair->fabrics[rank]->endpoints[0].context;
	status = strads_region_new(pair->fabrics[rank], STRADS_REMOTE_READ | STRADS_REMOTE_WRITE,
				   PAIR_BYTES, &pair->open[rank]);
	if (!status)
		status = strads_region_new(pair->fabrics[rank], STRADS_LOCAL, PAIR_BYTES,
					   &pair->own[rank]);
	status = strads_job_agree(job, status);
	return status ? status : strads_fabric_wire(pair->fabrics[rank]);
}

static void *
rank_main(void *arg)
{
	struct seat *seat = arg;
	struct verbs_pair *pair = seat->pair;

	pair->status[seat->rank] = open_rank(pair, seat->rank);
	snprintf(pair->why[seat->rank], sizeof pair->why[0], "%s", strads_error());
	return NULL;
}

void
verbs_pair_open(struct verbs_pair *pair)
{
	struct seat seats[2] = {{pair, 0}, {pair, 1}};
	pthread_t threads[2];

	memset(pair, 0, sizeof *pair);
	meeting = (struct meeting){.deaf = false};
	pthread_barrier_init(&meeting.barrier, NULL, 2);
	for (int rank = 0; rank < 2; rank++) {
		pair->jobs[rank] = (struct strads_job){.ops = &ops,
						       .rank = rank,
						       .size = 2,
						       .timeout_ms = 1000,
						       .cookie = 4711,
						       .fd = -1};
		pthread_create(&threads[rank], NULL, rank_main, &seats[rank]);
	}
	for (int rank = 0; rank < 2; rank++)
		pthread_join(threads[rank], NULL);
	pthread_barrier_destroy(&meeting.barrier);
	for (int rank = 0; rank < 2; rank++) {
		if (pair->verbs[rank])
			strads_verbs_server_stop(pair->verbs[rank]);
	}
}

void
verbs_pair_leave(struct verbs_pair *pair, int rank)
{
	strads_region_delete(&pair->own[rank]);
	strads_region_delete(&pair->open[rank]);
	strads_fabric_close(&pair->fabrics[rank]);
}

void
verbs_pair_close(struct verbs_pair *pair)
{
	for (int rank = 0; rank < 2; rank++)
		verbs_pair_leave(pair, rank);
}

/* In each turn, as after a sleep, the rank looks for what else there may be; what
 * the connection manager says is heard in the place of its server, which does not run. */
int
verbs_pair_turn(struct verbs_pair *pair, int rank)
{
	pair->verbs[rank]->pace = (struct strads_pace){.turns = 0};
	pair->verbs[rank]->blind = 0;
	strads_verbs_manager_turn(pair->verbs[rank]);
	return strads_provider_verbs.progress(pair->verbs[rank]);
}

int
verbs_pair_join(struct verbs_pair *pair, int rank)
{
	struct strads_verbs_peer *ends[2] = {&pair->verbs[0]->peers[1], &pair->verbs[1]->peers[0]};
	int status = STRADS_AGAIN;

	for (int turn = 0; turn < 50 && status == STRADS_AGAIN; turn++) {
		status = strads_verbs_reach(pair->verbs[rank], ends[rank]);
		if (verbs_pair_turn(pair, 0) || verbs_pair_turn(pair, 1))
			return STRADS_ERR_FABRIC;
		if (ends[0]->ready && ends[1]->ready)
			return STRADS_OK;
	}
	return status;
}

void
verbs_pair_deafen(bool deaf)
{
	meeting.deaf = deaf;
}

size_t
verbs_pair_letter(void *bytes)
{
	memcpy(bytes, meeting.letter, meeting.length);
	return meeting.length;
}

void
verbs_pair_write(int to, const void *bytes, size_t n)
{
	meeting.takers[to](meeting.contexts[to], 1 - to, bytes, n);
}
