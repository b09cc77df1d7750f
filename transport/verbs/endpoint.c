#include "verbs/connection.h"

#include "job/cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/rdma_cma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)1 << 30)

static int
refused(const struct strads_verbs *verbs, const char *what)
{
	int error = errno;

	return strads_fail(error == ENOMEM ? STRADS_ERR_MEMORY : STRADS_ERR_FABRIC,
			   "cannot create %s on %s: %s", what, verbs->port.name, strerror(error));
}

/* ---- How much of everything ---- */

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
power_below(uint32_t n)
{
	uint32_t power = 1;

	while (power <= n / 2)
		power *= 2;
	return power;
}

/* Chooses window and depth so that the shared receives and each completion queue are enough for all
 * peers at once; see verbs.h. */
static int
size_queues(struct strads_verbs *verbs)
{
	const struct ibv_device_attr *device = &verbs->port.device;
	uint32_t peers = verbs->served > 0 ? (uint32_t)verbs->served : 1;
	uint32_t receives = (uint32_t)device->max_srq_wr / peers;
	uint32_t entries = (uint32_t)device->max_cqe / peers;
	uint32_t tells = STRADS_VERBS_TELLS;

	if (receives <= tells || entries <= tells || entries < STRADS_VERBS_DEPTH_MIN ||
	    (uint32_t)device->max_qp_wr < STRADS_VERBS_DEPTH_MIN)
		return strads_fail(
		    STRADS_ERR_UNSUPPORTED,
		    "%s has queues too short for %u peers: %d shared receives, %d "
		    "completions, %d requests to a peer; run fewer ranks, or --fabric "
		    "ofi",
		    verbs->port.name, peers, device->max_srq_wr, device->max_cqe,
		    device->max_qp_wr);
	verbs->slots = least(STRADS_VERBS_WINDOW, least(receives, entries) - tells);
	verbs->depth =
	    power_below(least(STRADS_VERBS_DEPTH, least((uint32_t)device->max_qp_wr, entries)));
	verbs->window = verbs->slots;
	return STRADS_OK;
}

/* A device that does not say how many scatter/gather entries it takes takes one. */
static uint32_t
entries_of(int limit)
{
	return limit < 1 ? 1 : (uint32_t)limit;
}

static void
read_abilities(struct strads_verbs *verbs)
{
	const struct strads_verbs_port *port = &verbs->port;

	verbs->request_bytes = port->attr.max_msg_sz;
	if (verbs->request_bytes == 0 ||
	    verbs->request_bytes > REQUEST_MAX) /* 0: it does not say */
		verbs->request_bytes = REQUEST_MAX;
	verbs->adds = port->device.atomic_cap == IBV_ATOMIC_GLOB;
	verbs->inline_bytes = STRADS_VERBS_INLINE;
	verbs->sges = least(STRADS_VERBS_SGES, entries_of(port->device.max_sge));
	verbs->read_sges = least(verbs->sges, entries_of(port->device.max_sge_rd));
}

/* ---- Life ---- */

static size_t
mailbox_bytes(const struct strads_verbs *verbs)
{
	return (size_t)verbs->size * verbs->slots * sizeof *verbs->mailbox;
}

static size_t
own_bytes(const struct strads_verbs *verbs)
{
	return mailbox_bytes(verbs) + STRADS_VERBS_FENCE;
}

static void *
map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int
open_memory(struct strads_verbs *verbs)
{
	verbs->mailbox = map(mailbox_bytes(verbs));
	verbs->outbox = map(own_bytes(verbs));
	if (!verbs->mailbox || !verbs->outbox)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the signals of %d ranks",
				   verbs->size);
	verbs->scratch = (uint8_t *)verbs->outbox + mailbox_bytes(verbs);
	verbs->mailbox_mr = strads_verbs_register(verbs, verbs->mailbox, mailbox_bytes(verbs),
						  IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	if (!verbs->mailbox_mr)
		return STRADS_ERR_MEMORY;
	verbs->own = strads_verbs_register(verbs, verbs->outbox, own_bytes(verbs),
					   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	return verbs->own ? STRADS_OK : STRADS_ERR_MEMORY;
}

/* Lets nobody wait for what there is to read, but the owner, when it sleeps, where it is to. */
static int
watch(const struct strads_verbs *verbs, int fd, bool asleep)
{
	struct epoll_event event = {.events = EPOLLIN};
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    (asleep && epoll_ctl(verbs->gate, EPOLL_CTL_ADD, fd, &event)))
		return refused(verbs, "a watch over the adapter's events");
	return STRADS_OK;
}

static int
open_queues(struct strads_verbs *verbs)
{
	uint32_t peers = verbs->served > 0 ? (uint32_t)verbs->served : 1;
	uint32_t receives = peers * (verbs->slots + STRADS_VERBS_TELLS);
	struct ibv_srq_init_attr srq = {.attr = {.max_wr = receives, .max_sge = 1}};

	verbs->channel = ibv_create_comp_channel(verbs->port.context);
	if (!verbs->channel)
		return refused(verbs, "a completion channel");
	verbs->cq = ibv_create_cq(verbs->port.context, (int)(peers * verbs->depth), NULL,
				  verbs->channel, 0);
	if (!verbs->cq)
		return refused(verbs, "a completion queue");
	verbs->inbound = ibv_create_cq(verbs->port.context, (int)receives, NULL, verbs->channel, 0);
	if (!verbs->inbound)
		return refused(verbs, "a completion queue");
	verbs->srq = ibv_create_srq(verbs->pd, &srq);
	if (!verbs->srq)
		return refused(verbs, "a shared receive queue");
	return STRADS_OK;
}

