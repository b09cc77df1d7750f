/*
 * Hashed tables on several ranks: what is read beside a writer is whole and no older than what was
 * read before; what was found once stays where it is while the table grows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "strads/hashed.h"
#include "strads/random.h"

#define WORDS_MAX 32
#define KEYS      600
#define ROUNDS    12

static const char *fabric_name = "auto";

/* What a test does on one rank: 0, or −1 with a sentence. */
typedef int body(struct strads_fabric *fabric, struct strads_hashed_options *options);

struct task {
	body *body;
	const char *fabric;
};

static int
wrong(const char *what, uint64_t a, uint64_t b)
{
	return strads_fail(STRADS_ERR_PROTOCOL, "%s: %llu, %llu", what, (unsigned long long)a,
			   (unsigned long long)b);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct task *task = arg;
	const struct strads_fabric_options options = {.fabric = task->fabric};
	struct strads_hashed_options hashed;
	struct strads_fabric *fabric = NULL;
	int status = strads_fabric_open(job, &options, &fabric);

	strads_hashed_defaults(&hashed);
	hashed.memory_bytes = (size_t)4 << 20;
	if (!status)
		status = task->body(fabric, &hashed);
	if (status)
		fprintf(stderr, "rank %d: %s\n", strads_job_rank(job), strads_error());
	if (!status)
		status = strads_job_barrier(job);
	strads_fabric_close(&fabric);
	return status ? 1 : 0;
}

/* On forked ranks, on simulated ones whose data arrive in pieces, and alone. */
static void
run(body *each)
{
	const struct task task = {.body = each, .fabric = fabric_name};
	struct task simulated = {.body = each, .fabric = "sim"};
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = 3, .timeout_ms = 30000};

	assert_int_equal(strads_job_run(&options, rank_main, (void *)(uintptr_t)&task), 0);
	if (strcmp(fabric_name, "auto") != 0)
		return;
	options.kind = STRADS_JOB_SIM;
	options.ranks = 4;
	options.sim = (struct strads_sim_options){
	    .latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 1, .jitter = 3, .tear = true};
	for (uint64_t seed = 1; seed <= 5; seed++) {
		if (!strads_test_takes(seed - 1))
			continue;
		options.sim.seed = seed;
		assert_int_equal(strads_job_run(&options, rank_main, &simulated), 0);
	}
	options.kind = STRADS_JOB_SELF;
	options.ranks = 1;
	assert_int_equal(strads_job_run(&options, rank_main, (void *)(uintptr_t)&task), 0);
}

/* Key i of the test: 0 is one of them. */
static strads_key
key_of(uint64_t i)
{
	return i ? strads_random(3, 0, i) : 0;
}

static void
fill(uint64_t *value, uint32_t words, uint64_t number)
{
	for (uint32_t i = 0; i < words; i++)
		value[i] = number;
}

/* Puts the own keys among the first `keys`, some time passing between them. */
static int
put_own(struct strads_fabric *fabric, struct strads_hashed *hashed, uint32_t words, uint64_t keys,
	uint64_t number)
{
	int rank = strads_job_rank(strads_fabric_job(fabric)), status = STRADS_OK;
	uint64_t value[WORDS_MAX];

	fill(value, words, number);
	for (uint64_t i = 0; !status && i < keys; i++) {
		if (strads_hashed_owner(hashed, key_of(i)) != rank)
			continue;
		status = strads_hashed_put(hashed, key_of(i), value);
		strads_fabric_charge(fabric, 40);
		if (!status && i % 16 == 0)
			status = strads_fabric_progress(fabric);
	}
	return status;
}

/* Reads the first `keys` keys, as many at a time as can be. */
static int
read_all(struct strads_fabric *fabric, struct strads_hashed *hashed, uint64_t keys,
	 uint64_t (*values)[WORDS_MAX], enum strads_hashed_answer *answers)
{
	uint64_t next = 0;

	while (next < keys || strads_hashed_reading(hashed) > 0) {
		int status = strads_fabric_progress(fabric);

		while (!status && next < keys) {
			status =
			    strads_hashed_read(hashed, key_of(next), values[next], &answers[next]);
			next += !status;
		}
		if (status == STRADS_OK || status == STRADS_AGAIN)
			status = strads_hashed_step(hashed);
		if (status)
			return status;
		if (strads_hashed_reading(hashed) > 0)
			strads_fabric_wait(fabric, UINT64_MAX);
	}
	strads_fabric_awake(fabric);
	return STRADS_OK;
}

