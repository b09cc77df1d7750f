/*
 * TCP sockets of the control channel: non-blocking use, deadlines, and peers that vanish without
 * a word. Hosts are names or addresses, IPv4 or IPv6.
 */
#ifndef STRADS_SOCKET_H
#define STRADS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRADS_SOCKET_HOST 256 /* bytes of a host name, with its 0 */

/* For a host to take the word that the job has failed; one that does not is waited for no longer.
 */
#define STRADS_SOCKET_FAREWELL_MS 5000

/* Whether `host` is written as an address. */
bool strads_socket_is_address(const char *host);

/* Listens at `host`, NULL: at every address of this host; on `*port`, 0: one of the kernel's
 * choice, which is then written there. Returns STRADS_OK, ERR_ARGUMENT (the address is not this
 * host's), ERR_IO. */
int strads_socket_listen(const char *host, uint16_t *port, int *fd);

/* Connects, and tends the socket for `timeout_ms`. Looking up a name may take longer than that.
 * Returns STRADS_OK, ERR_IO, ERR_TIMEOUT. */
int strads_socket_connect(const char *host, uint16_t port, uint64_t timeout_ms, int *fd);

/* Makes the kernel report a peer whose host is gone within about `timeout_ms` (at least 4 s), and
 * send small messages at once. */
void strads_socket_tend(int fd, uint64_t timeout_ms);

/* Sends or receives all of n bytes over a non-blocking socket. Returns STRADS_OK, ERR_PEER (the
 * other end closed), ERR_TIMEOUT. */
int strads_socket_send(int fd, const void *bytes, size_t n, uint64_t deadline_ms);
int strads_socket_receive(int fd, void *bytes, size_t n, uint64_t deadline_ms);

/* Who is at the other end, and at this one, as an address: "10.0.0.7". */
void strads_socket_peer(int fd, char text[STRADS_SOCKET_HOST]);
void strads_socket_own(int fd, char text[STRADS_SOCKET_HOST]);

#endif
