/*
 * TCP sockets of the control channel: non-blocking use, deadlines, and peers that vanish without
 * a word.
 */
#ifndef STRADS_TCP_H
#define STRADS_TCP_H

#include <stdint.h>

/* Listens at an address (IPv4, network byte order) on a port of the kernel's choice (host byte
 * order). Returns STRADS_OK, ERR_IO. */
int strads_tcp_listen(uint32_t address, uint16_t *port, int *fd);

/* Connects, and tends the socket. Returns STRADS_OK, ERR_IO, ERR_TIMEOUT. */
int strads_tcp_connect(uint32_t address, uint16_t port, uint64_t timeout_ms, int *fd);

/* Makes the kernel report a peer whose host is gone within about `timeout_ms` (at least 4 s), and
 * send small messages at once. */
void strads_tcp_tend(int fd, uint64_t timeout_ms);

#endif
