#include "shm.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
strads_shm_watch_open(struct strads_shm *shm)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)shm->rank};

	shm->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	shm->watch = epoll_create1(EPOLL_CLOEXEC);
	if (shm->doorbell < 0 || shm->watch < 0 ||
	    epoll_ctl(shm->watch, EPOLL_CTL_ADD, shm->doorbell, &event))
		return strads_fail(STRADS_ERR_FABRIC, "shm: cannot open a doorbell: %s",
				   strerror(errno));
	return STRADS_OK;
}

int
strads_shm_watch_peers(struct strads_shm *shm)
{
	for (int rank = 0; rank < shm->size; rank++) {
		struct epoll_event event = {.events = EPOLLRDHUP, .data.u32 = (uint32_t)rank};

		if (shm->peers[rank].control &&
		    epoll_ctl(shm->watch, EPOLL_CTL_ADD, shm->peers[rank].socket, &event))
			return strads_fail(STRADS_ERR_FABRIC, "shm: cannot watch rank %d: %s", rank,
					   strerror(errno));
	}
	return STRADS_OK;
}

/* Whether a peer that hung up had said goodbye. */
static bool
said_goodbye(int socket)
{
	struct strads_shm_message message;
	int none;

	/* Unread messages are dropped; an error of the socket is told once, before them. */
	for (int tries = 0; tries < 4; tries++) {
		if (strads_shm_receive(socket, STRADS_SHM_GOODBYE, &message, &none, 0) == STRADS_OK)
			return true;
	}
	return false;
}

static void
hung_up(struct strads_shm *shm, int rank)
{
	struct strads_shm_peer *peer = &shm->peers[rank];

	peer->gone = true;
	peer->left = said_goodbye(peer->socket);
	if (!peer->left && shm->lost < 0)
		shm->lost = rank;
	close(peer->socket); /* and so leaves the epoll */
	peer->socket = -1;
}

/* Takes back the rings so far: the bell is heard again at the next. Not once the owner is about to
 * sleep, for who has rung since has cleared its flag, and nobody rings a second time. */
static void
silence(int doorbell)
{
	uint64_t rings;

	while (read(doorbell, &rings, sizeof rings) < 0 && errno == EINTR)
		;
}

void
strads_shm_watch_look(struct strads_shm *shm)
{
	struct epoll_event events[16];
	int n;

	do {
		n = epoll_wait(shm->watch, events, 16, 0);
		for (int i = 0; i < n; i++) {
			int rank = (int)events[i].data.u32;

			if (rank != shm->rank)
				hung_up(shm, rank);
			else if (!shm->drowsy)
				silence(shm->doorbell);
		}
	} while (n == 16);
}
