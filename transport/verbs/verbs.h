/*
 * The verbs provider: one-sided operations over reliable connections of an RDMA adapter. Internal
 * to transport/verbs/.
 *
 * Puts are RDMA writes, gets RDMA reads. How a signal becomes visible rests on one guarantee of the
 * InfiniBand specification alone: once a receive completes at the target (here that of an
 * immediate), all that the same queue pair carried before it is in the target's memory. Nothing is
 * guaranteed to a processor that polls memory the adapter is writing, neither the order of two
 * writes nor that of the bytes of one (ibv_query_qp_data_in_order speaks of single writes, and few
 * adapters answer). So the adapter never writes a signal's word into its place. The writer sends
 *
 *     WRITE           payload   into the peer's region
 *     WRITE_WITH_IMM  note      into the writer's slot of the peer's mailbox
 *
 * by one doorbell, and the peer, when it polls the immediate, checks the note and stores the word
 * it names with release order. A word that was signalled before can do without its note: both ends
 * remember a few words (strads_verbs_word), and
 *
 *     WRITE_WITH_IMM  payload   into the peer's region
 *
 * whose immediate tells which of them grows and by how much is the whole operation, one packet for
 * up to a path MTU. Both forms need no processor at the target but to look at its own signals.
 *
 * Every immediate takes a receive of the target's shared queue and an entry of its completion
 * queue, and a target that computes gives none back. So a writer may have `window` signals on the
 * way that the target has not told to have taken; it tells so in the signals it sends anyway, and
 * by an immediate of its own for every half window where it sends none. With
 *
 *     receives  = served peers × (window + 2)
 *     requests  = served peers × depth
 *
 * and completion queues of as many entries (two such immediates at most are ever unread, for each
 * stands for half a window) none of them can overflow and no receive is ever missing, whatever the
 * target does. The queues have room for all peers that may connect; a peer's receives are posted,
 * and what is remembered of it allocated, when it does.
 *
 * Two ranks are connected by one queue pair at each end, when one of them first operates on the
 * other: until it stands operations answer STRADS_AGAIN (connection.h).
 *
 * Two threads use an endpoint: the fabric's owner, and the server that takes signals while the
 * owner is away (server.c). What changes after wire-up is for whoever has the baton, and the owner
 * only tries it: where the server has it an operation answers STRADS_AGAIN, and progress finds its
 * work being done. The server gives it up at the owner's next turn.
 */
#ifndef STRADS_VERBS_H
#define STRADS_VERBS_H

#include "baton.h"
#include "cursor.h"
#include "pace.h"
#include "provider.h"
#include "server.h"

#include <assert.h>
#include <infiniband/verbs.h>
#include <netinet/in.h>
#include <stdatomic.h>

#define STRADS_VERBS_WINDOW    512 /* signals on the way to one peer, at most */
#define STRADS_VERBS_DEPTH     128 /* work requests on the way to one peer, at most; a power of 2 */
#define STRADS_VERBS_DEPTH_MIN 8
#define STRADS_VERBS_BATCH     16  /* work requests posted by one doorbell, at most */
#define STRADS_VERBS_WORDS     256 /* words of one peer that need no note; a power of 2 */
#define STRADS_VERBS_INLINE    128 /* bytes asked for to travel in the work request itself */
/* Scatter/gather entries of a request: as many as take no more room in it than those bytes. */
#define STRADS_VERBS_SGES  (STRADS_VERBS_INLINE / (int)sizeof(struct ibv_sge))
#define STRADS_VERBS_TELLS 2 /* immediates on the way to one peer that only tell, at most */
#define STRADS_VERBS_FENCE 8 /* bytes read to see that writes have arrived */

/* A port of an adapter. */
struct strads_verbs_port {
	struct ibv_context *context; /* NULL: not open */
	struct ibv_device_attr device;
	struct ibv_port_attr attr;
	char name[IBV_SYSFS_NAME_MAX]; /* of the device */
	int node;                      /* NUMA, of the device; −1: not known */
	uint8_t number;
	uint8_t gid_index;
	uint16_t pkey_index;
	union ibv_gid gid;
	char why[192]; /* this port was taken and no other */
};

