#include "verbs_fake_parts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#undef ibv_query_port

#define EVENTS 8

struct fake_context {
	struct ibv_context context; /* first */
	struct ibv_async_event events[EVENTS];
	int n_events;
	int device;
};

struct fake fake;

static struct ibv_device devices[FAKE_DEVICES];
static struct fake_context *contexts[16];
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void
fake_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
fake_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

bool
fake_fails(const char *what)
{
	bool now;

	fake_lock();
	now = ++fake.calls == fake.fail_at;
	if (now)
		fake.what = what;
	fake_unlock();
	if (now)
		errno = fake.fail_errno;
	return now;
}

void
fake_count(int change)
{
	__atomic_add_fetch(&fake.live, change, __ATOMIC_SEQ_CST);
}

void *
fake_create(const char *what, size_t bytes)
{
	void *made = fake_fails(what) ? NULL : calloc(1, bytes);

	if (made)
		fake_count(1);
	return made;
}

int
fake_destroy(void *object)
{
	free(object);
	fake_count(-1);
	return 0;
}

/* ---- What there is ---- */

void
fake_reset(void)
{
	static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff, 10, 77, 0, 1};
	struct fake_port *port = &fake.ports[0][0];

	memset(&fake, 0, sizeof fake);
	fake.devices = 1;
	fake.fail_errno = ENOMEM;
	fake.inline_max = 256;
	fake.attr = (struct ibv_device_attr){.max_qp = 1000,
					     .max_qp_wr = 1024,
					     .max_sge = FAKE_SGES,
					     .max_sge_rd = 2,
					     .max_cqe = 4096,
					     .max_srq_wr = 1024,
					     .max_qp_rd_atom = 4,
					     .max_qp_init_rd_atom = 4,
					     .atomic_cap = IBV_ATOMIC_GLOB,
					     .phys_port_cnt = 1};
	for (int device = 0; device < FAKE_DEVICES; device++) {
		strcpy(devices[device].name, device == 0 ? "fake0" : "fake1");
		for (int i = 0; i < FAKE_PORTS; i++) {
			fake.ports[device][i].attr =
			    (struct ibv_port_attr){.state = IBV_PORT_ACTIVE,
						   .active_mtu = IBV_MTU_1024,
						   .max_msg_sz = 4096,
						   .gid_tbl_len = FAKE_GIDS,
						   .pkey_tbl_len = FAKE_PKEYS,
						   .active_width = 2,
						   .active_speed = 32,
						   .link_layer = IBV_LINK_LAYER_ETHERNET};
			for (int gid = 0; gid < FAKE_GIDS; gid++)
				fake.ports[device][i].gids[gid].gid_type = UINT32_MAX;
			fake.ports[device][i].pkeys[0] = 0xffff;
		}
	}
	port->gids[0].gid_type = IBV_GID_TYPE_ROCE_V2;
	memcpy(port->gids[0].gid.raw, ipv4, sizeof ipv4);
}

struct ibv_device **
ibv_get_device_list(int *n)
{
	struct ibv_device **list =
	    fake_create("ibv_get_device_list", (FAKE_DEVICES + 1) * sizeof *list);

	/* What a test has set since; two ranks that look at once find it set. */
	fake_lock();
	for (int i = 0; list && i < fake.devices; i++) {
		const char *path = fake.sysfs[i] ? fake.sysfs[i] : "/nonexistent";

		list[i] = &devices[i];
		if (devices[i].transport_type != fake.transport[i])
			devices[i].transport_type = fake.transport[i];
		if (strcmp(devices[i].ibdev_path, path) != 0)
			snprintf(devices[i].ibdev_path, sizeof devices[i].ibdev_path, "%s", path);
	}
	fake_unlock();
	if (n)
		*n = fake.devices;
	return list;
}

void
ibv_free_device_list(struct ibv_device **list)
{
	fake_destroy(list);
}

const char *
ibv_get_device_name(struct ibv_device *device)
{
	return device->name;
}

struct ibv_context *
fake_context(int device)
{
	static struct ibv_context idle[FAKE_DEVICES];

	fake_lock();
	if (!idle[device].device)
		idle[device].device = &devices[device];
	fake_unlock();
	return &idle[device];
}

struct ibv_context *
ibv_open_device(struct ibv_device *device)
{
	struct fake_context *made = fake_create("ibv_open_device", sizeof *made);

	if (!made)
		return NULL;
	made->device = (int)(device - devices);
	made->context.device = device;
	made->context.async_fd = eventfd(0, EFD_CLOEXEC);
	made->context.ops.post_send = fake_post_send;
	made->context.ops.post_srq_recv = fake_post_srq_recv;
	made->context.ops.poll_cq = fake_poll_cq;
	made->context.ops.req_notify_cq = fake_req_notify_cq;
	fake_lock();
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		if (!contexts[i]) {
			contexts[i] = made;
			break;
		}
	}
	fake_unlock();
	return &made->context;
}

int
ibv_close_device(struct ibv_context *context)
{
	fake_lock();
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		if (contexts[i] && &contexts[i]->context == context)
			contexts[i] = NULL;
	}
	fake_unlock();
	close(context->async_fd);
	return fake_destroy(context);
}

int
ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	(void)context;
	if (fake_fails("ibv_query_device"))
		return errno;
	*attr = fake.attr;
	return 0;
}

int
ibv_query_port(struct ibv_context *context, uint8_t number, struct _compat_ibv_port_attr *attr)
{
	const struct fake_context *own = (struct fake_context *)context;

	if (fake_fails("ibv_query_port"))
		return errno;
	memcpy(attr, &fake.ports[own->device][number - 1].attr, sizeof(struct ibv_port_attr));
	return 0;
}

int
_ibv_query_gid_ex(struct ibv_context *context, uint32_t number, uint32_t index,
		  struct ibv_gid_entry *entry, uint32_t flags, size_t bytes)
{
	const struct fake_context *own = (struct fake_context *)context;
	const struct ibv_gid_entry *have = &fake.ports[own->device][number - 1].gids[index];

	(void)flags;
	if (have->gid_type == UINT32_MAX)
		return ENODATA;
	memcpy(entry, have, bytes);
	return 0;
}

int
ibv_query_pkey(struct ibv_context *context, uint8_t number, int index, __be16 *key)
{
	const struct fake_context *own = (struct fake_context *)context;

	*key = htobe16(fake.ports[own->device][number - 1].pkeys[index]);
	return 0;
}

enum ibv_fork_status
ibv_is_fork_initialized(void)
{
	return IBV_FORK_UNNEEDED;
}

/* ---- Events ---- */

void
fake_event(enum ibv_event_type type, int port)
{
	uint64_t once = 1;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		struct fake_context *context = contexts[i];

		if (!context || context->n_events == EVENTS)
			continue;
		context->events[context->n_events++] =
		    (struct ibv_async_event){.event_type = type, .element.port_num = port};
		(void)!write(context->context.async_fd, &once, sizeof once);
	}
	pthread_mutex_unlock(&lock);
}

int
ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	struct fake_context *own = (struct fake_context *)context;
	bool any;
	uint64_t n;

	pthread_mutex_lock(&lock);
	any = own->n_events > 0;
	if (any) {
		*event = own->events[--own->n_events];
		fake_count(1);
	} else {
		(void)!read(context->async_fd, &n, sizeof n);
	}
	pthread_mutex_unlock(&lock);
	errno = EAGAIN;
	return any ? 0 : -1;
}

void
ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	fake_count(-1);
}
