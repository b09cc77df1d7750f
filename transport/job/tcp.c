#include "job/tcp.h"

#include "job/clock.h"
#include "strads/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG          4096
#define KEEPALIVE_PROBES 3

static const char *
print_address(uint32_t address, char *text)
{
	struct in_addr in = {address};

	return inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

int
strads_tcp_listen(uint32_t address, uint16_t *port, int *out)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {address}};
	socklen_t length = sizeof at;
	char text[INET_ADDRSTRLEN];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&at, &length)) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return strads_fail(STRADS_ERR_IO, "cannot listen at %s: %s",
				   print_address(address, text), strerror(error));
	}
	*port = ntohs(at.sin_port);
	*out = fd;
	return STRADS_OK;
}

/* Waits for a connection under way; 0 or the error it ended with. */
static int
finish_connect(int fd, uint64_t timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	uint64_t deadline_ms = strads_clock_ms() + timeout_ms;
	socklen_t length = sizeof(int);
	int error = 0, n;

	do
		n = poll(&pollfd, 1, strads_clock_left_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? errno : error;
}

int
strads_tcp_connect(uint32_t address, uint16_t port, uint64_t timeout_ms, int *out)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {address}};
	char text[INET_ADDRSTRLEN];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd < 0 ? errno : 0;

	if (!error && connect(fd, (struct sockaddr *)&to, sizeof to))
		error = errno == EINPROGRESS ? finish_connect(fd, timeout_ms) : errno;
	if (error) {
		if (fd >= 0)
			close(fd);
		return strads_fail(error == ETIMEDOUT ? STRADS_ERR_TIMEOUT : STRADS_ERR_IO,
				   "cannot connect to %s port %u: %s; is a firewall in between?",
				   print_address(address, text), port, strerror(error));
	}
	strads_tcp_tend(fd, timeout_ms);
	*out = fd;
	return STRADS_OK;
}

void
strads_tcp_tend(int fd, uint64_t timeout_ms)
{
	/* idle + probes · interval = the timeout: half of it idle, half probing. */
	int idle_s = timeout_ms < 4000 ? 2 : (int)(timeout_ms / 2000);
	int interval_s = idle_s < KEEPALIVE_PROBES ? 1 : idle_s / KEEPALIVE_PROBES;
	unsigned int unacknowledged_ms = (unsigned int)idle_s * 2000;
	int probes = KEEPALIVE_PROBES, on = 1;

	/* Where one of these is refused a lost host is noticed later, by a deadline. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
