/*
 * Two processes on a stream socket with TCP_NODELAY that both poll without sleeping: a message and
 * its answer, or a stream and the answer to its end.
 */
#include "raw.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp {
	struct strads_bench *bench;
	int fd; /* −1: this rank takes no part */
	uint8_t *buffer;
};

/* Where rank 0 listens. */
struct card {
	struct sockaddr_in address;
};

#define ANSWER sizeof(uint64_t)

static int
failed(const char *what)
{
	return strads_fail(STRADS_ERR_IO, "the bare socket cannot %s: %s", what, strerror(errno));
}

/* The address other hosts know this one by; on one host the loopback. */
static int
own_address(bool one_host, struct sockaddr_in *address)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char name[64] = "";

	*address =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (one_host)
		return STRADS_OK;
	gethostname(name, sizeof name - 1);
	if (getaddrinfo(name, NULL, &hints, &found))
		return strads_fail(STRADS_ERR_IO, "%s has no address of its own", name);
	memcpy(address, found->ai_addr, sizeof *address);
	freeaddrinfo(found);
	return STRADS_OK;
}

static int
listen_here(bool one_host, int *fd, struct sockaddr_in *address)
{
	socklen_t bytes = sizeof *address;
	int status = own_address(one_host, address);

	if (status)
		return status;
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (const struct sockaddr *)address, sizeof *address) ||
	    listen(*fd, 1) || getsockname(*fd, (struct sockaddr *)address, &bytes))
		return failed("listen");
	return STRADS_OK;
}

static int
accept_peer(struct tcp *tcp, int listener)
{
	int patience_ms = (int)strads_fabric_timeout_ms(tcp->bench->fabric);
	struct pollfd ready = {.fd = listener, .events = POLLIN};

	if (poll(&ready, 1, patience_ms) != 1)
		return strads_fail(STRADS_ERR_TIMEOUT, "rank 1 did not connect the bare socket");
	tcp->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return tcp->fd < 0 ? failed("accept") : STRADS_OK;
}

static int
connect_peer(struct tcp *tcp, const struct sockaddr_in *address)
{
	tcp->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0 || connect(tcp->fd, (const struct sockaddr *)address, sizeof *address))
		return failed("connect");
	return STRADS_OK;
}

static int
join(struct tcp *tcp)
{
	struct strads_job *job = strads_fabric_job(tcp->bench->fabric);
	int rank = tcp->bench->team.rank, listener = -1, on = 1, status;
	struct card mine = {.address.sin_family = AF_UNSPEC}, *all = NULL;
	bool one_host = true;
	void *cards;

	status = strads_raw_one_host(tcp->bench, &one_host);
	if (status)
		return status;
	if (rank == 0)
		status = listen_here(one_host, &listener, &mine.address);
	status = strads_job_gather(job, status, &mine, sizeof mine, &cards);
	if (!status) {
		all = cards;
		if (rank == 1)
			status = connect_peer(tcp, &all[0].address);
		else if (rank == 0)
			status = accept_peer(tcp, listener);
		if (!status && rank < 2 &&
		    setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
			status = failed("send without delay");
		status = strads_job_agree(job, status);
	}
	free(all);
	if (listener >= 0)
		close(listener);
	return status;
}

static void
tcp_close(void *context)
{
	struct tcp *tcp = context;

	if (tcp->fd >= 0)
		close(tcp->fd);
	free(tcp->buffer);
	free(tcp);
}

static int
tcp_open(struct strads_bench *bench, void **context)
{
	struct tcp *tcp = calloc(1, sizeof *tcp);
	int status = STRADS_OK;

	if (tcp) {
		*tcp = (struct tcp){.bench = bench, .fd = -1};
		tcp->buffer = calloc(1, bench->bytes_max + ANSWER);
	}
	if (!tcp || !tcp->buffer)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the bare socket");
	status = strads_job_agree(strads_fabric_job(bench->fabric), status);
	if (!status && tcp)
		status = join(tcp);
	if (!status)
		*context = tcp;
	else if (tcp)
		tcp_close(tcp);
	return status;
}

/* ---- Bytes ---- */

static int
lost(ssize_t n)
{
	if (n == 0)
		return strads_fail(STRADS_ERR_PEER, "the other end of the bare socket is closed");
	return failed("move bytes");
}

static int
send_all(struct tcp *tcp, size_t bytes)
{
	struct strads_raw_wait wait = {0};
	size_t done = 0;

	while (done < bytes) {
		ssize_t n =
		    send(tcp->fd, tcp->buffer + done, bytes - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		int status = STRADS_OK;

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && (errno == EAGAIN || errno == EINTR))
			status = strads_raw_turn(tcp->bench, &wait);
		else
			status = lost(n);
		if (status)
			return status;
	}
	return STRADS_OK;
}

/* As many bytes as were asked for, the buffer being no longer than `piece`. */
static int
receive_all(struct tcp *tcp, uint64_t bytes, size_t piece)
{
	struct strads_raw_wait wait = {0};
	uint64_t done = 0;

	while (done < bytes) {
		size_t most = bytes - done < piece ? (size_t)(bytes - done) : piece;
		ssize_t n = recv(tcp->fd, tcp->buffer, most, MSG_DONTWAIT);
		int status = STRADS_OK;

		if (n > 0) {
			done += (uint64_t)n;
			wait = (struct strads_raw_wait){0};
		} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			status = strads_raw_turn(tcp->bench, &wait);
		} else {
			status = lost(n);
		}
		if (status)
			return status;
	}
	return STRADS_OK;
}

