#include "verbs/verbs.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a port, or a whole device (number 0), is not taken; "" if that is not so. What the provider
 * did not look at the settings have left out. */
static const char *
refusal_of(const struct strads_verbs_found *found, int n, const char *device, int number)
{
	bool looked_at = false;

	for (int i = 0; i < n; i++) {
		if (strcmp(found[i].port.name, device) != 0)
			continue;
		if (found[i].port.number == number)
			return found[i].refusal;
		looked_at = looked_at || number == 0 || found[i].port.number == 0;
	}
	return looked_at ? "" : "not the one that --device or --port asks for";
}

static const char *
gid_type(uint32_t type)
{
	switch (type) {
	case IBV_GID_TYPE_IB:
		return "IB";
	case IBV_GID_TYPE_ROCE_V1:
		return "RoCE v1";
	case IBV_GID_TYPE_ROCE_V2:
		return "RoCE v2";
	default:
		return "other";
	}
}

static const char *
transport_name(enum ibv_transport_type type)
{
	return type == IBV_TRANSPORT_IB      ? "InfiniBand"
	       : type == IBV_TRANSPORT_IWARP ? "iWARP"
					     : "other";
}

static const char *
state_name(enum ibv_port_state state)
{
	static const char *const names[] = {
	    [IBV_PORT_NOP] = "none",      [IBV_PORT_DOWN] = "down",
	    [IBV_PORT_INIT] = "init",     [IBV_PORT_ARMED] = "armed",
	    [IBV_PORT_ACTIVE] = "active", [IBV_PORT_ACTIVE_DEFER] = "deferred"};

	return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

/* ---- Tables of a port ---- */

static int
read_gids(struct ibv_context *context, const struct ibv_port_attr *attr,
	  struct strads_survey_port *port)
{
	port->gids = calloc((size_t)attr->gid_tbl_len + 1, sizeof *port->gids);
	if (!port->gids)
		return STRADS_ERR_MEMORY;
	for (int index = 0; index < attr->gid_tbl_len; index++) {
		struct strads_survey_gid *gid = &port->gids[port->n_gids];
		struct ibv_gid_entry entry;
		char name[IF_NAMESIZE];

		if (ibv_query_gid_ex(context, (uint32_t)port->number, (uint32_t)index, &entry, 0))
			continue;
		gid->index = index;
		snprintf(gid->type, sizeof gid->type, "%s", gid_type(entry.gid_type));
		if (!inet_ntop(AF_INET6, entry.gid.raw, gid->address, sizeof gid->address))
			gid->address[0] = '\0';
		if (entry.ndev_ifindex && if_indextoname(entry.ndev_ifindex, name))
			snprintf(gid->interface, sizeof gid->interface, "%s", name);
		port->n_gids++;
	}
	return STRADS_OK;
}

static int
read_pkeys(struct ibv_context *context, const struct ibv_port_attr *attr,
	   struct strads_survey_port *port)
{
	port->pkeys = calloc((size_t)attr->pkey_tbl_len + 1, sizeof *port->pkeys);
	if (!port->pkeys)
		return STRADS_ERR_MEMORY;
	for (int index = 0; index < attr->pkey_tbl_len; index++) {
		__be16 key = 0;

		if (ibv_query_pkey(context, (uint8_t)port->number, index, &key) || key == 0)
			continue;
		port->pkeys[index] = be16toh(key);
		port->n_pkeys = index + 1;
	}
	return STRADS_OK;
}

static int
read_port(struct ibv_context *context, struct strads_survey_port *port)
{
	struct ibv_port_attr attr;
	int status;

	if (ibv_query_port(context, (uint8_t)port->number, &attr)) {
		snprintf(port->state, sizeof port->state, "unknown");
		return STRADS_OK;
	}
	snprintf(port->state, sizeof port->state, "%s", state_name(attr.state));
	snprintf(port->layer, sizeof port->layer, "%s", strads_verbs_layer_name(attr.link_layer));
	port->gbit_s = strads_verbs_gbit_s(&attr);
	port->mtu_bytes = 128u << attr.active_mtu;
	port->mtu_max = 128u << attr.max_mtu;
	port->lid = attr.lid;
	status = read_gids(context, &attr, port);
	return status ? status : read_pkeys(context, &attr, port);
}

/* ---- Devices ---- */

static int
read_ports(struct ibv_context *context, const struct strads_verbs_found *found, int n,
	   struct strads_survey_device *device)
{
	struct ibv_device_attr attr;
	int status = STRADS_OK;

	if (ibv_query_device(context, &attr))
		return STRADS_OK;
	memcpy(device->firmware, attr.fw_ver, sizeof device->firmware);
	device->queue_pairs = attr.max_qp;
	device->reads = attr.max_qp_rd_atom;
	device->atomic = attr.atomic_cap == IBV_ATOMIC_GLOB;
	device->ports = calloc((size_t)attr.phys_port_cnt + 1, sizeof *device->ports);
	if (!device->ports)
		return STRADS_ERR_MEMORY;
	for (int number = 1; number <= attr.phys_port_cnt && !status; number++) {
		struct strads_survey_port *port = &device->ports[device->n_ports++];

		port->number = number;
		snprintf(port->refusal, sizeof port->refusal, "%s",
			 refusal_of(found, n, device->name, number));
		status = read_port(context, port);
	}
	return status;
}

static int
read_device(struct ibv_device *from, const struct strads_verbs_found *found, int n,
	    struct strads_survey_device *device)
{
	struct ibv_context *context;
	int status;

	snprintf(device->name, sizeof device->name, "%s", ibv_get_device_name(from));
	snprintf(device->transport, sizeof device->transport, "%s",
		 transport_name(from->transport_type));
	device->node = strads_verbs_node(from);
	snprintf(device->refusal, sizeof device->refusal, "%s",
		 refusal_of(found, n, device->name, 0));
	context = ibv_open_device(from);
	if (!context)
		return STRADS_OK;
	status = read_ports(context, found, n, device);
	ibv_close_device(context);
	return status;
}

int
strads_verbs_survey(const struct strads_settings *settings, struct strads_survey *survey)
{
	struct strads_verbs_found *found;
	struct ibv_device **devices;
	int n, count = 0;
	int status = strads_verbs_look(&settings->verbs, &found, &n);

	if (status)
		return status;
	survey->built = true;
	devices = ibv_get_device_list(&count);
	survey->devices = calloc((size_t)count + 1, sizeof *survey->devices);
	if (!survey->devices)
		status = STRADS_ERR_MEMORY;
	for (int i = 0; devices && devices[i] && !status; i++)
		status = read_device(devices[i], found, n, &survey->devices[survey->n_devices++]);
	if (devices)
		ibv_free_device_list(devices);
	free(found);
	return status ? strads_fail(status, "no memory to list the RDMA devices") : STRADS_OK;
}
