#include "ofi/ofi.h"

#include <stdio.h>

static void
query(void *context, int peer, struct strads_fabric_info *info)
{
	const struct strads_ofi *ofi = context;

	(void)peer;
	*info = (struct strads_fabric_info){
	    .passive_target = true,
	    .signal = "write with completion data, word stored by its receiver",
	    .completion = ofi->delivered == FI_DELIVERY_COMPLETE ? "delivered" : "transmitted"};
	snprintf(info->path, sizeof info->path, "ofi:%s", ofi->info->fabric_attr->prov_name);
	snprintf(info->why, sizeof info->why,
		 "the network that libfabric finds by domain '%.64s', unless --fabric ofi:PROVIDER "
		 "names another",
		 ofi->info->domain_attr->name ? ofi->info->domain_attr->name : "");
}

const struct strads_provider strads_provider_ofi = {
    .name = "ofi",
    .slot = STRADS_SLOT_OFI,
    .open = strads_ofi_open,
    .close = strads_ofi_close,
    .address = strads_ofi_address,
    .connect = strads_ofi_connect,
    .reaches = strads_ofi_reaches,
    .region_register = strads_ofi_region_register,
    .region_key = strads_ofi_region_key,
    .region_attach = strads_ofi_region_attach,
    .region_release = strads_ofi_region_release,
    .region_view = strads_provider_no_view,
    .put = strads_ofi_put,
    .put_signal = strads_ofi_put_signal,
    .get = strads_ofi_get,
    .fetch_add = strads_provider_no_transfer,
    .hold = strads_ofi_hold,
    .release = strads_ofi_release,
    .outstanding = strads_ofi_outstanding,
    .progress = strads_ofi_progress,
    .wait_fd = strads_ofi_wait_fd,
    .sleep_prepare = strads_ofi_sleep_prepare,
    .sleep_done = strads_ofi_sleep_done,
    .survey = strads_provider_no_survey,
    .query = query,
};