/* Whole, and no older than what was read before. */
static int
check_values(uint64_t (*values)[WORDS_MAX], const enum strads_hashed_answer *answers,
	     uint32_t words, uint64_t keys, uint64_t *before)
{
	for (uint64_t i = 0; i < keys; i++) {
		if (answers[i] != STRADS_HASHED_FOUND && before[i] > 0)
			return wrong("a key is gone", i, before[i]);
		if (answers[i] != STRADS_HASHED_FOUND)
			continue;
		for (uint32_t k = 0; k < words; k++)
			if (values[i][k] != values[i][0])
				return wrong("torn", values[i][k], values[i][0]);
		if (values[i][0] < before[i])
			return wrong("older than before", values[i][0], before[i]);
		before[i] = values[i][0];
	}
	return STRADS_OK;
}

/* Every rank writes its keys, more of them each time, and reads all. */
static int
write_and_read(struct strads_fabric *fabric, struct strads_hashed *hashed, uint32_t words)
{
	static const uint64_t rounds = ROUNDS;
	uint64_t(*values)[WORDS_MAX] = calloc(KEYS, sizeof *values);
	enum strads_hashed_answer *answers = calloc(KEYS, sizeof *answers);
	uint64_t *before = calloc(KEYS, sizeof *before);
	int status = STRADS_OK;

	for (uint64_t round = 1; !status && round <= rounds; round++) {
		status = put_own(fabric, hashed, words, KEYS / 2 * round / rounds, round);
		if (!status)
			status = read_all(fabric, hashed, KEYS, values, answers);
		if (!status)
			status = check_values(values, answers, words, KEYS, before);
	}
	if (!status)
		status = strads_job_barrier(strads_fabric_job(fabric));
	if (!status)
		status = read_all(fabric, hashed, KEYS, values, answers);
	for (uint64_t i = 0; !status && i < KEYS; i++) {
		bool put = i < KEYS / 2;

		if (answers[i] != (put ? STRADS_HASHED_FOUND : STRADS_HASHED_ABSENT))
			status = wrong("found what was not put, or not what was", i, answers[i]);
		else if (put && values[i][0] != rounds)
			status = wrong("not the last value", i, values[i][0]);
	}
	free(before);
	free(answers);
	free(values);
	return status;
}

/* Runs `inside` on a table, and meets before it is deleted. */
static int
with_table(struct strads_fabric *fabric, const struct strads_hashed_options *options,
	   int (*inside)(struct strads_fabric *, struct strads_hashed *, uint32_t))
{
	struct strads_hashed *hashed = NULL;
	int status = strads_hashed_new(fabric, options, &hashed);

	if (status)
		return status;
	status = inside(fabric, hashed, options->value_bytes / 8);
	status = strads_job_agree(strads_fabric_job(fabric), status);
	strads_hashed_delete(&hashed);
	return status;
}

static int
sizes_and_growth(struct strads_fabric *fabric, struct strads_hashed_options *options)
{
	static const uint32_t words[] = {1, 6, 7, 32};
	int status = STRADS_OK;

	for (size_t i = 0; !status && i < sizeof words / sizeof *words; i++) {
		options->value_bytes = 8 * words[i];
		options->first_keys = i % 2 ? 1 : 1000;
		options->cache_keys = i < 2 ? 0 : 256;
		options->reads_max = 1 + 20 * (uint32_t)i;
		status = with_table(fabric, options, write_and_read);
	}
	return status;
}

static void
strads_hashed_read__beside_the_owner(void **state)
{
	(void)state;
	run(sizes_and_growth);
}

/* Half of the keys are put and read, then the table grows: what is known is read with one get. */
static int
grow_and_read(struct strads_fabric *fabric, struct strads_hashed *hashed, uint32_t words)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t(*values)[WORDS_MAX] = calloc(KEYS, sizeof *values);
	enum strads_hashed_answer *answers = calloc(KEYS, sizeof *answers);
	struct strads_hashed_stats before, after;
	int status = put_own(fabric, hashed, words, KEYS / 2, 1);

	if (!status)
		status = strads_job_barrier(job);
	if (!status)
		status = read_all(fabric, hashed, KEYS / 2, values, answers);
	if (!status)
		status = strads_job_barrier(job);
	if (!status)
		status = put_own(fabric, hashed, words, KEYS, 2);
	if (!status)
		status = strads_job_barrier(job);
	strads_hashed_stats(hashed, &before);
	if (!status)
		status = read_all(fabric, hashed, KEYS / 2, values, answers);
	strads_hashed_stats(hashed, &after);
	if (!status && (after.messages - before.messages != after.reads - before.reads ||
			after.bytes - before.bytes != 64 * (after.reads - before.reads)))
		status = wrong("more was read than the known places",
			       after.messages - before.messages, after.reads - before.reads);
	for (uint64_t i = 0; !status && i < KEYS / 2; i++)
		if (answers[i] != STRADS_HASHED_FOUND || values[i][0] != 2)
			status = wrong("not the last value", i, values[i][0]);
	free(answers);
	free(values);
	return status;
}

