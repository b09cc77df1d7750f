/* The address by which librdmacm reaches a port. */
#include "verbs/connection.h"
#include "verbs_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>

#define LINKS 5

static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};

/* As long as links of IP over InfiniBand need it. */
union link_address {
	struct sockaddr any;
	struct sockaddr_ll link;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	uint8_t bytes[40];
};

static struct ifaddrs links[LINKS];
static union link_address addresses[LINKS];
static int n_links; /* −1: they cannot be listed */
static struct strads_verbs_port port;

int
getifaddrs(struct ifaddrs **all)
{
	for (int i = 0; i + 1 < n_links; i++)
		links[i].ifa_next = &links[i + 1];
	*all = n_links > 0 ? links : NULL;
	errno = EMFILE;
	return n_links < 0 ? -1 : 0;
}

void
freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}

char *
if_indextoname(unsigned int index, char name[IF_NAMESIZE])
{
	if (index == 0)
		return NULL;
	snprintf(name, IF_NAMESIZE, "net%u", index);
	return name;
}

static union link_address *
add_link(const char *name, int family)
{
	union link_address *address = &addresses[n_links];

	address->any.sa_family = (sa_family_t)family;
	links[n_links++] = (struct ifaddrs){.ifa_name = (char *)name, .ifa_addr = &address->any};
	return address;
}

static void
add_ipv4(const char *name, const char *text)
{
	inet_pton(AF_INET, text, &add_link(name, AF_INET)->ipv4.sin_addr);
}

static void
add_ipv6(const char *name, const char *text)
{
	inet_pton(AF_INET6, text, &add_link(name, AF_INET6)->ipv6.sin6_addr);
}

static void
add_infiniband(const char *name, const uint8_t gid[16])
{
	union link_address *address = add_link(name, AF_PACKET);

	address->link.sll_halen = 20;
	memcpy(address->bytes + offsetof(struct sockaddr_ll, sll_addr) + 4, gid, 16);
}

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	memset(links, 0, sizeof links);
	memset(addresses, 0, sizeof addresses);
	n_links = 0;
	port = (struct strads_verbs_port){.name = "fake0", .number = 1};
	port.attr.link_layer = IBV_LINK_LAYER_ETHERNET;
	port.context = ibv_open_device(fake_context(0)->device);
	return port.context ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	strads_verbs_port_close(&port);
	return fake.live;
}

static void
expect(const char *text)
{
	struct sockaddr_storage address;
	char have[INET6_ADDRSTRLEN];
	const void *at;

	assert_int_equal(strads_verbs_source(&port, &address), STRADS_OK);
	at = address.ss_family == AF_INET
		 ? (const void *)&((struct sockaddr_in *)(void *)&address)->sin_addr
		 : (const void *)&((struct sockaddr_in6 *)(void *)&address)->sin6_addr;
	assert_non_null(inet_ntop(address.ss_family, at, have, sizeof have));
	assert_string_equal(have, text);
}

static void
expect_none(const char *why)
{
	struct sockaddr_storage address;

	assert_int_equal(strads_verbs_source(&port, &address), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), why));
}

/* The port's GID is at index 0, of interface net3. */
static void
use_ethernet(const uint8_t gid[16])
{
	memcpy(port.gid.raw, gid, 16);
	fake.ports[0][0].gids[0].ndev_ifindex = 3;
}

static void
source__gid_that_is_an_ipv4_address_is_taken(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 10, 1, 2, 3};

	(void)state;
	use_ethernet(mapped);
	expect("10.1.2.3");
}

static void
source__interface_has_others(void **state)
{
	(void)state;
	use_ethernet(link_local);
	add_ipv4("net2", "10.0.0.2");
	add_ipv6("net3", "fe80::1");
	expect_none("net3");
	add_ipv6("net3", "2001:db8::3");
	expect("2001:db8::3");
	add_ipv4("net3", "10.0.0.3");
	expect("10.0.0.3");
}

static void
source__infiniband_is_found_by_its_gid(void **state)
{
	static const uint8_t other[16] = {0xfe, 0x80, [15] = 2};

	(void)state;
	port.attr.link_layer = IBV_LINK_LAYER_INFINIBAND;
	memcpy(port.gid.raw, link_local, 16);
	add_infiniband("ib0", other);
	add_ipv4("ib0", "10.0.0.1");
	expect_none("ib_ipoib");
	add_infiniband("ib1", link_local);
	expect_none("ib1");
	add_ipv4("ib1", "10.0.1.1");
	expect("10.0.1.1");
}

static void
source__what_is_missing_is_said(void **state)
{
	(void)state;
	memcpy(port.gid.raw, link_local, 16);
	expect_none("no network interface");
	n_links = -1;
	expect_none("cannot list");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(source__gid_that_is_an_ipv4_address_is_taken),
	    TEST(source__interface_has_others),
	    TEST(source__infiniband_is_found_by_its_gid),
	    TEST(source__what_is_missing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
