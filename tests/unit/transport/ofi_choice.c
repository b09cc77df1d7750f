/* Which of libfabric's providers is chosen, and that two ranks must have the same. */
#include "ofi_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after its requirements */
#include <cmocka.h>

static void
choose__takes_one_that_delivers(void **state)
{
	struct fi_info *info = NULL;
	uint64_t delivered = 0;

	(void)state;
	if (strads_ofi_choose(NULL, "127.0.0.1", &info, &delivered) == STRADS_ERR_UNSUPPORTED)
		skip();
	assert_non_null(info);
	assert_true(info->caps & FI_RMA);
	assert_int_equal(info->ep_attr->type, FI_EP_RDM);
	assert_true(delivered == FI_DELIVERY_COMPLETE || delivered == FI_TRANSMIT_COMPLETE);
	assert_null(strstr(info->fabric_attr->prov_name, "sockets"));
	assert_null(strstr(info->fabric_attr->prov_name, "shm"));
	fi_freeinfo(info);
}

static void
choose__gives_the_full_name(void **state)
{
	struct fi_info *info = NULL;
	uint64_t delivered = 0;

	(void)state;
	if (strads_ofi_choose("tcp;ofi_rxm", "127.0.0.1", &info, &delivered))
		skip();
	assert_string_equal(info->fabric_attr->prov_name, "tcp;ofi_rxm");
	assert_true(delivered == FI_DELIVERY_COMPLETE);
	fi_freeinfo(info);
}

static void
choose__unknown_name_is_told_in_one_line(void **state)
{
	struct fi_info *info = NULL;
	uint64_t delivered = 7;

	(void)state;
	assert_int_equal(strads_ofi_choose("no_such_net", "127.0.0.1", &info, &delivered),
			 STRADS_ERR_UNSUPPORTED);
	assert_null(info);
	assert_int_equal(delivered, 7);
	assert_non_null(strstr(strads_error(), "'no_such_net'"));
	assert_null(strchr(strads_error(), '\n'));
}

/* Where in its address a rank tells these. */
enum { PROTOCOL_AT = 4, RELEASE_AT = 12, NAME_AT = 32 };

/* What connect says to an address of the peer that differs in one place. */
static int
refuses(struct pair *pair, struct strads_address *all, size_t at, const char *expected)
{
	struct strads_address changed[2] = {all[0], all[1]};

	changed[pair->peer].data[at] ^= 1;
	PAIR_CHECK(strads_ofi_connect(pair->ofi, changed) == STRADS_ERR_PROTOCOL);
	PAIR_CHECK(strstr(strads_error(), expected) != NULL);
	PAIR_CHECK(strstr(strads_error(), pair->peer ? "rank 1 " : "rank 0 ") != NULL);
	return 0;
}

static int
other_providers(struct pair *pair)
{
	struct strads_address mine;
	struct strads_address all[2];
	int line;

	PAIR_CHECK(strads_ofi_address(pair->ofi, &mine) == STRADS_OK);
	PAIR_CHECK(mine.bytes <= sizeof mine.data);
	PAIR_CHECK(strads_job_allgather(pair->job, &mine, sizeof mine, all) == STRADS_OK);
	line = refuses(pair, all, NAME_AT, "--fabric ofi:PROVIDER");
	if (!line)
		line = refuses(pair, all, PROTOCOL_AT, "protocol");
	if (!line)
		line = refuses(pair, all, RELEASE_AT, "release");
	if (!line)
		line = refuses(pair, all, 0, "another format");
	if (line)
		return line;
	all[pair->peer].bytes--;
	PAIR_CHECK(strads_ofi_connect(pair->ofi, all) == STRADS_ERR_PROTOCOL);
	return 0;
}

static void
connect__other_provider_is_refused(void **state)
{
	(void)state;
	assert_true(pair_run(other_providers, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(choose__takes_one_that_delivers),
	    cmocka_unit_test(choose__gives_the_full_name),
	    cmocka_unit_test(choose__unknown_name_is_told_in_one_line),
	    cmocka_unit_test(connect__other_provider_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
