/*
 * The seam between the fabric and a provider: one table of operations per folder (shm/,
 * verbs/, ofi/, sim/). Internal to transport/.
 *
 * The fabric checks arguments, bounds and access before it calls a provider, keeps the statistics,
 * and serves operations on the own rank itself. A provider moves bytes between two ranks and says
 * when they have arrived. An operation a provider lacks is strads_provider_no_…, never NULL.
 */
#ifndef STRADS_PROVIDER_H
#define STRADS_PROVIDER_H

#include "host.h"
#include "settings.h"
#include "strads/survey.h"
#include "strads/transport.h"

/* What one rank tells all others about a provider's endpoint, and about one region of it. */
struct strads_address {
	uint32_t bytes; /* 0: this rank does not offer the provider */
	uint8_t data[252];
};

struct strads_region_key {
	uint64_t bytes; /* size of the region on that rank */
	uint64_t base;  /* what the provider adds an offset to; provider's own meaning */
	uint64_t key;
};

/* Index of a provider into strads_region.attached. */
enum strads_slot {
	STRADS_SLOT_SHM,
	STRADS_SLOT_VERBS,
	STRADS_SLOT_OFI,
	STRADS_SLOT_SIM,
	STRADS_SLOTS
};

/* Zeroed memory, behind a sealed memfd or anonymous. */
struct strads_segment {
	uint8_t *base;
	size_t bytes;  /* as asked for … */
	size_t length; /* … and as mapped: whole pages */
	int fd;        /* −1: anonymous */
	bool reserved; /* on huge pages that were set aside */
};

struct strads_region {
	struct strads_fabric *fabric;
	enum strads_access access;
	int id;        /* index among the remote regions of this fabric; −1 for a local one */
	uint8_t *base; /* of the segment */
	size_t bytes;
	struct strads_segment segment; /* with a descriptor where a shared-memory path exists */
	size_t *peer_bytes;            /* [size], valid once wired */
	bool wired;
	struct strads_region *next;   /* the fabric's list, oldest first */
	void *attached[STRADS_SLOTS]; /* each provider's own */
};

/* A piece of an operation's local side, never empty: `count` (at least 1) items of `bytes`, each
 * `stride` after the one before and all in one region. */
struct strads_local {
	uint8_t *base;
	const struct strads_region *region;
	size_t bytes;
	size_t count;
	size_t stride;
};

/* A remote operation, as the provider gets it. Bounds and access are already checked. */
struct strads_transfer {
	int peer;
	const struct strads_region *region; /* remote part: peer's */
	size_t offset;
	const struct strads_local *local; /* source, or sink of a get or fetch-add; valid only … */
	size_t pieces;                    /* … during the call */
	size_t bytes;                     /* of all pieces */
	uint64_t value;                   /* put_signal: the word; fetch_add: the addend */
	struct strads_counter *counter;   /* may be NULL */
};

struct strads_provider {
	const char *name;
	int slot; /* enum strads_slot */
	bool
	    needs_fd; /* regions must lie in memory that a descriptor can hand to other processes */

	/* Life. `argument` is what follows "name:" in --fabric, or NULL. A provider takes part in a
	 * job only if open, address and connect succeed on every rank, so connect and region_attach
	 * may use the job's collectives. */
	int (*open)(struct strads_fabric *fabric, const char *argument, void **context);
	void (*close)(void *context);

	/* Wire-up, called in this order on all ranks: address; (the fabric exchanges); connect with
	 * all ranks' addresses; reaches, which decides the path of each peer. connect of a peer
	 * that cannot be reached this way is not an error: reaches says false. */
	int (*address)(void *context, struct strads_address *mine);
	int (*connect)(void *context, const struct strads_address *all);
	bool (*reaches)(void *context, int peer);

	/* Regions. `attach` comes once all keys are known, on all ranks together; it may exchange
	 * more (descriptors over a socket). `key` is not called for local regions. */
	int (*region_register)(void *context, struct strads_region *region);
	int (*region_key)(void *context, struct strads_region *region,
			  struct strads_region_key *mine);
	int (*region_attach)(void *context, struct strads_region *region,
			     const struct strads_region_key *all);
	void (*region_release)(void *context, struct strads_region *region);

