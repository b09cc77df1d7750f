#include "hashed_state.h"

#include <stdlib.h>
#include <string.h>

#include "strads/random.h"

#define VALUE_MAX 65536

/* Of the hashes of a key: of its owner, and of its bucket in each segment. */
#define OWNER_SALT  UINT64_C(0xa0761d6478bd642f)
#define BUCKET_SALT UINT64_C(0xe7037ed1a0b428db)

void
strads_hashed_defaults(struct strads_hashed_options *options)
{
	*options = (struct strads_hashed_options){.value_bytes = 8,
						  .first_keys = 4096,
						  .memory_bytes = (size_t)64 << 20,
						  .cache_keys = 65536,
						  .reads_max = 64};
}

static int
check_options(const struct strads_hashed_options *options)
{
	if (options->value_bytes == 0 || options->value_bytes % 8 ||
	    options->value_bytes > VALUE_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "values of %u bytes: a hashed table has values of 8, 16, … %d",
				   options->value_bytes, VALUE_MAX);
	if (options->reads_max < 1)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a hashed table that reads no key at once: give at least 1");
	return STRADS_OK;
}

/* Segments that double, the last one as large as memory has room for. */
static int
fit(const struct strads_hashed_options *options, struct strads_hashed_shape *shape)
{
	uint64_t room, first, before = 0;

	*shape = (struct strads_hashed_shape){.value_words = options->value_bytes / 8};
	shape->slot_bytes =
	    (uint64_t)strads_slot_lines(shape->value_words) * STRADS_SLOT_WORDS * sizeof(uint64_t);
	room = options->memory_bytes / (STRADS_HASHED_SLOTS * shape->slot_bytes);
	if (room == 0)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "a shard of %zu bytes: one bucket takes %llu, and a key %llu; give "
		    "it more memory",
		    options->memory_bytes,
		    (unsigned long long)(STRADS_HASHED_SLOTS * shape->slot_bytes),
		    (unsigned long long)shape->slot_bytes);
	/* Twice as many slots as keys: then few buckets overflow. */
	first = options->first_keys / (STRADS_HASHED_SLOTS / 2) + 1;
	for (uint64_t buckets = first; before < room; buckets *= 2) {
		bool last =
		    buckets >= room - before || shape->segments == STRADS_HASHED_SEGMENTS_MAX - 1;

		buckets = last ? room - before : buckets;
		shape->before[shape->segments] = before;
		shape->buckets[shape->segments++] = buckets;
		before += buckets;
	}
	return STRADS_OK;
}

uint64_t
strads_hashed_bucket(const struct strads_hashed_shape *shape, strads_key key, uint32_t segment)
{
	uint64_t bits = strads_random_mix(strads_random_mix(key ^ BUCKET_SALT) + segment);
	uint64_t bucket = strads_random_scale(bits, shape->buckets[segment]);

	return (shape->before[segment] + bucket) * STRADS_HASHED_SLOTS;
}

int
strads_hashed_owner(const struct strads_hashed *hashed, strads_key key)
{
	return (int)strads_random_scale(strads_random_mix(key ^ OWNER_SALT),
					(uint64_t)hashed->ranks);
}

static int
regions_new(struct strads_hashed *hashed)
{
	const struct strads_hashed_shape *shape = &hashed->shape;
	uint32_t last = shape->segments - 1;
	size_t bucket = STRADS_HASHED_SLOTS * shape->slot_bytes;
	int status = strads_region_new(hashed->fabric, STRADS_REMOTE_READ,
				       (shape->before[last] + shape->buckets[last]) * bucket,
				       &hashed->shard);

	if (status)
		return status;
	status = strads_region_new(hashed->fabric, STRADS_LOCAL, hashed->options.reads_max * bucket,
				   &hashed->copies);
	for (uint32_t i = 0; !status && i < hashed->options.reads_max; i++) {
		hashed->requests[i].copy =
		    (void *)((uint8_t *)strads_region_base(hashed->copies) + i * bucket);
		hashed->current[i] = &hashed->requests[i];
	}
	return status;
}

static int
build(struct strads_hashed *hashed)
{
	struct strads_hashed_options *options = &hashed->options;
	uint32_t places = 0;
	int status = check_options(options);

	if (!status)
		status = fit(options, &hashed->shape);
	if (status)
		return status;
	for (uint32_t bit = 1; bit && bit <= options->cache_keys; bit *= 2)
		places = bit;
	options->cache_keys = places;
	hashed->places = calloc(places ? places : 1, sizeof *hashed->places);
	hashed->requests = calloc(options->reads_max, sizeof *hashed->requests);
	hashed->current = calloc(options->reads_max, sizeof(struct strads_hashed_request *));
	if (!hashed->places || !hashed->requests || !hashed->current)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for %u places and %u reads of a hashed table", places,
				   options->reads_max);
	return regions_new(hashed);
}

