/* Letters between the ranks of forked jobs, and what the hub does with those that wait. */
#include "job/clock.h"
#include "job/job.h"
#include "job_board.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define LIMIT_MS 20000
#define LETTERS  500

/* What one rank has been given. */
struct pile {
	struct strads_job *job;
	_Atomic int taken;
	int next[BOARD_RANKS]; /* number of the next letter of each rank */
	int wrong;
	bool echo;
	atomic_bool done; /* the server thread ends */
};

/* A letter's length and every byte follow from its number. */
static size_t
compose(int from, int number, uint8_t *into)
{
	size_t n = 4 + (size_t)(number * 37 % (STRADS_MAIL_MAX - 3));

	memset(into, from * 16 + number % 16, n);
	memcpy(into, &number, 4);
	return n;
}

static void
take(void *context, int from, const void *bytes, size_t n)
{
	struct pile *pile = context;
	uint8_t expected[STRADS_MAIL_MAX];
	int number = pile->next[from]++;

	if (compose(from, number, expected) != n || memcmp(expected, bytes, n) != 0)
		pile->wrong++;
	if (pile->echo && strads_job_post(pile->job, from, bytes, 0) < 0)
		pile->wrong++;
	pile->taken++;
}

/* Takes letters without a look at them. */
static void
count(void *context, int from, const void *bytes, size_t n)
{
	struct pile *pile = context;

	(void)from;
	(void)bytes;
	(void)n;
	pile->taken++;
}

/* Posts with patience: STRADS_OK or an error. */
static int
post(struct strads_job *job, int to, const void *bytes, size_t n)
{
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;
	int status;

	while ((status = strads_job_post(job, to, bytes, n)) == STRADS_AGAIN) {
		struct pollfd fd = {.fd = job->fd, .events = POLLIN};

		if (strads_clock_ms() > deadline_ms)
			return strads_fail(STRADS_ERR_TIMEOUT, "the outbox stays full");
		poll(&fd, 1, 10);
		status = strads_job_serve(job);
		if (status)
			return status;
	}
	return status;
}

static int
post_all(struct strads_job *job, int letters)
{
	uint8_t letter[STRADS_MAIL_MAX];

	for (int number = 0; number < letters; number++)
		for (int to = 0; to < job->size; to++)
			if (to != job->rank &&
			    post(job, to, letter, compose(job->rank, number, letter)))
				return 1;
	return 0;
}

static int
serve_until(struct pile *pile, int letters)
{
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;

	while (pile->taken < letters) {
		struct pollfd fd = {.fd = pile->job->fd, .events = POLLIN};

		if (strads_clock_ms() > deadline_ms || strads_job_serve(pile->job))
			return 1;
		poll(&fd, 1, 10);
	}
	return 0;
}

/* ---- Order and content --------------------------------------------------------------------- */

static int
all_to_all(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job};

	(void)arg;
	strads_job_take_mail(job, take, &pile);
	if (post_all(job, LETTERS) || serve_until(&pile, LETTERS * (job->size - 1)))
		return 1;
	strads_job_take_mail(job, NULL, NULL);
	return strads_job_barrier(job) || pile.wrong;
}

static void
mail__of_each_sender_comes_in_order(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, all_to_all), 0);
	assert_string_equal(board->said, "");
	board_delete(board);
}

static int
keep_letters(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job};

	(void)arg;
	if (post_all(job, 10) || strads_job_barrier(job))
		return 1;
	/* All have come with the barrier, and wait. */
	strads_job_take_mail(job, take, &pile);
	return pile.taken != 10 * (job->size - 1) || pile.wrong || strads_job_barrier(job);
}

static void
mail__waits_for_a_taker(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, keep_letters), 0);
	board_delete(board);
}

static int
flood_without_a_taker(struct strads_job *job, void *arg)
{
	int status = STRADS_OK;

	if (job->rank == 0)
		for (int i = 0; i < 1000 && !status; i++)
			status = post(job, 1, NULL, 0);
	board_report(arg, job, strads_job_barrier(job));
	return 0;
}

static void
mail__that_nobody_takes_is_bounded(void **state)
{
	struct board *board = board_new();

	(void)state;
	board_run(board, 2, LIMIT_MS, flood_without_a_taker);
	assert_int_equal(board->reports[1].status, STRADS_ERR_MEMORY);
	assert_string_equal(board->reports[1].sentence,
			    "more than 128 letters of other ranks wait and are not taken");
	board_delete(board);
}

