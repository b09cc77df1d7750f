#include "command.h"

#include "../data/lines.h"
#include "../data/rating_list.h"
#include "../data/token.h"
#include "arguments.h"
#include "recommend_best.h"
#include "recommend_model.h"
#include "run.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Users whose predictions are computed in one pass over the items. */
#define USERS_AT_ONCE 256

struct settings {
	const char *model;
	const char *user;
	const char *users;
	const char *seen;
	uint64_t top;
};

#define AT(field) .offset = offsetof(struct settings, field)

static const struct strads_option options[] = {
    {.name = "model",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(model),
     .doc = "A model of `strads mf`; may also stand without --model"},
    {.name = "user",
     .value = "ID[,ID...]",
     .kind = STRADS_OPTION_STRING,
     .excludes = "users",
     AT(user),
     .doc = "Whom to recommend for"},
    {.name = "users",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     .excludes = "user",
     AT(users),
     .doc = "A file of their ids instead, one a line; plain or compressed"},
    {.name = "top",
     .value = "N",
     .fallback = "10",
     .kind = STRADS_OPTION_UINT,
     .letter = 'n',
     .min = 1,
     .max = 1 << 20,
     AT(top),
     .doc = "Items for each of them"},
    {.name = "seen",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(seen),
     .doc = "Ratings, as those that the model was fitted to: what a user has rated there is not "
	    "recommended"},
    {0},
};

struct task {
	const struct settings *settings;
	const char *command;
	struct strads_fabric *fabric;
	struct strads_recommend_model model;
	struct strads_names users, items;
	uint64_t *row;                   /* [users] in the model */
	struct strads_rating_list rated; /* by these users, sorted */
	size_t *rated_at;                /* [users + 1] where theirs begin */
	double *h, *item_bias;           /* [STRADS_RECOMMEND_ROWS][K], […] */
	double *w, *user_bias;           /* [USERS_AT_ONCE][K], […] */
	size_t *next;                    /* [USERS_AT_ONCE] rating to be passed by next */
	size_t top;
	struct strads_recommendation *best; /* [USERS_AT_ONCE][top] … */
	size_t *count;                      /* [USERS_AT_ONCE] … of which so many are there */
};

/* ---- Who ---------------------------------------------------------------------------------- */

static int
add_user(struct task *task, const char *word, size_t length)
{
	uint32_t number;

	return length > 0 ? strads_names_add(&task->users, word, length, &number) : STRADS_OK;
}

static int
users_split(struct task *task)
{
	const char *word = task->settings->user;
	int status = STRADS_OK;

	while (!status && *word) {
		size_t length = strcspn(word, ",");

		status = add_user(task, word, length);
		word += length + (word[length] == ',');
	}
	return status;
}

