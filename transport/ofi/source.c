#include "ofi/ofi.h"

#include "job/job.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESS 64 /* bytes of a numeric address, with its 0 */

/* What tells whether two ranks share a loopback: the running kernel and the network namespace. */
struct host {
	char boot[64];
	uint64_t device, inode;
};

/* What a rank tells of where it is, and of the ends of its connection to the hub. */
struct place {
	struct host host;
	char own[ADDRESS];
	char hub[ADDRESS];
};

static void
identify(struct host *host)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	struct stat net;

	if (!file || !fgets(host->boot, sizeof host->boot, file))
		gethostname(host->boot, sizeof host->boot - 1);
	if (file)
		fclose(file);
	if (stat("/proc/self/ns/net", &net) == 0) {
		host->device = net.st_dev;
		host->inode = net.st_ino;
	}
}

/* Whether other hosts can send to the address: not so to the loopback, and to one of a link only by
 * an interface whose number is each host's own. */
static bool
leads_here(const char *address)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, address, &in) == 1)
		return ntohl(in.s_addr) >> IN_CLASSA_NSHIFT != IN_LOOPBACKNET;
	return inet_pton(AF_INET6, address, &in6) == 1 && !IN6_IS_ADDR_LOOPBACK(&in6) &&
	       !IN6_IS_ADDR_LINKLOCAL(&in6);
}

/* Gathers the places of all ranks; the caller frees them. */
static int
gather(struct strads_job *job, struct place **places)
{
	struct place mine = {.own = ""};
	void *all;
	int status;

	identify(&mine.host);
	if (leads_here(job->own_address))
		snprintf(mine.own, sizeof mine.own, "%.*s", ADDRESS - 1, job->own_address);
	if (leads_here(job->hub_address))
		snprintf(mine.hub, sizeof mine.hub, "%.*s", ADDRESS - 1, job->hub_address);
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (!status)
		*places = all;
	return status;
}

static bool
together(const struct place *places, int one, int other)
{
	return memcmp(&places[one].host, &places[other].host, sizeof places->host) == 0;
}

static bool
all_together(const struct place *places, int size)
{
	int rank = 1;

	while (rank < size && together(places, 0, rank))
		rank++;
	return rank == size;
}

/* Whether this host has the address, which others may know as that of a gateway to it. */
static bool
is_here(const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *at;
	bool here = false;
	int fd;

	if (getaddrinfo(address, NULL, &hints, &at))
		return false;
	fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		here = bind(fd, at->ai_addr, at->ai_addrlen) == 0;
		close(fd);
	}
	freeaddrinfo(at);
	return here;
}

/* The address by which this rank reaches the hub, or another on its host does; on the hub's host
 * that by which others reach it. "" if there is none. */
static const char *
joined_address(const struct place *places, int size, int rank)
{
	if (places[rank].own[0])
		return places[rank].own;
	for (int other = 0; other < size; other++) {
		if (places[other].own[0] && together(places, rank, other))
			return places[other].own;
	}
	for (int other = 0; other < size && together(places, rank, 0); other++) {
		if (places[other].hub[0] && is_here(places[other].hub))
			return places[other].hub;
	}
	return "";
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

static void
find_address(const struct place *places, int size, int rank, char *node, size_t bytes)
{
	if (all_together(places, size))
		snprintf(node, bytes, "127.0.0.1");
	else
		snprintf(node, bytes, "%s", joined_address(places, size, rank));
	if (!node[0])
		find_default_address(node, bytes);
}

int
strads_ofi_source_find(struct strads_job *job, char *node, size_t bytes)
{
	struct place *places;
	int status = gather(job, &places);

	if (status)
		return status;
	node[0] = '\0';
	if (!getenv("FI_TCP_IFACE")) /* else the user has chosen, and libfabric heeds it */
		find_address(places, strads_job_size(job), strads_job_rank(job), node, bytes);
	free(places);
	return STRADS_OK;
}