/* ---- Collectives that wait ----------------------------------------------------------------- */

static int
answer_from_a_barrier(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job, .echo = job->rank != 0};
	uint8_t letter[STRADS_MAIL_MAX];

	(void)arg;
	strads_job_take_mail(job, job->rank ? take : count, &pile);
	if (job->rank == 0) {
		/* The others sit in the barrier meanwhile. */
		for (int number = 0; number < 20; number++) {
			for (int to = 1; to < job->size; to++)
				if (post(job, to, letter, compose(0, number, letter)))
					return 1;
			if (serve_until(&pile, (number + 1) * (job->size - 1)))
				return 1;
		}
	}
	return strads_job_barrier(job) || pile.wrong || (job->rank && pile.taken != 20);
}

static void
mail__is_taken_and_answered_in_a_barrier(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, answer_from_a_barrier), 0);
	board_delete(board);
}

static int
flood_a_barrier(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job};
	uint8_t letter[STRADS_MAIL_MAX], bulk[100000] = {0}, *all = malloc(3 * sizeof bulk);

	(void)arg;
	/* Nobody reads before the collective, whose contribution comes behind the letters. */
	for (int number = 0; number < LETTERS; number++)
		for (int to = 0; to < job->size; to++)
			if (to != job->rank &&
			    strads_job_post(job, to, letter, compose(job->rank, number, letter)) <
				0)
				return 1;
	strads_job_take_mail(job, count, &pile);
	int wrong = !all || strads_job_allgather(job, bulk, sizeof bulk, all) != STRADS_OK;
	free(all);
	return wrong;
}

static void
mail__before_a_collective_does_not_block_it(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, flood_a_barrier), 0);
	board_delete(board);
}

/* ---- A thread that serves ------------------------------------------------------------------ */

static void *
server(void *arg)
{
	struct pile *pile = arg;

	while (!pile->done) {
		struct pollfd fd = {.fd = pile->job->fd, .events = POLLIN};

		poll(&fd, 1, 5);
		if (strads_job_serve(pile->job))
			break;
	}
	return NULL;
}

static int
serve_beside_collectives(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job};
	pthread_t thread;
	uint8_t letter[STRADS_MAIL_MAX];
	int wrong = 0;

	(void)arg;
	strads_job_take_mail(job, take, &pile);
	if (pthread_create(&thread, NULL, server, &pile))
		return 1;
	for (int number = 0; number < 100 && !wrong; number++) {
		int32_t mine = number * 10 + job->rank, all[BOARD_RANKS];
		for (int to = 0; to < job->size; to++)
			if (to != job->rank)
				wrong |= post(job, to, letter, compose(job->rank, number, letter));
		wrong |= strads_job_allgather(job, &mine, sizeof mine, all);
		for (int rank = 0; rank < job->size && !wrong; rank++)
			wrong |= all[rank] != number * 10 + rank;
	}
	wrong |= strads_job_barrier(job);
	/* The barrier came behind the letters, but the other thread may still be handing one over.
	 */
	wrong |= serve_until(&pile, 100 * (job->size - 1));
	pile.done = true;
	pthread_join(thread, NULL);
	strads_job_take_mail(job, NULL, NULL);
	return wrong || pile.wrong;
}

static void
serve__beside_collectives_of_the_owner(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, serve_beside_collectives), 0);
	assert_string_equal(board->said, "");
	board_delete(board);
}

static int
hear_by_another_thread(struct strads_job *job, void *arg)
{
	struct pile pile = {.job = job};
	pthread_t thread;

	if (job->rank == 1)
		raise(SIGKILL);
	if (pthread_create(&thread, NULL, server, &pile))
		return 1;
	pthread_join(thread, NULL); /* it ends once it has read the news */
	struct pollfd fd = {.fd = job->fd, .events = POLLIN};
	board_report(arg, job, poll(&fd, 1, 0) == 1 ? strads_job_check(job) : STRADS_OK);
	return 0;
}

static void
serve__keeps_news_for_the_owner(void **state)
{
	struct board *board = board_new();

	(void)state;
	board_run(board, 2, LIMIT_MS, hear_by_another_thread);
	assert_int_equal(board->reports[0].status, STRADS_ERR_PEER);
	assert_non_null(strstr(board->reports[0].sentence, "was killed by signal 9"));
	board_delete(board);
}

