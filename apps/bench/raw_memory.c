/*
 * Two processes on pages that both have mapped: a copy into them, a copy out of them, and a word
 * passed to and fro, behind a payload if there is one beside the word. In one cache line, which a
 * processor may hand over as a whole; or in two, one that each polls and the other writes, as every
 * rank has an inbox of its own: there a line is taken from its reader first, and then fetched.
 */
#include "raw.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

/* The first page; the payload of each rank follows. */
struct shared {
	struct {
		_Alignas(64) _Atomic uint64_t word; /* 2k − 1: ping k is under way; 2k: pong k */
	} lines[2];                                 /* by who polls it; of one only the first */
	_Alignas(64) _Atomic uint64_t done;         /* tasks that rank 0 has finished */
};

struct memory {
	struct strads_bench *bench;
	struct shared *shared; /* NULL: this rank takes no part */
	uint8_t *payload;      /* [2][stride], in the shared pages */
	uint8_t *own;          /* this rank's private copy */
	size_t stride;
	uint64_t word;
	uint64_t done;
};

/* What rank 0 tells: where its pages can be opened. */
struct card {
	pid_t pid;
	int fd;
};

static size_t
mapped_bytes(const struct memory *memory)
{
	return PAGE + 2 * memory->stride;
}

static int
map(struct memory *memory, int fd)
{
	void *at = mmap(NULL, mapped_bytes(memory), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED)
		return strads_fail(STRADS_ERR_MEMORY, "cannot map %zu shared bytes",
				   mapped_bytes(memory));
	memory->shared = at;
	memory->payload = (uint8_t *)at + PAGE;
	return STRADS_OK;
}

static int
create(struct memory *memory, int *fd)
{
	*fd = memfd_create("strads-bench", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)mapped_bytes(memory)))
		return strads_fail(STRADS_ERR_MEMORY, "no shared memory for the bare means");
	return map(memory, *fd);
}

static int
adopt(struct memory *memory, const struct card *card)
{
	char path[64];
	int fd, status;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)card->pid, card->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return strads_fail(STRADS_ERR_MEMORY, "rank 1 cannot open the pages of rank 0: %s",
				   path);
	status = map(memory, fd);
	close(fd);
	return status;
}

static void
memory_close(void *context)
{
	struct memory *memory = context;

	if (memory->shared)
		munmap(memory->shared, mapped_bytes(memory));
	free(memory->own);
	free(memory);
}

/* Rank 0 makes the pages, rank 1 opens them. */
static int
share_pages(struct memory *memory)
{
	struct strads_job *job = strads_fabric_job(memory->bench->fabric);
	int rank = memory->bench->team.rank, fd = -1, status = STRADS_OK;
	struct card mine = {.pid = getpid(), .fd = -1};
	void *all = NULL;

	if (rank < 2) {
		memory->own = aligned_alloc(PAGE, memory->stride);
		if (!memory->own)
			status = strads_fail(STRADS_ERR_MEMORY, "no memory for the bare means");
		else
			memset(memory->own, 1, memory->stride);
	}
	if (!status && rank == 0)
		status = create(memory, &fd);
	mine.fd = fd;
	status = strads_job_gather(job, status, &mine, sizeof mine, &all);
	if (!status)
		status = strads_job_agree(job, rank == 1 ? adopt(memory, all) : STRADS_OK);
	free(all);
	if (fd >= 0)
		close(fd);
	return status;
}

static int
memory_open(struct strads_bench *bench, void **context)
{
	struct memory *memory = calloc(1, sizeof *memory);
	int status = memory ? STRADS_OK : strads_fail(STRADS_ERR_MEMORY, "no memory");

	status = strads_job_agree(strads_fabric_job(bench->fabric), status);
	if (status || !memory) {
		free(memory);
		return status;
	}
	memory->bench = bench;
	memory->stride = (bench->bytes_max + PAGE - 1) / PAGE * PAGE;
	status = share_pages(memory);
	if (status)
		memory_close(memory);
	else
		*context = memory;
	return status;
}

/* ---- Copies ---- */

/* Rank 0 copies; rank 1 waits until it has. */
static int
await_done(struct memory *memory)
{
	struct strads_raw_wait wait = {0};
	int status = STRADS_OK;

	while (!status &&
	       atomic_load_explicit(&memory->shared->done, memory_order_acquire) < memory->done)
		status = strads_raw_turn(memory->bench, &wait);
	return status;
}