static int
places_remembered(struct strads_fabric *fabric, struct strads_hashed_options *options)
{
	options->first_keys = 1;
	options->cache_keys = 1 << 20; /* so that hardly two keys want one place */
	return with_table(fabric, options, grow_and_read);
}

static void
strads_hashed_read__places_do_not_move(void **state)
{
	(void)state;
	run(places_remembered);
}

/* Puts keys until there is no room, which is said; what was there still is. */
static int
put_until_full(struct strads_fabric *fabric, struct strads_hashed *hashed, uint32_t words)
{
	int rank = strads_job_rank(strads_fabric_job(fabric)), status = STRADS_OK;
	uint64_t value[WORDS_MAX], kept = 0, i;

	for (i = 0; !status && i < 100000; i++) {
		fill(value, words, i);
		if (strads_hashed_owner(hashed, key_of(i)) == rank)
			status = strads_hashed_put(hashed, key_of(i), value);
		if (!status && i % 64 == 0)
			status = strads_fabric_progress(fabric);
	}
	if (status != STRADS_ERR_MEMORY || !strstr(strads_error(), "give it more memory"))
		return wrong("no end of memory", i, (uint64_t)-status);
	for (uint64_t k = 0; k + 1 < i; k++) {
		if (strads_hashed_owner(hashed, key_of(k)) != rank)
			continue;
		if (!strads_hashed_get(hashed, key_of(k), value) || value[0] != k)
			return wrong("a key is gone", k, value[0]);
		kept++;
	}
	/* 1024 slots, of which only the overflow of their buckets may be free. */
	return kept < 512 || kept > 1024 ? wrong("kept", kept, 1024) : STRADS_OK;
}

static int
bounded(struct strads_fabric *fabric, struct strads_hashed_options *options)
{
	options->memory_bytes = 65536;
	options->first_keys = 100;
	return with_table(fabric, options, put_until_full);
}

static void
strads_hashed_put__memory_is_bounded(void **state)
{
	(void)state;
	run(bounded);
}

static int
refusals(struct strads_fabric *fabric, struct strads_hashed_options *options)
{
	const struct strads_hashed_options good = *options;
	struct strads_hashed_options bad[5];
	struct strads_hashed *hashed = NULL;

	for (int i = 0; i < 5; i++)
		bad[i] = good;
	bad[0].value_bytes = 0;
	bad[1].value_bytes = 12;
	bad[2].value_bytes = 65544;
	bad[3].reads_max = 0;
	bad[4].memory_bytes = 255;
	for (int i = 0; i < 5; i++)
		if (strads_hashed_new(fabric, &bad[i], &hashed) != STRADS_ERR_ARGUMENT || hashed)
			return wrong("taken", (uint64_t)i, 0);
	bad[0] = good;
	bad[0].value_bytes += 8 * (uint32_t)strads_job_rank(strads_fabric_job(fabric));
	if (strads_job_size(strads_fabric_job(fabric)) > 1 &&
	    strads_hashed_new(fabric, &bad[0], &hashed) != STRADS_ERR_ARGUMENT)
		return wrong("ranks differ and nobody says so", 0, 0);
	return STRADS_OK;
}

static int
put_of_another(struct strads_fabric *fabric, struct strads_hashed *hashed, uint32_t words)
{
	int rank = strads_job_rank(strads_fabric_job(fabric));
	uint64_t value[WORDS_MAX], i = 0;

	fill(value, words, 1);
	if (strads_job_size(strads_fabric_job(fabric)) == 1)
		return STRADS_OK;
	while (strads_hashed_owner(hashed, key_of(i)) == rank)
		i++;
	if (strads_hashed_put(hashed, key_of(i), value) != STRADS_ERR_ARGUMENT)
		return wrong("another rank's key was put", i, 0);
	return strads_hashed_get(hashed, key_of(i), value) ? wrong("and got", i, 0) : STRADS_OK;
}

static int
refused(struct strads_fabric *fabric, struct strads_hashed_options *options)
{
	int status = refusals(fabric, options);

	return status ? status : with_table(fabric, options, put_of_another);
}

static void
strads_hashed_new__refusals(void **state)
{
	(void)state;
	run(refused);
}

/* hashed [FABRIC] */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_hashed_read__beside_the_owner),
	    cmocka_unit_test(strads_hashed_read__places_do_not_move),
	    cmocka_unit_test(strads_hashed_put__memory_is_bounded),
	    cmocka_unit_test(strads_hashed_new__refusals),
	};

	if (argc > 1) {
		fabric_name = argv[1];
		if (!strads_fabric_has_provider("ofi")) {
			fprintf(stderr, "skipped: built without the ofi provider\n");
			return 77;
		}
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