/* The only word of each line. */
static int
users_lines(struct task *task, struct strads_text *text)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, 0, text->bytes);

	if (status)
		return status;
	while (!(status = strads_lines_next(&lines, &line, &stop)) && line) {
		const char *word = strads_skip_blanks(line), *end = stop;

		while (end > word && strads_is_blank(end[-1]))
			end--;
		if (memchr(word, '\0', (size_t)(end - word)))
			status = strads_fail(STRADS_ERR_INPUT, "the id has a byte of zeros in it");
		else
			status = add_user(task, word, (size_t)(end - word));
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(text, lines.line_offset);
		if (status)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

static int
users_read(struct task *task)
{
	struct strads_text *text = NULL;
	int status;

	if (task->settings->user)
		return users_split(task);
	status = strads_text_open(task->fabric, task->settings->users, &text);
	if (status)
		return status;
	status = users_lines(task, text);
	strads_text_close(&text);
	return status;
}

/* Every user must be in the model. */
static int
users_find(struct task *task)
{
	size_t unknown = 0, first = 0;
	int status;

	if (task->users.count == 0)
		return strads_fail(STRADS_ERR_INPUT, "no users: name some with --user or --users");
	task->row = calloc(task->users.count, sizeof *task->row);
	if (!task->row)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu users", task->users.count);
	status = strads_recommend_model_find(&task->model, &task->users, task->row);
	if (status)
		return status;
	for (size_t i = task->users.count; i-- > 0;)
		if (task->row[i] == UINT64_MAX) {
			unknown++;
			first = i;
		}
	if (unknown == 0)
		return STRADS_OK;
	if (unknown == 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "user '%s' is not in %s: only users with ratings in the "
				   "training file are",
				   strads_names_word(&task->users, first), task->model.path);
	return strads_fail(STRADS_ERR_INPUT,
			   "%zu users are not in %s, the first of them '%s': only users with "
			   "ratings in the training file are",
			   unknown, task->model.path, strads_names_word(&task->users, first));
}

/* ---- What they have seen ------------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
	const struct strads_triplet *left = a, *right = b;

	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	return (left->col > right->col) - (left->col < right->col);
}

/* The ratings of these users alone are kept. */
static int
rated_read(struct task *task)
{
	struct strads_triplets *ratings = &task->rated.ratings;
	int status = STRADS_OK;

	task->rated.users = &task->users;
	task->rated.items = &task->items;
	task->rated.closed = true;
	if (task->settings->seen)
		status = strads_rating_list_read(&task->rated, task->fabric, task->settings->seen);
	if (status)
		return status;
	task->rated_at = calloc(task->users.count + 1, sizeof *task->rated_at);
	if (!task->rated_at)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu users", task->users.count);
	if (ratings->count > 0)
		qsort(ratings->entry, ratings->count, sizeof *ratings->entry, compare);
	for (size_t e = 0; e < ratings->count; e++)
		task->rated_at[ratings->entry[e].row + 1]++;
	for (size_t i = 0; i < task->users.count; i++)
		task->rated_at[i + 1] += task->rated_at[i];
	return STRADS_OK;
}

/* ---- Predictions -------------------------------------------------------------------------- */

/* Whether user i has rated the item; items are asked for in ascending order. */
static bool
has_rated(const struct task *task, size_t user, size_t *next, uint64_t item)
{
	const struct strads_triplet *rated = task->rated.ratings.entry;

	while (*next < task->rated_at[user + 1] && rated[*next].col < item)
		++*next;
	return *next < task->rated_at[user + 1] && rated[*next].col == item;
}

/* Items first … first + n − 1, whose rows are in task->h, for one user, of those at hand the
 * `at`-th. */
static void
user_predict(struct task *task, size_t user, size_t at, uint64_t first, uint32_t n)
{
	uint32_t factors = task->model.factors;
	const double *w = task->w + at * factors;
	double base = task->model.mean + task->user_bias[at];

	for (uint32_t j = 0; j < n; j++) {
		const double *h = task->h + (size_t)j * factors;
		double prediction = base + task->item_bias[j];

		if (has_rated(task, user, &task->next[at], first + j))
			continue;
		for (uint32_t k = 0; k < factors; k++)
			prediction += w[k] * h[k];
		strads_recommend_best_offer(task->best + at * task->top, task->top,
					    &task->count[at], prediction, first + j);
	}
}

static void
user_print(const struct task *task, size_t user, size_t at)
{
	const struct strads_recommendation *best = task->best + at * task->top;

	for (size_t i = 0; i < task->count[at]; i++)
		printf("%s\t%s\t%.6g\n", strads_names_word(&task->users, user),
		       strads_names_word(&task->items, best[i].item), best[i].prediction);
}

/* Users first … first + n − 1, in one pass over the items. */
static int
batch_run(struct task *task, size_t first, size_t n)
{
	const struct strads_recommend_model *model = &task->model;
	int status = STRADS_OK;

	for (size_t i = 0; !status && i < n; i++) {
		task->next[i] = task->rated_at[first + i];
		task->count[i] = 0;
		status = strads_recommend_model_user(
		    model, task->row[first + i], task->w + i * model->factors, &task->user_bias[i]);
	}
	for (uint64_t at = 0; !status && at < model->item_count; at += STRADS_RECOMMEND_ROWS) {
		uint64_t left = model->item_count - at;
		uint32_t rows =
		    left < STRADS_RECOMMEND_ROWS ? (uint32_t)left : STRADS_RECOMMEND_ROWS;

		status = strads_recommend_model_rows(model, at, rows, task->h, task->item_bias);
		for (size_t i = 0; !status && i < n; i++)
			user_predict(task, first + i, i, at, rows);
	}
	for (size_t i = 0; !status && i < n; i++)
		user_print(task, first + i, i);
	return status;
}

static int
batches_run(struct task *task)
{
	size_t users = task->users.count, factors = task->model.factors;
	int status = STRADS_OK;

	task->top = task->settings->top < task->model.item_count ? task->settings->top
								 : task->model.item_count;
	task->h = malloc(STRADS_RECOMMEND_ROWS * factors * sizeof *task->h);
	task->item_bias = malloc(STRADS_RECOMMEND_ROWS * sizeof *task->item_bias);
	task->w = malloc(USERS_AT_ONCE * factors * sizeof *task->w);
	task->user_bias = malloc(USERS_AT_ONCE * sizeof *task->user_bias);
	task->next = malloc(USERS_AT_ONCE * sizeof *task->next);
	task->best = malloc(USERS_AT_ONCE * task->top * sizeof *task->best);
	task->count = malloc(USERS_AT_ONCE * sizeof *task->count);
	if (!task->h || !task->item_bias || !task->w || !task->user_bias || !task->next ||
	    !task->best || !task->count)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu factors of %d items",
				   factors, STRADS_RECOMMEND_ROWS);
	for (size_t at = 0; !status && at < users; at += USERS_AT_ONCE)
		status =
		    batch_run(task, at, users - at < USERS_AT_ONCE ? users - at : USERS_AT_ONCE);
	if (!status && (fflush(stdout) || ferror(stdout)))
		status = strads_fail(STRADS_ERR_IO, "cannot write the recommendations");
	return status;
}

