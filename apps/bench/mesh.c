#include "mesh.h"

#include <stdlib.h>

#define LINE 64

/* Looks at what is awaited between two calls of strads_fabric_wait. */
#define LOOKS 64

int
strads_mesh_open(struct strads_mesh *mesh, struct strads_fabric *fabric)
{
	struct strads_job *job = strads_fabric_job(fabric);
	size_t size = (size_t)strads_job_size(job);

	*mesh = (struct strads_mesh){
	    .fabric = fabric, .rank = strads_job_rank(job), .size = strads_job_size(job)};
	mesh->sent = calloc(2 * size, sizeof *mesh->sent);
	if (!mesh->sent)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the words of %zu ranks", size);
	mesh->seen = mesh->sent + size;
	return strads_region_new(fabric, STRADS_REMOTE_WRITE, size * LINE, &mesh->words);
}

void
strads_mesh_close(struct strads_mesh *mesh)
{
	strads_region_delete(&mesh->words);
	free(mesh->sent);
	mesh->sent = mesh->seen = NULL;
}

/* After LOOKS looks in vain. */
static int
give_way(struct strads_fabric *fabric, uint64_t *deadline_ns)
{
	if (*deadline_ns == 0)
		*deadline_ns =
		    strads_fabric_clock_ns(fabric) + strads_fabric_timeout_ms(fabric) * 1000000;
	else if (strads_fabric_clock_ns(fabric) >= *deadline_ns)
		return strads_fail(STRADS_ERR_TIMEOUT,
				   "nothing came from a peer for %llu ms; --timeout raises the "
				   "deadline",
				   (unsigned long long)strads_fabric_timeout_ms(fabric));
	strads_fabric_wait(fabric, *deadline_ns);
	return STRADS_OK;
}

int
strads_mesh_complete(struct strads_fabric *fabric, const struct strads_counter *counter,
		     uint64_t done)
{
	uint64_t deadline_ns = 0;
	int status = STRADS_OK;

	while (!status) {
		for (int look = 0; look < LOOKS && !status; look++) {
			if (counter->done >= done) {
				if (deadline_ns)
					strads_fabric_awake(fabric);
				return counter->status;
			}
			status = strads_fabric_progress(fabric);
		}
		if (!status)
			status = give_way(fabric, &deadline_ns);
	}
	return status;
}

int
strads_mesh_tell(struct strads_mesh *mesh, int peer)
{
	uint64_t deadline_ns = 0;
	int status;

	mesh->sent[peer]++;
	while (
	    (status = strads_put_signal(mesh->fabric, peer, mesh->words, (size_t)mesh->rank * LINE,
					NULL, 0, mesh->sent[peer], NULL)) == STRADS_AGAIN) {
		status = strads_fabric_progress(mesh->fabric);
		if (!status)
			status = give_way(mesh->fabric, &deadline_ns);
		if (status)
			return status;
	}
	if (deadline_ns)
		strads_fabric_awake(mesh->fabric);
	return status;
}

bool
strads_mesh_told(const struct strads_mesh *mesh, int peer)
{
	return strads_signal_load(mesh->words, (size_t)peer * LINE) > mesh->seen[peer];
}

int
strads_mesh_hear(struct strads_mesh *mesh, int peer)
{
	return strads_signal_wait(mesh->fabric, mesh->words, (size_t)peer * LINE,
				  ++mesh->seen[peer]);
}

/* Through rank 0. */
int
strads_mesh_flush(struct strads_mesh *mesh)
{
	uint64_t deadline_ns = 0;
	int status;

	while ((status = strads_flush(mesh->fabric, -1)) == STRADS_AGAIN) {
		status = strads_fabric_progress(mesh->fabric);
		if (!status)
			status = give_way(mesh->fabric, &deadline_ns);
		if (status)
			break;
	}
	strads_fabric_awake(mesh->fabric);
	return status;
}

int
strads_mesh_meet(struct strads_mesh *mesh)
{
	int status = strads_mesh_flush(mesh);

	if (!status && mesh->rank != 0) {
		status = strads_mesh_tell(mesh, 0);
		return status ? status : strads_mesh_hear(mesh, 0);
	}
	for (int peer = 1; peer < mesh->size && !status; peer++)
		status = strads_mesh_hear(mesh, peer);
	for (int peer = 1; peer < mesh->size && !status; peer++)
		status = strads_mesh_tell(mesh, peer);
	return status;
}
