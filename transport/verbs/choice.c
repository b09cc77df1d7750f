#include "verbs/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The choice ---- */

/* Whether ranks on the two ports can be expected to reach each other: the same link layer and, on
 * InfiniBand, the same subnet. */
static bool
same_network(const struct strads_verbs_port *a, const struct strads_verbs_port *b)
{
	if (a->attr.link_layer != b->attr.link_layer)
		return false;
	return a->attr.link_layer == IBV_LINK_LAYER_ETHERNET ||
	       a->gid.global.subnet_prefix == b->gid.global.subnet_prefix;
}

/* The first of the fastest that can be taken, NULL if none can. */
static const struct strads_verbs_port *
fastest(const struct strads_verbs_found *found, int n)
{
	const struct strads_verbs_port *best = NULL;

	for (int i = 0; i < n; i++) {
		const struct strads_verbs_port *port = &found[i].port;

		if (!found[i].refusal[0] &&
		    (!best || strads_verbs_gbit_s(&port->attr) > strads_verbs_gbit_s(&best->attr)))
			best = port;
	}
	return best;
}

/* Whether a port is in the last round: in the network of the fastest and as fast. */
static bool
eligible(const struct strads_verbs_found *found, const struct strads_verbs_port *best)
{
	return !found->refusal[0] && same_network(&found->port, best) &&
	       strads_verbs_gbit_s(&found->port.attr) == strads_verbs_gbit_s(&best->attr);
}

/* Fills port->why: the address by which peers will know it, then why it was this port. */
static void
explain(struct strads_verbs_port *port, int usable, int equal, int distance)
{
	bool ethernet = port->attr.link_layer == IBV_LINK_LAYER_ETHERNET;
	double gbit_s = strads_verbs_gbit_s(&port->attr);
	size_t used;

	used = (size_t)snprintf(port->why, sizeof port->why, "%s %u; ", ethernet ? "GID" : "LID",
				ethernet ? port->gid_index : port->attr.lid);
	if (usable == 1)
		snprintf(port->why + used, sizeof port->why - used,
			 "the only port that can be taken");
	else if (equal == 1)
		snprintf(port->why + used, sizeof port->why - used,
			 "the nearest of the fastest of %d ports (%g Gbit/s, NUMA distance %d)",
			 usable, gbit_s, distance);
	else
		snprintf(port->why + used, sizeof port->why - used,
			 "one of %d ports as fast and as near (%g Gbit/s, NUMA distance %d), which "
			 "the ranks of a host take in turn",
			 equal, gbit_s, distance);
}

int
strads_verbs_choose(const struct strads_seat *seat, struct strads_verbs_found *found, int n)
{
	const struct strads_verbs_port *best = fastest(found, n);
	int nearest = INT32_MAX, usable = 0, equal = 0, turn;

	if (!best)
		return -1;
	for (int i = 0; i < n; i++) {
		int distance = strads_numa_distance(&seat->numa, found[i].port.node);

		usable += !found[i].refusal[0];
		if (!eligible(&found[i], best) || distance > nearest)
			continue;
		equal = distance < nearest ? 1 : equal + 1;
		nearest = distance;
	}
	turn = equal > 0 ? seat->index % equal : 0;
	for (int i = 0; i < n; i++) {
		if (!eligible(&found[i], best) ||
		    strads_numa_distance(&seat->numa, found[i].port.node) != nearest || turn-- > 0)
			continue;
		explain(&found[i].port, usable, equal, nearest);
		return i;
	}
	return -1;
}

/* ---- What there is none of ---- */

static int
no_device(const struct strads_verbs_settings *settings)
{
	if (settings->device[0])
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "no RDMA device '%s' on this host; see `ibv_devices`",
				   settings->device);
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "no RDMA device on this host; see `ibv_devices`, and whether the "
			   "adapter's driver and ib_uverbs are loaded");
}

static int
no_port(const struct strads_verbs_found *found, int n)
{
	char reasons[400] = "";
	size_t used = 0;

	for (int i = 0; i < n && used < sizeof reasons; i++)
		used += (size_t)snprintf(reasons + used, sizeof reasons - used, "%s%s",
					 i ? "; " : "", found[i].refusal);
	return strads_fail(STRADS_ERR_UNSUPPORTED, "no usable RDMA port: %s", reasons);
}

/* ---- Life ---- */

int
strads_verbs_port_open(const struct strads_verbs_settings *settings, const struct strads_seat *seat,
		       struct strads_verbs_port *port)
{
	struct strads_verbs_found *found;
	struct strads_verbs_port made;
	int n, chosen;
	int status = strads_verbs_look(settings, &found, &n);

	if (status)
		return status;
	chosen = strads_verbs_choose(seat, found, n);
	if (chosen < 0) {
		status = n > 0 ? no_port(found, n) : no_device(settings);
		goto free_found;
	}
	made = found[chosen].port;
	made.context = strads_verbs_device_open(made.name);
	if (made.context)
		*port = made;
	else
		status = strads_fail(STRADS_ERR_UNSUPPORTED, "%s cannot be opened again: %s",
				     made.name, strerror(errno));
free_found:
	free(found);
	return status;
}

void
strads_verbs_port_close(struct strads_verbs_port *port)
{
	if (port->context)
		ibv_close_device(port->context);
	port->context = NULL;
}
