/*
 * The transport floor: who the ranks are (job), how bytes move between them (fabric, region, put,
 * get, signal), and how a rank waits. The only public header of transport/.
 *
 * Units are in the names: _bytes, _ns, _ms. All offsets are bytes from the start of a region.
 * Unless a comment says otherwise, functions return an enum strads_status and leave their outputs
 * untouched on failure; strads_error() then holds one sentence saying what, where and what to do.
 */
#ifndef STRADS_TRANSPORT_H
#define STRADS_TRANSPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRADS_MUST_CHECK        __attribute__((warn_unused_result))
#define STRADS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- Status ------------------------------------------------------------------------------- */

/* 0: done. >0: not yet, call again after progress. <0: failed, see strads_error(). */
enum strads_status {
	STRADS_OK = 0,
	STRADS_AGAIN = 1,            /* a queue is full or a result is not there yet */
	STRADS_ERR_ARGUMENT = -1,    /* the caller's mistake */
	STRADS_ERR_INPUT = -2,       /* the user's data or settings */
	STRADS_ERR_MEMORY = -3,      /* an allocation or a registration was refused */
	STRADS_ERR_IO = -4,          /* a file or device */
	STRADS_ERR_BOUNDS = -5,      /* outside the region */
	STRADS_ERR_ACCESS = -6,      /* the region does not allow this operation */
	STRADS_ERR_UNSUPPORTED = -7, /* this provider has no such operation */
	STRADS_ERR_PEER = -8,        /* another rank died, left or cannot be reached */
	STRADS_ERR_TIMEOUT = -9,     /* a deadline passed */
	STRADS_ERR_FABRIC = -10,     /* the provider reported an error */
	STRADS_ERR_PROTOCOL = -11,   /* what arrived is not what was agreed */
	STRADS_ERR_ABORTED = -12,    /* another rank gave up and said why */
	STRADS_ERR_DIVERGED =
	    -13, /* the computation left the finite numbers or grows without end */
};

/* The name of a status, "OK", "ERR_BOUNDS", …; never NULL. Thread: any. */
const char *strads_status_name(int status);

/* The sentence left by the last failure on this thread; "" if none. Thread: any. */
const char *strads_error(void);

/* Records the sentence of a failure and returns `status`, so that the site that decides which
 * error it is can say `return strads_fail(STRADS_ERR_IO, "cannot open %s: …", …)`. Callers further
 * up only propagate the status. Thread: any. */
int strads_fail(int status, const char *format, ...) STRADS_PRINTF(2, 3);

/* ---- Job: the ranks and their control channel --------------------------------------------- */

enum strads_job_kind {
	STRADS_JOB_AUTO,  /* tcp if STRADS_ROOT is set, else mpi under a launcher, else local if
			     ranks > 1, else self */
	STRADS_JOB_SELF,  /* one process, one rank */
	STRADS_JOB_LOCAL, /* this process forks its ranks on this host and supervises them */
	STRADS_JOB_MPI,   /* started by mpirun or srun; MPI is finalised once addresses are known */
	STRADS_JOB_TCP,   /* processes started one by one, which meet where STRADS_ROOT says */
	STRADS_JOB_SIM,   /* every rank a coroutine of this process, on one virtual clock */
};

/* The simulated network and machine (kind STRADS_JOB_SIM); zero in every field but the seed means
 * an ideal network. */
struct strads_sim_options {
	uint64_t seed;      /* of the delays, the reordering and the tearing */
	double latency_ns;  /* one way, first byte; typically 1500 */
	double overhead_ns; /* the initiator's cost of posting one operation; typically 100 */
	double receive_ns; /* the target's cost of a signal, once it makes progress; little where an
			    * adapter writes it, as much as the overhead over TCP */
	double bytes_per_ns;  /* per rank and direction; 12 is 12 GB/s; 0 is unlimited */
	double jitter;        /* each delay is multiplied by 1 + jitter·u, u uniform in [0,1) */
	double compute_scale; /* declared compute cost is multiplied by this; 0 counts as 1 */
	bool tear;            /* unsignalled data land in pieces, in any order, until completion */
	int kill_rank;        /* with kill_at_ns > 0: this rank dies … */
	uint64_t kill_at_ns;  /* … at this virtual time */
};

