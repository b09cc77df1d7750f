/*
 * stream [--fabric NAME] [--ranks N] [--rounds N] [--bytes N] [--timeout SECONDS]: ranks in a ring.
 * Each puts N bytes a round to the next, up to SLOTS rounds ahead of what that has checked, and
 * gets from it meanwhile; all bytes are compared with what they must be. Every rank says "running"
 * once it has taken a few rounds, and in the end how many were right, or, on stderr, why it could
 * not go on.
 */
#include "strads/transport.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 4
#define WORD  sizeof(uint64_t)

struct settings {
	const char *fabric;
	uint64_t rounds;
	size_t bytes;
};

struct stream {
	const struct settings *settings;
	struct strads_job *job;
	struct strads_fabric *fabric;
	int rank;
	int next;
	int previous;
	struct strads_region *in; /* [SLOTS] of payload and word, then the word of checked rounds */
	struct strads_region *out;   /* [SLOTS] of payload */
	struct strads_region *shelf; /* what the previous rank gets … */
	struct strads_region *sink;  /* … and this one of the next */
	struct strads_counter puts[SLOTS];
	struct strads_counter get;
	uint64_t sent;
	uint64_t received;
	uint64_t told; /* of these, to the previous rank */
};

/* ---- What the bytes are ---- */

static uint64_t
word_of(uint64_t round, int rank, size_t i)
{
	return (round * 4096 + (uint64_t)rank + i * 65537) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
fill(uint64_t *words, size_t bytes, uint64_t round, int rank)
{
	for (size_t i = 0; i < bytes / WORD; i++)
		words[i] = word_of(round, rank, i);
}

static int
compare(const uint64_t *words, size_t bytes, uint64_t round, int rank, const char *what)
{
	for (size_t i = 0; i < bytes / WORD; i++) {
		if (words[i] != word_of(round, rank, i))
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "round %llu %s rank %d has a wrong word %zu",
					   (unsigned long long)round, what, rank, i);
	}
	return STRADS_OK;
}

/* ---- A round ---- */

static size_t
slot_bytes(const struct stream *stream)
{
	return stream->settings->bytes + WORD;
}

/* Each of these returns whether it moved anything, or a failure. */
static int
send_round(struct stream *stream)
{
	size_t bytes = stream->settings->bytes;
	uint64_t checked = strads_signal_load(stream->in, SLOTS * slot_bytes(stream));
	size_t slot = stream->sent % SLOTS;
	struct strads_counter *counter = &stream->puts[slot];
	uint64_t *payload = (uint64_t *)((char *)strads_region_base(stream->out) + slot * bytes);
	int status;

	if (stream->sent == stream->settings->rounds || stream->sent - checked >= SLOTS ||
	    counter->done != counter->posted)
		return 0;
	fill(payload, bytes, stream->sent, stream->rank);
	status =
	    strads_put_signal(stream->fabric, stream->next, stream->in, slot * slot_bytes(stream),
			      payload, bytes, stream->sent + 1, counter);
	if (status)
		return status == STRADS_AGAIN ? 0 : status;
	stream->sent++;
	return 1;
}

static int
take_round(struct stream *stream)
{
	size_t bytes = stream->settings->bytes;
	size_t at = stream->received % SLOTS * slot_bytes(stream);
	int status;

	if (strads_signal_load(stream->in, at + bytes) != stream->received + 1)
		return 0;
	status = compare((const uint64_t *)((const char *)strads_region_base(stream->in) + at),
			 bytes, stream->received, stream->previous, "put by");
	if (status)
		return status;
	stream->received++;
	if (stream->received == 2 * SLOTS) {
		puts("running");
		fflush(stdout);
	}
	return 1;
}

static int
tell_checked(struct stream *stream)
{
	int status;

	if (stream->told == stream->received)
		return 0;
	status = strads_put_signal(stream->fabric, stream->previous, stream->in,
				   SLOTS * slot_bytes(stream), NULL, 0, stream->received, NULL);
	if (status)
		return status == STRADS_AGAIN ? 0 : status;
	stream->told = stream->received;
	return 1;
}

static int
get_shelf(struct stream *stream)
{
	size_t bytes = stream->settings->bytes;
	int status;

	if (stream->get.done != stream->get.posted || stream->sent == stream->settings->rounds)
		return 0;
	if (stream->get.posted > 0) {
		status = stream->get.status;
		if (!status)
			status = compare(strads_region_base(stream->sink), bytes, 0, stream->next,
					 "got from");
		if (status)
			return status;
	}
	status = strads_get(stream->fabric, stream->next, stream->shelf, 0,
			    strads_region_base(stream->sink), bytes, &stream->get);
	/* That the next one's memory can be read says nothing of whether it moves. */
	return status < 0 ? status : 0;
}

