/* Two processes pass one cache line: a plain load in a loop and a plain store. */
#include "baseline.h"

#include <stdatomic.h>
#include <sys/mman.h>

struct line {
	_Alignas(64) _Atomic uint64_t word; /* 2k − 1: ping k is under way; 2k: pong k */
};

static int
line_prepare(void **context)
{
	void *at = mmap(NULL, sizeof(struct line), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -1;
	*context = at;
	return 0;
}

static int
line_open(void *context, struct strads_job *job)
{
	(void)context;
	(void)job;
	return 0;
}

static void
line_close(void *context)
{
	(void)context;
}

static int
line_ping_pong(void *context, int rank, uint64_t first, uint64_t rounds)
{
	struct line *line = context;

	for (uint64_t k = first + 1; k <= first + rounds; k++) {
		if (rank == 0)
			atomic_store_explicit(&line->word, 2 * k - 1, memory_order_release);
		while (atomic_load_explicit(&line->word, memory_order_acquire) <
		       2 * k - (rank == 1))
			;
		if (rank == 1)
			atomic_store_explicit(&line->word, 2 * k, memory_order_release);
	}
	return 0;
}

const struct baseline baseline_cache_line = {
    .fabric = "shm",
    .what = "one cache line",
    .prepare = line_prepare,
    .open = line_open,
    .close = line_close,
    .ping_pong = line_ping_pong,
};
