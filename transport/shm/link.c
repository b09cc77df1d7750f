#include "shm.h"

#include "job/job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* So many silent dialers of this user keep no neighbour out; those of other users are hung up on.
 */
#define STRANGERS_SPARE 64

/* One rank's connecting: rounds of steps that never block, each ended by a collective that tells
 * whether anyone needs another. */
struct dialling {
	struct strads_shm *shm;
	const struct strads_address *all;
	int *strangers; /* [size + spare] accepted, greeting not read yet */
	int n_strangers;
	struct strads_shm_fault fault;
};

/* ---- What a rank opens for itself ---- */

/* A random abstract name: it goes with the process, and nobody can take it first. */
static socklen_t
socket_name(const uint8_t name[16], struct sockaddr_un *at)
{
	size_t used = 0;

	memset(at, 0, sizeof *at);
	at->sun_family = AF_UNIX;
	used += (size_t)snprintf(at->sun_path + 1, sizeof at->sun_path - 1, "strads-");
	for (int i = 0; i < 16; i++)
		used += (size_t)snprintf(at->sun_path + 1 + used, sizeof at->sun_path - 1 - used,
					 "%02x", name[i]);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + used);
}

static int
open_listener(struct strads_shm *shm)
{
	struct sockaddr_un at;
	socklen_t length = socket_name(shm->name, &at);

	shm->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (shm->listener < 0 || bind(shm->listener, (struct sockaddr *)&at, length) ||
	    listen(shm->listener, SOMAXCONN))
		return strads_fail(STRADS_ERR_FABRIC, "shm: cannot listen on a unix socket: %s",
				   strerror(errno));
	return STRADS_OK;
}

static struct strads_shm_control *
map_control(int fd)
{
	struct strads_shm_control *control;
	struct stat known;

	if (fstat(fd, &known) || known.st_size < (off_t)sizeof *control)
		return NULL;
	control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return control == MAP_FAILED ? NULL : control;
}

static int
open_control(struct strads_shm *shm)
{
	shm->control_fd = memfd_create("strads-control", MFD_CLOEXEC);
	if (shm->control_fd < 0 || ftruncate(shm->control_fd, sizeof *shm->control))
		return strads_fail(STRADS_ERR_FABRIC, "shm: cannot open memory to share: %s",
				   strerror(errno));
	shm->control = map_control(shm->control_fd);
	if (!shm->control)
		return strads_fail(STRADS_ERR_MEMORY, "shm: cannot map memory to share: %s",
				   strerror(errno));
	memcpy(shm->control->proof, shm->proof, sizeof shm->proof);
	return STRADS_OK;
}

int
strads_shm_links_open(struct strads_shm *shm)
{
	int status = STRADS_OK;

	if (getrandom(shm->name, sizeof shm->name, 0) != sizeof shm->name ||
	    getrandom(shm->proof, sizeof shm->proof, 0) != sizeof shm->proof)
		status =
		    strads_fail(STRADS_ERR_FABRIC, "shm: no random numbers: %s", strerror(errno));
	if (!status)
		status = open_control(shm);
	if (!status)
		status = strads_shm_watch_open(shm);
	if (!status)
		status = open_listener(shm);
	if (status)
		strads_shm_links_close(shm);
	return status;
}

/* ---- One link ---- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Gives a link up: the peer is not reached this way. */
static void
drop(struct strads_shm_peer *peer)
{
	if (peer->control)
		munmap(peer->control, sizeof *peer->control);
	peer->control = NULL;
	close_fd(&peer->doorbell);
	close_fd(&peer->socket);
}

static bool
finished(const struct strads_shm_peer *peer)
{
	return peer->socket < 0 || (peer->greeted && peer->control);
}

static void
greet(struct dialling *dialling, struct strads_shm_peer *peer)
{
	struct strads_shm *shm = dialling->shm;
	struct strads_shm_message greeting = {
	    .kind = STRADS_SHM_GREETING, .rank = shm->rank, .cookie = shm->cookie};
	int fds[2] = {shm->control_fd, shm->doorbell};
	int status = strads_shm_send(peer->socket, &greeting, fds, 2);

	if (status < 0)
		drop(peer);
	peer->greeted = status == STRADS_OK;
}

/* Takes a greeting that came in: maps the page and looks for the proof. */
static void
meet(struct dialling *dialling, int rank, int *fds)
{
	struct strads_shm_peer *peer = &dialling->shm->peers[rank];
	struct strads_shm_address address;

	memcpy(&address, dialling->all[rank].data, sizeof address);
	peer->control = map_control(fds[0]);
	peer->doorbell = fds[1];
	close(fds[0]);
	if (!peer->control ||
	    memcmp(peer->control->proof, address.proof, sizeof address.proof) != 0)
		drop(peer);
}