	/* Where a peer's part can be read by plain loads, or NULL. */
	const void *(*region_view)(void *context, const struct strads_region *region, int peer);

	/* Operations: STRADS_OK (posted; the provider counts it done, at once or from progress),
	 * AGAIN (not started), or an error (not started). The fabric has already counted `posted`
	 * and takes it back unless OK is returned. */
	int (*put)(void *context, const struct strads_transfer *transfer);
	int (*put_signal)(void *context, const struct strads_transfer *transfer);
	int (*get)(void *context, const struct strads_transfer *transfer);
	int (*fetch_add)(void *context, const struct strads_transfer *transfer);

	/* Operations to one peer that start between hold and release, or the owner's next progress,
	 * may be kept back to leave as one message; release returns whether any were. */
	void (*hold)(void *context);
	bool (*release)(void *context);

	/* Number of operations to `peer` not yet complete. */
	uint64_t (*outstanding)(void *context, int peer);

	/* STRADS_OK, or an error that ends the job's use of the provider. */
	int (*progress)(void *context);

	/* Sleep. wait_fd: a descriptor for the fabric's epoll, or −1. sleep_prepare announces that
	 * the owner is about to sleep (peers must ring from now on) and returns STRADS_AGAIN if
	 * there is something to do already; sleep_done withdraws that, after AGAIN too. */
	int (*wait_fd)(void *context);
	int (*sleep_prepare)(void *context);
	void (*sleep_done)(void *context);

	/* Enters the devices that this host has for the provider, and what is wrong with each under
	 * these settings. Returns STRADS_OK or ERR_MEMORY. */
	int (*survey)(const struct strads_settings *settings, struct strads_survey *survey);

	/* Time. NULL in real providers; sim replaces the fabric's clock, charge and wait. */
	const struct strads_time_ops *time;

	void (*query)(void *context, int peer, struct strads_fabric_info *info);
};

struct strads_time_ops {
	uint64_t (*clock_ns)(void *context);
	void (*charge)(void *context, double ns);
	void (*wait)(void *context, uint64_t until_ns);
	void (*awake)(void *context);
};

extern const struct strads_provider strads_provider_shm;
extern const struct strads_provider strads_provider_verbs;
extern const struct strads_provider strads_provider_ofi;
extern const struct strads_provider strads_provider_sim;

const void *strads_provider_no_view(void *context, const struct strads_region *region, int peer);
void strads_provider_no_hold(void *context);
bool strads_provider_no_release(void *context);
int strads_provider_no_transfer(void *context, const struct strads_transfer *transfer);
int strads_provider_no_survey(const struct strads_settings *settings, struct strads_survey *survey);

/* ---- What the fabric offers to providers -------------------------------------------------- */

int strads_fabric_rank(const struct strads_fabric *fabric);
int strads_fabric_size(const struct strads_fabric *fabric);

const struct strads_settings *strads_fabric_settings(const struct strads_fabric *fabric);
const struct strads_seat *strads_fabric_seat(const struct strads_fabric *fabric);

/* What a rank may come to register; a provider that knows it cannot refuses to open. 0: try. */
uint64_t strads_fabric_memory_bytes(const struct strads_fabric *fabric);

/* Whether a provider opened before this one serves the peer (the own rank always is): no need to
 * connect to it once more. */
bool strads_fabric_reaches(const struct strads_fabric *fabric, int peer);

/* The regions of this rank, oldest first, linked by `next`. */
struct strads_region *strads_fabric_regions(const struct strads_fabric *fabric);

/* Notes that an operation on `peer` failed after it was started: strads_flush tells of it. A
 * provider calls this beside strads_counter_done. */
void strads_fabric_failed(struct strads_fabric *fabric, int peer, int status);

/* Whether the owner sleeps in strads_fabric_wait, now and later. Thread: any. */
const _Atomic bool *strads_fabric_sleeps(const struct strads_fabric *fabric);

/* Counts a wake-up sent to a sleeping peer. */
void strads_fabric_rang(struct strads_fabric *fabric);

/* Counts one operation done; the first failure stays in counter->status. */
static inline void
strads_counter_done(struct strads_counter *counter, int status)
{
	if (!counter)
		return;
	if (status < 0 && counter->status == STRADS_OK)
		counter->status = status;
	counter->done++;
}

#endif
