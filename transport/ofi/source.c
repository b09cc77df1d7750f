#include "ofi/ofi.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What tells whether two ranks share a loopback: the running kernel and the network namespace. */
struct host {
	char boot[64];
	uint64_t device, inode;
};

static void
identify(struct host *host)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	struct stat net;

	memset(host, 0, sizeof *host);
	if (!file || !fgets(host->boot, sizeof host->boot, file))
		gethostname(host->boot, sizeof host->boot - 1);
	if (file)
		fclose(file);
	if (stat("/proc/self/ns/net", &net) == 0) {
		host->device = net.st_dev;
		host->inode = net.st_ino;
	}
}

static int
gather_one_host(struct strads_job *job, bool *one)
{
	struct host mine;
	const struct host *host;
	void *all;
	int status;

	identify(&mine);
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	host = all;
	*one = true;
	for (int rank = 0; rank < strads_job_size(job); rank++)
		*one = *one && memcmp(&host[rank], &mine, sizeof mine) == 0;
	free(all);
	return STRADS_OK;
}

/* The interface of the best IPv4 default route, "" if there is none. */
static void
find_default_interface(char name[IF_NAMESIZE])
{
	FILE *file = fopen("/proc/net/route", "re");
	unsigned best = 0;
	char line[256];

	name[0] = '\0';
	while (file && fgets(line, sizeof line, file)) {
		char interface[IF_NAMESIZE];
		unsigned destination, flags, metric, mask;

		if (sscanf(line, "%15s %x %*x %x %*d %*d %u %x", interface, &destination, &flags,
			   &metric, &mask) != 5 ||
		    destination || mask || !(flags & RTF_UP))
			continue;
		if (name[0] && metric >= best)
			continue;
		best = metric;
		memcpy(name, interface, IF_NAMESIZE);
	}
	if (file)
		fclose(file);
}

static void
find_default_address(char *node, size_t bytes)
{
	char name[IF_NAMESIZE];
	struct ifaddrs *list;

	find_default_interface(name);
	if (!name[0] || getifaddrs(&list))
		return;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
		    strcmp(at->ifa_name, name) != 0)
			continue;
		inet_ntop(AF_INET,
			  &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, node,
			  (socklen_t)bytes);
		break;
	}
	freeifaddrs(list);
}

int
strads_ofi_source_find(struct strads_job *job, char *node, size_t bytes)
{
	bool one = false;
	int status = gather_one_host(job, &one);

	if (status)
		return status;
	node[0] = '\0';
	if (getenv("FI_TCP_IFACE")) /* the user has chosen: libfabric heeds it */
		return STRADS_OK;
	if (one)
		snprintf(node, bytes, "127.0.0.1");
	else
		find_default_address(node, bytes);
	return STRADS_OK;
}
