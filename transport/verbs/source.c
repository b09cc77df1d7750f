#include "verbs/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <string.h>

#define IPOIB_ADDRESS                                                                              \
	20 /* bytes of a link address of IP over InfiniBand; the last 16 are the GID */

/* Whether the GID is itself an address that other hosts can use: RoCE v2's are. */
static bool
take_gid(const union ibv_gid *gid, struct sockaddr_storage *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};

	if (memcmp(gid->raw, mapped, sizeof mapped) != 0)
		return false;
	memcpy(&ipv4.sin_addr, gid->raw + sizeof mapped, sizeof ipv4.sin_addr);
	memset(address, 0, sizeof *address);
	memcpy(address, &ipv4, sizeof ipv4);
	return true;
}

/* Whether this is the link of the port's IP over InfiniBand. */
static bool
carries(const struct ifaddrs *link, const union ibv_gid *gid)
{
	const struct sockaddr_ll *address = (const void *)link->ifa_addr;
	const uint8_t *bytes = (const void *)link->ifa_addr; /* more than its struct has room for */

	return address && address->sll_family == AF_PACKET && address->sll_halen == IPOIB_ADDRESS &&
	       memcmp(bytes + offsetof(struct sockaddr_ll, sll_addr) + IPOIB_ADDRESS -
			  sizeof gid->raw,
		      gid->raw, sizeof gid->raw) == 0;
}

/* The name of the network interface that belongs to the port; NULL if there is none. */
static const char *
find_interface(const struct strads_verbs_port *port, const struct ifaddrs *all,
	       char name[IF_NAMESIZE])
{
	struct ibv_gid_entry entry;

	if (port->attr.link_layer == IBV_LINK_LAYER_ETHERNET)
		return ibv_query_gid_ex(port->context, port->number, port->gid_index, &entry, 0)
			   ? NULL
			   : if_indextoname(entry.ndev_ifindex, name);
	for (const struct ifaddrs *link = all; link; link = link->ifa_next) {
		if (carries(link, &port->gid))
			return link->ifa_name;
	}
	return NULL;
}

/* How good an address is for being called: IPv4, an IPv6 address that is valid beyond the link. */
static int
rate(const struct sockaddr *address)
{
	const struct sockaddr_in6 *ipv6 = (const void *)address;

	if (!address)
		return 0;
	if (address->sa_family == AF_INET)
		return 2;
	return address->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr);
}

static int
take_interface(const struct strads_verbs_port *port, const struct ifaddrs *all,
	       struct sockaddr_storage *address)
{
	char room[IF_NAMESIZE];
	const char *name = find_interface(port, all, room);
	int best = 0;

	if (!name)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "%s port %u has no network interface: librdmacm needs one, on "
				   "InfiniBand that of IP over InfiniBand (`modprobe ib_ipoib`)",
				   port->name, port->number);
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		if (strcmp(at->ifa_name, name) != 0 || rate(at->ifa_addr) <= best)
			continue;
		best = rate(at->ifa_addr);
		memset(address, 0, sizeof *address);
		memcpy(address, at->ifa_addr,
		       best == 2 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	}
	if (best == 0)
		return strads_fail(
		    STRADS_ERR_UNSUPPORTED,
		    "%s, the interface of %s port %u, has no IP address: give it one "
		    "with `ip address add`",
		    name, port->name, port->number);
	return STRADS_OK;
}

int
strads_verbs_source(const struct strads_verbs_port *port, struct sockaddr_storage *address)
{
	struct ifaddrs *all;
	int status;

	if (port->attr.link_layer == IBV_LINK_LAYER_ETHERNET && take_gid(&port->gid, address))
		return STRADS_OK;
	if (getifaddrs(&all))
		return strads_fail(STRADS_ERR_UNSUPPORTED, "cannot list the network interfaces: %s",
				   strerror(errno));
	status = take_interface(port, all, address);
	freeifaddrs(all);
	return status;
}
