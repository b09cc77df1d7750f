#include "verbs/verbs.h"

#include <arpa/inet.h>
#include <stdio.h>

static void
tell_wired(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer,
	   struct strads_fabric_info *info)
{
	if (!peer->ready)
		snprintf(info->wired, sizeof info->wired, "on first use");
	else if (!peer->connection.by_job)
		snprintf(info->wired, sizeof info->wired, "by librdmacm");
	else
		snprintf(info->wired, sizeof info->wired, "over the job's control channel: %.150s",
			 verbs->manager.why[0] ? verbs->manager.why : "the peer asked for it");
}

static void
tell_port(const struct strads_verbs *verbs, struct strads_fabric_info *info)
{
	snprintf(info->path, sizeof info->path, "verbs:%.40s:%u", verbs->port.name,
		 verbs->port.number);
	snprintf(info->why, sizeof info->why, "%s", verbs->port.why);
	if (!inet_ntop(AF_INET6, verbs->port.gid.raw, info->gid, sizeof info->gid))
		info->gid[0] = '\0';
	info->mtu_bytes = 128u << verbs->port.attr.active_mtu; /* IBV_MTU_256 is 1 */
	info->inline_bytes = verbs->inline_bytes;
}

static void
query(void *context, int peer, struct strads_fabric_info *info)
{
	struct strads_verbs *verbs = context;

	*info = (struct strads_fabric_info){
	    .fetch_add = verbs->adds,
	    .passive_target = true,
	    .signal = "write with immediate, word stored by its receiver",
	    .completion = "acknowledged by the peer's adapter; flushed by a read behind it"};
	strads_baton_wait(&verbs->baton);
	tell_port(verbs, info);
	tell_wired(verbs, &verbs->peers[peer], info);
	strads_baton_pass(&verbs->baton);
}

const struct strads_provider strads_provider_verbs = {
    .name = "verbs",
    .slot = STRADS_SLOT_VERBS,
    .open = strads_verbs_open,
    .close = strads_verbs_close,
    .address = strads_verbs_address,
    .connect = strads_verbs_connect,
    .reaches = strads_verbs_reaches,
    .region_register = strads_verbs_region_register,
    .region_key = strads_verbs_region_key,
    .region_attach = strads_verbs_region_attach,
    .region_release = strads_verbs_region_release,
    .region_view = strads_provider_no_view,
    .put = strads_verbs_put,
    .put_signal = strads_verbs_put_signal,
    .get = strads_verbs_get,
    .fetch_add = strads_verbs_fetch_add,
    .hold = strads_provider_no_hold,
    .release = strads_provider_no_release,
    .outstanding = strads_verbs_outstanding,
    .progress = strads_verbs_progress,
    .wait_fd = strads_verbs_wait_fd,
    .sleep_prepare = strads_verbs_sleep_prepare,
    .sleep_done = strads_verbs_sleep_done,
    .survey = strads_verbs_survey,
    .query = query,
};
