#include "shm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long one wait for the peers' descriptors lasts before the job is looked at. */
#define LOOK_MS 10

/* One region's descriptors on their way between this rank and its neighbours. */
struct handover {
	struct strads_shm *shm;
	struct strads_region *region;
	const struct strads_region_key *all;
	struct strads_shm_view *views;
	bool *to_send;        /* [size] */
	bool *to_receive;     /* [size] */
	struct pollfd *waits; /* [size] */
	struct strads_shm_fault fault;
};

static void
send_to(struct handover *handover, int rank)
{
	struct strads_shm *shm = handover->shm;
	struct strads_shm_message message = {.kind = STRADS_SHM_REGION,
					     .rank = shm->rank,
					     .region = handover->region->id,
					     .bytes = handover->region->bytes};
	int status =
	    strads_shm_send(shm->peers[rank].socket, &message, &handover->region->segment.fd, 1);

	handover->to_send[rank] = status == STRADS_AGAIN;
	if (status < 0)
		strads_shm_fault_keep(&handover->fault, strads_shm_fail_gone(shm, rank));
}

/* Maps what came in, for no more than the access class needs. */
static int
map_view(struct handover *handover, int rank, int fd)
{
	const struct strads_region *region = handover->region;
	size_t length = handover->all[rank].bytes;
	int protection = region->access & STRADS_REMOTE_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat known;
	void *at;

	if (fstat(fd, &known) || known.st_size < 0 || (size_t)known.st_size < length ||
	    known.st_blksize <= 0)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "shm: region %d of rank %d is smaller than announced",
				   region->id, rank);
	/* Whole pages, of the size that the owner has taken. */
	length = (length + (size_t)known.st_blksize - 1) / (size_t)known.st_blksize *
		 (size_t)known.st_blksize;
	at = mmap(NULL, length, protection, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return strads_fail(
		    STRADS_ERR_MEMORY,
		    "shm: cannot map the %zu bytes of region %d of rank %d (error %d); raise the "
		    "address-space limit with `ulimit -v unlimited`",
		    length, region->id, rank, errno);
	if (length >= (size_t)2 << 20)
		(void)madvise(at, length, MADV_HUGEPAGE);
	handover->views[rank] = (struct strads_shm_view){.base = at, .length = length};
	return STRADS_OK;
}

static void
receive_from(struct handover *handover, int rank)
{
	struct strads_shm *shm = handover->shm;
	struct strads_shm_message message;
	int fd;
	int status =
	    strads_shm_receive(shm->peers[rank].socket, STRADS_SHM_REGION, &message, &fd, 1);

	handover->to_receive[rank] = status == STRADS_AGAIN;
	if (status == STRADS_AGAIN)
		return;
	if (status == STRADS_ERR_PEER)
		status = strads_shm_fail_gone(shm, rank);
	if (status == STRADS_OK) {
		if (message.region != handover->region->id || message.rank != rank ||
		    message.bytes != handover->all[rank].bytes)
			status = strads_fail(STRADS_ERR_PROTOCOL,
					     "shm: rank %d handed over region %d instead of %d",
					     rank, message.region, handover->region->id);
		else
			status = map_view(handover, rank, fd);
		close(fd);
	}
	strads_shm_fault_keep(&handover->fault, status);
}

/* Everything that can be done without waiting. Returns how many peers are left, and what to poll
 * for. Sending and receiving take turns, so that ranks whose sockets are full, or who together
 * have too many descriptors under way, empty each other's. */
static int
step(struct handover *handover, bool *crowded)
{
	struct strads_shm *shm = handover->shm;
	int left = 0;

	*crowded = false;
	for (int rank = 0; rank < shm->size; rank++) {
		if (handover->to_receive[rank])
			receive_from(handover, rank);
		if (handover->to_send[rank])
			send_to(handover, rank);
		*crowded = *crowded || handover->to_send[rank];
		if (handover->to_receive[rank] || handover->to_send[rank])
			handover->waits[left++] =
			    (struct pollfd){.fd = shm->peers[rank].socket, .events = POLLIN};
	}
	return left;
}

static int
exchange(struct handover *handover)
{
	struct strads_fabric *fabric = handover->shm->fabric;
	uint64_t deadline = strads_monotone_ns() + strads_fabric_timeout_ms(fabric) * 1000000u;

	for (;;) {
		bool crowded;
		int left = step(handover, &crowded);
		int status;

		/* Who is gone may have left because of another: the job knows. */
		if (left == 0)
			return strads_fabric_explain(fabric,
						     strads_shm_fault_tell(&handover->fault));
		status = strads_job_check(strads_fabric_job(fabric));
		if (status)
			return status;
		if (strads_monotone_ns() > deadline)
			return strads_fail(STRADS_ERR_TIMEOUT,
					   "shm: %d ranks of this host have not handed over "
					   "region %d in time",
					   left, handover->region->id);
		/* Room for what could not be sent is not told by poll: ask again soon. */
		(void)poll(handover->waits, (nfds_t)left, crowded ? 1 : LOOK_MS);
	}
}

static void
plan(struct handover *handover)
{
	struct strads_shm *shm = handover->shm;

	for (int rank = 0; rank < shm->size; rank++) {
		bool linked = shm->peers[rank].control && !shm->peers[rank].gone;

		handover->to_send[rank] = linked && handover->region->bytes > 0;
		handover->to_receive[rank] = linked && handover->all[rank].bytes > 0;
	}
}

int
strads_shm_attach(void *context, struct strads_region *region, const struct strads_region_key *all)
{
	struct strads_shm *shm = context;
	size_t size = (size_t)shm->size;
	struct handover handover = {.shm = shm, .region = region, .all = all};
	int status;

	handover.views = calloc(size, sizeof *handover.views);
	handover.to_send = calloc(size, sizeof *handover.to_send);
	handover.to_receive = calloc(size, sizeof *handover.to_receive);
	handover.waits = calloc(size, sizeof *handover.waits);
	/* The region owns the views, also the first few of an attempt that fails. */
	region->attached[STRADS_SLOT_SHM] = handover.views;
	if (!handover.views || !handover.to_send || !handover.to_receive || !handover.waits) {
		status = strads_fail(STRADS_ERR_MEMORY, "shm: no memory for %zu ranks", size);
	} else {
		plan(&handover);
		status = exchange(&handover);
	}
	free(handover.waits);
	free(handover.to_receive);
	free(handover.to_send);
	return status;
}

void
strads_shm_release(void *context, struct strads_region *region)
{
	const struct strads_shm *shm = context;
	struct strads_shm_view *views = region->attached[STRADS_SLOT_SHM];

	for (int rank = 0; views && rank < shm->size; rank++) {
		if (views[rank].base)
			munmap(views[rank].base, views[rank].length);
	}
	free(views);
	region->attached[STRADS_SLOT_SHM] = NULL;
}
