#include "verbs/verbs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIDS 256 /* looked at: an address handle names no more */

static bool __attribute__((format(printf, 2, 3)))
refuse(struct strads_verbs_found *found, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(found->refusal, sizeof found->refusal, format, args);
	va_end(args);
	return false;
}

/* ---- Facts ---- */

double
strads_verbs_gbit_s(const struct ibv_port_attr *attr)
{
	static const struct {
		uint8_t code;
		double value;
	} lanes[] = {{1, 1}, {2, 4}, {4, 8}, {8, 12}, {16, 2}},
	  speeds[] = {{1, 2.5}, {2, 5}, {4, 10}, {8, 10}, {16, 14}, {32, 25}, {64, 50}, {128, 100}};
	double width = 0, speed = 0;

	for (size_t i = 0; i < sizeof lanes / sizeof lanes[0]; i++) {
		if (lanes[i].code == attr->active_width)
			width = lanes[i].value;
	}
	for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
		if (speeds[i].code == attr->active_speed)
			speed = speeds[i].value;
	}
	return width * speed;
}

const char *
strads_verbs_layer_name(uint8_t layer)
{
	return layer == IBV_LINK_LAYER_ETHERNET ? "Ethernet" : "InfiniBand";
}

int
strads_verbs_node(const struct ibv_device *device)
{
	char path[sizeof device->ibdev_path + 32];
	int node = -1;
	FILE *in;

	snprintf(path, sizeof path, "%s/device/numa_node", device->ibdev_path);
	in = fopen(path, "re");
	if (!in)
		return -1;
	if (fscanf(in, "%d", &node) != 1)
		node = -1;
	fclose(in);
	return node;
}

struct ibv_context *
strads_verbs_device_open(const char *name)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct ibv_context *context = NULL;
	int error = devices ? ENODEV : errno;

	for (int i = 0; devices && devices[i]; i++) {
		if (strcmp(ibv_get_device_name(devices[i]), name) != 0)
			continue;
		context = ibv_open_device(devices[i]);
		error = errno;
		break;
	}
	if (devices)
		ibv_free_device_list(devices);
	errno = error;
	return context;
}

/* ---- Addresses ---- */

static bool
is_ipv4(const union ibv_gid *gid)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(gid->raw, mapped, sizeof mapped) == 0;
}

static bool
is_link_local(const union ibv_gid *gid)
{
	return gid->raw[0] == 0xfe && (gid->raw[1] & 0xc0) == 0x80;
}

/* How good an address is for reaching others; 0: useless. RoCE v2 can be routed, and an IPv4
 * address says by itself that somebody has configured the interface. */
static int
rank_gid(const struct ibv_gid_entry *entry)
{
	switch (entry->gid_type) {
	case IBV_GID_TYPE_ROCE_V2:
		return is_ipv4(&entry->gid) ? 4 : is_link_local(&entry->gid) ? 2 : 3;
	case IBV_GID_TYPE_ROCE_V1:
	case IBV_GID_TYPE_IB:
		return 1;
	default:
		return 0;
	}
}

/* The port's best address, or the one that was asked for. InfiniBand inside a subnet does without
 * one. */
static bool
take_gid(struct strads_verbs_found *found, const struct strads_verbs_settings *settings)
{
	struct strads_verbs_port *port = &found->port;
	int best = 0;

	for (int index = 0; index < port->attr.gid_tbl_len && index < GIDS; index++) {
		struct ibv_gid_entry entry;
		int rank;

		if (settings->gid >= 0 && index != settings->gid)
			continue;
		if (ibv_query_gid_ex(port->context, port->number, (uint32_t)index, &entry, 0))
			continue; /* an empty place in the table */
		rank = rank_gid(&entry);
		if (rank > best) {
			best = rank;
			port->gid = entry.gid;
			port->gid_index = (uint8_t)index;
		}
	}
	if (best > 0)
		return true;
	if (settings->gid >= 0)
		return refuse(found, "%s port %u has no GID at index %d: see `strads info`",
			      port->name, port->number, settings->gid);
	return port->attr.link_layer != IBV_LINK_LAYER_ETHERNET ||
	       refuse(found, "%s port %u has no GID: give its network interface an address",
		      port->name, port->number);
}

/* ---- Partitions ---- */

/* The key at a place of the port's table, 0 if there is none. */
static uint16_t
key_at(const struct strads_verbs_port *port, uint32_t index)
{
	__be16 key = 0;

	if (index >= port->attr.pkey_tbl_len ||
	    ibv_query_pkey(port->context, port->number, (int)index, &key))
		return 0;
	return be16toh(key);
}

/* The place of the partition that was asked for. The highest bit says that the port is a full
 * member: limited members do not reach each other, so where that bit is asked for it must be there,
 * and is better where it is not. */
