/*
 * Jobs of processes that were started one by one: each knows from its environment which rank it is
 * and where rank 0 listens, and rank 0 waits there for the others.
 */
#include "job/client.h"
#include "job/job.h"
#include "job/launcher.h"
#include "job/membership.h"
#include "job/rendezvous.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct strads_job_ops ops = {
    .name = "tcp",
    .allgather = strads_client_allgather,
    .serve = strads_client_serve,
    .check = strads_client_check,
    .abort = strads_client_abort,
    .missed = strads_client_missed,
    .post = strads_client_post,
    .take_mail = strads_client_take_mail,
};

/* Listens at the address that was given; by a name other hosts may find another address of this one
 * than it does itself, so then at all. So too where the address is that of a gateway to here. */
static int
listen_at_root(const struct strads_membership *membership, int *listener)
{
	uint16_t port = membership->port;
	bool known = !membership->secret.length || strads_socket_is_address(membership->host);
	int status =
	    known ? strads_socket_listen(membership->host, &port, listener) : STRADS_ERR_ARGUMENT;

	if (status == STRADS_ERR_ARGUMENT && membership->secret.length)
		status = strads_socket_listen(NULL, &port, listener);
	return status;
}

int
strads_job_run_tcp(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	struct strads_job job = {.ops = &ops, .timeout_ms = options->timeout_ms, .fd = -1};
	/* Launchers, unlike people, end all ranks as soon as one ends with another code than 0. */
	struct strads_rendezvous rendezvous = {.codes_to_hub = strads_launcher_present()};
	struct strads_membership membership;
	char hub_name[STRADS_SOCKET_HOST + 16], own_host[64] = "";
	int listener;

	if (strads_membership_read(&membership)) {
		fprintf(stderr, "strads: cannot join a job: %s\n", strads_error());
		return 1;
	}
	gethostname(own_host, sizeof own_host - 1);
	snprintf(hub_name, sizeof hub_name, "rank 0 (at %s)", membership.host);
	memcpy(rendezvous.host, membership.host, sizeof rendezvous.host);
	rendezvous.port = membership.port;
	rendezvous.secret = membership.secret;
	rendezvous.hub_name = hub_name;
	rendezvous.own_host = own_host;
	job.rank = membership.rank;
	job.size = membership.size;
	if (job.rank)
		return strads_rendezvous_run_other(&job, &rendezvous, rank_main, arg);
	if (listen_at_root(&membership, &listener)) {
		fprintf(stderr, "strads: rank 0 cannot start: STRADS_ROOT: %s\n", strads_error());
		return 1;
	}
	return strads_rendezvous_run_first(&job, &rendezvous, listener, rank_main, arg);
}
