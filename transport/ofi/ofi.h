/*
 * The ofi provider: one-sided operations over a libfabric RDM endpoint. Internal to transport/ofi/.
 *
 * Puts are RMA writes that complete when delivered, gets are RMA reads. A put-signal is one RMA
 * write of the payload into the peer's region and of a note into the writer's slot of the peer's
 * mailbox, carrying completion data; several operations to one peer that are held back together
 * leave as one such write, a bundle. Where the peer reads that completion everything before it on
 * the way from this writer is in the peer's memory (write-after-write order), so the peer then
 * checks the note and stores the word it names with release order: a polling reader never meets
 * half a word or a word ahead of its payload, however the byte stream was cut. Slots are used in
 * turn; the peer tells how many signals it has taken in the notes it sends back, or by a write of
 * nothing with completion data if it has none to send. That both frees slots and completes
 * put-signals, and keeps the acknowledgement off the path of the signal.
 *
 * The peer's side of an operation is in a row, and so a local side in many short runs is copied to
 * or from a stage, registered memory in a row: a few messages instead of one for every few runs.
 *
 * Two threads use an endpoint: the fabric's owner, and the server that serves peers while the
 * owner is away (server.c). Every libfabric object, and whatever says so below, is for whoever has
 * the baton, and the owner only tries it on the data path: where the server has it an operation
 * answers STRADS_AGAIN, and progress finds its work being done. The server gives it up at the
 * owner's next turn.
 */
#ifndef STRADS_OFI_H
#define STRADS_OFI_H

#include "baton.h"
#include "cursor.h"
#include "pace.h"
#include "provider.h"
#include "server.h"

#include <assert.h>
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <stdatomic.h>

#define STRADS_OFI_WINDOW       64    /* put-signals under way from one rank to another */
#define STRADS_OFI_OPS          1024  /* operations under way from one rank */
#define STRADS_OFI_FUSED_BYTES  65536 /* a longer payload travels by a write of its own */
#define STRADS_OFI_NOTES        4     /* put-signals in one bundle, at most */
#define STRADS_OFI_BUNDLE_BYTES 65536 /* of payload, in a bundle of several operations */
#define STRADS_OFI_IOV          8     /* runs of memory in one write or read, at most */
#define STRADS_OFI_STAGE_BYTES  65536
#define STRADS_OFI_RANKS_MAX    (1 << 19)

/* Slots of one writer. Those of a bundle follow each other, also beyond the window's end. */
#define STRADS_OFI_SLOTS (STRADS_OFI_WINDOW + STRADS_OFI_NOTES - 1)

/* What a slot of a mailbox holds: the word that a put-signal leaves. */
struct strads_ofi_note {
	uint64_t value;
	uint64_t offset; /* of the word in the region */
	uint32_t region;
	uint32_t number; /* low bits: put-signals this writer has sent to this reader before */
	uint32_t taken;  /* low bits: put-signals of the reader that the writer has taken */
	uint32_t unused;
};

static_assert(sizeof(struct strads_ofi_note) == 32, "a note is 32 bytes on the wire");

enum strads_ofi_kind { STRADS_OFI_PUT, STRADS_OFI_SIGNAL, STRADS_OFI_GET, STRADS_OFI_PROBE };

/* Memory in a row beside an operation whose local side is in so many runs that to copy them costs
 * less than the messages they would take. */
struct strads_ofi_stage {
	uint8_t *bytes;                                /* STRADS_OFI_STAGE_BYTES */
	size_t held;                                   /* of the write or read under way */
	struct strads_local pieces[STRADS_PIECES_MAX]; /* of the operation */
	struct strads_ofi_stage *next;
};

/* One operation of this rank. */
struct strads_ofi_op {
	struct fi_context2 io[2]; /* of a write or read, and of the bundle that it comes last in */
	struct strads_ofi_note note;                    /* its own … */
	struct strads_ofi_note notes[STRADS_OFI_NOTES]; /* … and those of that bundle, as sent */
	struct strads_ofi_op *next;  /* in the free list, a bundle, the untaken, or the done ones */
	struct strads_ofi_op *mates; /* the first in a bundle that this one ends and completes */
	uint64_t number;             /* of signals taken, by which this operation is */
	struct strads_counter *counter;
	enum strads_ofi_kind kind;
	int peer;
	int status;
	uint32_t pending;               /* completions that libfabric still owes */
	bool note_due;                  /* a signal's note has not been posted */
	bool untaken;                   /* the peer has not told to have taken it */
	struct strads_ofi_stage *stage; /* NULL: bytes go from and to where they lie */
	struct strads_cursor local;     /* what is left to post: from here … */
	uint64_t remote;                /* … to there … */
	uint64_t key;
	size_t left; /* … so many bytes */
};