static bool
take_pkey(struct strads_verbs_found *found, const struct strads_verbs_settings *settings)
{
	struct strads_verbs_port *port = &found->port;
	uint32_t wanted = (uint32_t)settings->pkey;
	uint32_t best = 0;

	if (settings->pkey < 0) {
		port->pkey_index = (uint16_t)settings->pkey_index;
		return key_at(port, settings->pkey_index) != 0 ||
		       refuse(found,
			      "%s port %u has no partition key at index %u: see `strads info`",
			      port->name, port->number, settings->pkey_index);
	}
	for (uint32_t index = 0; index < port->attr.pkey_tbl_len; index++) {
		uint32_t key = key_at(port, index);

		if ((key & 0x7fff) != (wanted & 0x7fff) || key < wanted || key <= best)
			continue;
		best = key;
		port->pkey_index = (uint16_t)index;
	}
	return best != 0 ||
	       refuse(found,
		      "%s port %u is no %smember of partition 0x%04x: ask the subnet "
		      "manager's owner, or see `strads info` for those it is in",
		      port->name, port->number, wanted & 0x8000 ? "full " : "", wanted);
}

/* ---- Ports ---- */

/* Whether the port can be taken, in the order of what to mend first. */
static bool
look_at_port(struct strads_verbs_found *found, const struct strads_verbs_settings *settings)
{
	struct strads_verbs_port *port = &found->port;

	if (ibv_query_port(port->context, port->number, &port->attr))
		return refuse(found, "%s port %u cannot be queried: %s", port->name, port->number,
			      strerror(errno));
	if (port->attr.state != IBV_PORT_ACTIVE)
		return refuse(found, "%s port %u is %s", port->name, port->number,
			      ibv_port_state_str(port->attr.state));
	if (port->attr.link_layer != IBV_LINK_LAYER_ETHERNET && port->attr.lid == 0)
		return refuse(found, "%s port %u has no LID: does a subnet manager run?",
			      port->name, port->number);
	return take_gid(found, settings) && take_pkey(found, settings);
}

/* ---- Devices ---- */

/* What was looked at so far. */
struct list {
	struct strads_verbs_found *found;
	int n;
};

/* Room for one more, NULL without memory. */
static struct strads_verbs_found *
append(struct list *list, const struct strads_verbs_found *found)
{
	struct strads_verbs_found *grown =
	    realloc(list->found, (size_t)(list->n + 1) * sizeof *grown);

	if (!grown)
		return NULL;
	list->found = grown;
	grown[list->n] = *found;
	return &grown[list->n++];
}

/* Opens the device; reliable connections with immediates are what InfiniBand and RoCE have. */
static bool
open_device(struct ibv_device *device, struct strads_verbs_found *found)
{
	struct strads_verbs_port *port = &found->port;

	snprintf(port->name, sizeof port->name, "%s", ibv_get_device_name(device));
	port->node = strads_verbs_node(device);
	if (device->transport_type != IBV_TRANSPORT_IB)
		return refuse(found, "%s is neither InfiniBand nor RoCE: take --fabric ofi",
			      port->name);
	port->context = ibv_open_device(device);
	if (!port->context)
		return refuse(found, "%s cannot be opened: %s; see who may use /dev/infiniband",
			      port->name, strerror(errno));
	if (ibv_query_device(port->context, &port->device))
		return refuse(found, "%s cannot be queried: %s", port->name, strerror(errno));
	return true;
}

static int
look_at_device(struct ibv_device *device, const struct strads_verbs_settings *settings,
	       struct list *list)
{
	struct strads_verbs_found found = {.port = {.number = 0}};
	bool open = open_device(device, &found);
	struct ibv_context *context = found.port.context;
	uint32_t first = settings->port ? settings->port : 1;
	uint32_t last = settings->port ? settings->port : found.port.device.phys_port_cnt;
	int status = STRADS_OK;

	if (open && last > found.port.device.phys_port_cnt)
		open = refuse(&found, "%s has no port %u", found.port.name, last);
	if (!open && !append(list, &found))
		status = STRADS_ERR_MEMORY;
	for (uint32_t number = first; open && number <= last && !status; number++) {
		struct strads_verbs_found one = found;

		one.port.number = (uint8_t)number;
		(void)look_at_port(&one, settings);
		one.port.context = NULL;
		if (!append(list, &one))
			status = STRADS_ERR_MEMORY;
	}
	if (context)
		ibv_close_device(context);
	return status;
}

int
strads_verbs_look(const struct strads_verbs_settings *settings, struct strads_verbs_found **found,
		  int *n)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct list list = {.n = 0};
	int status = devices || errno != ENOMEM ? STRADS_OK : STRADS_ERR_MEMORY;

	for (int i = 0; devices && devices[i] && !status; i++) {
		if (!settings->device[0] ||
		    strcmp(ibv_get_device_name(devices[i]), settings->device) == 0)
			status = look_at_device(devices[i], settings, &list);
	}
	if (devices)
		ibv_free_device_list(devices);
	if (status) {
		free(list.found);
		return strads_fail(status, "no memory to list the RDMA devices");
	}
	*found = list.found;
	*n = list.n;
	return STRADS_OK;
}