struct strads_job_options {
	enum strads_job_kind kind;
	int ranks;                     /* local and sim: how many, 1 … 4096; else ignored */
	uint64_t timeout_ms;           /* deadline of every collective and of wire-up; 0: 60 s */
	struct strads_sim_options sim; /* sim only */
};

struct strads_job;

/* What one rank does; returns the exit code of that rank (0 … 255). */
typedef int strads_rank_main(struct strads_job *job, void *arg);

/* Runs `rank_main` on every rank of a job and returns the exit code of this process: the highest
 * of the ranks it knows of (128 + signal for a rank killed by a signal). For LOCAL the calling
 * process becomes the supervisor and the ranks are its children; a rank that dies is made known to
 * the others, which see STRADS_ERR_PEER. Failure to start is said on stderr, with exit code 1 (a
 * launcher that does not match this binary's MPI is diagnosed in one line). Thread: main. */
int strads_job_run(const struct strads_job_options *options, strads_rank_main *rank_main,
		   void *arg);

int strads_job_rank(const struct strads_job *job); /* 0 … size−1. Thread: any. */
int strads_job_size(const struct strads_job *job); /* Thread: any. */

/* "self", "local", "mpi", "tcp" or "sim". Thread: any. */
const char *strads_job_kind_name(const struct strads_job *job);

/* Every rank gives `bytes` bytes (the same number on all) and receives size × bytes, in rank
 * order, in `all`. Collective, with the job's deadline. A dead rank, an abort or the deadline ends
 * it on every survivor. Returns STRADS_OK, ERR_PEER, ERR_TIMEOUT, ERR_ABORTED, ERR_PROTOCOL.
 * Thread: owner. */
STRADS_MUST_CHECK int strads_job_allgather(struct strads_job *job, const void *mine, size_t bytes,
					   void *all);

/* strads_job_allgather of nothing. */
STRADS_MUST_CHECK int strads_job_barrier(struct strads_job *job);

/* Agreement on success: every rank gives its own status (with its strads_error() sentence), every
 * rank receives STRADS_OK if all gave that; else the lowest failing rank's status, whose sentence
 * becomes strads_error() prefixed "rank N: " on the others. Collective. What a phase of one rank
 * (opening a file, parsing, allocating) ends with, so that all stop together and one reports. */
STRADS_MUST_CHECK int strads_job_agree(struct strads_job *job, int status);

/* strads_job_agree on `status` and, if all gave STRADS_OK, strads_job_allgather into new memory:
 * *all, which the caller frees and which a failure leaves as it was. Memory that this rank is
 * refused counts as its failure, so that no rank waits for one that has none. Collective. Returns
 * as strads_job_agree and strads_job_allgather. Thread: owner. */
STRADS_MUST_CHECK int strads_job_gather(struct strads_job *job, int status, const void *mine,
					size_t bytes, void **all);

/* Tells every rank that this one gives up, with strads_error() as the reason; they see
 * STRADS_ERR_ABORTED with that reason at their next progress or collective. Never blocks for
 * longer than a second. */
void strads_job_abort(struct strads_job *job, int status);

/* strads_job_abort, because this rank has waited in vain for rank `missed`, which may itself wait
 * for another and can then say so (see strads_job_is_missed). */
void strads_job_abort_missing(struct strads_job *job, int status, int missed);

/* Whether the job ended because another rank has waited in vain for this one. Thread: owner. */
bool strads_job_is_missed(struct strads_job *job);

/* STRADS_OK, or why the job cannot go on: ERR_PEER naming the dead rank and how it died
 * ("rank 2 (pid 4711) was killed by signal 9"), or ERR_ABORTED with the reason. Does not block.
 * strads_fabric_progress calls it every few milliseconds. Thread: owner. */