/* The local side of one write or read. */
struct strads_ofi_side {
	struct iovec iov[STRADS_OFI_IOV];
	void *desc[STRADS_OFI_IOV];
	size_t n;
	size_t bytes;
};

/* Operations to one peer that are to leave as one write. */
struct strads_ofi_bundle {
	struct strads_ofi_op *first, *last;
	struct strads_ofi_side side;              /* their payload, in turn … */
	struct fi_rma_iov remote[STRADS_OFI_IOV]; /* … and where it goes */
	size_t ranges;
	uint32_t notes; /* put-signals among them */
};

/* What an endpoint knows of one rank. Under the baton but for what is the owner's. */
struct strads_ofi_peer {
	struct fi_context2 io; /* of what tells the peer how many of its signals were taken */
	bool told_pending;     /* such a write is under way */
	fi_addr_t address;
	uint64_t mailbox_base; /* of this rank's slots in the peer's mailbox */
	uint64_t mailbox_key;
	bool reached;
	bool accepted;         /* libfabric has taken an operation, so there was a connection */
	int error;             /* libfabric's, positive, once the peer is lost */
	int provider_error;    /* and the provider's own */
	uint32_t writes;       /* puts and put-signals under way */
	uint64_t sent;         /* put-signals to the peer … */
	uint64_t acknowledged; /* … and how many it has taken */
	uint64_t taken;        /* put-signals from the peer … */
	uint64_t told;         /* … and how many it knows this rank to have taken */
	struct strads_ofi_op *untaken_first, *untaken_last; /* oldest first */
	struct strads_ofi_op *held;                        /* not posted in full; others wait … */
	struct strads_local held_local[STRADS_PIECES_MAX]; /* … and its pieces */
	struct strads_ofi_peer *next_held;
	struct strads_ofi_bundle bundle;
	bool loading; /* in the list of those whose bundle is kept back, or refused */
	struct strads_ofi_peer *next_loading;
	struct strads_ofi_peer *next_telling;
	bool telling;        /* in the list of those to be told */
	uint32_t probes;     /* sent since the peer fell quiet; the owner's, as all below but one */
	uint64_t refused_ns; /* since when libfabric has refused operations; 0: it has not; baton */
	uint64_t outstanding; /* operations not counted done */
	uint64_t finished;    /* operations counted done … */
	uint64_t watched;     /* … when last looked at … */
	uint64_t quiet_ns;    /* … and since when it has been that; 0: nothing was under way */
};

struct strads_ofi {
	struct strads_fabric *fabric;
	int rank;
	int size;
	uint64_t timeout_ns;

	struct fi_info *info;
	struct fid_fabric *root;
	struct fid_domain *domain;
	struct fid_av *av;
	struct fid_cq *cq;
	struct fid_ep *ep;
	int fd;             /* the completion queue's; −1 where it has none */
	int gate;           /* what the owner sleeps on: an epoll; fd is in it only while it does */
	bool ordered;       /* writes to a peer arrive in order */
	bool fused;         /* a note can travel with its payload */
	size_t iov_limit;   /* runs of local memory in one write or read … */
	size_t range_limit; /* … and of the peer's in one write */
	uint64_t delivered; /* flag of a write that completes when it has arrived */
	size_t message_bytes; /* the longest write or read */

	struct strads_baton baton;
	int status;    /* why this endpoint is of no use any more; under the baton … */
	char why[320]; /* … and so is the sentence */

	struct strads_ofi_peer *peers;         /* [size] */
	struct strads_ofi_peer *first_held;    /* under the baton */
	struct strads_ofi_peer *first_loading; /* under the baton */
	bool holding;                          /* operations are kept back; the owner's, as … */
	bool kept;                             /* … that some may be in bundles */
	struct strads_ofi_peer *first_telling; /* under the baton */
	uint32_t busy_turns;                   /* that found work since peers were told … */
	uint32_t idle_turns;                   /* … and in a row that found none; the owner's */

	struct strads_ofi_op *ops;                    /* [STRADS_OFI_OPS] */
	struct strads_ofi_op *free;                   /* the owner's */
	struct strads_ofi_op *done_first, *done_last; /* under the baton */
	struct fid_mr *ops_mr;                        /* NULL: needs no registration */

	struct strads_ofi_stage *stages;
	struct strads_ofi_stage *free_stage; /* the owner's */
	uint8_t *stage_memory;
	struct fid_mr *stage_mr; /* NULL: needs no registration */

	struct strads_ofi_note *mailbox; /* [size][STRADS_OFI_SLOTS] */
	struct fid_mr *mailbox_mr;

