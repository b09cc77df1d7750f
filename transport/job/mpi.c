/*
 * Jobs under mpirun or srun. MPI carries rank 0's address and the job's secret to all ranks and
 * is finalised before the ranks start, so that a dead rank cannot hang it.
 *
 * A launcher ends all ranks as soon as one exits non-zero. So every rank but 0 leaves its exit code
 * with the hub and exits with 0, and rank 0, whose process holds the hub, exits last with the
 * highest code.
 */
#include "job/client.h"
#include "job/cookie.h"
#include "job/host.h"
#include "job/job.h"
#include "job/launcher.h"
#include "job/rendezvous.h"

#include <arpa/inet.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What rank 0 tells all ranks over MPI. */
struct invitation {
	uint32_t address; /* IPv4, network byte order; 0: there is no job, rank 0 says why */
	uint16_t port;
	uint8_t secret[32];
	char host[64]; /* rank 0's */
};

static const struct strads_job_ops ops = {
    .name = "mpi",
    .allgather = strads_client_allgather,
    .serve = strads_client_serve,
    .check = strads_client_check,
    .abort = strads_client_abort,
    .missed = strads_client_missed,
    .post = strads_client_post,
    .take_mail = strads_client_take_mail,
};

/* Rank 0: opens the listener and writes the invitation. */
static int
invite(const struct strads_host *hosts, int size, struct invitation *invitation, int *listener)
{
	uint32_t address = strads_host_meeting_address(hosts, size);
	struct invitation result = {.address = address};
	char text[INET_ADDRSTRLEN];
	int status;

	if (!address)
		return strads_fail(STRADS_ERR_IO,
				   "%s has no IPv4 address that the other hosts reach",
				   hosts[0].name);
	status = strads_cookie_draw(result.secret, sizeof result.secret);
	if (!status)
		status = strads_socket_listen(inet_ntop(AF_INET, &address, text, sizeof text),
					      &result.port, listener);
	if (!status) {
		snprintf(result.host, sizeof result.host, "%s", hosts[0].name);
		*invitation = result;
	}
	return status;
}

/* Collective over MPI. invitation->address stays 0 where there is none. */
static int
exchange(int rank, int size, struct strads_host *host, struct invitation *invitation, int *listener)
{
	struct strads_host *hosts = rank ? NULL : calloc((size_t)size, sizeof *hosts);
	int status = strads_host_describe(host);
	int ready = !status && (rank || hosts), all_ready = 0;

	if (!status && !ready)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for the hosts of %d ranks", size);
	MPI_Allreduce(&ready, &all_ready, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
	if (all_ready) {
		MPI_Gather(host, sizeof *host, MPI_BYTE, hosts, sizeof *host, MPI_BYTE, 0,
			   MPI_COMM_WORLD);
		if (!rank)
			status = invite(hosts, size, invitation, listener);
		MPI_Bcast(invitation, sizeof *invitation, MPI_BYTE, 0, MPI_COMM_WORLD);
	}
	free(hosts);
	return status;
}

int
strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	struct strads_job job = {.ops = &ops, .timeout_ms = options->timeout_ms, .fd = -1};
	struct invitation invitation = {0};
	struct strads_rendezvous rendezvous = {.codes_to_hub = true};
	char hub_name[96];
	struct strads_host host;
	int listener = -1;
	int status;

	if (strads_launcher_misfit(0))
		return strads_launcher_complain(0);
	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &job.size);
	if (strads_launcher_misfit(job.size)) {
		MPI_Finalize();
		return strads_launcher_complain(job.size);
	}
	status = exchange(job.rank, job.size, &host, &invitation, &listener);
	MPI_Finalize();
	if (status)
		fprintf(stderr, "strads: rank %d cannot start: %s\n", job.rank, strads_error());
	if (status || !invitation.address)
		return status ? 1 : 0;
	snprintf(hub_name, sizeof hub_name, "rank 0 (on %.63s)", invitation.host);
	inet_ntop(AF_INET, &invitation.address, rendezvous.host, sizeof rendezvous.host);
	rendezvous.port = invitation.port;
	rendezvous.secret.length = sizeof invitation.secret;
	memcpy(rendezvous.secret.bytes, invitation.secret, sizeof invitation.secret);
	rendezvous.hub_name = hub_name;
	rendezvous.own_host = host.name;
	if (job.rank == 0)
		return strads_rendezvous_run_first(&job, &rendezvous, listener, rank_main, arg);
	return strads_rendezvous_run_other(&job, &rendezvous, rank_main, arg);
}
