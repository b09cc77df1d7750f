#include "verbs/verbs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Why no port was taken so far, for the sentence at the end. */
struct reasons {
	char text[320];
	size_t used;
};

static void __attribute__((format(printf, 2, 3)))
note_reason(struct reasons *reasons, const char *format, ...)
{
	va_list args;
	int n;

	if (reasons->used > 0 && reasons->used + 2 < sizeof reasons->text) {
		memcpy(reasons->text + reasons->used, "; ", 3);
		reasons->used += 2;
	}
	va_start(args, format);
	n = vsnprintf(reasons->text + reasons->used, sizeof reasons->text - reasons->used, format,
		      args);
	va_end(args);
	if (n > 0)
		reasons->used += (size_t)n;
	if (reasons->used >= sizeof reasons->text)
		reasons->used = sizeof reasons->text - 1;
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

/* The port's best address, or the one that was asked for. */
static bool
choose_gid(struct strads_verbs_port *port, const struct strads_verbs_settings *settings)
{
	int best = 0;

	for (int index = 0; index < port->attr.gid_tbl_len && index < 256; index++) {
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
	return best > 0;
}

/* ---- Ports ---- */

static bool
port_fits(struct strads_verbs_port *port, const struct strads_verbs_settings *settings,
	  struct reasons *reasons)
{
	bool ethernet;

	if (ibv_query_port(port->context, port->number, &port->attr)) {
		note_reason(reasons, "%s port %u cannot be queried: %s", port->name, port->number,
			    strerror(errno));
		return false;
	}
	if (port->attr.state != IBV_PORT_ACTIVE) {
		note_reason(reasons, "%s port %u is %s", port->name, port->number,
			    ibv_port_state_str(port->attr.state));
		return false;
	}
	ethernet = port->attr.link_layer == IBV_LINK_LAYER_ETHERNET;
	if (!ethernet && port->attr.lid == 0) {
		note_reason(reasons, "%s port %u has no LID: does a subnet manager run?",
			    port->name, port->number);
		return false;
	}
	if (!choose_gid(port, settings) && (ethernet || settings->gid >= 0)) {
		note_reason(reasons, "%s port %u has no such GID: give its interface an address",
			    port->name, port->number);
		return false;
	}
	return true;
}

/* Takes the first port of an open device that fits. */
static bool
choose_port(struct strads_verbs_port *port, const struct strads_verbs_settings *settings,
	    struct reasons *reasons)
{
	uint32_t asked = settings->port;

	if (ibv_query_device(port->context, &port->device)) {
		note_reason(reasons, "%s cannot be queried: %s", port->name, strerror(errno));
		return false;
	}
	if (asked > port->device.phys_port_cnt) {
		note_reason(reasons, "%s has no port %u", port->name, asked);
		return false;
	}
	for (uint32_t number = asked ? asked : 1;
	     number <= (asked ? asked : port->device.phys_port_cnt); number++) {
		port->number = (uint8_t)number;
		if (port_fits(port, settings, reasons))
			return true;
	}
	return false;
}

static bool
open_device(struct ibv_device *device, const struct strads_verbs_settings *settings,
	    struct strads_verbs_port *port, struct reasons *reasons)
{
	struct strads_verbs_port made = {.number = 0};

	snprintf(made.name, sizeof made.name, "%s", ibv_get_device_name(device));
	made.context = ibv_open_device(device);
	if (!made.context) {
		note_reason(reasons, "%s cannot be opened: %s; see who may use /dev/infiniband",
			    made.name, strerror(errno));
		return false;
	}
	if (!choose_port(&made, settings, reasons)) {
		ibv_close_device(made.context);
		return false;
	}
	*port = made;
	return true;
}

static int
no_port(const struct strads_verbs_settings *settings, const struct reasons *reasons)
{
	if (reasons->used > 0)
		return strads_fail(STRADS_ERR_UNSUPPORTED, "no usable RDMA port: %s",
				   reasons->text);
	if (settings->device[0])
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "no RDMA device '%s' on this host; see `ibv_devices`",
				   settings->device);
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "no RDMA device on this host; see `ibv_devices`, and whether the "
			   "adapter's driver is loaded");
}

int
strads_verbs_port_open(const struct strads_verbs_settings *settings, struct strads_verbs_port *port)
{
	struct reasons reasons = {.used = 0};
	struct ibv_device **devices = ibv_get_device_list(NULL);
	bool found = false;

	if (!devices && errno == ENOMEM)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to list the RDMA devices");
	for (int i = 0; devices && devices[i] && !found; i++) {
		const char *name = ibv_get_device_name(devices[i]);

		if (!settings->device[0] || strcmp(name, settings->device) == 0)
			found = open_device(devices[i], settings, port, &reasons);
	}
	if (devices)
		ibv_free_device_list(devices);
	return found ? STRADS_OK : no_port(settings, &reasons);
}

void
strads_verbs_port_close(struct strads_verbs_port *port)
{
	if (port->context)
		ibv_close_device(port->context);
	port->context = NULL;
}