	struct strads_region **regions; /* [n_regions], by id; under the baton */
	int n_regions;

	struct strads_pace pace;     /* of looking after quiet peers; the owner's, as … */
	uint64_t watch_ns;           /* … when to do it next … */
	uint64_t outstanding;        /* … and operations not counted done, to all peers */
	struct strads_server server; /* serves peers while the owner is away */
	_Atomic uint64_t
	    barred_ns; /* memory has gone: until then, or the owner's next turn, it stays away */
	struct strads_ofi *next_abandoned;
};

/* ---- source.c: where from ---- */

/* Finds the address to send from, numeric, "" to leave it to libfabric: the loopback if all ranks
 * share a host and its network, else that by which this host is joined to the hub of the job, else
 * that of the default route. Collective. */
int strads_ofi_source_find(struct strads_job *job, char *node, size_t bytes);

/* ---- choice.c: which of libfabric's providers ---- */

/* Chooses `name` (NULL: the best for one-sided operations here), sending from `node` ("": any). The
 * answer is freed by fi_freeinfo; *delivered is the flag that makes a write complete as late as the
 * provider can tell. Returns STRADS_OK, ERR_UNSUPPORTED, ERR_MEMORY, ERR_FABRIC. */
int strads_ofi_choose(const char *name, const char *node, struct fi_info **info,
		      uint64_t *delivered);

/* ---- endpoint.c ---- */

int strads_ofi_open(struct strads_fabric *fabric, const char *argument, void **context);
void strads_ofi_close(void *context);
int strads_ofi_address(void *context, struct strads_address *mine);
int strads_ofi_connect(void *context, const struct strads_address *all);
bool strads_ofi_reaches(void *context, int peer);

/* ---- memory.c: registration ---- */

/* Registers memory of this rank; `access` as of fi_mr_reg. */
int strads_ofi_register(struct strads_ofi *ofi, void *base, size_t bytes, uint64_t access,
			struct fid_mr **mr);

/* What peers add an offset to in order to address the memory that starts at `base`. */
uint64_t strads_ofi_remote_base(const struct strads_ofi *ofi, const void *base);

/* What libfabric needs with a local buffer of `region`. */
void *strads_ofi_desc(const struct strads_region *region);

/* Where `peer`'s part of the region starts, and its key. */
const struct strads_region_key *strads_ofi_remote(const struct strads_region *region, int peer);

int strads_ofi_region_register(void *context, struct strads_region *region);
int strads_ofi_region_key(void *context, struct strads_region *region,
			  struct strads_region_key *mine);
int strads_ofi_region_attach(void *context, struct strads_region *region,
			     const struct strads_region_key *all);
void strads_ofi_region_release(void *context, struct strads_region *region);

/* ---- op.c: operations of this rank ---- */

int strads_ofi_put(void *context, const struct strads_transfer *transfer);
int strads_ofi_put_signal(void *context, const struct strads_transfer *transfer);
int strads_ofi_get(void *context, const struct strads_transfer *transfer);
uint64_t strads_ofi_outstanding(void *context, int peer);

/* Makes all operations free. */
void strads_ofi_ops_init(struct strads_ofi *ofi);

/* Gives an operation back. Owner. */
void strads_ofi_op_free(struct strads_ofi *ofi, struct strads_ofi_op *op);

/* The operation that libfabric's `context` belongs to; NULL if it is none of this endpoint's. */
struct strads_ofi_op *strads_ofi_op_of(const struct strads_ofi *ofi, const void *context);

/* Puts the operation among the done ones if nothing more is to come of it. Baton. */
void strads_ofi_op_settle(struct strads_ofi *ofi, struct strads_ofi_op *op);

/* Gives up what is not posted of a failed operation, and waits for no answer to it. Baton. */
void strads_ofi_op_fail(struct strads_ofi_op *op, int status);

/* Takes libfabric's refusal to post: STRADS_AGAIN until the deadline, else the peer is lost. Baton.
 */
int strads_ofi_op_refused(struct strads_ofi *ofi, int peer, ssize_t code);

/* Posts more of the operations that are not posted in full. Baton. */
void strads_ofi_ops_advance(struct strads_ofi *ofi);

/* Notes that libfabric has taken an operation to the peer. Baton. */
void strads_ofi_op_accepted(struct strads_ofi_peer *peer);

/* Asks a quiet peer for a sign of life, by a write of nothing that must be acknowledged; returns
 * whether that was posted. Baton, owner. */
bool strads_ofi_probe(struct strads_ofi *ofi, int peer);

/* Adds as much of what is left of the operation as fits, in up to `limit` runs, and passes the
 * cursor over it. */
