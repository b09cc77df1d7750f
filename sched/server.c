#include "server_state.h"

#include "hashed_state.h"

#include <stdlib.h>
#include <string.h>

/* As the engine's: the rings lie on a region of their own, where no other epoch was. */
#define EPOCH (UINT64_C(1) << 48)

#define SLOTS 4 /* messages under way to one owner */

#define READS 64

void
strads_server_defaults(struct strads_server_options *options)
{
	*options = (struct strads_server_options){.width = 64,
						  .rows_max = 65536,
						  .shard_rows = 4096,
						  .shard_bytes = (size_t)64 << 20,
						  .message_bytes = 16384};
}

static struct strads_hashed_options
hashed_options(const struct strads_server_options *options, int ranks)
{
	struct strads_hashed_options hashed;

	strads_hashed_defaults(&hashed);
	hashed.value_bytes = ((uint32_t)ranks + options->width) * 8;
	hashed.first_keys = options->shard_rows;
	hashed.memory_bytes = options->shard_bytes;
	hashed.cache_keys = 4 * options->rows_max;
	hashed.reads_max = READS;
	return hashed;
}

static size_t
slot_bytes(const struct strads_server_options *options)
{
	return (options->message_bytes + STRADS_WIRE_TAIL + 63) / 64 * 64;
}

static size_t
inbox_bytes(const struct strads_server_options *options, int ranks)
{
	return (size_t)ranks * (SLOTS * slot_bytes(options) + STRADS_CREDIT_BYTES + 64);
}

size_t
strads_server_memory(const struct strads_server_options *options, int ranks)
{
	size_t words = (size_t)ranks + options->width, row = words * sizeof(uint64_t);
	size_t slot = strads_slot_lines((uint32_t)words) * STRADS_SLOT_WORDS * sizeof(uint64_t);
	size_t added = options->width * sizeof(double) + sizeof(bool) + sizeof(uint32_t);
	size_t kept =
	    row + sizeof(struct strads_server_row) + 32 + added * ((size_t)options->staleness + 1);

	return options->shard_bytes + inbox_bytes(options, ranks) +
	       2 * (size_t)ranks * slot_bytes(options) + READS * STRADS_HASHED_SLOTS * slot +
	       options->rows_max * (kept + 4 * 16);
}

static int
check_options(const struct strads_server_options *options)
{
	size_t record = sizeof(strads_key) + options->width * sizeof(double);

	if (options->width < 1 || options->staleness < 0 || options->rows_max < 1)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a server of %u rows of %u numbers with staleness %d: give at "
				   "least 1, 1 and 0",
				   options->rows_max, options->width, options->staleness);
	if (options->message_bytes < record || options->message_bytes > UINT32_MAX / 2)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "messages of %zu bytes to a server whose rows take %zu: give at "
				   "least that, and no more than 2 GiB",
				   options->message_bytes, record);
	return STRADS_OK;
}

static int
lane_init(struct strads_server *server)
{
	struct strads_lane *lane = &server->lane;
	size_t ranks = (size_t)server->ranks;

	*lane = (struct strads_lane){
	    .id = STRADS_LANE_ADDITIONS,
	    .fabric = server->fabric,
	    .epoch = EPOCH,
	    .rank = server->rank,
	    .tree = {.ranks = server->ranks, .arity = server->ranks > 2 ? server->ranks - 1 : 1},
	    .slots = SLOTS,
	    .slot_bytes = slot_bytes(&server->options),
	    .sent_stats = &server->lane_stats,
	    .credit_stats = &server->lane_stats};
	lane->credit_offset = ranks * SLOTS * lane->slot_bytes;
	server->floors_offset = lane->credit_offset + ranks * STRADS_CREDIT_BYTES;
	server->out = calloc(ranks, sizeof *server->out);
	server->applied = calloc(ranks, sizeof *server->applied);
	server->told = calloc(ranks, sizeof *server->told);
	server->scratch = calloc(strads_server_row_words(server), sizeof *server->scratch);
	if (!server->out || !server->applied || !server->told || !server->scratch)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a server of %d ranks",
				   server->ranks);
	return strads_lane_init(lane);
}

