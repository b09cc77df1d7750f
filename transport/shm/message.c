#include "shm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC 0x73647273u

/* Room for the descriptors, aligned as a control message. */
union ancillary {
	struct cmsghdr header;
	char space[CMSG_SPACE(STRADS_SHM_FDS_MAX * sizeof(int))];
};

int
strads_shm_send(int socket, const struct strads_shm_message *message, const int *fds, int n)
{
	struct strads_shm_message copy = *message;
	struct iovec part = {.iov_base = &copy, .iov_len = sizeof copy};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	union ancillary ancillary = {.space = {0}};

	copy.magic = MAGIC;
	if (n > 0) {
		struct cmsghdr *control = &ancillary.header;

		header.msg_control = &ancillary;
		header.msg_controllen = CMSG_SPACE((size_t)n * sizeof *fds);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN((size_t)n * sizeof *fds);
		memcpy(CMSG_DATA(control), fds, (size_t)n * sizeof *fds);
	}
	if (sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return STRADS_OK;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS)
		return STRADS_AGAIN;
	return strads_fail(STRADS_ERR_PEER, "cannot send over shared memory's socket: %s",
			   strerror(errno));
}

/* Takes the descriptors out of a message that came in; returns how many. */
static int
take_fds(struct msghdr *header, int *fds)
{
	int n = 0;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
	     control = CMSG_NXTHDR(header, control)) {
		size_t bytes = control->cmsg_len - CMSG_LEN(0);

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int) && n < STRADS_SHM_FDS_MAX; i++, n++)
			memcpy(&fds[n], CMSG_DATA(control) + i * sizeof(int), sizeof(int));
	}
	return n;
}

int
strads_shm_receive(int socket, enum strads_shm_kind kind, struct strads_shm_message *message,
		   int *fds, int n)
{
	struct strads_shm_message in = {.kind = 0};
	struct iovec part = {.iov_base = &in, .iov_len = sizeof in};
	union ancillary ancillary = {.space = {0}};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &ancillary,
				.msg_controllen = sizeof ancillary};
	int taken[STRADS_SHM_FDS_MAX];
	ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int n_taken;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return STRADS_AGAIN;
	if (got <= 0)
		return strads_fail(STRADS_ERR_PEER, "shared memory's socket hung up%s%s",
				   got < 0 ? ": " : "", got < 0 ? strerror(errno) : "");
	n_taken = take_fds(&header, taken);
	if (got == sizeof in && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    in.magic == MAGIC && in.kind == (uint32_t)kind && n_taken == n) {
		memcpy(fds, taken, (size_t)n * sizeof *fds);
		*message = in;
		return STRADS_OK;
	}
	for (int i = 0; i < n_taken; i++)
		close(taken[i]);
	if (got == sizeof in && in.magic == MAGIC && in.kind == STRADS_SHM_GOODBYE)
		return strads_fail(STRADS_ERR_PEER, "the peer has closed its fabric");
	if (header.msg_flags & MSG_CTRUNC)
		return strads_fail(STRADS_ERR_MEMORY, "too many open descriptors to receive one "
						      "more; raise the limit with `ulimit -n`");
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "an unexpected message came over shared memory's socket");
}