void strads_ofi_side_gather(const struct strads_ofi *ofi, const struct strads_ofi_op *op,
			    struct strads_cursor *cursor, size_t limit,
			    struct strads_ofi_side *side);

/* ---- bundle.c: several operations in one write ---- */

/* Adds the operation, of which nothing is under way, to its peer's bundle; false if it does not fit
 * in, or not with those there. Baton. */
bool strads_ofi_bundle_add(struct strads_ofi *ofi, struct strads_ofi_op *op);

/* Leaves the peer's bundle to strads_ofi_bundles_post. Owner, baton. */
void strads_ofi_bundle_keep(struct strads_ofi *ofi, int rank);

/* Posts the peer's bundle, if it has one. Returns libfabric's code; the bundle stays if it refuses.
 * Baton. */
ssize_t strads_ofi_bundle_post(struct strads_ofi *ofi, int rank);

/* Posts all bundles that were kept or refused; false: some are still refused. Baton. */
bool strads_ofi_bundles_post(struct strads_ofi *ofi);

void strads_ofi_hold(void *context);
bool strads_ofi_release(void *context);

/* ---- stage.c: local sides in many short runs ---- */

/* Gets memory for stages. Returns STRADS_OK, ERR_MEMORY, ERR_FABRIC, ERR_IO. */
int strads_ofi_stages_open(struct strads_ofi *ofi);

/* Frees it; stage_mr is closed already. */
void strads_ofi_stages_close(struct strads_ofi *ofi);

/* Whether the transfer takes fewer messages by way of a stage. */
bool strads_ofi_stage_pays(const struct strads_ofi *ofi, const struct strads_transfer *transfer);

/* Takes a stage, of which the caller knows that one is free, for an operation that has posted
 * nothing. Owner, baton. */
void strads_ofi_stage_take(struct strads_ofi *ofi, struct strads_ofi_op *op,
			   const struct strads_transfer *transfer);

/* Gives the operation's stage back. Owner. */
void strads_ofi_stage_give(struct strads_ofi *ofi, struct strads_ofi_op *op);

/* Adds the stage to the side as that of the operation's next `bytes`, which a get leaves at the
 * cursor and others are copied from it. Baton. */
void strads_ofi_stage_fill(const struct strads_ofi *ofi, const struct strads_ofi_op *op,
			   struct strads_cursor *cursor, size_t bytes,
			   struct strads_ofi_side *side);

/* Copies what a get has read to where it belongs. Baton. */
void strads_ofi_stage_empty(struct strads_ofi_op *op);

/* ---- signal.c: notes and what is told of them ---- */

/* The completion data of a write of the `n` notes from number `first` on. */
uint64_t strads_ofi_signal_data(const struct strads_ofi *ofi, uint64_t first, uint32_t n);

/* An inbound write with completion data has arrived. Baton. */
void strads_ofi_signal_arrived(struct strads_ofi *ofi, uint64_t data);

/* Tells every peer in the list how many of its signals were taken; false: not all could be. Baton.
 */
bool strads_ofi_signal_tell(struct strads_ofi *ofi);

/* The rank whose telling libfabric's `context` belongs to, −1 if none; and the telling is over. */
int strads_ofi_signal_told(struct strads_ofi *ofi, const void *context);

/* ---- failure.c ---- */

/* "cannot … (tcp;ofi_rxm): Connection refused" with `code`, libfabric's and negative. */
int strads_ofi_refused(const struct strads_ofi *ofi, int status, const char *what, ssize_t code);

/* The sentence about a lost peer; returns ERR_PEER. */
int strads_ofi_lost(const struct strads_ofi *ofi, int peer);

/* Marks a peer lost and ends what was under way to it. `error` is libfabric's, positive. Baton. */
void strads_ofi_peer_lose(struct strads_ofi *ofi, int peer, int error, int provider_error);

/* Marks the endpoint useless; the first reason stays. Baton. */
void strads_ofi_break(struct strads_ofi *ofi, int status, const char *format, ...)
    STRADS_PRINTF(3, 4);

/* ---- progress.c ---- */

/* Reads a few completions and does what they ask for; returns whether there were any. Baton. */
bool strads_ofi_drain(struct strads_ofi *ofi);

int strads_ofi_progress(void *context);
int strads_ofi_wait_fd(void *context);
int strads_ofi_sleep_prepare(void *context);
void strads_ofi_sleep_done(void *context);

/* ---- server.c ---- */

/* Starts the thread that serves peers while the owner is away. */
int strads_ofi_server_start(struct strads_ofi *ofi);

/* Keeps the server away for a moment, for memory of this rank is about to go. */
void strads_ofi_server_bar(struct strads_ofi *ofi);

#endif
