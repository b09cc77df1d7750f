/*
 * What can be set of the paths beside which are taken: by the program, the environment, or not at
 * all. Internal to transport/.
 */
#ifndef STRADS_SETTINGS_H
#define STRADS_SETTINGS_H

#include "strads/transport.h"

/* How connections of RDMA adapters are wired. */
enum strads_verbs_wire {
	STRADS_VERBS_WIRE_AUTO, /* by librdmacm where addresses resolve, else over the job */
	STRADS_VERBS_WIRE_CM,   /* by librdmacm, or not at all */
	STRADS_VERBS_WIRE_JOB,  /* over the job's control channel */
};

/* Of RDMA adapters. */
struct strads_verbs_settings {
	char device[64];        /* "": any */
	uint32_t port;          /* 0: any that is up */
	int32_t gid;            /* index; −1: the best */
	int32_t pkey;           /* the partition key itself; −1: … */
	uint32_t pkey_index;    /* … the one at this place of the port's table */
	uint32_t mtu_bytes;     /* 0: the port's */
	uint32_t timeout;       /* 4.096 µs · 2^timeout until a packet is sent again */
	uint32_t retries;       /* times it is */
	uint32_t service_level; /* InfiniBand: and so the virtual lane; RoCE: the priority */
	uint32_t traffic_class; /* RoCE and routed InfiniBand: and so DSCP */
	int32_t wire;           /* enum strads_verbs_wire */
};

/* Which pages the memory of regions is made of. */
enum strads_huge_pages {
	STRADS_HUGE_TRANSPARENT, /* huge ones where the kernel has them to give */
	STRADS_HUGE_RESERVED,    /* of those that were set aside, as far as there are any */
	STRADS_HUGE_NONE,
};

struct strads_settings {
	struct strads_verbs_settings verbs;
	int32_t huge_pages; /* enum strads_huge_pages */
};

/* Reads values[i] as strads_setting(i); where that is NULL the environment, else the default.
 * `values` may be NULL. Returns STRADS_OK or ERR_ARGUMENT. */
int strads_settings_read(const char *const *values, struct strads_settings *settings);

/* Reads "DEVICE[:PORT[:GID]]", each of which may be empty, over what is set already; NULL changes
 * nothing. Returns STRADS_OK or ERR_ARGUMENT. */
int strads_settings_narrow(const char *argument, struct strads_verbs_settings *settings);

#endif
