/* At which address ranks on several hosts meet. */
#include "job/host.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A host with up to two addresses, all on networks of 24 bits. */
static struct strads_host
host(const char *identity, const char *first, const char *second)
{
	struct strads_host result = {0};

	snprintf(result.identity, sizeof result.identity, "%s", identity);
	result.addresses[0] = first ? inet_addr(first) : 0;
	result.addresses[1] = second ? inet_addr(second) : 0;
	for (int i = 0; i < 2; i++)
		result.masks[i] = inet_addr("255.255.255.0");
	return result;
}

static void
describe__is_the_same_each_time(void **state)
{
	struct strads_host first, second;

	(void)state;
	assert_int_equal(strads_host_describe(&first), STRADS_OK);
	assert_int_equal(strads_host_describe(&second), STRADS_OK);
	assert_string_not_equal(first.identity, "");
	assert_memory_equal(&first, &second, sizeof first);
}

static void
meeting_address__one_host(void **state)
{
	struct strads_host hosts[] = {host("a", "10.0.0.1", NULL), host("a", "10.0.0.1", NULL)};

	(void)state;
	assert_int_equal(strads_host_meeting_address(hosts, 2), htonl(INADDR_LOOPBACK));
	assert_int_equal(strads_host_meeting_address(hosts, 1), htonl(INADDR_LOOPBACK));
}

static void
meeting_address__common_network(void **state)
{
	struct strads_host hosts[] = {
	    host("a", "192.168.7.1", "10.0.0.1"),
	    host("a", "192.168.7.1", "10.0.0.1"),
	    host("b", "192.168.8.1", "10.0.0.2"),
	};

	(void)state;
	assert_int_equal(strads_host_meeting_address(hosts, 3), inet_addr("10.0.0.1"));
}

static void
meeting_address__bridge_with_the_same_address_on_each_host(void **state)
{
	struct strads_host hosts[] = {
	    host("a", "172.17.0.1", "10.0.0.1"),
	    host("b", "172.17.0.1", "10.0.0.2"),
	};

	(void)state;
	assert_int_equal(strads_host_meeting_address(hosts, 2), inet_addr("10.0.0.1"));
}

static void
meeting_address__network_that_reaches_most(void **state)
{
	struct strads_host hosts[] = {
	    host("a", "192.168.7.1", "10.0.0.1"),
	    host("b", "192.168.7.2", "10.0.0.2"),
	    host("c", "192.168.9.3", "10.0.0.3"),
	};

	(void)state;
	assert_int_equal(strads_host_meeting_address(hosts, 3), inet_addr("10.0.0.1"));
}

static void
meeting_address__no_address_elsewhere(void **state)
{
	struct strads_host hosts[] = {host("a", "10.0.0.1", NULL), host("b", NULL, NULL)};

	(void)state;
	assert_int_equal(strads_host_meeting_address(hosts, 2), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(describe__is_the_same_each_time),
	    cmocka_unit_test(meeting_address__one_host),
	    cmocka_unit_test(meeting_address__common_network),
	    cmocka_unit_test(meeting_address__bridge_with_the_same_address_on_each_host),
	    cmocka_unit_test(meeting_address__network_that_reaches_most),
	    cmocka_unit_test(meeting_address__no_address_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
