#include "info_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FILES_FEW 1024

static void __attribute__((format(printf, 3, 4)))
find(json_t *findings, const char *advice, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	json_array_append_new(findings, json_pack("{s:s, s:s}", "what", what, "advice", advice));
}

/* ---- Hardware ---- */

static void
judge_absence(json_t *findings, const struct strads_survey *survey)
{
	if (!survey->built)
		find(findings, "install libibverbs-dev and build again",
		     "this build has no verbs provider");
	else if (survey->without_program[0])
		find(findings,
		     "load the module ib_uverbs (`modprobe ib_uverbs`); in a container, hand in "
		     "/dev/infiniband",
		     "the kernel has the RDMA devices %s, but programs cannot reach them",
		     survey->without_program);
	else if (survey->n_cards > 0)
		find(findings,
		     "load its driver (mlx5_ib, mlx4_ib, hfi1, …) and see `dmesg` for why it has "
		     "not come up",
		     "%d InfiniBand cards are on the PCI bus, but no RDMA device", survey->n_cards);
}

static bool
has_roce_v2(const struct strads_survey_port *port)
{
	for (int i = 0; i < port->n_gids; i++) {
		if (strcmp(port->gids[i].type, "RoCE v2") == 0)
			return true;
	}
	return false;
}

static void
judge_link(json_t *findings, const char *device, const struct strads_survey_port *port)
{
	bool ethernet = strcmp(port->layer, "Ethernet") == 0;

	if (strcmp(port->state, "active") == 0)
		return;
	find(findings,
	     ethernet ? "see the cable, and set the network interface up (`ip link set NAME up`)"
	     : strcmp(port->state, "down") == 0
		 ? "see the cable, and whether the switch's port is enabled"
		 : "a subnet manager has to bring it up: see whether opensm, or the switch's own, "
		   "runs",
	     "%s port %d is not active but %s", device, port->number, port->state);
}

static void
judge_addresses(json_t *findings, const char *device, const struct strads_survey_port *port)
{
	bool ethernet = strcmp(port->layer, "Ethernet") == 0;

	if (ethernet && port->n_gids == 0)
		find(findings, "give its network interface an address (`ip addr add …`)",
		     "%s port %d has no GID", device, port->number);
	else if (ethernet && !has_roce_v2(port))
		find(findings,
		     "give its network interface an IP address, or see whether the adapter and its "
		     "driver know RoCE v2",
		     "%s port %d has RoCE v1 addresses alone, which no router forwards", device,
		     port->number);
	else if (!ethernet && port->lid == 0)
		find(findings, "start a subnet manager (opensm) in this subnet",
		     "%s port %d has no LID", device, port->number);
	else if (port->refusal[0])
		find(findings, "change --gid, --pkey or --port, or leave them out", "%s",
		     port->refusal);
	else if (ethernet && port->mtu_bytes < port->mtu_max)
		find(findings, "raise the network interface's MTU, on switches and peers too",
		     "%s port %d sends packets of %u bytes where %u are possible", device,
		     port->number, port->mtu_bytes, port->mtu_max);
}

static void
judge_device(json_t *findings, const struct strads_survey_device *device)
{
	if (strcmp(device->transport, "InfiniBand") != 0) {
		find(findings, "reach it by libfabric: --fabric ofi",
		     "%s is neither InfiniBand nor RoCE, and not for the verbs provider",
		     device->name);
		return;
	}
	if (device->n_ports == 0)
		find(findings,
		     "let its users read and write /dev/infiniband (udev rules, the group rdma); "
		     "in a container, hand it in",
		     "%s", device->refusal);
	for (int i = 0; i < device->n_ports; i++) {
		const struct strads_survey_port *port = &device->ports[i];

		judge_link(findings, device->name, port);
		if (strcmp(port->state, "active") == 0)
			judge_addresses(findings, device->name, port);
	}
}

/* ---- Limits ---- */

static void
judge_memlock(json_t *findings, const struct strads_info_facts *facts)
{
	const struct strads_limits *limits = facts->limits;

	if (!facts->verbs_works || facts->survey->lockable_bytes >= facts->memory_bytes)
		return;
	find(findings,
	     "raise it: `ulimit -l unlimited`, memlock in /etc/security/limits.conf, "
	     "LimitMEMLOCK=infinity for slurmd, --ulimit memlock=-1 for a container; or lower "
	     "--memory",
	     "the locked-memory limit is %llu bytes (%s), but a rank may come to register %llu: "
	     "--fabric auto leaves the adapters out, --fabric verbs may fail",
	     (unsigned long long)limits->memlock_bytes,
	     limits->memlock_hard_bytes > limits->memlock_bytes ? "the hard one is higher"
								: "the hard one too",
	     (unsigned long long)facts->memory_bytes);
}

static void
judge_limits(json_t *findings, const struct strads_info_facts *facts)
{
	const struct strads_limits *limits = facts->limits;

	judge_memlock(findings, facts);
	if (limits->open_files < FILES_FEW)
		find(findings, "raise it: `ulimit -n 65536`, nofile in /etc/security/limits.conf",
		     "a process may open %llu files, and a rank takes several for each peer on its "
		     "host",
		     (unsigned long long)limits->open_files);
	if (facts->reserved_pages && limits->hugepages_free == 0)
		find(findings, "set some aside: `sysctl vm.nr_hugepages=N`",
		     "--huge-pages reserved, but none of %llu KiB are free",
		     (unsigned long long)limits->hugepage_kib);
}

json_t *
strads_info_findings(const struct strads_info_facts *facts)
{
	const struct strads_survey *survey = facts->survey;
	json_t *findings = json_array();

	if (!findings)
		return NULL;
	if (survey->n_devices == 0)
		judge_absence(findings, survey);
	for (int i = 0; i < survey->n_devices; i++)
		judge_device(findings, &survey->devices[i]);
	judge_limits(findings, facts);
	return findings;
}
