/*
 * What a fabric is made of. Internal to transport/.
 */
#ifndef STRADS_FABRIC_H
#define STRADS_FABRIC_H

#include "host.h"
#include "pace.h"
#include "provider.h"
#include "settings.h"

/* A provider that this fabric has opened. */
struct strads_endpoint {
	const struct strads_provider *provider;
	void *context;
};

/* How operations on one peer travel. */
struct strads_path {
	const struct strads_provider *provider; /* NULL: not reached yet */
	void *context;
	struct strads_fabric_stats *stats; /* where they are counted */
	int failed;                        /* first failure of a started operation, for flush */
};

/* The stages of strads_fabric_wait. */
struct strads_waiter {
	uint32_t turns;      /* calls since the owner last had work */
	uint32_t spins;      /* calls that spin … */
	uint32_t yields;     /* … and then yield, before sleep */
	bool armed;          /* peers have been told to ring */
	_Atomic bool sleeps; /* and it is done */
	bool no_sleep;
	bool mourned; /* the job was given time to say who died */
	int epoll;    /* over the providers' descriptors and the job's; −1 before it is opened */
};

struct strads_fabric {
	int rank;
	int size;
	struct strads_path *paths;          /* [size] */
	struct strads_region *last_local;   /* where the last local buffer lay; may be NULL */
	const struct strads_time_ops *time; /* NULL: the real clock */
	void *time_context;
	struct strads_pace pace; /* of looking after the job */
	struct strads_waiter wait;
	struct strads_endpoint endpoints[STRADS_SLOTS];
	int n_endpoints;
	bool shared; /* some path needs regions with descriptors */
	struct strads_job *job;
	uint64_t timeout_ms;
	uint64_t memory_bytes; /* that may come to be registered; 0: unknown */
	struct strads_settings settings;
	struct strads_seat seat;
	char notes[1024];              /* what strads_fabric_notes tells */
	struct strads_region *regions; /* oldest first */
	int n_remote;                  /* remote regions ever created */
	struct strads_fabric_stats stats;
	struct strads_fabric_stats own_stats; /* operations on the own rank: not told */
};

/* All providers built in, in order of preference; NULL-terminated. */
extern const struct strads_provider *const strads_providers[];

/* Serves operations on the own rank; its context is the fabric. */
extern const struct strads_provider strads_provider_self;

/* ---- path.c ---- */

/* Opens providers as `fabric` (the option) says until every rank reaches every other, and sets
 * the paths. Collective. On failure the endpoints opened so far stay for strads_paths_close. */
int strads_paths_open(struct strads_fabric *fabric, const char *option);
void strads_paths_close(struct strads_fabric *fabric);

/* ---- segment.c ---- */

/* Maps `bytes` (> 0) on `pages`, behind a descriptor if `shared`: others can then map it for
 * writing only if `writable`. Where no huge pages are left of those set aside, it takes others.
 * Returns STRADS_OK or ERR_MEMORY. */
int strads_segment_map(size_t bytes, bool shared, bool writable, enum strads_huge_pages pages,
		       struct strads_segment *segment);
void strads_segment_unmap(const struct strads_segment *segment);

/* Bytes of huge pages that were set aside and are free. */
uint64_t strads_segment_reserved_free(void);

/* ---- fabric.c ---- */

/* Adds a line to what strads_fabric_notes tells; what has no room is cut off. */
void strads_fabric_note(struct strads_fabric *fabric, const char *format, ...) STRADS_PRINTF(2, 3);

/* ---- wait.c ---- */

int strads_waiter_open(struct strads_fabric *fabric, bool no_sleep);
void strads_waiter_close(struct strads_fabric *fabric);

#endif