/* A port, or a whole device, that was looked at. */
struct strads_verbs_found {
	struct strads_verbs_port port; /* number 0: the device, none of whose ports can be taken */
	char refusal[256];             /* why it cannot be taken; "" if it can */
};

/* What a slot of a mailbox holds: the word that a put-signal leaves. */
struct strads_verbs_note {
	uint64_t value;
	uint64_t offset; /* of the word in the region */
	uint32_t region;
	uint32_t number; /* low bits: put-signals this writer has sent to this reader before */
	uint32_t taken;  /* low bits: put-signals of the reader that the writer has taken */
	uint32_t word;   /* index under which both remember it */
};

static_assert(sizeof(struct strads_verbs_note) == 32, "a note is 32 bytes on the wire");

/* A word that was signalled. The writer of signals and their reader go through the same sequence,
 * so that both have the same in the same place. */
struct strads_verbs_word {
	uint64_t value;
	uint64_t offset;
	uint32_t region;
	bool known;
};

enum strads_verbs_kind {
	STRADS_VERBS_PUT,
	STRADS_VERBS_SIGNAL,
	STRADS_VERBS_GET,
	STRADS_VERBS_ADD,
	STRADS_VERBS_TELL, /* from here on the provider's own */
	STRADS_VERBS_PROBE,
};

/* What a work request stands for. */
struct strads_verbs_entry {
	struct strads_counter *counter;
	uint8_t kind;
	bool ends; /* the last one of its operation */
};

/* An operation, or what is left to post of it. */
struct strads_verbs_op {
	struct strads_counter *counter;
	enum strads_verbs_kind kind;
	bool signal_due;            /* the word has not been posted */
	struct strads_cursor local; /* what is left begins here … */
	uint32_t rkey;
	uint64_t remote; /* … and goes or comes from here */
	size_t left;
	uint64_t value;  /* the word, or the addend */
	uint64_t offset; /* of the word in the region … */
	uint32_t region; /* … of this id */
};

/* How far the connection to a peer is. */
enum strads_verbs_stage {
	STRADS_VERBS_CLOSED,   /* nobody has wanted it */
	STRADS_VERBS_ASKED,    /* the peer, which is the one to call, was asked to */
	STRADS_VERBS_CALLING,  /* by librdmacm: the peer is looked for, or called */
	STRADS_VERBS_ACCEPTED, /* by librdmacm: the peer's call was accepted */
	STRADS_VERBS_TOLD,     /* over the job: the peer was told of the queue pair */
	STRADS_VERBS_READY,    /* the peer's end takes what is posted */
};

struct strads_verbs_connection {
	enum strads_verbs_stage stage;
	bool by_job;           /* it is opened over the job, perhaps after librdmacm has failed */
	bool provided;         /* the shared queue has the receives that the peer's signals take */
	bool due;              /* the peer is to get a letter, which the channel did not take yet */
	uint32_t number;       /* over the job: of the peer's queue pair; 0: not known yet */
	uint64_t since_ns;     /* it has been opening … */
	struct rdma_cm_id *id; /* NULL: librdmacm knows nothing of it */
	char *why; /* … and why it could not be opened; NULL: it was not tried, or is */
};

struct strads_verbs_peer {
	struct ibv_qp *qp; /* NULL: not connected */
	struct strads_verbs_connection connection;
	bool served;                /* by this provider */
	bool ready;                 /* operations may be posted */
	int status;                 /* why it is lost; 0: it is not … */
	enum ibv_wc_status refusal; /* … what the adapter says … */
	uint32_t vendor;            /* … and its maker … */
	int error;                  /* … or errno, where posting failed */
	bool dropping;              /* lost, and what is on the way to it not ended yet */
	bool unproven;              /* writes were started since the last probe */
	bool probing;
	bool holding; /* `held` is not posted in full; others wait */
	bool telling; /* is to be told how many signals were taken, once there is room */
	bool busy;    /* in the list of those that hold, are to be told, or are lost */
	struct strads_verbs_peer *next_busy;

	uint64_t mailbox_base; /* of this rank's slots in the peer's mailbox */
	uint64_t scratch_base; /* what probes read there */
	uint32_t mailbox_key;
	uint32_t scratch_key;
	uint32_t reads_max; /* reads and adds on the way, at most */
	uint32_t reads;

