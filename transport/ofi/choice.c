#include "ofi/ofi.h"

#include <stdlib.h>
#include <string.h>

#define API FI_VERSION(1, 17)

/* Providers of networks that write into memory themselves, best first; then what Ethernet has.
 * Others are taken only when named: sockets, shm, net and udp;ofi_rxd complete writes that have not
 * arrived, check no bounds, or never notice a dead peer. */
static const char *const preferred[] = {"cxi", "psm3", "psm2", "opx", "efa", "tcp;ofi_rxm"};

/* What to ask for, best first: how late a write completes, and whether writes stay in order. */
static const struct {
	uint64_t completion, order;
} demands[] = {
    {FI_DELIVERY_COMPLETE, FI_ORDER_WAW},
    {FI_TRANSMIT_COMPLETE, FI_ORDER_WAW},
    {FI_DELIVERY_COMPLETE, 0},
    {FI_TRANSMIT_COMPLETE, 0},
};

static struct fi_info *
make_hints(const char *name)
{
	struct fi_info *hints = fi_allocinfo();

	if (!hints)
		return NULL;
	hints->caps = FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->threading = FI_THREAD_DOMAIN;
	hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
	hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
	hints->domain_attr->mr_mode =
	    FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
	hints->fabric_attr->prov_name = strdup(name);
	if (!hints->fabric_attr->prov_name) {
		fi_freeinfo(hints);
		return NULL;
	}
	return hints;
}

/* A provider that needs no source address of the Internet kind is asked without. */
static int
query(const char *node, const struct fi_info *hints, struct fi_info **info)
{
	int code = -FI_ENODATA;

	if (node[0])
		code = fi_getinfo(API, node, NULL, FI_SOURCE, hints, info);
	if (code == -FI_ENODATA)
		code = fi_getinfo(API, NULL, NULL, 0, hints, info);
	return code;
}

/* Whether completion data can name a rank and a slot, and keys can travel. */
static bool
suits(const struct fi_info *info)
{
	return info->domain_attr->cq_data_size >= sizeof(uint32_t) &&
	       info->domain_attr->mr_key_size <= sizeof(uint64_t);
}

static int
choose_named(const char *name, const char *node, struct fi_info **info, uint64_t *delivered)
{
	struct fi_info *hints = make_hints(name);
	int code = -FI_ENOMEM;

	for (size_t i = 0; hints && i < sizeof demands / sizeof demands[0]; i++) {
		struct fi_info *found = NULL;

		hints->tx_attr->op_flags = demands[i].completion;
		hints->tx_attr->msg_order = demands[i].order;
		hints->rx_attr->msg_order = demands[i].order;
		code = query(node, hints, &found);
		if (code == 0 && suits(found)) {
			found->tx_attr->op_flags = 0; /* asked for operation by operation */
			*delivered = demands[i].completion;
			*info = found;
			break;
		}
		if (code == 0) {
			fi_freeinfo(found);
			code = -FI_ENODATA;
		}
		if (code != -FI_ENODATA)
			break;
	}
	if (hints)
		fi_freeinfo(hints);
	return code;
}

int
strads_ofi_choose(const char *name, const char *node, struct fi_info **info, uint64_t *delivered)
{
	int code = -FI_ENODATA;

	if (name)
		code = choose_named(name, node, info, delivered);
	for (size_t i = 0;
	     !name && code == -FI_ENODATA && i < sizeof preferred / sizeof preferred[0]; i++)
		code = choose_named(preferred[i], node, info, delivered);
	if (code == 0)
		return STRADS_OK;
	if (code == -FI_ENODATA && name)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "libfabric has no provider '%s' with one-sided operations on "
				   "this machine; `fi_info -t FI_EP_RDM -c FI_RMA` lists those it "
				   "has",
				   name);
	if (code == -FI_ENODATA)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "libfabric finds no network with one-sided operations on this "
				   "machine, not even TCP; see `fi_info`, FI_PROVIDER and "
				   "FI_TCP_IFACE");
	return strads_fail(code == -FI_ENOMEM ? STRADS_ERR_MEMORY : STRADS_ERR_FABRIC,
			   "cannot ask libfabric for its providers: %s", fi_strerror(-code));
}