/* Reads the greeting of a peer that this rank dialled. */
static void
hear(struct dialling *dialling, int rank)
{
	struct strads_shm *shm = dialling->shm;
	struct strads_shm_message greeting;
	int fds[2];
	int status =
	    strads_shm_receive(shm->peers[rank].socket, STRADS_SHM_GREETING, &greeting, fds, 2);

	if (status == STRADS_AGAIN)
		return;
	if (status == STRADS_ERR_MEMORY)
		strads_shm_fault_keep(&dialling->fault, status);
	if (status < 0) {
		drop(&shm->peers[rank]);
		return;
	}
	meet(dialling, rank, fds);
	if (greeting.cookie != shm->cookie || greeting.rank != rank)
		drop(&shm->peers[rank]);
}

/* ---- Who is there ---- */

static bool
neighbour(const struct strads_shm *shm, int rank)
{
	return rank != shm->rank &&
	       (shm->group == 0 || rank / shm->group == shm->rank / shm->group);
}

static bool
same_user(int socket)
{
	struct ucred who;
	socklen_t length = sizeof who;

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
	       who.uid == geteuid();
}

static void
out_of_descriptors(struct dialling *dialling)
{
	strads_shm_fault_keep(
	    &dialling->fault,
	    strads_fail(STRADS_ERR_MEMORY,
			"shm: too many open descriptors for %d ranks: each needs two; raise the "
			"limit with `ulimit -n`",
			dialling->shm->size));
}

/* Dials a lower rank. Returns whether that needs another try. */
static bool
dial(struct dialling *dialling, int rank)
{
	struct strads_shm_peer *peer = &dialling->shm->peers[rank];
	struct strads_shm_address address;
	struct sockaddr_un at;
	socklen_t length;
	bool busy = false;

	memcpy(&address, dialling->all[rank].data, sizeof address);
	length = socket_name(address.name, &at);
	peer->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->socket < 0) {
		out_of_descriptors(dialling);
		return false;
	}
	if (connect(peer->socket, (struct sockaddr *)&at, length))
		busy = errno == EAGAIN || errno == EINTR;
	else if (same_user(peer->socket))
		return false;
	drop(peer);
	return busy;
}

static void
accept_strangers(struct dialling *dialling)
{
	struct strads_shm *shm = dialling->shm;

	for (;;) {
		int socket = accept4(shm->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket < 0 && errno == EINTR)
			continue;
		if (socket < 0) {
			if (errno == EMFILE || errno == ENFILE)
				out_of_descriptors(dialling);
			return;
		}
		if (dialling->n_strangers < shm->size + STRANGERS_SPARE && same_user(socket))
			dialling->strangers[dialling->n_strangers++] = socket;
		else
			close(socket);
	}
}

/* Reads the greeting of one who dialled. Returns whether it is still to come. */
static bool
identify(struct dialling *dialling, int socket)
{
	struct strads_shm *shm = dialling->shm;
	struct strads_shm_message greeting;
	struct strads_shm_peer *peer;
	int fds[2];
	int status = strads_shm_receive(socket, STRADS_SHM_GREETING, &greeting, fds, 2);

	if (status == STRADS_AGAIN)
		return true;
	if (status == STRADS_ERR_MEMORY)
		strads_shm_fault_keep(&dialling->fault, status);
	if (status < 0) {
		close(socket);
		return false;
	}
	if (greeting.cookie != shm->cookie || greeting.rank <= shm->rank ||
	    greeting.rank >= shm->size || !neighbour(shm, greeting.rank) ||
	    shm->peers[greeting.rank].socket >= 0) {
		close(fds[0]);
		close(fds[1]);
		close(socket);
		return false;
	}
	peer = &shm->peers[greeting.rank];
	peer->socket = socket;
	meet(dialling, greeting.rank, fds);
	return false;
}

static void
identify_strangers(struct dialling *dialling)
{
	int kept = 0;

	for (int i = 0; i < dialling->n_strangers; i++) {
		if (identify(dialling, dialling->strangers[i]))
			dialling->strangers[kept++] = dialling->strangers[i];
	}
	dialling->n_strangers = kept;
}

/* ---- The rounds ---- */

/* Everything that can be done without waiting. Returns what is left for another round. */
static uint32_t
step(struct dialling *dialling, bool *to_dial)
{
	struct strads_shm *shm = dialling->shm;
	uint32_t left = 0;

	for (int rank = 0; rank < shm->rank; rank++) {
		if (to_dial[rank])
			to_dial[rank] = dial(dialling, rank);
		left += to_dial[rank];
	}
	accept_strangers(dialling);
	identify_strangers(dialling);
	for (int rank = 0; rank < shm->size; rank++) {
		struct strads_shm_peer *peer = &shm->peers[rank];

		if (peer->socket >= 0 && !peer->greeted)
			greet(dialling, peer);
		if (peer->socket >= 0 && !peer->control)
			hear(dialling, rank);
		left += !finished(peer);
	}
	return left;
}