	uint64_t outstanding;               /* operations not counted done */
	struct strads_verbs_entry *entries; /* [depth], a ring of what was posted … */
	uint32_t posted;                    /* … counts, modulo 2^32 */
	uint32_t retired;
	uint32_t unsignalled; /* posted since the last that yields a completion */

	uint64_t sent;         /* put-signals to the peer … */
	uint64_t acknowledged; /* … and how many it has told to have taken */
	uint64_t taken;        /* put-signals from the peer … */
	uint64_t told;         /* … and how many it was told to be taken */
	uint64_t full_ns;      /* since when the window is full; 0: it is not */

	struct strads_verbs_word *words_out; /* [STRADS_VERBS_WORDS], of this rank's signals */
	struct strads_verbs_word *words_in;  /* [STRADS_VERBS_WORDS], of the peer's */
	struct strads_verbs_op held;
	struct strads_local held_local[STRADS_PIECES_MAX]; /* its pieces */
};

/* Work requests to one peer that wait for their doorbell. */
struct strads_verbs_batch {
	struct strads_verbs_peer *peer;
	int n;
	bool wanted; /* somebody waits for the completion of one of them */
	struct ibv_send_wr requests[STRADS_VERBS_BATCH];
	struct ibv_sge sges[STRADS_VERBS_BATCH][STRADS_VERBS_SGES];
};

/* The connection manager's part of an endpoint; see manager.c. */
struct strads_verbs_manager {
	struct rdma_event_channel *channel; /* NULL: connections are wired over the job … */
	struct rdma_cm_id *listener;
	struct sockaddr_storage address; /* that peers call */
	char why[256];                   /* … for this reason */
};

struct strads_verbs {
	struct strads_fabric *fabric;
	uint64_t timeout_ns;
	int rank;
	int size;
	int served; /* peers that no other path reaches */
	int gate;   /* epoll over the channel and the adapter's events: what the owner sleeps on */

	struct strads_verbs_settings settings;
	struct strads_verbs_port port;
	struct ibv_pd *pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;      /* of this rank's requests; the owner reads it … */
	struct ibv_cq *inbound; /* … and either thread this one, of the immediates */
	struct ibv_srq *srq;
	bool armed; /* cq's next completion is an event */
	bool inbound_armed;
	uint32_t signalled; /* requests on the way that yield a completion, at most … */
	uint32_t blind;     /* … and turns left, where there are none, until cq is read */
	uint64_t arrivals;  /* immediates read … */
	uint64_t heard;     /* … when the server looked last: its own */
	bool adds;          /* the adapter adds atomically even to the processor's eyes */

	uint32_t depth;  /* work requests to a peer */
	uint32_t window; /* signals to a peer; the same on all ranks */
	uint32_t slots;  /* of the mailbox, for each peer: what the window might have been */
	uint32_t inline_bytes;
	uint32_t sges;        /* in a request, at most … */
	uint32_t read_sges;   /* … and in a read or add */
	uint32_t numbers;     /* a power of 2 */
	size_t request_bytes; /* the longest write or read */

	struct strads_baton baton;
	struct strads_server server;     /* takes signals while the owner is away */
	struct strads_verbs_peer *peers; /* [size] */
	struct strads_verbs_card *cards; /* [size], what the ranks tell of their endpoints */
	uint64_t token;                  /* random: this endpoint, and none before or after it */
	struct strads_verbs_manager manager;
	_Atomic(struct strads_verbs_letter *) letters; /* not read yet, newest first */
	bool unsettled; /* a connection is opening, or a letter due */
	int timer;      /* timerfd in the gate: wakes the owner for those … */
	bool timed;     /* … if it runs */
	struct strads_verbs_peer *first_busy;
	struct strads_verbs_peer **by_number; /* [numbers], peers by their queue pair's number */
	struct strads_verbs_batch batch;

	struct strads_verbs_note *mailbox; /* [size][slots], written by the peers */
	struct strads_verbs_note *outbox; /* [size][slots], what this rank writes into theirs … */
	uint8_t *scratch; /* … followed by [STRADS_VERBS_FENCE] that probes read and read into */
	struct ibv_mr *mailbox_mr;
	struct ibv_mr *own; /* of the outbox and the scratch */

	struct strads_region **regions; /* [n_regions], by id */
	int n_regions;