STRADS_MUST_CHECK int strads_job_check(struct strads_job *job);

/* ---- Fabric ------------------------------------------------------------------------------- */

/* One rank's paths to all ranks. One owner thread; other threads may call only what says so. */
struct strads_fabric;

/* A setting of the paths: what to give a program's users as an option of that name. */
struct strads_setting {
	const char *name;     /* "device" */
	const char *variable; /* of the environment, "STRADS_VERBS_DEVICE" */
	const char *value;    /* what its value is called, "NAME" */
	const char *fallback; /* the default, as one would write it; NULL: unset */
	const char *doc;
};

#define STRADS_SETTINGS 11

/* The i-th of the STRADS_SETTINGS settings, NULL beyond. Thread: any. */
const struct strads_setting *strads_setting(int i);

/* Whether the values can be given to strads_fabric_open as its `settings`. Returns STRADS_OK,
 * ERR_ARGUMENT. Thread: any. */
STRADS_MUST_CHECK int strads_settings_check(const char *const *values);

struct strads_fabric_options {
	const char *fabric;  /* "auto", "shm", "verbs", "verbs:DEVICE[:PORT[:GID]]", "ofi",
			      * "ofi:PROVIDER" (say "ofi:tcp;ofi_rxm"), "sim";
			      * "auto:N": as auto, but shm only among N consecutive ranks, as
			      * though they were a host (to try mixed paths on one) */
	uint64_t timeout_ms; /* deadline of wire-up and of one operation; 0: the job's */
	bool no_sleep;       /* never sleep in strads_fabric_wait, for latency measurements */

	/* [STRADS_SETTINGS], as texts; where this or one of them is NULL the environment of each
	 * rank decides, else the default. */
	const char *const *settings;
	uint64_t memory_bytes; /* that a rank may come to register; 0: unknown. "auto" takes no
				* path that the locked-memory limit denies as much */
};

/* Opens the paths of this rank. For a sim job options->fabric must be "auto" or "sim". Collective.
 * Returns STRADS_OK, ERR_UNSUPPORTED (no such provider here), ERR_ARGUMENT, ERR_FABRIC, ERR_PEER,
 * ERR_TIMEOUT. Thread: the caller becomes the owner. */
STRADS_MUST_CHECK int strads_fabric_open(struct strads_job *job,
					 const struct strads_fabric_options *options,
					 struct strads_fabric **fabric);

/* Closes and nulls. Regions must be gone. Not collective, but a rank that closes while a peer
 * still operates on it is seen by that peer as ERR_PEER: end with strads_job_barrier. */
void strads_fabric_close(struct strads_fabric **fabric);

/* What a peer may do to a region. LOCAL regions are registered sources and sinks of operations. */
enum strads_access {
	STRADS_LOCAL = 0,
	STRADS_REMOTE_READ = 1,  /* peers may get */
	STRADS_REMOTE_WRITE = 2, /* peers may put, put-signal and fetch-add */
};

/* Memory of this rank, registered with every path, page-aligned and zeroed. Region k of one rank
 * and region k of another (k-th REMOTE region created since the fabric was opened) are the same
 * region to all operations; their sizes may differ, also be 0. */
struct strads_region;

/* Returns STRADS_OK, ERR_MEMORY (with the limit and how to raise it), ERR_ARGUMENT, ERR_FABRIC.
 * Thread: owner. */
STRADS_MUST_CHECK int strads_region_new(struct strads_fabric *fabric, enum strads_access access,
					size_t bytes, struct strads_region **region);

/* Unregisters, unmaps and nulls. Every rank must have stopped operating on it (a barrier). */
void strads_region_delete(struct strads_region **region);

void *strads_region_base(const struct strads_region *region);             /* Thread: any. */
size_t strads_region_bytes(const struct strads_region *region, int rank); /* Thread: any. */

/* Where this rank can look into `rank`'s part of a REMOTE_READ region without a get: its own part,
 * or that of a peer whose memory it has mapped. What is there is what a get would bring at that
 * moment. NULL: only a get brings it. Valid once wired, until deletion. Thread: owner. */
