/*
 * What the files of the adapter that is none know of each other: verbs_fake.c (devices, and what
 * they say of themselves), verbs_fake_queue.c (memory, completion and receive queues) and
 * verbs_fake_pair.c (queue pairs and their requests).
 */
#ifndef VERBS_FAKE_PARTS_H
#define VERBS_FAKE_PARTS_H

#include "verbs_fake.h"

#define FAKE_QUEUE 4096 /* requests of one pair, completions of one queue */

/* The first key that a region is known by to its own rank, and to peers. */
#define FAKE_LKEY 1000
#define FAKE_RKEY 5000

/* ---- verbs_fake.c ---- */

/* One lock for all, which a thread may take again. */
void fake_lock(void);
void fake_unlock(void);

/* Zeroed memory of an object that counts as live, unless the call `what` is the one that fails. */
void *fake_create(const char *what, size_t bytes);
int fake_destroy(void *object);

/* ---- verbs_fake_queue.c ---- */

/* Enters a completion, which gives back `frees` places of its pair's send queue when it is read. */
void fake_complete(struct ibv_cq *cq, struct ibv_wc entry, uint32_t frees);

/* Takes the oldest receive; false: there is none. */
bool fake_take_receive(struct ibv_srq *srq, uint64_t *id);

/* The memory behind a key (of those that begin with `first`), NULL if it may not be used so. */
void *fake_find(uint32_t key, uint32_t first, uint64_t at, uint64_t bytes, int access);

int fake_poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *entries);
int fake_req_notify_cq(struct ibv_cq *cq, int solicited_only);
int fake_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);

/* ---- verbs_fake_pair.c ---- */

/* Gives back places of the send queue of a pair, where it is still there. */
void fake_give_back(uint32_t number, uint32_t places);

int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);

#endif