/* Dials and answers until no rank of the job has anyone left. Collective: it begins with agreement,
 * as does every round, so that none goes on while another cannot. */
static int
rounds(struct dialling *dialling, bool *to_dial)
{
	struct strads_shm *shm = dialling->shm;
	struct strads_job *job = strads_fabric_job(shm->fabric);
	uint64_t deadline = strads_monotone_ns() + strads_fabric_timeout_ms(shm->fabric) * 1000000u;
	bool again = true;

	while (again) {
		uint32_t mine = step(dialling, to_dial);
		const uint32_t *left;
		int status = STRADS_OK;
		void *all;

		if (mine > 0 && strads_monotone_ns() > deadline)
			status = strads_fail(STRADS_ERR_TIMEOUT,
					     "shm: %u ranks of this host have not answered in time",
					     mine);
		status = strads_job_gather(job, status, &mine, sizeof mine, &all);
		if (status)
			return status;
		left = all;
		again = false;
		for (int rank = 0; rank < shm->size; rank++)
			again = again || left[rank] > 0;
		free(all);
	}
	return STRADS_OK;
}

/* A link counts if both of its ends say so. Collective. */
static int
confirm(struct strads_shm *shm)
{
	size_t bytes = ((size_t)shm->size + 7) / 8;
	uint8_t *mine = calloc(bytes, 1);
	const uint8_t *theirs;
	void *all;
	int status = STRADS_OK;

	if (!mine)
		status = strads_fail(STRADS_ERR_MEMORY, "shm: no memory for %d ranks", shm->size);
	for (int rank = 0; mine && rank < shm->size; rank++) {
		if (shm->peers[rank].control)
			mine[rank / 8] |= (uint8_t)(1u << rank % 8);
	}
	status = strads_job_gather(strads_fabric_job(shm->fabric), status, mine, bytes, &all);
	free(mine);
	if (status)
		return status;
	theirs = all;
	for (int rank = 0; rank < shm->size; rank++, theirs += bytes) {
		if (!(theirs[shm->rank / 8] >> shm->rank % 8 & 1))
			drop(&shm->peers[rank]);
	}
	free(all);
	return STRADS_OK;
}

static bool *
whom_to_dial(const struct strads_shm *shm, const struct strads_address *all)
{
	bool *to_dial = calloc((size_t)shm->size, sizeof *to_dial);

	for (int rank = 0; to_dial && rank < shm->rank; rank++) {
		struct strads_shm_address address;

		memcpy(&address, all[rank].data, sizeof address);
		to_dial[rank] = neighbour(shm, rank) && all[rank].bytes == sizeof address &&
				address.version == STRADS_SHM_VERSION;
	}
	return to_dial;
}

int
strads_shm_links_connect(struct strads_shm *shm, const struct strads_address *all)
{
	struct dialling dialling = {.shm = shm, .all = all};
	bool *to_dial = whom_to_dial(shm, all);
	int status;

	dialling.strangers =
	    malloc(((size_t)shm->size + STRANGERS_SPARE) * sizeof *dialling.strangers);
	if (to_dial && dialling.strangers)
		status = rounds(&dialling, to_dial);
	else
		status = strads_job_agree(
		    strads_fabric_job(shm->fabric),
		    strads_fail(STRADS_ERR_MEMORY, "shm: no memory for %d ranks", shm->size));
	for (int i = 0; i < dialling.n_strangers; i++)
		close(dialling.strangers[i]);
	if (!status)
		status = confirm(shm);
	if (!status)
		status = strads_shm_fault_tell(&dialling.fault);
	if (!status)
		status = strads_shm_watch_peers(shm);
	close_fd(&shm->listener);
	free(dialling.strangers);
	free(to_dial);
	return status;
}

void
strads_shm_links_close(struct strads_shm *shm)
{
	struct strads_shm_message goodbye = {.kind = STRADS_SHM_GOODBYE, .rank = shm->rank};

	for (int rank = 0; rank < shm->size; rank++) {
		if (shm->peers[rank].socket >= 0)
			(void)strads_shm_send(shm->peers[rank].socket, &goodbye, NULL, 0);
		drop(&shm->peers[rank]);
	}
	close_fd(&shm->listener);
	close_fd(&shm->watch);
	close_fd(&shm->doorbell);
	if (shm->control)
		munmap(shm->control, sizeof *shm->control);
	shm->control = NULL;
	close_fd(&shm->control_fd);
}
