/*
 * What RDMA hardware this host has, whether or not it can be used: for a program that tells its
 * users why a path was or was not taken.
 */
#ifndef STRADS_SURVEY_H
#define STRADS_SURVEY_H

#include "strads/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An address of a port. */
struct strads_survey_gid {
	int index;          /* in the port's table: what --gid takes */
	char type[12];      /* "IB", "RoCE v1", "RoCE v2" */
	char address[48];   /* "::ffff:10.77.0.1" */
	char interface[16]; /* of the network, on Ethernet; "" if there is none */
};

struct strads_survey_port {
	int number;         /* from 1 */
	char state[16];     /* "active", "down", "init", "armed", … */
	char layer[12];     /* "InfiniBand" or "Ethernet" */
	double gbit_s;      /* that the link is signalling at */
	uint32_t mtu_bytes; /* in force … */
	uint32_t mtu_max;   /* … and the largest there is */
	uint32_t lid;       /* InfiniBand; 0: no subnet manager has given one */
	int n_gids;
	struct strads_survey_gid *gids;
	int n_pkeys;
	uint16_t *pkeys;   /* the table up to its last key; 0: an empty place */
	char refusal[256]; /* why no path can take it under these settings; "" if one can */
};

struct strads_survey_device {
	char name[64];
	char firmware[64];
	char transport[16]; /* "InfiniBand", "iWARP", "other": what `--fabric verbs` needs is the
			     * first, which RoCE is too */
	int node;           /* NUMA, −1: not known */
	int queue_pairs;    /* that it can have */
	int reads;          /* on the way to one peer */
	bool atomic;        /* its atomic operations hold against processors */
	int n_ports;
	struct strads_survey_port *ports;
	char refusal[256]; /* why none of its ports can be taken; "" if it is not the device's fault
			    */
};

struct strads_survey {
	bool built;                /* with a provider for such devices */
	uint64_t nodes;            /* NUMA nodes of the calling thread's processors, a bit each */
	uint64_t lockable_bytes;   /* that this process may lock; UINT64_MAX: all there is */
	char without_program[128]; /* devices that the kernel has, but programs do not reach: the
				    * module ib_uverbs is missing; "" if there are none */
	int n_cards; /* InfiniBand cards on the PCI bus, whether or not there is a driver */
	int n_devices;
	struct strads_survey_device *devices;
};

/* Looks at all devices; `settings` as in strads_fabric_options. Returns STRADS_OK, ERR_ARGUMENT,
 * ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_survey_new(const char *const *settings, struct strads_survey **survey);

/* Frees and nulls. Thread: any. */
void strads_survey_delete(struct strads_survey **survey);

#ifdef __cplusplus
}
#endif

#endif