static int
rows_init(struct strads_server *server)
{
	const struct strads_server_options *options = &server->options;
	size_t rows = options->rows_max, clocks = (size_t)options->staleness + 1;

	server->rows = calloc(rows, sizeof *server->rows);
	server->stored = calloc(rows * strads_server_row_words(server), sizeof *server->stored);
	server->added = calloc(clocks, sizeof *server->added);
	if (!server->rows || !server->stored || !server->added)
		goto fail;
	for (size_t i = 0; i < clocks; i++) {
		struct strads_server_added *added = &server->added[i];

		added->delta = calloc(rows * options->width, sizeof *added->delta);
		added->touched = calloc(rows, sizeof *added->touched);
		added->numbers = calloc(rows, sizeof *added->numbers);
		if (!added->delta || !added->touched || !added->numbers)
			goto fail;
	}
	return strads_keymap_reserve(&server->map, options->rows_max);

fail:
	return strads_fail(STRADS_ERR_MEMORY,
			   "no memory for %zu rows of %u numbers with staleness %d", rows,
			   options->width, options->staleness);
}

static int
build(struct strads_server *server)
{
	int status = check_options(&server->options);

	if (!status)
		status = lane_init(server);
	if (!status)
		status = rows_init(server);
	if (!status)
		status =
		    strads_region_new(server->fabric, STRADS_REMOTE_WRITE,
				      inbox_bytes(&server->options, server->ranks), &server->inbox);
	if (!status)
		status = strads_region_new(server->fabric, STRADS_LOCAL,
					   2 * (size_t)server->ranks * server->lane.slot_bytes,
					   &server->outbox);
	server->lane.inbox = server->inbox;
	return status;
}

int
strads_server_new(struct strads_fabric *fabric, const struct strads_server_options *options,
		  struct strads_server **server)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_server *new = calloc(1, sizeof *new);
	struct strads_hashed_options hashed = hashed_options(options, strads_job_size(job));
	int status;

	if (!new)
		return strads_job_agree(job,
					strads_fail(STRADS_ERR_MEMORY, "no memory for a server"));
	new->fabric = fabric;
	new->options = *options;
	new->rank = strads_job_rank(job);
	new->ranks = strads_job_size(job);
	status = strads_job_agree(job, build(new));
	if (!status)
		status = strads_hashed_new(fabric, &hashed, &new->hashed);
	if (status) {
		strads_server_delete(&new);
		return status;
	}
	*server = new;
	return STRADS_OK;
}

void
strads_server_delete(struct strads_server **server)
{
	struct strads_server *old = *server;

	if (!old)
		return;
	strads_hashed_delete(&old->hashed);
	strads_region_delete(&old->outbox);
	strads_region_delete(&old->inbox);
	strads_keymap_free(&old->map);
	for (int i = 0; old->added && i <= old->options.staleness; i++) {
		free(old->added[i].delta);
		free(old->added[i].touched);
		free(old->added[i].numbers);
	}
	free(old->added);
	free(old->stored);
	free(old->rows);
	free(old->scratch);
	free(old->told);
	free(old->applied);
	free(old->out);
	strads_lane_free(&old->lane);
	free(old);
	*server = NULL;
}

uint64_t
strads_server_clocks(const struct strads_server *server)
{
	return server->clock;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* The number of a row here, a new one if it was not met before. */
static int
number_of(struct strads_server *server, strads_key key, uint32_t *number)
{
	*number = strads_keymap_find(&server->map, key);
	if (*number != STRADS_KEYMAP_NONE)
		return STRADS_OK;
	if (server->map.count == server->options.rows_max)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "rank %d: row %llu is one more than the %u that were to be used",
				   server->rank, (unsigned long long)key, server->options.rows_max);
	*number = strads_keymap_add(&server->map, key);
	server->rows[*number] = (struct strads_server_row){
	    .owner = strads_hashed_owner(server->hashed, key), .version = STRADS_SERVER_NEVER};
	return STRADS_OK;
}

/* The numbers of a row as this worker sees it, behind the clocks. */
static double *
numbers_of(const struct strads_server *server, uint32_t number)
{
	return (void *)(server->stored + number * strads_server_row_words(server) + server->ranks);
}

/* Whether `clock` + s has come to the present one. */
static bool
suffices(const struct strads_server *server, uint64_t clock)
{
	return clock + (uint64_t)server->options.staleness >= server->clock;
}

/* Begins to read a row that is too old: AGAIN if its owner has nothing newer, or if there is no
 * room for one more read. */
static int
ask(struct strads_server *server, strads_key key)
{
	struct strads_server_row *row;
	uint32_t number;
	int status = number_of(server, key, &number);

	if (status)
		return status;
	row = &server->rows[number];
	if (row->reading || (row->version != STRADS_SERVER_NEVER && suffices(server, row->version)))
		return STRADS_OK;
	row->asked = strads_server_floor(server, row->owner);
	if (!suffices(server, row->asked))
		return STRADS_AGAIN;
	status = strads_hashed_read(server->hashed, key,
				    server->stored + number * strads_server_row_words(server),
				    &row->answer);
	row->reading = status == STRADS_OK;
	return status;
}