static bool
finished(const struct stream *stream)
{
	return stream->received == stream->settings->rounds && stream->told == stream->received &&
	       strads_signal_load(stream->in, SLOTS * slot_bytes(stream)) ==
		   stream->settings->rounds &&
	       stream->get.done == stream->get.posted;
}

/* ---- A rank ---- */

static int
run(struct stream *stream)
{
	static int (*const steps[])(struct stream *) = {send_round, take_round, tell_checked,
							get_shelf};
	uint64_t patience = strads_fabric_timeout_ms(stream->fabric) * 1000000;
	uint64_t moved = strads_fabric_clock_ns(stream->fabric);

	while (!finished(stream)) {
		int status = strads_fabric_progress(stream->fabric);
		int motions = 0;

		for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !status; i++) {
			int step = steps[i](stream);

			status = step < 0 ? step : STRADS_OK;
			motions += step > 0;
		}
		if (status)
			return status;
		if (motions > 0) {
			strads_fabric_awake(stream->fabric);
			moved = strads_fabric_clock_ns(stream->fabric);
		} else if (strads_fabric_clock_ns(stream->fabric) - moved > patience) {
			return strads_fail(STRADS_ERR_TIMEOUT,
					   "ranks %d and %d have not moved for %.0f s",
					   stream->previous, stream->next, (double)patience * 1e-9);
		} else {
			strads_fabric_wait(stream->fabric, moved + patience);
		}
	}
	strads_fabric_awake(stream->fabric);
	return strads_flush(stream->fabric, -1) < 0 ? STRADS_ERR_PEER : STRADS_OK;
}

static int
open_stream(struct stream *stream)
{
	struct strads_fabric_options options = {.fabric = stream->settings->fabric};
	size_t bytes = stream->settings->bytes;
	int status = strads_fabric_open(stream->job, &options, &stream->fabric);

	if (status)
		return status;
	if (stream->rank == 0)
		fputs(strads_fabric_notes(stream->fabric), stderr);
	status = strads_region_new(stream->fabric, STRADS_REMOTE_WRITE,
				   SLOTS * slot_bytes(stream) + WORD, &stream->in);
	if (!status)
		status =
		    strads_region_new(stream->fabric, STRADS_REMOTE_READ, bytes, &stream->shelf);
	if (!status)
		status =
		    strads_region_new(stream->fabric, STRADS_LOCAL, SLOTS * bytes, &stream->out);
	if (!status)
		status = strads_region_new(stream->fabric, STRADS_LOCAL, bytes, &stream->sink);
	status = strads_job_agree(stream->job, status);
	if (!status)
		fill(strads_region_base(stream->shelf), bytes, 0, stream->rank);
	return status ? status : strads_fabric_wire(stream->fabric);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	int rank = strads_job_rank(job), size = strads_job_size(job);
	struct stream stream = {.settings = arg,
				.job = job,
				.rank = rank,
				.next = (rank + 1) % size,
				.previous = (rank + size - 1) % size};
	int status = open_stream(&stream);

	if (!status)
		status = run(&stream);
	if (!status)
		status = strads_job_barrier(job);
	if (status) {
		fprintf(stderr, "rank %d: %s: %s\n", rank, strads_status_name(status),
			strads_error());
		strads_job_abort(job, status);
	} else {
		printf("rank %d: %llu rounds\n", rank, (unsigned long long)stream.received);
	}
	fflush(stdout);
	strads_region_delete(&stream.sink);
	strads_region_delete(&stream.out);
	strads_region_delete(&stream.shelf);
	strads_region_delete(&stream.in);
	strads_fabric_close(&stream.fabric);
	return status ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"fabric", required_argument, NULL, 'f'},  {"ranks", required_argument, NULL, 'n'},
	    {"rounds", required_argument, NULL, 'r'},  {"bytes", required_argument, NULL, 'b'},
	    {"timeout", required_argument, NULL, 't'}, {0},
	};
	struct settings settings = {.fabric = "auto", .rounds = 1000, .bytes = 256 << 10};
	struct strads_job_options job = {.kind = STRADS_JOB_AUTO, .ranks = 2, .timeout_ms = 20000};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			settings.fabric = optarg;
			break;
		case 'n':
			job.ranks = atoi(optarg);
			break;
		case 'r':
			settings.rounds = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			settings.bytes = strtoull(optarg, NULL, 10) / WORD * WORD;
			break;
		case 't':
			job.timeout_ms = (uint64_t)(atof(optarg) * 1e3);
			break;
		default:
			return 64;
		}
	}
	return strads_job_run(&job, rank_main, &settings);
}