const void *strads_region_view(const struct strads_region *region, int rank);

/* Makes the regions created since the last call known to all ranks. Collective: every rank must
 * have created the same sequence of access classes. Returns STRADS_OK, ERR_PROTOCOL, ERR_PEER,
 * ERR_TIMEOUT, ERR_FABRIC. */
STRADS_MUST_CHECK int strads_fabric_wire(struct strads_fabric *fabric);

/* ---- Operations --------------------------------------------------------------------------- */

/* Counts operations: `posted` by the call that starts one, `done` by progress. An operation that
 * fails counts as done and leaves the first failure in `status`. */
struct strads_counter {
	uint64_t posted;
	uint64_t done;
	int status;
};

/* All below: start an operation on bytes [offset, offset+bytes) of `peer`'s part of `region`. The
 * local buffer must lie inside a region of this fabric (any access) and is borrowed until the
 * counter (may be NULL) counts it done. peer == own rank is allowed. Return STRADS_OK; AGAIN (queue
 * full, or the way to the peer not open yet: progress and retry, nothing was started); ERR_BOUNDS,
 * ERR_ACCESS, ERR_ARGUMENT (checked here, before anything is sent); ERR_PEER, or what the job says
 * of that (see strads_fabric_explain); ERR_TIMEOUT (the way did not open within the fabric's
 * deadline). Thread: owner.
 *
 * Completion of a put or put-signal means the bytes are in the peer's memory and visible to a
 * reader that sees any later signal of this writer. */

STRADS_MUST_CHECK int strads_get(struct strads_fabric *fabric, int peer,
				 const struct strads_region *region, size_t offset, void *into,
				 size_t bytes, struct strads_counter *counter);

STRADS_MUST_CHECK int strads_put(struct strads_fabric *fabric, int peer,
				 const struct strads_region *region, size_t offset,
				 const void *from, size_t bytes, struct strads_counter *counter);

/* A put of `bytes` (0 or more, a multiple of 8) at `offset` (a multiple of 8) followed by the
 * 64-bit word `value` at offset + bytes. Where the peer sees `value` with strads_signal_load it
 * also sees the payload and all puts this rank had started to that peer before. A word has one
 * writer and takes values that only grow. */
STRADS_MUST_CHECK int strads_put_signal(struct strads_fabric *fabric, int peer,
					const struct strads_region *region, size_t offset,
					const void *from, size_t bytes, uint64_t value,
					struct strads_counter *counter);

/* A part of the local side of an operation: `count` items of `bytes` bytes, one every `stride`
 * bytes. {.base, .bytes} is a plain buffer; {column, 8, rows, 8 * columns} a column of a matrix. */
struct strads_piece {
	void *base;    /* of the first item; only read by puts */
	size_t bytes;  /* of an item; 0: the piece is empty */
	size_t count;  /* of items; 0 counts as 1 */
	size_t stride; /* from one item to the next, at least `bytes`; unused with a single item */
};

#define STRADS_PIECES_MAX 8 /* pieces of one operation; an item count has no limit */

/* The same three with a local side in `n` pieces (0 … STRADS_PIECES_MAX), each inside a region,
 * which follow each other without gaps in the peer's one range: gets scatter, puts gather. One
 * operation, counted once. The array is read before the call returns; the memory of the pieces is
 * borrowed until the operation is done. The pieces of a get must not overlap. Long items cost
 * nothing over a plain buffer; items of a few bytes cost what a short operation each would, and
 * where there are many to be sent to several peers, copying them together first is faster. */

STRADS_MUST_CHECK int strads_getv(struct strads_fabric *fabric, int peer,
				  const struct strads_region *region, size_t offset,
				  const struct strads_piece *pieces, size_t n,
				  struct strads_counter *counter);

STRADS_MUST_CHECK int strads_putv(struct strads_fabric *fabric, int peer,
				  const struct strads_region *region, size_t offset,
				  const struct strads_piece *pieces, size_t n,
				  struct strads_counter *counter);

