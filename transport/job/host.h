/*
 * Which host a rank runs on, and at which address the ranks of a job meet rank 0.
 */
#ifndef STRADS_HOST_H
#define STRADS_HOST_H

#include <stddef.h>
#include <stdint.h>

#define STRADS_HOST_ADDRESSES 8

/* Travels between ranks as it stands: launchers start the same binary everywhere. */
struct strads_host {
	char name[64];
	char identity[96];                         /* equal on two ranks: loopback joins them */
	uint32_t addresses[STRADS_HOST_ADDRESSES]; /* IPv4, network byte order; 0: no more */
	uint32_t masks[STRADS_HOST_ADDRESSES];
};

/* Describes this host as the calling process sees it. Returns STRADS_OK, ERR_IO. */
int strads_host_describe(struct strads_host *host);

/* The IPv4 address (network byte order) of hosts[0] that the others should connect to: loopback if
 * all share it; else the address on the network it has in common with most of them; else the one
 * the kernel would send from. 0 if there is none. */
uint32_t strads_host_meeting_address(const struct strads_host *hosts, int size);

#endif