/* ---- The command -------------------------------------------------------------------------- */

static int
recommend(struct strads_job *job, struct task *task)
{
	const struct strads_fabric_options fabric = {.fabric = "auto"};
	int status = strads_recommend_model_open(task->settings->model, &task->model);

	if (!status)
		status = strads_fabric_open(job, &fabric, &task->fabric);
	if (!status)
		status = users_read(task);
	if (!status)
		status = users_find(task);
	if (!status)
		status = strads_recommend_model_items(&task->model, &task->items);
	if (!status)
		status = rated_read(task);
	return status ? status : batches_run(task);
}

static void
clean_up(struct task *task)
{
	free(task->count);
	free(task->best);
	free(task->next);
	free(task->user_bias);
	free(task->w);
	free(task->item_bias);
	free(task->h);
	free(task->rated_at);
	strads_triplets_free(&task->rated.ratings);
	free(task->row);
	strads_names_free(&task->items);
	strads_names_free(&task->users);
	strads_fabric_close(&task->fabric);
	strads_recommend_model_close(&task->model);
}

static int
only_rank(struct strads_job *job, void *arg)
{
	struct task *task = arg;
	int status = recommend(job, task);

	if (status)
		fprintf(stderr, "%s: %s\n", task->command, strads_error());
	clean_up(task);
	return status ? STRADS_EXIT_FAILED : STRADS_EXIT_DONE;
}

static int
check(const struct settings *settings)
{
	if (!settings->model)
		return strads_fail(STRADS_ERR_INPUT, "no model: name one of `strads mf`");
	if (!settings->user && !settings->users)
		return strads_fail(STRADS_ERR_INPUT, "no users: name some with --user or --users");
	return STRADS_OK;
}

int
strads_command_recommend(int argc, char **argv)
{
	struct settings settings = {0};
	const struct strads_option_group groups[] = {{"Recommend:", options, &settings}, {0}};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about = "List the items with the highest predicted ratings for users of a "
		     "factorization, the best first: lines of user, item and prediction, separated "
		     "by tabs.",
	    .positional = "model",
	    .groups = groups,
	};
	const struct strads_job_options alone = {.kind = STRADS_JOB_SELF};
	struct task task = {.settings = &settings, .command = argv[0]};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (!status)
		status = check(&settings);
	if (status)
		return strads_run_refuse(argv[0]);
	return strads_job_run(&alone, only_rank, &task);
}