	int status;              /* why this endpoint is of no use any more … */
	char why[512];           /* … in a sentence */
	struct strads_pace pace; /* of looking after connections that are opening */
	const char *news;        /* what the adapter has said of late that may explain a failure */
};

/* ---- device.c: what there is ---- */

/* Looks at the ports that the settings leave to choose from, in the order of `ibv_devices`: `n` of
 * them in *found, which the caller frees. Returns STRADS_OK or ERR_MEMORY. */
int strads_verbs_look(const struct strads_verbs_settings *settings,
		      struct strads_verbs_found **found, int *n);

/* Opens the device of that name, NULL with errno. */
struct ibv_context *strads_verbs_device_open(const char *name);

/* Signalling rate of a port. */
double strads_verbs_gbit_s(const struct ibv_port_attr *attr);

const char *strads_verbs_layer_name(uint8_t layer);

/* The NUMA node of a device, −1 if it is not known. */
int strads_verbs_node(const struct ibv_device *device);

/* ---- choice.c: which of them ---- */

/* Chooses among ports that were looked at: those of the fastest's network that are as fast; of
 * these the nearest; of these in turn by the seat's index. Returns its place in `found`, with
 * port.why filled, −1 if none can be taken. */
int strads_verbs_choose(const struct strads_seat *seat, struct strads_verbs_found *found, int n);

/* Looks, chooses and opens. Returns STRADS_OK, ERR_UNSUPPORTED with what is wrong with those there
 * are, ERR_MEMORY. */
int strads_verbs_port_open(const struct strads_verbs_settings *settings,
			   const struct strads_seat *seat, struct strads_verbs_port *port);
void strads_verbs_port_close(struct strads_verbs_port *port);

/* ---- survey.c ---- */

int strads_verbs_survey(const struct strads_settings *settings, struct strads_survey *survey);

/* ---- endpoint.c ---- */

int strads_verbs_open(struct strads_fabric *fabric, const char *argument, void **context);
void strads_verbs_close(void *context);

/* ---- card.c: what ranks tell each other at wire-up ---- */

int strads_verbs_address(void *context, struct strads_address *mine);
int strads_verbs_connect(void *context, const struct strads_address *all);
bool strads_verbs_reaches(void *context, int peer);

/* ---- pair.c: the queue pairs ---- */

/* The peer of a queue pair of this endpoint, NULL if there is none of that number. */
struct strads_verbs_peer *strads_verbs_peer_of(const struct strads_verbs *verbs, uint32_t number);

/* Destroys what a peer has: its queue pair, its memory. */
void strads_verbs_pair_close(struct strads_verbs_peer *peer);

/* ---- connection.c: opened on first use ---- */

/* Somebody wants to post to a peer that is not ready: its connection starts to open, if it does not
 * yet. Returns STRADS_AGAIN, or why it cannot be opened. */
