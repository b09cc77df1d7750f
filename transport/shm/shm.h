/*
 * The shared-memory provider: ranks on one host map each other's remote regions, so an operation is
 * a copy by the initiator's processor and needs nothing of the target's.
 *
 * Wire-up. Every rank listens on a unix socket of a random abstract name, told to the others over
 * the job's control channel; of two ranks the higher dials the lower. Both greet with the job's
 * cookie and two descriptors: the control page (holding a random proof, also told over the control
 * channel: who can map the page and reads the right proof is on the same host, whatever the hosts
 * are called) and the doorbell. The socket then hands over the descriptors of regions, and stays
 * open: that it hangs up is how a rank learns that a peer is gone.
 *
 * Sleep. A rank about to sleep sets the flag of its control page, fences and looks at its signals
 * once more; a writer of a signal fences and looks at the flag. One of the two sees the other. (To
 * leave the fence out where the sleeper has the kernel fence its writers, by membarrier, loses
 * wake-ups in emulated machines.)
 */
#ifndef STRADS_SHM_H
#define STRADS_SHM_H

#include "pace.h"
#include "provider.h"

#include <stdatomic.h>

#define STRADS_SHM_VERSION     1
#define STRADS_SHM_PROOF_BYTES 16

/* Of every rank, mapped by all ranks on its host. */
struct strads_shm_control {
	_Alignas(64) _Atomic uint32_t sleeping; /* whoever clears it must ring */
	_Alignas(64) uint8_t proof[STRADS_SHM_PROOF_BYTES];
};

struct strads_shm_peer {
	struct strads_shm_control *control; /* NULL: on another host */
	int doorbell;                       /* eventfd of the peer; −1 where control is NULL */
	int socket;                         /* −1: none (any more) */
	bool greeted;                       /* our greeting has been sent */
	bool gone;                          /* hung up */
	bool left;                          /* … after saying goodbye */
};

struct strads_shm {
	struct strads_shm_peer *peers; /* [size] */
	struct strads_fabric *fabric;
	int rank;
	int size;
	int lost; /* a peer that died; −1: none */
	struct strads_pace pace;
	uint64_t cookie;
	int group; /* only ranks r with the same r / group count as neighbours; 0: all do */

	struct strads_shm_control *control; /* this rank's own */
	int control_fd;
	int doorbell;
	int watch;   /* epoll over the doorbell and the sockets' hang-ups */
	bool drowsy; /* the owner is about to sleep, or does */

	int listener;
	uint8_t name[16];
	uint8_t proof[STRADS_SHM_PROOF_BYTES];
};

/* ---- fault.c ---- */

/* A failure of this rank's own in the middle of an exchange, which it finishes for the others' sake
 * before it tells. */
struct strads_shm_fault {
	int status; /* STRADS_OK: none so far */
	char sentence[256];
};

/* Keeps the failure that strads_error() has just described, if it is the first. */
void strads_shm_fault_keep(struct strads_shm_fault *fault, int status);

/* Returns the status kept, with its sentence as strads_error(). */
int strads_shm_fault_tell(const struct strads_shm_fault *fault);

/* Fails with STRADS_ERR_PEER, saying how the peer went. */
int strads_shm_fail_gone(const struct strads_shm *shm, int peer);

/* ---- message.c: records with descriptors over a SOCK_SEQPACKET socket ---- */

enum strads_shm_kind { STRADS_SHM_GREETING = 1, STRADS_SHM_REGION = 2, STRADS_SHM_GOODBYE = 3 };

struct strads_shm_message {
	uint32_t magic;
	uint32_t kind;   /* enum strads_shm_kind */
	int32_t rank;    /* of the sender */
	int32_t region;  /* region: its id */
	uint64_t cookie; /* greeting: the job's */
	uint64_t bytes;  /* region: its size on the sender */
};

#define STRADS_SHM_FDS_MAX 2

/* Sends without blocking: STRADS_OK; AGAIN (no room, or too many descriptors under way); ERR_PEER.
 */
int strads_shm_send(int socket, const struct strads_shm_message *message, const int *fds, int n);

/* Receives without blocking a message of `kind` with exactly n descriptors, which the caller then
 * owns: STRADS_OK; AGAIN; ERR_PEER (hung up, or said goodbye); ERR_PROTOCOL (something else came).
 * No descriptor is left open unless it returns OK. */
int strads_shm_receive(int socket, enum strads_shm_kind kind, struct strads_shm_message *message,
		       int *fds, int n);

/* ---- link.c ---- */

struct strads_shm_address {
	uint32_t version;
	uint8_t name[16];
	uint8_t proof[STRADS_SHM_PROOF_BYTES];
};

/* Opens the control page, doorbell and listener of this rank. On failure nothing stays open. */
int strads_shm_links_open(struct strads_shm *shm);

/* Greets all neighbours. Collective. */
int strads_shm_links_connect(struct strads_shm *shm, const struct strads_address *all);

/* Says goodbye to all and closes everything. */
void strads_shm_links_close(struct strads_shm *shm);

/* ---- watch.c ---- */

/* Opens the doorbell and what watches it; later adds the sockets of the peers. */
int strads_shm_watch_open(struct strads_shm *shm);
int strads_shm_watch_peers(struct strads_shm *shm);

/* Looks after the doorbell and the sockets: notes who is gone. */
void strads_shm_watch_look(struct strads_shm *shm);

/* ---- handover.c ---- */

/* Where a rank's part of a region is mapped here. */
struct strads_shm_view {
	uint8_t *base; /* NULL: it is not */
	size_t length;
};

/* The views of a region, one of each rank. */
int strads_shm_attach(void *context, struct strads_region *region,
		      const struct strads_region_key *all);
void strads_shm_release(void *context, struct strads_region *region);

#endif