/* The sum of the pieces, not each, is a multiple of 8. */
STRADS_MUST_CHECK int strads_put_signalv(struct strads_fabric *fabric, int peer,
					 const struct strads_region *region, size_t offset,
					 const struct strads_piece *pieces, size_t n,
					 uint64_t value, struct strads_counter *counter);

/* The signal word at `offset` of this rank's own part of `region` (acquire). Thread: any. */
uint64_t strads_signal_load(const struct strads_region *region, size_t offset);

/* Adds to the 64-bit word at `offset` (a multiple of 8) and puts the old value into *old.
 * Optional: ERR_UNSUPPORTED where strads_fabric_query says so. */
STRADS_MUST_CHECK int strads_fetch_add(struct strads_fabric *fabric, int peer,
				       const struct strads_region *region, size_t offset,
				       uint64_t add, uint64_t *old, struct strads_counter *counter);

/* From now on, until the next strads_fabric_release or strads_fabric_progress, puts and put-signals
 * of a few KiB may be kept back where each would be a message that takes system calls on both
 * sides: those to one peer then leave together, as one message, in the order in which they were
 * started. For a caller that starts several in a row, and that releases them before it computes:
 * what is kept back leaves without it only after milliseconds. Release returns whether anything was
 * kept back. Thread: owner. */
void strads_fabric_hold(struct strads_fabric *fabric);
bool strads_fabric_release(struct strads_fabric *fabric);

/* STRADS_OK once everything this rank started to `peer` (−1: to all) is complete, AGAIN before,
 * the failure, explained, if one of them failed. Blocks for nothing but that. Thread: owner. */
STRADS_MUST_CHECK int strads_flush(struct strads_fabric *fabric, int peer);

/* The reason behind ERR_PEER: a path to a rank that gives up or dies breaks, as a rule, before the
 * job has told why. If the job knows, or learns within a second (given to it once in a fabric's
 * life), returns what strads_job_check says. Else, and for any other status, returns `status` and
 * leaves strads_error() as it was. For failures that a counter tells of; operations, flush,
 * progress and strads_counter_wait have asked already. Thread: owner. */
STRADS_MUST_CHECK int strads_fabric_explain(struct strads_fabric *fabric, int status);

/* ---- Progress, waiting, time -------------------------------------------------------------- */

/* Moves operations forward and looks after peers: call often. Returns STRADS_OK, or why the job
 * cannot go on (ERR_PEER naming who died, ERR_ABORTED, ERR_FABRIC). Thread: owner. */
STRADS_MUST_CHECK int strads_fabric_progress(struct strads_fabric *fabric);

/* The adaptive wait of a loop: `while (!finished) { progress; if (work()) awake; else wait; }
 * awake;`. Consecutive calls without strads_fabric_awake between spin, then yield the processor,
 * then (after one more pass of the caller over its conditions) sleep until a signal arrives, an
 * operation completes, a peer dies or `until_ns` on the fabric's clock passes. Returns at once in
 * the early stages. Thread: owner. */
void strads_fabric_wait(struct strads_fabric *fabric, uint64_t until_ns);
void strads_fabric_awake(struct strads_fabric *fabric);

/* A signal word of this rank's part of a region, and the value that is awaited in it. */
struct strads_signal {
	const struct strads_region *region;
	size_t offset;
	uint64_t value;
};

/* Looks at `n` signal words, progressing, for about as long as a signal takes between two
 * processors: to be called once, before the waiting proper, by a loop whose passes take longer than
 * a look. Returns STRADS_OK (one of the words has exactly its value), AGAIN (none had for that
 * long, or it is no use to look: n is 0, ranks outnumber processors, time is virtual), or as
 * progress does. Thread: owner. */
STRADS_MUST_CHECK int strads_signal_glance(struct strads_fabric *fabric,
					   const struct strads_signal *signals, size_t n);

/* Blocks, progressing, until *counter has done == posted. Returns its status, ERR_TIMEOUT after the
 * fabric's deadline, or as progress does. For start-up and shut-down, not for the data path. */
