#include "job/socket.h"

#include "job/clock.h"
#include "strads/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG          4096
#define KEEPALIVE_PROBES 3

static int
look_up(const char *host, uint16_t port, int flags, struct addrinfo **list)
{
	const struct addrinfo hints = {
	    .ai_flags = flags | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	char service[8];

	snprintf(service, sizeof service, "%u", port);
	return getaddrinfo(host, service, &hints, list);
}

bool
strads_socket_is_address(const char *host)
{
	struct addrinfo *list;

	if (look_up(host, 0, AI_NUMERICHOST, &list))
		return false;
	freeaddrinfo(list);
	return true;
}

static int
open_socket(const struct addrinfo *at)
{
	return socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* ---- Listening ----------------------------------------------------------------------------- */

static uint16_t
bound_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = {0};
	socklen_t length = sizeof at;

	if (getsockname(fd, &at.any, &length))
		return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* Returns a listener or −1 with errno. */
static int
listen_at(const struct addrinfo *at)
{
	int fd = open_socket(at), on = 1, off = 0;

	if (fd < 0)
		return -1;
	/* Connections of a job that has just ended may linger on the port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (!bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
strads_socket_listen(const char *host, uint16_t *port, int *out)
{
	/* The first takes IPv4 too; the second is for hosts without IPv6. */
	const char *const everywhere[] = {"::", "0.0.0.0"};
	int fd = -1, error = EAFNOSUPPORT;

	for (int i = 0; fd < 0 && i < (host ? 1 : 2); i++) {
		const char *name = host ? host : everywhere[i];
		struct addrinfo *list;
		int unknown = look_up(name, *port, AI_PASSIVE, &list);
		if (unknown)
			return strads_fail(STRADS_ERR_IO, "cannot look up %s: %s", name,
					   gai_strerror(unknown));
		fd = listen_at(list);
		error = errno;
		freeaddrinfo(list);
	}
	if (fd < 0)
		return strads_fail(error == EADDRNOTAVAIL ? STRADS_ERR_ARGUMENT : STRADS_ERR_IO,
				   "cannot listen at %s port %u: %s%s", host ? host : "any address",
				   *port, strerror(error),
				   error == EADDRINUSE ? "; choose another port" : "");
	*port = bound_port(fd);
	*out = fd;
	return STRADS_OK;
}

/* ---- Connecting ---------------------------------------------------------------------------- */

/* Waits until the socket is ready; 0 or an error. */
static int
await(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&pollfd, 1, strads_clock_left_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : ETIMEDOUT;
}

/* Whether a socket is connected with itself, as the kernel does with one to a port of this host
 * that nobody listens at and that it happens to give to the socket as its own. */
static bool
meets_itself(int fd)
{
	struct sockaddr_storage own = {.ss_family = AF_UNSPEC}, peer = own;
	socklen_t own_length = sizeof own, peer_length = sizeof peer;

	return !getsockname(fd, (struct sockaddr *)&own, &own_length) &&
	       !getpeername(fd, (struct sockaddr *)&peer, &peer_length) &&
	       own_length == peer_length && memcmp(&own, &peer, own_length) == 0;
}

/* Connects to one address: 0 or an error. */
static int
connect_to(const struct addrinfo *at, uint64_t deadline_ms, int *out)
{
	socklen_t length = sizeof(int);
	int fd = open_socket(at);
	int error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, at->ai_addr, at->ai_addrlen))
		error = errno;
	if (error == EINPROGRESS)
		error = await(fd, POLLOUT, deadline_ms);
	if (!error && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	if (!error && meets_itself(fd))
		error = ECONNREFUSED;
	if (error)
		close(fd);
	else
		*out = fd;
	return error;
}

int
strads_socket_connect(const char *host, uint16_t port, uint64_t timeout_ms, int *out)
{
	uint64_t deadline_ms = strads_clock_ms() + timeout_ms;
	struct addrinfo *list;
	int error = look_up(host, port, 0, &list), fd = -1;

	if (error)
		return strads_fail(STRADS_ERR_IO, "cannot look up %s: %s", host,
				   gai_strerror(error));
	for (const struct addrinfo *at = list; at; at = at->ai_next) {
		error = connect_to(at, deadline_ms, &fd);
		if (!error)
			break;
	}
	freeaddrinfo(list);
	if (error)
		return strads_fail(error == ETIMEDOUT ? STRADS_ERR_TIMEOUT : STRADS_ERR_IO,
				   "cannot connect to %s port %u: %s", host, port, strerror(error));
	strads_socket_tend(fd, timeout_ms);
	*out = fd;
	return STRADS_OK;
}

void
strads_socket_tend(int fd, uint64_t timeout_ms)
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

/* ---- Connected ----------------------------------------------------------------------------- */

/* What is to be done after send or recv has returned n ≤ 0. */
static int
after_failure(int fd, ssize_t n, short events, uint64_t deadline_ms)
{
	if (n < 0 && errno == EINTR)
		return STRADS_OK;
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		return strads_fail(STRADS_ERR_PEER, "the connection was closed");
	if (await(fd, events, deadline_ms))
		return strads_fail(STRADS_ERR_TIMEOUT, "nothing came over the connection");
	return STRADS_OK;
}

int
strads_socket_send(int fd, const void *bytes, size_t n, uint64_t deadline_ms)
{
	int status = STRADS_OK;

	for (size_t done = 0; done < n && !status;) {
		ssize_t sent = send(fd, (const uint8_t *)bytes + done, n - done, MSG_NOSIGNAL);
		if (sent > 0)
			done += (size_t)sent;
		else
			status = after_failure(fd, sent, POLLOUT, deadline_ms);
	}
	return status;
}

int
strads_socket_receive(int fd, void *bytes, size_t n, uint64_t deadline_ms)
{
	int status = STRADS_OK;

	for (size_t done = 0; done < n && !status;) {
		ssize_t got = recv(fd, (uint8_t *)bytes + done, n - done, MSG_DONTWAIT);
		if (got > 0)
			done += (size_t)got;
		else
			status = after_failure(fd, got, POLLIN, deadline_ms);
	}
	return status;
}

static void
write_address(const struct sockaddr_storage *at, socklen_t length, char text[STRADS_SOCKET_HOST])
{
	if (getnameinfo((const struct sockaddr *)at, length, text, STRADS_SOCKET_HOST, NULL, 0,
			NI_NUMERICHOST))
		snprintf(text, STRADS_SOCKET_HOST, "an unknown address");
	/* An IPv4 address as a socket for both sees it. */
	if (!strncmp(text, "::ffff:", 7))
		memmove(text, text + 7, strlen(text + 7) + 1);
}

void
strads_socket_peer(int fd, char text[STRADS_SOCKET_HOST])
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof at;

	(void)getpeername(fd, (struct sockaddr *)&at, &length);
	write_address(&at, length, text);
}

void
strads_socket_own(int fd, char text[STRADS_SOCKET_HOST])
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof at;

	(void)getsockname(fd, (struct sockaddr *)&at, &length);
	write_address(&at, length, text);
}