/* ---- The patterns ---- */

/* `out` bytes from rank 0, then `in` bytes back, again and again. */
static int
run_exchange(struct tcp *tcp, const struct strads_task *task, size_t out, size_t in,
	     struct strads_samples *samples, struct strads_taken *taken)
{
	bool first = tcp->bench->team.rank == 0;
	struct strads_lap lap;

	if (tcp->bench->team.rank > 1)
		return STRADS_OK;
	lap = strads_lap_start(tcp->bench, task, samples);
	for (uint64_t k = 0; k < task->count; k++) {
		int status = first ? send_all(tcp, out) : receive_all(tcp, out, out);

		if (!status)
			status = first ? receive_all(tcp, in, in) : send_all(tcp, in);
		if (status)
			return status;
		if (first)
			strads_lap_done(&lap);
	}
	if (first)
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	return STRADS_OK;
}

static int
run_put(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_exchange(context, task, task->bytes, ANSWER, samples, taken);
}

static int
run_get(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_exchange(context, task, ANSWER, task->bytes, samples, taken);
}

static int
run_ping_pong(void *context, const struct strads_task *task, struct strads_samples *samples,
	      struct strads_taken *taken)
{
	return run_exchange(context, task, task->bytes, task->bytes, samples, taken);
}

/* A stream from `source` to the other rank, which answers its end; then rank 0 knows. */
static int
run_stream(struct tcp *tcp, const struct strads_task *task, int source, struct strads_taken *taken)
{
	int rank = tcp->bench->team.rank, status = STRADS_OK;
	size_t piece = tcp->bench->bytes_max + ANSWER;
	uint64_t start_ns;

	if (rank > 1)
		return STRADS_OK;
	start_ns = strads_bench_now(tcp->bench);
	if (source == 1) /* the stream is asked for */
		status = rank == 0 ? send_all(tcp, ANSWER) : receive_all(tcp, ANSWER, ANSWER);
	for (uint64_t k = 0; rank == source && k < task->count && !status; k++)
		status = send_all(tcp, task->bytes);
	if (rank != source && !status)
		status = receive_all(tcp, task->count * task->bytes, piece);
	if (source == 0 && !status)
		status = rank == 1 ? send_all(tcp, ANSWER) : receive_all(tcp, ANSWER, ANSWER);
	if (rank == 0)
		taken->elapsed_ns = strads_bench_now(tcp->bench) - start_ns;
	return status;
}

static int
run_put_bw(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	(void)samples;
	return run_stream(context, task, 0, taken);
}

static int
run_get_bw(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	(void)samples;
	return run_stream(context, task, 1, taken);
}

#define TCP(case, how)                                                                             \
	{                                                                                          \
		.what = (case), .name = "tcp", .path = "ofi", .one_way = true, .open = tcp_open,   \
		.run = (how), .close = tcp_close                                                   \
	}

const struct strads_side strads_raw_tcp[] = {
    TCP(STRADS_BENCH_PUT, run_put),
    TCP(STRADS_BENCH_GET, run_get),
    TCP(STRADS_BENCH_PUT_SIGNAL, run_ping_pong),
    TCP(STRADS_BENCH_PUT_BW, run_put_bw),
    TCP(STRADS_BENCH_GET_BW, run_get_bw),
    TCP(STRADS_BENCH_RATE, run_put_bw),
    {0},
};