STRADS_MUST_CHECK int strads_counter_wait(struct strads_fabric *fabric,
					  struct strads_counter *counter);

/* Blocks, progressing, until the signal word at `offset` of this rank's part of the region is at
 * least `value`. Returns STRADS_OK, ERR_TIMEOUT after the fabric's deadline, or as progress does.
 * For a rank that has nothing else to do. Thread: owner. */
STRADS_MUST_CHECK int strads_signal_wait(struct strads_fabric *fabric,
					 const struct strads_region *region, size_t offset,
					 uint64_t value);

/* Nanoseconds, monotone, from an arbitrary origin: virtual under sim. Thread: owner. */
uint64_t strads_fabric_clock_ns(struct strads_fabric *fabric);

/* strads_ticks (ticks.h), under sim the clock. Thread: owner. */
uint64_t strads_fabric_ticks(struct strads_fabric *fabric);

/* Declares `ns` of computing just done. Advances the virtual clock under sim, else does nothing. */
void strads_fabric_charge(struct strads_fabric *fabric, double ns);

/* ---- What there is, what was done --------------------------------------------------------- */

struct strads_fabric_info {
	char path[64];  /* of the asked peer: "self", "shm", "verbs:mlx5_0:1", "ofi:tcp", … */
	bool fetch_add; /* strads_fetch_add works */
	bool passive_target; /* the peer need not call progress for operations on it to complete */
	const char *signal;  /* how a signal travels: "release store", "write with CQ data", … */
	const char *completion; /* what a completed put means there: "delivered", … */
	char why[192];          /* this device and no other was taken; "" if there is no choice */
	char wired[192]; /* how the connection is opened, and why so; "" where there is none to open
			  */
	char gid[48];    /* of the adapter's port, "" where there is none */
	uint32_t mtu_bytes;    /* of the adapter's port; 0: not known */
	uint32_t inline_bytes; /* up to so many travel inside the work request; 0: none do */
};

/* What this rank's path to `peer` is and can do. */
void strads_fabric_query(const struct strads_fabric *fabric, int peer,
			 struct strads_fabric_info *info);

/* What of the opened fabric its user should know though nothing failed, as sentences of one line
 * each, every one with its newline: a faster path that was left out, and why; huge pages that there
 * were none of. "" if there is nothing. All ranks are told the same of paths. Thread: owner. */
const char *strads_fabric_notes(const struct strads_fabric *fabric);

/* The path by the provider of that name, whether or not it is the path to any peer. False if the
 * fabric has not opened it. */
bool strads_fabric_query_provider(const struct strads_fabric *fabric, const char *name,
				  struct strads_fabric_info *info);

enum strads_op {
	STRADS_OP_PUT,
	STRADS_OP_PUT_SIGNAL,
	STRADS_OP_GET,
	STRADS_OP_FETCH_ADD,
	STRADS_OPS
};

struct strads_fabric_stats {
	uint64_t
	    operations[STRADS_OPS]; /* started by this rank, peers only: own rank not counted */
	uint64_t bytes[STRADS_OPS]; /* payload and signal words of these */
	uint64_t sleeps;            /* times strads_fabric_wait really slept */
	uint64_t doorbells;         /* wake-ups sent to sleeping peers */
	uint64_t registered_bytes;  /* memory registered now … */
	uint64_t reserved_bytes;    /* … of it on huge pages that were set aside */
};

void strads_fabric_stats(const struct strads_fabric *fabric, struct strads_fabric_stats *stats);

struct strads_job *strads_fabric_job(const struct strads_fabric *fabric);

/* The deadline of wire-up and of one operation, as options and job have it. */
uint64_t strads_fabric_timeout_ms(const struct strads_fabric *fabric);

/* The providers built into this library, NULL-terminated: "shm", "verbs", … Thread: any. */
const char *const *strads_fabric_providers(void);

/* Whether the provider of that name is among them. Thread: any. */
bool strads_fabric_has_provider(const char *name);

#ifdef __cplusplus
}
#endif

#endif
