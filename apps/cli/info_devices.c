#include "info_devices.h"

#include "log.h"

#include <stdio.h>

/* ---- For programs ---- */

/* The text, null if there is none. */
static json_t *
text_or_null(const char *text)
{
	return text[0] ? strads_log_text(text) : json_null();
}

static json_t *
gids(const struct strads_survey_port *port)
{
	json_t *all = json_array();

	for (int i = 0; all && i < port->n_gids; i++) {
		const struct strads_survey_gid *gid = &port->gids[i];

		json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:o}", "index", gid->index,
						     "type", gid->type, "address", gid->address,
						     "interface", text_or_null(gid->interface)));
	}
	return all;
}

static json_t *
pkeys(const struct strads_survey_port *port)
{
	json_t *all = json_array();

	for (int i = 0; all && i < port->n_pkeys; i++)
		json_array_append_new(all, json_sprintf("0x%04x", port->pkeys[i]));
	return all;
}

static json_t *
port_entry(const struct strads_survey_port *port)
{
	return json_pack("{s:i, s:s, s:o, s:f, s:i, s:i, s:i, s:o, s:o, s:o}", "number",
			 port->number, "state", port->state, "layer", text_or_null(port->layer),
			 "gbit_s", port->gbit_s, "mtu", (int)port->mtu_bytes, "mtu_max",
			 (int)port->mtu_max, "lid", (int)port->lid, "gids", gids(port), "pkeys",
			 pkeys(port), "refusal", text_or_null(port->refusal));
}

static json_t *
device_entry(const struct strads_survey_device *device)
{
	json_t *ports = json_array();

	for (int i = 0; ports && i < device->n_ports; i++)
		json_array_append_new(ports, port_entry(&device->ports[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i, s:b, s:o, s:o}", "name", device->name,
			 "transport", device->transport, "firmware", text_or_null(device->firmware),
			 "numa_node", device->node >= 0 ? json_integer(device->node) : json_null(),
			 "queue_pairs", device->queue_pairs, "reads", device->reads, "fetch_add",
			 device->atomic, "refusal", text_or_null(device->refusal), "ports", ports);
}

json_t *
strads_info_devices(const struct strads_survey *survey)
{
	json_t *all = json_array();

	for (int i = 0; all && i < survey->n_devices; i++)
		json_array_append_new(all, device_entry(&survey->devices[i]));
	return all;
}

/* ---- For people ---- */

static void
print_port(const struct strads_survey_port *port)
{
	printf("    port %d: %s, %s, %g Gbit/s, MTU %u of %u", port->number, port->state,
	       port->layer, port->gbit_s, port->mtu_bytes, port->mtu_max);
	if (port->lid)
		printf(", LID %u", port->lid);
	putchar('\n');
	for (int i = 0; i < port->n_gids; i++) {
		const struct strads_survey_gid *gid = &port->gids[i];

		printf("      GID %-3d %-8s %s%s%s\n", gid->index, gid->type, gid->address,
		       gid->interface[0] ? " on " : "", gid->interface);
	}
	if (port->n_pkeys > 0)
		printf("      partitions");
	for (int i = 0; i < port->n_pkeys; i++)
		printf(" 0x%04x%s", port->pkeys[i], i + 1 == port->n_pkeys ? "\n" : "");
	if (port->refusal[0])
		printf("      not taken: %s\n", port->refusal);
}

void
strads_info_devices_print(const struct strads_survey *survey)
{
	puts("\nRDMA devices");
	if (survey->n_devices == 0)
		puts("  none");
	for (int i = 0; i < survey->n_devices; i++) {
		const struct strads_survey_device *device = &survey->devices[i];

		printf("  %s: %s, firmware %s, NUMA node ", device->name, device->transport,
		       device->firmware[0] ? device->firmware : "unknown");
		if (device->node >= 0)
			printf("%d\n", device->node);
		else
			puts("unknown");
		if (device->refusal[0])
			printf("    not taken: %s\n", device->refusal);
		for (int port = 0; port < device->n_ports; port++)
			print_port(&device->ports[port]);
	}
}
