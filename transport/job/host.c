#include "job/host.h"

#include "strads/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's boot names the machine; the network namespace says whose loopback it is, which
 * containers on one machine do not share. */
static int
identify(struct strads_host *host)
{
	char boot[40] = "";
	struct stat network;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, boot, sizeof boot - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0 || stat("/proc/self/ns/net", &network))
		return strads_fail(STRADS_ERR_IO,
				   "cannot tell which host this is: %s (is /proc "
				   "mounted?)",
				   strerror(errno));
	boot[strcspn(boot, "\n")] = 0;
	snprintf(host->identity, sizeof host->identity, "%s/%llu", boot,
		 (unsigned long long)network.st_ino);
	return STRADS_OK;
}

static uint32_t
ipv4(const struct sockaddr *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof in);
	return in.sin_addr.s_addr;
}

static int
list_addresses(struct strads_host *host)
{
	struct ifaddrs *list;
	int n = 0;

	if (getifaddrs(&list))
		return strads_fail(STRADS_ERR_IO, "cannot list network interfaces: %s",
				   strerror(errno));
	for (const struct ifaddrs *i = list; i && n < STRADS_HOST_ADDRESSES; i = i->ifa_next) {
		if (!i->ifa_addr || !i->ifa_netmask || i->ifa_addr->sa_family != AF_INET)
			continue;
		if (!(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK))
			continue;
		host->addresses[n] = ipv4(i->ifa_addr);
		host->masks[n++] = ipv4(i->ifa_netmask);
	}
	freeifaddrs(list);
	return STRADS_OK;
}

int
strads_host_describe(struct strads_host *host)
{
	struct strads_host result = {0};
	int status;

	if (gethostname(result.name, sizeof result.name - 1))
		snprintf(result.name, sizeof result.name, "unknown host");
	status = identify(&result);
	if (!status)
		status = list_addresses(&result);
	if (!status)
		*host = result;
	return status;
}

static bool
same_host(const struct strads_host *a, const struct strads_host *b)
{
	return !strncmp(a->identity, b->identity, sizeof a->identity);
}

/* Whether `other` has an address on the network of address k of `mine`. The same address on both
 * is a bridge internal to each, which leads nowhere. */
static bool
shares_network(const struct strads_host *mine, int k, const struct strads_host *other)
{
	bool shares = false;

	for (int i = 0; i < STRADS_HOST_ADDRESSES && other->addresses[i]; i++) {
		if (other->addresses[i] == mine->addresses[k])
			return false;
		shares |=
		    (other->addresses[i] & mine->masks[k]) == (mine->addresses[k] & mine->masks[k]);
	}
	return shares;
}

/* The address the kernel would send to `destination` from; nothing is sent. */
static uint32_t
route_source(uint32_t destination)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in from = {0};
	socklen_t length = sizeof from;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	to.sin_addr.s_addr = destination;
	if (connect(fd, (struct sockaddr *)&to, sizeof to) ||
	    getsockname(fd, (struct sockaddr *)&from, &length))
		from.sin_addr.s_addr = 0;
	close(fd);
	return from.sin_addr.s_addr;
}

static uint32_t
routed_address(const struct strads_host *hosts, int size)
{
	for (int rank = 1; rank < size; rank++) {
		if (same_host(&hosts[0], &hosts[rank]))
			continue;
		for (int i = 0; i < STRADS_HOST_ADDRESSES && hosts[rank].addresses[i]; i++) {
			uint32_t source = route_source(hosts[rank].addresses[i]);
			if (source && source != hosts[rank].addresses[i])
				return source;
		}
	}
	return 0;
}

uint32_t
strads_host_meeting_address(const struct strads_host *hosts, int size)
{
	int best = -1, best_shared = 0, elsewhere = 0;

	for (int rank = 1; rank < size; rank++)
		elsewhere += !same_host(&hosts[0], &hosts[rank]);
	if (!elsewhere)
		return htonl(INADDR_LOOPBACK);
	for (int k = 0; k < STRADS_HOST_ADDRESSES && hosts[0].addresses[k]; k++) {
		int shared = 0;
		for (int rank = 1; rank < size; rank++)
			shared += !same_host(&hosts[0], &hosts[rank]) &&
				  shares_network(&hosts[0], k, &hosts[rank]);
		if (shared > best_shared) {
			best = k;
			best_shared = shared;
		}
	}
	return best >= 0 ? hosts[0].addresses[best] : routed_address(hosts, size);
}
