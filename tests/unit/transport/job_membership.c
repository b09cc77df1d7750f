/* What is concluded from the environment about a process that is to meet others over TCP. */
#include "job/membership.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123"

static int
set_up(void **state)
{
	static const char *const names[] = {
	    "STRADS_RANK",
	    "STRADS_SIZE",
	    "STRADS_ROOT",
	    "STRADS_SECRET",
	    "STRADS_SECRET_FILE",
	    "OMPI_COMM_WORLD_SIZE",
	    "OMPI_COMM_WORLD_RANK",
	    "PMIX_RANK",
	    "PMI_RANK",
	    "PMI_SIZE",
	    "SLURM_PROCID",
	    "SLURM_NTASKS",
	    "SLURM_STEP_NUM_TASKS",
	    "SLURM_STEP_NODELIST",
	    "SLURM_JOB_NODELIST",
	    "SLURM_LAUNCH_NODE_IPADDR",
	    "SLURM_JOB_ID",
	    "SLURM_STEP_ID",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	return 0;
}

/* Sets variables given as "NAME=value". */
static void
environment(const char *const *settings)
{
	for (; *settings; settings++) {
		char name[64];
		const char *equals = strchr(*settings, '=');

		snprintf(name, sizeof name, "%.*s", (int)(equals - *settings), *settings);
		setenv(name, equals + 1, 1);
	}
}

#define ENVIRONMENT(...) environment((const char *const[]){__VA_ARGS__, NULL})

static struct strads_membership
membership(void)
{
	struct strads_membership membership;

	assert_int_equal(strads_membership_read(&membership), STRADS_OK);
	return membership;
}

static void
refused(const char *sentence)
{
	struct strads_membership untouched = {.rank = 77};

	assert_int_equal(strads_membership_read(&untouched), STRADS_ERR_INPUT);
	assert_int_equal(untouched.rank, 77);
	if (!strstr(strads_error(), sentence))
		fail_msg("'%s' is not in '%s'", sentence, strads_error());
}

/* ---- Rank and size ------------------------------------------------------------------------- */

static void
rank__by_hand(void **state)
{
	(void)state;
	assert_false(strads_membership_present());
	ENVIRONMENT("STRADS_ROOT=hosta:7000", "STRADS_RANK=2", "STRADS_SIZE=4",
		    "STRADS_SECRET=" SECRET, "OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=9");
	assert_true(strads_membership_present());
	assert_int_equal(membership().rank, 2);
	assert_int_equal(membership().size, 4);
}

static void
rank__by_launchers(void **state)
{
	static const char *const cases[][2] = {
	    {"OMPI_COMM_WORLD_RANK=2", "OMPI_COMM_WORLD_SIZE=4"},
	    {"PMIX_RANK=2", "SLURM_STEP_NUM_TASKS=4"},
	    {"PMI_RANK=2", "PMI_SIZE=4"},
	    {"SLURM_PROCID=2", "SLURM_NTASKS=4"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(state);
		ENVIRONMENT("STRADS_ROOT=localhost:7000", cases[i][0], cases[i][1]);
		assert_int_equal(membership().rank, 2);
		assert_int_equal(membership().size, 4);
	}
}

static void
rank__half_of_it(void **state)
{
	(void)state;
	ENVIRONMENT("STRADS_ROOT=localhost:7000", "OMPI_COMM_WORLD_RANK=1",
		    "OMPI_COMM_WORLD_SIZE=9", "STRADS_RANK=1");
	refused("STRADS_RANK is set but STRADS_SIZE is not");
	set_up(state);
	ENVIRONMENT("STRADS_ROOT=localhost:7000", "STRADS_SIZE=1");
	refused("STRADS_SIZE is set but STRADS_RANK is not");
	set_up(state);
	ENVIRONMENT("STRADS_ROOT=localhost:7000", "PMIX_RANK=1");
	refused("the number of ranks is not known: set STRADS_RANK and STRADS_SIZE");
	set_up(state);
	ENVIRONMENT("STRADS_ROOT=localhost:7000");
	refused("this process's rank is not known");
}

static void
rank__no_such_number(void **state)
{
	static const char *const cases[][3] = {
	    {"STRADS_RANK=4", "STRADS_SIZE=4", "STRADS_RANK: '4' is not a number from 0 to 3"},
	    {"STRADS_RANK=-1", "STRADS_SIZE=4", "STRADS_RANK: '-1'"},
	    {"STRADS_RANK=1x", "STRADS_SIZE=4", "STRADS_RANK: '1x'"},
	    {"STRADS_RANK= 1", "STRADS_SIZE=4", "STRADS_RANK: ' 1'"},
	    {"STRADS_RANK=0", "STRADS_SIZE=0", "STRADS_SIZE: '0' is not a number from 1 to 4096"},
	    {"STRADS_RANK=0", "STRADS_SIZE=4097", "STRADS_SIZE: '4097'"},
	    {"STRADS_RANK=0", "STRADS_SIZE=99999999999999999999", "STRADS_SIZE: '9999"},
	    {"SLURM_PROCID=x", "SLURM_NTASKS=4", "SLURM_PROCID: 'x'"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(state);
		ENVIRONMENT("STRADS_ROOT=localhost:7000", cases[i][0], cases[i][1]);
		refused(cases[i][2]);
	}
}

/* ---- Where rank 0 is met ------------------------------------------------------------------- */

static void
root__names_and_addresses(void **state)
{
	static const struct {
		const char *root, *host;
		int port;
	} cases[] = {
	    {"STRADS_ROOT=hosta:7000", "hosta", 7000},
	    {"STRADS_ROOT=10.0.0.1:1", "10.0.0.1", 1},
	    {"STRADS_ROOT=[fd00::1]:65535", "fd00::1", 65535},
	    {"STRADS_ROOT=a-b.example.org:80", "a-b.example.org", 80},
	};

	(void)state;
	ENVIRONMENT("STRADS_RANK=0", "STRADS_SIZE=1", "STRADS_SECRET=" SECRET);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ENVIRONMENT(cases[i].root);
		assert_string_equal(membership().host, cases[i].host);
		assert_int_equal(membership().port, cases[i].port);
	}
}

static void
root__no_place(void **state)
{
	static const char *const cases[] = {
	    "STRADS_ROOT=hosta",      "STRADS_ROOT=hosta:",        "STRADS_ROOT=:7000",
	    "STRADS_ROOT=hosta:0",    "STRADS_ROOT=hosta:65536",   "STRADS_ROOT=hosta:70o0",
	    "STRADS_ROOT=fd00::1:70", "STRADS_ROOT=[fd00::1]7000", "STRADS_ROOT=[]:7000",
	    "STRADS_ROOT=:",          "STRADS_ROOT=hosta:-1",
	};
	char root[400];

	(void)state;
	ENVIRONMENT("STRADS_RANK=0", "STRADS_SIZE=1", "STRADS_SECRET=" SECRET);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ENVIRONMENT(cases[i]);
		refused("is not HOST:PORT, ADDRESS:PORT or [ADDRESS]:PORT");
	}
	snprintf(root, sizeof root, "%0300d:7000", 1);
	setenv("STRADS_ROOT", root, 1);
	refused("is not HOST:PORT");
}

static void
root__of_slurm(void **state)
{
	static const char *const cases[][2] = {
	    {"SLURM_STEP_NODELIST=a[01-03,7],b", "a01"},
	    {"SLURM_STEP_NODELIST=a[7,9-10]", "a7"},
	    {"SLURM_STEP_NODELIST=rack[2-3]node[010-020]-ib,b1", "rack2node010-ib"},
	    {"SLURM_STEP_NODELIST=hosta,hostb", "hosta"},
	    {"SLURM_STEP_NODELIST=hosta.example.org", "hosta.example.org"},
	    {"SLURM_STEP_NODELIST=a[1", "a1"},
	    {"SLURM_JOB_NODELIST=b[1-2]", "b1"},
	    {"SLURM_LAUNCH_NODE_IPADDR=10.0.0.9", "10.0.0.9"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(state);
		ENVIRONMENT("SLURM_PROCID=0", "SLURM_NTASKS=2", "STRADS_SECRET=" SECRET,
			    "SLURM_JOB_ID=4711", "SLURM_STEP_ID=0", cases[i][0]);
		assert_string_equal(membership().host, cases[i][1]);
		assert_in_range(membership().port, 16384, 32767);
		/* What is said by hand goes before it. */
		ENVIRONMENT("STRADS_ROOT=hostz:7000");
		assert_string_equal(membership().host, "hostz");
	}
}

static void
root__differs_between_steps(void **state)
{
	uint16_t first;

	(void)state;
	ENVIRONMENT("SLURM_PROCID=0", "SLURM_NTASKS=2", "STRADS_SECRET=" SECRET,
		    "SLURM_JOB_ID=4711", "SLURM_STEP_ID=0", "SLURM_STEP_NODELIST=a");
	first = membership().port;
	assert_int_equal(membership().port, first);
	ENVIRONMENT("SLURM_STEP_ID=1");
	assert_int_not_equal(membership().port, first);
}

static void
root__unknown(void **state)
{
	(void)state;
	ENVIRONMENT("STRADS_RANK=0", "STRADS_SIZE=2");
	refused("set STRADS_ROOT=HOST:PORT");
	ENVIRONMENT("SLURM_STEP_NODELIST=,");
	refused("set STRADS_ROOT=HOST:PORT");
}

/* ---- The secret ---------------------------------------------------------------------------- */

static void
secret__of_the_environment(void **state)
{
	(void)state;
	ENVIRONMENT("STRADS_ROOT=hosta:7000", "STRADS_RANK=0", "STRADS_SIZE=2",
		    "STRADS_SECRET=" SECRET);
	assert_int_equal(membership().secret.length, strlen(SECRET));
	assert_memory_equal(membership().secret.bytes, SECRET, strlen(SECRET));
	ENVIRONMENT("STRADS_SECRET=short");
	refused("STRADS_SECRET: the secret has 5 characters, not 16 to 256: make one with `openssl "
		"rand -hex 32`");
	ENVIRONMENT("STRADS_SECRET=" SECRET, "STRADS_SECRET_FILE=somewhere");
	refused("are both set");
}

static void
secret__of_a_file(void **state)
{
	char path[] = "secret.XXXXXX", setting[64];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(setting, sizeof setting, "STRADS_SECRET_FILE=%s", path);
	ENVIRONMENT("STRADS_ROOT=hosta:7000", "STRADS_RANK=0", "STRADS_SIZE=2", setting);
	refused("STRADS_SECRET_FILE: the secret has 0 characters");
	assert_int_equal(write(fd, SECRET "\r\nrest\n", strlen(SECRET) + 7), strlen(SECRET) + 7);
	close(fd);
	assert_int_equal(membership().secret.length, strlen(SECRET));
	assert_memory_equal(membership().secret.bytes, SECRET, strlen(SECRET));
	unlink(path);
	refused("STRADS_SECRET_FILE: cannot open ");
}

static void
secret__none(void **state)
{
	static const char *const loopbacks[] = {
	    "STRADS_ROOT=localhost:7000", "STRADS_ROOT=127.0.0.1:7000", "STRADS_ROOT=[::1]:7000"};
	static const char *const others[] = {"STRADS_ROOT=hosta:7000", "STRADS_ROOT=10.0.0.1:7000",
					     "STRADS_ROOT=127.example.org:7000",
					     "STRADS_ROOT=0.0.0.0:7000", "STRADS_ROOT=[::]:7000"};

	(void)state;
	ENVIRONMENT("STRADS_RANK=0", "STRADS_SIZE=2");
	for (size_t i = 0; i < sizeof loopbacks / sizeof loopbacks[0]; i++) {
		ENVIRONMENT(loopbacks[i]);
		assert_int_equal(membership().secret.length, 0);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		ENVIRONMENT(others[i]);
		refused("give all ranks the same STRADS_SECRET or STRADS_SECRET_FILE");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	    CASE(rank__by_hand),
	    CASE(rank__by_launchers),
	    CASE(rank__half_of_it),
	    CASE(rank__no_such_number),
	    CASE(root__names_and_addresses),
	    CASE(root__no_place),
	    CASE(root__of_slurm),
	    CASE(root__differs_between_steps),
	    CASE(root__unknown),
	    CASE(secret__of_the_environment),
	    CASE(secret__of_a_file),
	    CASE(secret__none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
