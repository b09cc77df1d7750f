/* What `strads info` finds wrong, and that it finds nothing where nothing is. */
#include "../../../apps/cli/info_findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A host with one RoCE device of one port, on which all is well. */
struct host {
	struct strads_survey survey;
	struct strads_survey_device device;
	struct strads_survey_port port;
	struct strads_survey_gid gid;
	struct strads_limits limits;
	struct strads_info_facts facts;
};

static int
setup(void **state)
{
	static struct host host;

	host = (struct host){
	    .gid = {.type = "RoCE v2", .address = "::ffff:10.77.0.1"},
	    .port = {.number = 1,
		     .state = "active",
		     .layer = "Ethernet",
		     .mtu_bytes = 4096,
		     .mtu_max = 4096,
		     .n_gids = 1,
		     .gids = &host.gid},
	    .device = {.name = "mlx5_0",
		       .transport = "InfiniBand",
		       .n_ports = 1,
		       .ports = &host.port},
	    .survey = {.built = true,
		       .lockable_bytes = UINT64_MAX,
		       .n_devices = 1,
		       .devices = &host.device},
	    .limits = {.memlock_bytes = STRADS_LIMIT_NONE,
		       .open_files = 65536,
		       .hugepages_free = 8,
		       .hugepage_kib = 2048},
	    .facts = {.survey = &host.survey,
		      .limits = &host.limits,
		      .memory_bytes = (uint64_t)256 << 20,
		      .verbs_works = true},
	};
	*state = &host;
	return 0;
}

/* One finding that says `what` and advises `advice`. */
static void
check_finding(const struct host *host, const char *what, const char *advice)
{
	json_t *findings = strads_info_findings(&host->facts);
	const char *found, *advised;

	assert_int_equal(json_array_size(findings), 1);
	assert_int_equal(json_unpack(json_array_get(findings, 0), "{s:s, s:s !}", "what", &found,
				     "advice", &advised),
			 0);
	assert_non_null(strstr(found, what));
	assert_non_null(strstr(advised, advice));
	json_decref(findings);
}

static void
findings__none_where_all_is_well(void **state)
{
	const struct host *host = *state;
	json_t *findings = strads_info_findings(&host->facts);

	assert_int_equal(json_array_size(findings), 0);
	json_decref(findings);
}

static void
findings__no_device_is_no_fault(void **state)
{
	struct host *host = *state;
	json_t *findings;

	host->survey.n_devices = 0;
	host->facts.verbs_works = false;
	findings = strads_info_findings(&host->facts);
	assert_int_equal(json_array_size(findings), 0);
	json_decref(findings);
}

static void
findings__absence_has_its_reason(void **state)
{
	struct host *host = *state;

	host->survey.n_devices = 0;
	host->facts.verbs_works = false;
	host->survey.n_cards = 2;
	check_finding(host, "2 InfiniBand cards", "driver");
	strcpy(host->survey.without_program, "mlx5_0");
	check_finding(host, "mlx5_0", "modprobe ib_uverbs");
	host->survey.built = false;
	check_finding(host, "no verbs provider", "libibverbs-dev");
}

static void
findings__a_closed_device(void **state)
{
	struct host *host = *state;

	host->device.n_ports = 0;
	strcpy(host->device.refusal, "mlx5_0 cannot be opened: Permission denied");
	check_finding(host, "Permission denied", "/dev/infiniband");
	strcpy(host->device.transport, "iWARP");
	check_finding(host, "neither InfiniBand nor RoCE", "--fabric ofi");
}

static void
findings__a_port_that_is_not_active(void **state)
{
	struct host *host = *state;

	strcpy(host->port.state, "down");
	check_finding(host, "mlx5_0 port 1 is not active but down", "ip link set");
	strcpy(host->port.layer, "InfiniBand");
	check_finding(host, "down", "cable");
	strcpy(host->port.state, "init");
	check_finding(host, "init", "opensm");
	strcpy(host->port.state, "active");
	check_finding(host, "no LID", "opensm");
}

static void
findings__addresses(void **state)
{
	struct host *host = *state;

	strcpy(host->gid.type, "RoCE v1");
	check_finding(host, "RoCE v1 addresses alone", "IP address");
	host->port.n_gids = 0;
	check_finding(host, "no GID", "ip addr add");
	host->port.n_gids = 1;
	strcpy(host->gid.type, "RoCE v2");
	strcpy(host->port.refusal, "mlx5_0 port 1 has no GID at index 9");
	check_finding(host, "index 9", "--gid");
	host->port.refusal[0] = '\0';
	host->port.mtu_bytes = 1024;
	check_finding(host, "packets of 1024 bytes where 4096", "MTU");
}

static void
findings__limits(void **state)
{
	struct host *host = *state;

	host->survey.lockable_bytes = host->limits.memlock_bytes = 8 << 20;
	check_finding(host, "8388608 bytes", "ulimit -l");
	host->facts.verbs_works = false; /* nobody locks any */
	host->limits.open_files = 256;
	check_finding(host, "256 files", "ulimit -n");
	host->limits.open_files = STRADS_LIMIT_NONE;
	host->limits.hugepages_free = 0;
	host->facts.reserved_pages = true;
	check_finding(host, "none of 2048 KiB", "vm.nr_hugepages");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(findings__none_where_all_is_well, setup),
	    cmocka_unit_test_setup(findings__no_device_is_no_fault, setup),
	    cmocka_unit_test_setup(findings__absence_has_its_reason, setup),
	    cmocka_unit_test_setup(findings__a_closed_device, setup),
	    cmocka_unit_test_setup(findings__a_port_that_is_not_active, setup),
	    cmocka_unit_test_setup(findings__addresses, setup),
	    cmocka_unit_test_setup(findings__limits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
