/* Messages with descriptors between neighbours: what is taken, what is refused, what leaks. */
#include "shm/shm.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct pair {
	int ends[2];
	int open_before; /* descriptors of this process */
};

static int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int
set_up(void **state)
{
	static struct pair pair;

	pair.open_before = count_open();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.ends), 0);
	*state = &pair;
	return 0;
}

static int
tear_down(void **state)
{
	struct pair *pair = *state;

	for (int i = 0; i < 2; i++) {
		if (pair->ends[i] >= 0)
			close(pair->ends[i]);
	}
	assert_int_equal(count_open(), pair->open_before);
	return 0;
}

static const struct strads_shm_message region = {
    .kind = STRADS_SHM_REGION, .rank = 3, .region = 5, .bytes = 77};

static void
receive__returns_message_and_descriptor(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	int pipe_ends[2];
	int fd;
	char byte;

	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(strads_shm_send(pair->ends[0], &region, &pipe_ends[1], 1), STRADS_OK);
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, &fd, 1),
			 STRADS_OK);
	assert_int_equal(in.rank, 3);
	assert_int_equal(in.region, 5);
	assert_int_equal(in.bytes, 77);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	close(fd);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void
receive__of_nothing_says_again(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	int fd;

	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, &fd, 1),
			 STRADS_AGAIN);
}

static void
receive__of_a_hangup_says_peer(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	int fd;

	close(pair->ends[0]);
	pair->ends[0] = -1;
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, &fd, 1),
			 STRADS_ERR_PEER);
	assert_int_equal(strads_shm_send(pair->ends[1], &region, NULL, 0), STRADS_ERR_PEER);
}

static void
receive__of_a_goodbye_says_peer(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message goodbye = {.kind = STRADS_SHM_GOODBYE, .rank = 3};
	struct strads_shm_message in;
	int fd;

	assert_int_equal(strads_shm_send(pair->ends[0], &goodbye, NULL, 0), STRADS_OK);
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, &fd, 1),
			 STRADS_ERR_PEER);
}

static void
receive__of_another_kind_is_refused_and_closes_descriptors(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	int fds[2] = {0, 1};

	assert_int_equal(strads_shm_send(pair->ends[0], &region, fds, 2), STRADS_OK);
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_GREETING, &in, fds, 2),
			 STRADS_ERR_PROTOCOL);
}

static void
receive__of_more_or_fewer_descriptors_is_refused(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	int fds[2] = {0, 1};

	assert_int_equal(strads_shm_send(pair->ends[0], &region, fds, 2), STRADS_OK);
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, fds, 1),
			 STRADS_ERR_PROTOCOL);
	assert_int_equal(strads_shm_send(pair->ends[0], &region, NULL, 0), STRADS_OK);
	assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_REGION, &in, fds, 1),
			 STRADS_ERR_PROTOCOL);
}

static void
receive__of_mangled_bytes_is_refused(void **state)
{
	struct pair *pair = *state;
	struct strads_shm_message in;
	char bytes[2 * sizeof in];
	int fd;

	memset(bytes, 0x5a, sizeof bytes);
	for (size_t length = 1; length <= sizeof bytes; length++) {
		assert_int_equal(send(pair->ends[0], bytes, length, 0), length);
		assert_int_equal(strads_shm_receive(pair->ends[1], STRADS_SHM_GOODBYE, &in, &fd, 0),
				 STRADS_ERR_PROTOCOL);
	}
}

static void
send__into_a_full_socket_says_again(void **state)
{
	struct pair *pair = *state;
	int status = STRADS_OK;

	for (int i = 0; i < 1000000 && status == STRADS_OK; i++)
		status = strads_shm_send(pair->ends[0], &region, NULL, 0);
	assert_int_equal(status, STRADS_AGAIN);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(receive__returns_message_and_descriptor),
	    CASE(receive__of_nothing_says_again),
	    CASE(receive__of_a_hangup_says_peer),
	    CASE(receive__of_a_goodbye_says_peer),
	    CASE(receive__of_another_kind_is_refused_and_closes_descriptors),
	    CASE(receive__of_more_or_fewer_descriptors_is_refused),
	    CASE(receive__of_mangled_bytes_is_refused),
	    CASE(send__into_a_full_socket_says_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
