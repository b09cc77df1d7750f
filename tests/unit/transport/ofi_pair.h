/*
 * Two ranks joined by the ofi provider, for tests that look inside it.
 */
#ifndef OFI_PAIR_H
#define OFI_PAIR_H

#include "fabric.h"
#include "ofi/ofi.h"

#define PAIR_DEADLINE_NS 20000000000u /* of every wait */
#define PAIR_BYTES       (256 * 1024)

struct pair {
	struct strads_job *job;
	struct strads_fabric *fabric;
	struct strads_ofi *ofi;
	struct strads_region *open; /* both may read and write it */
	struct strads_region *own;  /* a local one */
	int rank;
	int peer;
};

/* Returns 0, or the line of a check that failed. */
typedef int pair_test(struct pair *pair);

/* Runs the test on both ranks; true if rank 0 returned 0, and rank 1 too unless it `dies`. Exits
 * the program as skipped if the machine has no such network. */
bool pair_run(pair_test *test, bool dies);

/* Calls the provider's progress, not the fabric's, until `condition` or the deadline. */
bool pair_until(struct pair *pair, bool (*condition)(struct pair *, void *), void *arg);

/* pair_until the counter is complete. */
bool pair_complete(struct pair *pair, struct strads_counter *counter);

/* Until the word at `offset` of the own part of the open region has reached `value`, and the writer
 * has been told that it was taken. */
bool pair_await(struct pair *pair, size_t offset, uint64_t value);

/* Repeats a put-signal of `bytes` from the start of the local region while it says AGAIN. */
int pair_signal(struct pair *pair, size_t offset, size_t bytes, uint64_t value,
		struct strads_counter *counter);

/* Repeats the operation, with progress, while it says AGAIN. */
#define PAIR_RETRY(pair, call)                                                                     \
	__extension__({                                                                            \
		uint64_t retry_until = strads_monotone_ns() + PAIR_DEADLINE_NS;                    \
		int retry_status;                                                                  \
		while ((retry_status = (call)) == STRADS_AGAIN) {                                  \
			retry_status = strads_provider_ofi.progress((pair)->ofi);                  \
			if (retry_status || strads_monotone_ns() > retry_until)                    \
				break;                                                             \
		}                                                                                  \
		retry_status;                                                                      \
	})

#define PAIR_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: rank %d: %s does not hold; last failure: %s\n",    \
				__FILE__, __LINE__, pair->rank, #condition, strads_error());       \
			return __LINE__;                                                           \
		}                                                                                  \
	} while (0)

#endif