/* Who checks reads nothing where somebody else attends to it. */
static int
check_what_another_attends(struct strads_job *job, void *arg)
{
	struct pollfd fd = {.fd = job->fd, .events = POLLIN};
	struct pile pile = {.job = job};
	bool read = false, unread = false;

	(void)arg;
	if (job->rank == 1)
		return post(job, 0, "", 0) || strads_job_barrier(job);
	strads_job_take_mail(job, count, &pile);
	atomic_store(&job->attended, true);
	if (poll(&fd, 1, LIMIT_MS) == 1 && strads_job_check(job) == STRADS_OK)
		unread = pile.taken == 0;
	atomic_store(&job->attended, false);
	if (strads_job_check(job) == STRADS_OK)
		read = pile.taken == 1;
	strads_job_take_mail(job, NULL, NULL);
	return strads_job_barrier(job) || !unread || !read;
}

static void
check__leaves_the_channel_to_who_attends_to_it(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 2, LIMIT_MS, check_what_another_attends), 0);
	assert_string_equal(board->said, "");
	board_delete(board);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static int
post_wrongly(struct strads_job *job, void *arg)
{
	uint8_t letter[STRADS_MAIL_MAX + 1] = {0};

	(void)arg;
	if (strads_job_post(job, job->rank, letter, 1) != STRADS_ERR_ARGUMENT ||
	    strads_job_post(job, -1, letter, 1) != STRADS_ERR_ARGUMENT ||
	    strads_job_post(job, job->size, letter, 1) != STRADS_ERR_ARGUMENT ||
	    strads_job_post(job, 1 - job->rank, NULL, 1) != STRADS_ERR_ARGUMENT ||
	    strads_job_post(job, 1 - job->rank, letter, sizeof letter) != STRADS_ERR_ARGUMENT)
		return 1;
	return strads_job_barrier(job);
}

static void
post__to_nobody_or_too_long(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 2, LIMIT_MS, post_wrongly), 0);
	board_delete(board);
}

static int
post_to_the_dead(struct strads_job *job, void *arg)
{
	int status = STRADS_OK;
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;

	if (job->rank == 1)
		raise(SIGKILL);
	while (status >= 0 && strads_clock_ms() < deadline_ms) {
		status = post(job, 1, "?", 1);
		if (!status)
			status = strads_job_serve(job);
	}
	board_report(arg, job, strads_job_post(job, 1, "?", 1));
	return 0;
}

static void
post__to_a_rank_that_has_died(void **state)
{
	struct board *board = board_new();

	(void)state;
	board_run(board, 2, LIMIT_MS, post_to_the_dead);
	assert_int_equal(board->reports[0].status, STRADS_ERR_PEER);
	assert_non_null(strstr(board->reports[0].sentence, "rank 1 (pid "));
	board_delete(board);
}

static int
post_to_one_that_left(struct strads_job *job, void *arg)
{
	(void)arg;
	if (job->rank == 1)
		return 0;
	for (int i = 0; i < 200; i++)
		if (post(job, 1, "?", 1))
			return 1;
	return strads_job_check(job);
}

static void
post__to_a_rank_that_has_left_is_lost(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 2, LIMIT_MS, post_to_one_that_left), 0);
	assert_string_equal(board->said, "");
	board_delete(board);
}

static int
post_to_nobody(struct strads_job *job, void *arg)
{
	(void)arg;
	strads_job_take_mail(job, NULL, NULL);
	return strads_job_post(job, 0, NULL, 0) == STRADS_ERR_UNSUPPORTED &&
		       strads_job_serve(job) == STRADS_OK
		   ? 0
		   : 1;
}

static void
post__where_ranks_have_no_channel(void **state)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SELF};

	(void)state;
	assert_int_equal(strads_job_run(&options, post_to_nobody, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail__of_each_sender_comes_in_order),
	    cmocka_unit_test(mail__waits_for_a_taker),
	    cmocka_unit_test(mail__that_nobody_takes_is_bounded),
	    cmocka_unit_test(mail__is_taken_and_answered_in_a_barrier),
	    cmocka_unit_test(mail__before_a_collective_does_not_block_it),
	    cmocka_unit_test(serve__beside_collectives_of_the_owner),
	    cmocka_unit_test(serve__keeps_news_for_the_owner),
	    cmocka_unit_test(check__leaves_the_channel_to_who_attends_to_it),
	    cmocka_unit_test(post__to_nobody_or_too_long),
	    cmocka_unit_test(post__to_a_rank_that_has_died),
	    cmocka_unit_test(post__to_a_rank_that_has_left_is_lost),
	    cmocka_unit_test(post__where_ranks_have_no_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