static int
open_gate(struct strads_verbs *verbs)
{
	int status;

	verbs->gate = epoll_create1(EPOLL_CLOEXEC);
	verbs->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (verbs->gate < 0 || verbs->timer < 0)
		return strads_fail(STRADS_ERR_IO,
				   "cannot open an event descriptor: %s; see `ulimit -n`",
				   strerror(errno));
	status = watch(verbs, verbs->channel->fd, true);
	if (!status)
		status = watch(verbs, verbs->timer, true);
	return status ? status : watch(verbs, verbs->port.context->async_fd, false);
}

static int
open_objects(struct strads_verbs *verbs)
{
	int status;

	verbs->pd = ibv_alloc_pd(verbs->port.context);
	if (!verbs->pd)
		return refused(verbs, "a protection domain");
	status = open_memory(verbs);
	if (!status)
		status = open_queues(verbs);
	if (!status)
		status = strads_verbs_manager_open(verbs);
	return status ? status : open_gate(verbs);
}

void
strads_verbs_close(void *context)
{
	struct strads_verbs *verbs = context;

	strads_verbs_server_stop(verbs);
	strads_verbs_connections_close(verbs);
	for (int peer = 0; verbs->peers && peer < verbs->size; peer++)
		strads_verbs_pair_close(&verbs->peers[peer]);
	strads_verbs_manager_close(verbs);
	if (verbs->gate >= 0)
		close(verbs->gate);
	if (verbs->timer >= 0)
		close(verbs->timer);
	if (verbs->srq)
		ibv_destroy_srq(verbs->srq);
	if (verbs->inbound)
		ibv_destroy_cq(verbs->inbound);
	if (verbs->cq)
		ibv_destroy_cq(verbs->cq);
	if (verbs->channel)
		ibv_destroy_comp_channel(verbs->channel);
	if (verbs->own)
		ibv_dereg_mr(verbs->own);
	if (verbs->mailbox_mr)
		ibv_dereg_mr(verbs->mailbox_mr);
	if (verbs->outbox)
		munmap(verbs->outbox, own_bytes(verbs));
	if (verbs->mailbox)
		munmap(verbs->mailbox, mailbox_bytes(verbs));
	if (verbs->pd)
		ibv_dealloc_pd(verbs->pd);
	strads_verbs_port_close(&verbs->port);
	free(verbs->regions);
	free(verbs->by_number);
	free(verbs->cards);
	free(verbs->peers);
	free(verbs);
}

/* Of the peers, connected or not. */
static int
open_tables(struct strads_verbs *verbs)
{
	size_t size = (size_t)verbs->size;

	verbs->numbers = 2;
	while (verbs->numbers < 2 * size)
		verbs->numbers *= 2;
	verbs->peers = calloc(size, sizeof *verbs->peers);
	verbs->cards = calloc(size, sizeof *verbs->cards);
	verbs->by_number = calloc(verbs->numbers, sizeof(struct strads_verbs_peer *));
	if (!verbs->peers || !verbs->cards || !verbs->by_number)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu peers", size);
	return STRADS_OK;
}

/* Kernels before 5.12 give a forked child the pages that an adapter writes to, unless told. */
static void
survive_forks(void)
{
	if (ibv_is_fork_initialized() == IBV_FORK_DISABLED)
		(void)ibv_fork_init(); /* its refusal matters only to a process that forks */
}

int
strads_verbs_open(struct strads_fabric *fabric, const char *argument, void **context)
{
	struct strads_verbs *verbs = calloc(1, sizeof *verbs);
	int status;

	if (!verbs)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for an endpoint");
	verbs->fabric = fabric;
	verbs->rank = strads_fabric_rank(fabric);
	verbs->size = strads_fabric_size(fabric);
	verbs->timeout_ns = strads_fabric_timeout_ms(fabric) * 1000000u;
	verbs->settings = strads_fabric_settings(fabric)->verbs;
	verbs->gate = -1;
	verbs->timer = -1;
	verbs->server.wake = -1;
	verbs->server.rouse = -1;
	for (int peer = 0; peer < verbs->size; peer++)
		verbs->served += !strads_fabric_reaches(fabric, peer);
	status = open_tables(verbs);
	if (!status)
		status = strads_cookie_draw(&verbs->token, sizeof verbs->token);
	if (!status)
		status = strads_settings_narrow(argument, &verbs->settings);
	if (!status) {
		survive_forks();
		status = strads_verbs_port_open(&verbs->settings, strads_fabric_seat(fabric),
						&verbs->port);
	}
	if (!status)
		status =
		    strads_verbs_memory_check(verbs->port.name, strads_fabric_memory_bytes(fabric));
	if (!status)
		status = size_queues(verbs);
	if (!status) {
		read_abilities(verbs);
		status = open_objects(verbs);
	}
	if (status) {
		strads_verbs_close(verbs);
		return status;
	}
	*context = verbs;
	return STRADS_OK;
}
