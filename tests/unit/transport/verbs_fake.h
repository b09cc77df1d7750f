/*
 * An RDMA adapter that is none: the calls of libibverbs, answered inside the test's own process.
 * Queue pairs carry out their requests on the memory of this process, as strictly as an adapter
 * would (keys, access, lengths of queues), and every call can be made to fail.
 */
#ifndef VERBS_FAKE_H
#define VERBS_FAKE_H

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_DEVICES 2
#define FAKE_PORTS   2
#define FAKE_GIDS    6
#define FAKE_PKEYS   4
#define FAKE_SGES    4

struct fake_port {
	struct ibv_port_attr attr;
	struct ibv_gid_entry gids[FAKE_GIDS]; /* of a type beyond the known ones: an empty place */
	uint16_t pkeys[FAKE_PKEYS];
};

struct fake {
	int devices; /* 0 … FAKE_DEVICES */
	struct ibv_device_attr attr;
	struct fake_port ports[FAKE_DEVICES][FAKE_PORTS];
	enum ibv_transport_type transport[FAKE_DEVICES];
	const char *sysfs[FAKE_DEVICES]; /* folder of the device there; NULL: it has none */
	uint32_t inline_max;

	int fail_at;      /* the call that fails, counted from 1; 0: none does … */
	int fail_errno;   /* … with this */
	int calls;        /* that can fail, so far */
	const char *what; /* has failed */
	int live;         /* objects not destroyed */

	bool paused; /* posted requests wait for fake_run */
	int posts;   /* doorbells … */
	int packets; /* … and requests carried out */
	int missing; /* immediates that met no receive */
	int overrun; /* completions that met a full queue, and requests posted to one */
	enum ibv_wc_status refuse; /* what the next request to be carried out ends with */

	/* Of librdmacm. What comes instead of the event that a step ought to lead to: ADDR_ERROR,
	 * ROUTE_ERROR, CONNECT_ERROR, UNREACHABLE, REJECTED; CONNECT_REQUEST: nothing at all. */
	enum rdma_cm_event_type derail;
	bool derailed;  /* `derail` is to happen */
	int calls_made; /* requests that have reached a listener */
};

extern struct fake fake;

/* One adapter with one port on Ethernet that is up and has an IPv4 address; nothing fails. */
void fake_reset(void);

/* Carries out what was posted while paused, at most `n` requests, oldest first of each pair. */
void fake_run(int n);

/* Whether this call is the one that fails; then errno is set. */
bool fake_fails(const char *what);

/* Counts objects made, or destroyed. */
void fake_count(int change);

/* A context of an adapter that nobody has opened, as librdmacm has them. */
struct ibv_context *fake_context(int device);

/* Somebody calls all listeners, with these words. Returns how many. */
int fake_call_all(const void *words, size_t bytes);

/* The adapters tell of an event, of this port where it is one of a port. */
void fake_event(enum ibv_event_type type, int port);

#endif