/* Reads those of the rows that are too old: AGAIN until all have come. */
static int
ask_all(struct strads_server *server, const strads_key *keys, size_t n)
{
	size_t before;

	do {
		int status = STRADS_OK;

		before = server->asked;
		while (!status && server->asked < n) {
			status = ask(server, keys[server->asked]);
			server->asked += !status;
		}
		if (status >= 0)
			status = strads_hashed_step(server->hashed);
		if (status)
			return status;
	} while (server->asked < n && server->asked > before);
	return server->asked < n || strads_hashed_reading(server->hashed) > 0 ? STRADS_AGAIN
									      : STRADS_OK;
}

/* Adds to a row that has been read what this worker added after what its owner had of it. */
static void
merge_own(struct strads_server *server, uint32_t number)
{
	uint64_t *stored = server->stored + number * strads_server_row_words(server);
	uint64_t staleness = (uint64_t)server->options.staleness;
	uint64_t oldest = server->clock > staleness ? server->clock - staleness : 0;
	struct strads_server_row *row = &server->rows[number];
	double *values = numbers_of(server, number);

	if (row->answer == STRADS_HASHED_ABSENT)
		memset(stored, 0, strads_server_row_words(server) * sizeof *stored);
	/* What it added before `oldest` is in, as the floor says. */
	for (uint64_t clock = stored[server->rank] > oldest ? stored[server->rank] : oldest;
	     clock <= server->clock; clock++) {
		const struct strads_server_added *added = strads_server_added_at(server, clock);
		const double *delta = added->delta + (size_t)number * server->options.width;

		for (uint32_t i = 0; added->touched[number] && i < server->options.width; i++)
			values[i] += delta[i];
	}
	row->version = row->asked;
	row->reading = false;
}

int
strads_server_get(struct strads_server *server, const strads_key *keys, size_t n, double *rows)
{
	uint32_t width = server->options.width;
	int status = strads_server_step(server);

	if (!status)
		status = ask_all(server, keys, n);
	if (status)
		return status;
	for (size_t i = 0; i < n; i++) {
		uint32_t number = strads_keymap_find(&server->map, keys[i]);

		if (server->rows[number].reading)
			merge_own(server, number);
		memcpy(rows + i * width, numbers_of(server, number), width * sizeof *rows);
	}
	server->asked = 0;
	return STRADS_OK;
}

int
strads_server_add(struct strads_server *server, strads_key key, const double *delta)
{
	struct strads_server_added *added = strads_server_added_at(server, server->clock);
	uint32_t width = server->options.width, number;
	int status = number_of(server, key, &number);
	double *mine, *values;

	if (status)
		return status;
	mine = added->delta + (size_t)number * width;
	if (!added->touched[number]) {
		added->touched[number] = true;
		added->numbers[added->count++] = number;
		memset(mine, 0, width * sizeof *mine);
	}
	values = numbers_of(server, number);
	for (uint32_t i = 0; i < width; i++) {
		mine[i] += delta[i];
		values[i] += delta[i]; /* if it was not read yet, that overwrites it */
	}
	return STRADS_OK;
}

/* ---- Clocks --------------------------------------------------------------------------------- */

static int
clock_begin(struct strads_server *server)
{
	int status = STRADS_OK;

	if (!server->sending)
		status = strads_server_apply_own(server);
	if (!status && !server->sending) {
		server->sending = true;
		server->peer = 0;
		server->position = 0;
	}
	return status;
}

int
strads_server_clock(struct strads_server *server)
{
	struct strads_server_added *added = strads_server_added_at(server, server->clock);
	int status = clock_begin(server);

	if (!status)
		status = strads_server_step(server);
	for (; !status && server->peer < server->ranks; server->peer++, server->position = 0) {
		bool more = server->peer != server->rank;

		while (!status && more) {
			status = strads_server_send(server);
			more = server->position < added->count;
		}
		if (status)
			return status;
	}
	if (status)
		return status;
	server->sending = false;
	server->clock++;
	added = strads_server_added_at(server, server->clock);
	for (uint32_t i = 0; i < added->count; i++)
		added->touched[added->numbers[i]] = false;
	added->count = 0;
	return strads_server_step(server);
}

int
strads_server_settle(struct strads_server *server)
{
	int status = strads_server_step(server);

	for (int owner = 0; !status && owner < server->ranks; owner++)
		if (strads_server_floor(server, owner) < server->clock ||
		    (owner != server->rank && server->told[owner] != server->floor))
			status = STRADS_AGAIN;
	for (uint32_t i = 0; !status && i < server->map.count; i++)
		server->rows[i].version = STRADS_SERVER_NEVER;
	return status;
}