static int
run_copies(struct memory *memory, const struct strads_task *task, uint8_t *to, const uint8_t *from,
	   struct strads_samples *samples, struct strads_taken *taken)
{
	struct strads_lap lap;

	memory->done++;
	if (memory->bench->team.rank > 1)
		return STRADS_OK;
	if (memory->bench->team.rank == 1)
		return await_done(memory);
	lap = strads_lap_start(memory->bench, task, samples);
	for (uint64_t k = 0; k < task->count; k++) {
		memcpy(to, from, task->bytes);
		/* Each copy is made, and seen before the next, as a completed put is. */
		atomic_thread_fence(memory_order_release);
		__asm__ volatile("" : : "r"(to) : "memory");
		strads_lap_done(&lap);
	}
	taken->elapsed_ns = strads_lap_elapsed(&lap);
	atomic_store_explicit(&memory->shared->done, memory->done, memory_order_release);
	return STRADS_OK;
}

static int
run_in(void *context, const struct strads_task *task, struct strads_samples *samples,
       struct strads_taken *taken)
{
	struct memory *memory = context;

	return run_copies(memory, task, memory->payload, memory->own, samples, taken);
}

static int
run_out(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	struct memory *memory = context;

	return run_copies(memory, task, memory->own, memory->payload, samples, taken);
}

/* ---- A word to and fro ---- */

static int
await_word(struct memory *memory, _Atomic uint64_t *line, uint64_t word)
{
	struct strads_raw_wait wait = {0};
	int status = STRADS_OK;

	while (!status && atomic_load_explicit(line, memory_order_acquire) < word)
		status = strads_raw_turn(memory->bench, &wait);
	return status;
}

/* A payload of one word is the word. */
static void
pass(struct memory *memory, _Atomic uint64_t *line, size_t bytes, uint64_t word)
{
	if (bytes > sizeof word)
		memcpy(memory->payload + (size_t)memory->bench->team.rank * memory->stride,
		       memory->own, bytes);
	atomic_store_explicit(line, word, memory_order_release);
}

static int
run_words(struct memory *memory, int lines, const struct strads_task *task,
	  struct strads_samples *samples, struct strads_taken *taken)
{
	int rank = memory->bench->team.rank;
	_Atomic uint64_t *mine, *other;
	bool first = rank == 0;
	struct strads_lap lap;

	if (rank > 1)
		return STRADS_OK;
	mine = &memory->shared->lines[lines == 2 ? rank : 0].word;
	other = &memory->shared->lines[lines == 2 ? 1 - rank : 0].word;
	lap = strads_lap_start(memory->bench, task, samples);
	for (uint64_t k = 0; k < task->count; k++) {
		int status;

		memory->word += 2;
		if (first)
			pass(memory, other, task->bytes, memory->word - 1);
		status = await_word(memory, mine, memory->word - !first);
		if (status)
			return status;
		if (first)
			strads_lap_done(&lap);
		else
			pass(memory, other, task->bytes, memory->word);
	}
	if (first)
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	return STRADS_OK;
}

static int
run_one_line(void *context, const struct strads_task *task, struct strads_samples *samples,
	     struct strads_taken *taken)
{
	return run_words(context, 1, task, samples, taken);
}

static int
run_two_lines(void *context, const struct strads_task *task, struct strads_samples *samples,
	      struct strads_taken *taken)
{
	return run_words(context, 2, task, samples, taken);
}

#define MEMORY(case, called, how)                                                                  \
	{                                                                                          \
		.what = (case), .name = (called), .path = "shm", .one_way = true,                  \
		.open = memory_open, .run = (how), .close = memory_close                           \
	}

const struct strads_side strads_raw_memory[] = {
    MEMORY(STRADS_BENCH_PUT, "memcpy", run_in),
    MEMORY(STRADS_BENCH_GET, "memcpy", run_out),
    MEMORY(STRADS_BENCH_PUT_SIGNAL, "cache line", run_one_line),
    MEMORY(STRADS_BENCH_PUT_SIGNAL, "two lines", run_two_lines),
    MEMORY(STRADS_BENCH_PUT_BW, "memcpy", run_in),
    MEMORY(STRADS_BENCH_GET_BW, "memcpy", run_out),
    MEMORY(STRADS_BENCH_RATE, "memcpy", run_in),
    {0},
};
