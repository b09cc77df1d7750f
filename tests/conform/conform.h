/*
 * The conformance suite: what every provider owes to the layers above, as cases that run on all
 * ranks of a job. A case returns 0, or −1 after a check that failed.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include "strads/transport.h"

#define CONFORM_REGIONS_MAX 16
#define CONFORM_DEADLINE_NS 30000000000u /* of every wait for a signal or a completion */

struct conform {
	struct strads_job *job;
	struct strads_fabric *fabric;
	int rank;
	int size;
	const char *fabric_name; /* as given */
	int group;               /* ranks in a row that share memory, under "auto"; else 0 */
	bool sim;
	size_t large_bytes; /* larger than any buffer inside the provider */
	struct strads_region *regions[CONFORM_REGIONS_MAX];
	int n_regions;
};

struct conform_case {
	const char *group;
	const char *name;
	int (*run)(struct conform *c);
	int dies; /* ranks that do not come back from it */
};

extern const struct conform_case conform_data_cases[];
extern const struct conform_case conform_pieces_cases[];
extern const struct conform_case conform_traffic_cases[];
extern const struct conform_case conform_refusal_cases[];
extern const struct conform_case conform_wait_cases[];
extern const struct conform_case conform_death_cases[];

/* Says on stderr where and what failed, with strads_error() if there is any; returns −1. */
int conform_failed(const struct conform *c, const char *file, int line, const char *what);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return conform_failed(c, __FILE__, __LINE__, #condition);                  \
	} while (0)

#define CHECK_OK(call) CHECK((call) == STRADS_OK)

/* A region that the runner deletes; NULL if it cannot be had. Call conform_wire after the last. */
struct strads_region *conform_region(struct conform *c, enum strads_access access, size_t bytes);
int conform_wire(struct conform *c);

/* Repeats the operation while it says AGAIN, with progress. */
#define CONFORM_RETRY(c, call)                                                                     \
	__extension__({                                                                            \
		int retry_status;                                                                  \
		while ((retry_status = (call)) == STRADS_AGAIN) {                                  \
			retry_status = strads_fabric_progress((c)->fabric);                        \
			if (retry_status)                                                          \
				break;                                                             \
			strads_fabric_wait((c)->fabric, UINT64_MAX);                               \
		}                                                                                  \
		strads_fabric_awake((c)->fabric);                                                  \
		retry_status;                                                                      \
	})

/* Waits until the word has reached `value`. */
int conform_await(struct conform *c, const struct strads_region *region, size_t offset,
		  uint64_t value);

/* Waits for all of a counter, or for all that goes to a peer (−1: to any). */
int conform_flush(struct conform *c, int peer);

/* Meets all ranks, then looks at the fabric once: what a provider's own thread took in for this
 * rank before is from then on this thread's to read. */
int conform_meet(struct conform *c);

/* A byte pattern, different for every seed. */
void conform_fill(void *at, size_t bytes, uint64_t seed);
bool conform_filled(const void *at, size_t bytes, uint64_t seed);

#endif