int strads_verbs_reach(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* Reads the letters that have come; returns whether there were any. */
bool strads_verbs_letters_read(struct strads_verbs *verbs);

/* Whether there are letters to read. Thread: any. */
static inline bool
strads_verbs_letters_wait(const struct strads_verbs *verbs)
{
	return atomic_load_explicit(&verbs->letters, memory_order_relaxed) != NULL;
}

/* Goes on with all connections that are opening: letters, deadlines. */
void strads_verbs_connections_turn(struct strads_verbs *verbs);

/* Ends what is left of opening connections; nothing comes in any more. */
void strads_verbs_connections_close(struct strads_verbs *verbs);

/* ---- memory.c: registration ---- */

/* Whether the limit on locked memory allows a rank as many bytes. Returns STRADS_OK or ERR_MEMORY.
 */
int strads_verbs_memory_check(const char *device, uint64_t bytes);

/* Registers memory of this rank; `access` as of ibv_reg_mr. NULL, with the sentence, if refused. */
struct ibv_mr *strads_verbs_register(const struct strads_verbs *verbs, void *base, size_t bytes,
				     int access);

/* The key that a work request needs with a local buffer of `region`. */
uint32_t strads_verbs_local_key(const struct strads_region *region);

/* Where `peer`'s part of the region starts, and its key. */
const struct strads_region_key *strads_verbs_remote(const struct strads_region *region, int peer);

int strads_verbs_region_register(void *context, struct strads_region *region);
int strads_verbs_region_key(void *context, struct strads_region *region,
			    struct strads_region_key *mine);
int strads_verbs_region_attach(void *context, struct strads_region *region,
			       const struct strads_region_key *all);
void strads_verbs_region_release(void *context, struct strads_region *region);

/* ---- queue.c: what is posted, and what has come of it ---- */

/* How many more work requests the peer's send queue takes. */
static inline uint32_t
strads_verbs_room(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return verbs->depth - (peer->posted - peer->retired);
}

/* Adds a work request to the batch; the caller has seen that there is room and fills what is
 * zero: opcode, remote side, immediate. Its local side is sges[0 … n), copied, none of them empty.
 */
struct ibv_send_wr *strads_verbs_push(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
				      struct strads_verbs_entry entry, const struct ibv_sge *sges,
				      uint32_t n);

/* Rings the doorbell for the batch. A refusal loses the peer; what is posted to a lost peer stays
 * for strads_verbs_drop. */
void strads_verbs_ring(struct strads_verbs *verbs);

/* Takes a completion of this rank's own work request as done, and all before it. */
void strads_verbs_retire(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			 uint32_t number);

/* Ends all that is on the way to a lost peer with its status. Owner. */
void strads_verbs_drop(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* Enters the peer among those that progress looks after. */
void strads_verbs_mind(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* ---- op.c: operations of this rank ---- */

int strads_verbs_put(void *context, const struct strads_transfer *transfer);
int strads_verbs_put_signal(void *context, const struct strads_transfer *transfer);
int strads_verbs_get(void *context, const struct strads_transfer *transfer);
int strads_verbs_fetch_add(void *context, const struct strads_transfer *transfer);
uint64_t strads_verbs_outstanding(void *context, int peer);

/* Goes on with what the peer's queue had no room for. */
void strads_verbs_advance(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* ---- signal.c ---- */

/* Posts the signal of an operation together with what is left of its payload, sges[0 … n); false:
 * there is no room. */
bool strads_verbs_signal_post(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			      struct strads_verbs_op *op, const struct ibv_sge *sges, uint32_t n);

/* An immediate has arrived. */
void strads_verbs_signal_arrived(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
				 uint32_t immediate);

/* Tells the peer how many of its signals were taken, where there is room. */
void strads_verbs_signal_tell(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* ---- failure.c ---- */

/* The sentence about a lost peer; returns its status. */
int strads_verbs_lost(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer);

/* The peer is lost: `refusal` is what the adapter said, or IBV_WC_SUCCESS with `error` an errno. */
void strads_verbs_lose(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
		       enum ibv_wc_status refusal, uint32_t vendor, int error);

/* Marks the endpoint useless; the first reason stays. */
void strads_verbs_break(struct strads_verbs *verbs, int status, const char *format, ...)
    STRADS_PRINTF(3, 4);

/* Takes what the adapter has to say of itself; returns whether it may have more to say, one day. */
bool strads_verbs_hear(struct strads_verbs *verbs);

/* ---- progress.c ---- */

/* Gives the shared queue `n` receives. Returns STRADS_OK or ERR_FABRIC. */
int strads_verbs_receives_post(struct strads_verbs *verbs, uint32_t n);

/* Reads a few immediates and gives their receives back; returns whether there were any. */
bool strads_verbs_take(struct strads_verbs *verbs);

/* Lets the next immediate be an event of the channel; returns whether it will be. One that is there
 * already must be looked for. */
bool strads_verbs_arm_inbound(struct strads_verbs *verbs);

/* Reads the events of the channel. */
void strads_verbs_events_read(struct strads_verbs *verbs);

/* Tells every peer that is to be told, where there is room. */
void strads_verbs_tell_all(struct strads_verbs *verbs);

int strads_verbs_progress(void *context);
int strads_verbs_wait_fd(void *context);
int strads_verbs_sleep_prepare(void *context);
void strads_verbs_sleep_done(void *context);

/* ---- server.c ---- */

/* Starts the thread that takes signals while the owner is away, and hears what the job, the
 * connection manager and the adapter have to say. */
int strads_verbs_server_start(struct strads_verbs *verbs);
void strads_verbs_server_stop(struct strads_verbs *verbs);

#endif