/* Shards are laid out alike, or readers would look for keys where they are not. */
static int
compare_shapes(struct strads_hashed *hashed, int status)
{
	struct strads_job *job = strads_fabric_job(hashed->fabric);
	const struct strads_hashed_shape *shape;
	void *all;

	status = strads_job_gather(job, status, &hashed->shape, sizeof hashed->shape, &all);
	if (status)
		return status;
	shape = all;
	for (int rank = 0; !status && rank < hashed->ranks; rank++)
		if (memcmp(&shape[rank], &hashed->shape, sizeof hashed->shape) != 0)
			status = strads_fail(STRADS_ERR_ARGUMENT,
					     "ranks %d and %d were given different options of a "
					     "hashed table",
					     hashed->rank, rank);
	free(all);
	return status;
}

int
strads_hashed_new(struct strads_fabric *fabric, const struct strads_hashed_options *options,
		  struct strads_hashed **hashed)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_hashed *new = calloc(1, sizeof *new);
	int status;

	if (!new)
		return strads_job_agree(
		    job, strads_fail(STRADS_ERR_MEMORY, "no memory for a hashed table"));
	new->fabric = fabric;
	new->options = *options;
	new->rank = strads_job_rank(job);
	new->ranks = strads_job_size(job);
	status = compare_shapes(new, build(new));
	if (!status)
		status = strads_fabric_wire(fabric);
	if (status) {
		strads_hashed_delete(&new);
		return status;
	}
	*hashed = new;
	return STRADS_OK;
}

void
strads_hashed_delete(struct strads_hashed **hashed)
{
	struct strads_hashed *old = *hashed;

	if (!old)
		return;
	strads_region_delete(&old->copies);
	strads_region_delete(&old->shard);
	free(old->current);
	free(old->requests);
	free(old->places);
	free(old);
	*hashed = NULL;
}

/* Key's slot in this rank's shard, or the free one that it would get, or NULL if there is none. */
static uint64_t *
seek(const struct strads_hashed *hashed, strads_key key, bool *found)
{
	const struct strads_hashed_shape *shape = &hashed->shape;
	uint8_t *base = strads_region_base(hashed->shard);

	for (uint32_t segment = 0; segment < shape->segments; segment++) {
		uint64_t first = strads_hashed_bucket(shape, key, segment);

		for (uint64_t i = first; i < first + STRADS_HASHED_SLOTS; i++) {
			uint64_t *slot = (void *)(base + i * shape->slot_bytes);

			*found = slot[0] != 0 && slot[1] == key;
			if (slot[0] == 0 || *found)
				return slot;
		}
	}
	return NULL;
}

int
strads_hashed_put(struct strads_hashed *hashed, strads_key key, const void *value)
{
	bool found;
	uint64_t *slot;

	if (strads_hashed_owner(hashed, key) != hashed->rank)
		return strads_fail(
		    STRADS_ERR_ARGUMENT, "rank %d gives a value to key %llu, which rank %d owns",
		    hashed->rank, (unsigned long long)key, strads_hashed_owner(hashed, key));
	slot = seek(hashed, key, &found);
	if (!slot)
		return strads_fail(STRADS_ERR_MEMORY,
				   "rank %d: %zu bytes of a hashed table have no room for key %llu "
				   "beside %llu others: give it more memory",
				   hashed->rank, hashed->options.memory_bytes,
				   (unsigned long long)key, (unsigned long long)hashed->stats.keys);
	strads_slot_write(slot, key, value, hashed->shape.value_words);
	hashed->stats.keys += !found;
	return STRADS_OK;
}

bool
strads_hashed_get(const struct strads_hashed *hashed, strads_key key, void *value)
{
	bool found = false;
	const uint64_t *slot =
	    strads_hashed_owner(hashed, key) == hashed->rank ? seek(hashed, key, &found) : NULL;

	if (slot && found)
		strads_slot_value(slot, value, hashed->shape.value_words);
	return slot && found;
}

void
strads_hashed_stats(const struct strads_hashed *hashed, struct strads_hashed_stats *stats)
{
	*stats = hashed->stats;
}
