#include "hashed_state.h"

#include <string.h>

#include "strads/random.h"

/* Where the place of key would be remembered; NULL if nothing is. */
static struct strads_hashed_place *
place_of(const struct strads_hashed *hashed, strads_key key)
{
	uint32_t places = hashed->options.cache_keys;

	return places ? &hashed->places[strads_random_mix(key) & (places - 1)] : NULL;
}

uint32_t
strads_hashed_reading(const struct strads_hashed *hashed)
{
	return hashed->reading;
}

int
strads_hashed_read(struct strads_hashed *hashed, strads_key key, void *value,
		   enum strads_hashed_answer *answer)
{
	const struct strads_hashed_place *place = place_of(hashed, key);
	struct strads_hashed_request *request;

	if (strads_hashed_owner(hashed, key) == hashed->rank) {
		*answer = strads_hashed_get(hashed, key, value) ? STRADS_HASHED_FOUND
								: STRADS_HASHED_ABSENT;
		return STRADS_OK;
	}
	if (hashed->reading == hashed->options.reads_max)
		return STRADS_AGAIN;
	request = hashed->current[hashed->reading++];
	*request =
	    (struct strads_hashed_request){.key = key,
					   .value = value,
					   .answer = answer,
					   .slot = place && place->key == key ? place->slot : 0,
					   .copy = request->copy};
	*answer = STRADS_HASHED_WAITING;
	hashed->stats.reads++;
	return STRADS_OK;
}

/* Starts the get of the slot, or of the bucket of the present segment. */
static int
ask(struct strads_hashed *hashed, struct strads_hashed_request *request)
{
	const struct strads_hashed_shape *shape = &hashed->shape;
	bool known = request->slot > 0;
	uint64_t first =
	    known ? request->slot - 1 : strads_hashed_bucket(shape, request->key, request->segment);
	size_t bytes = (known ? 1 : STRADS_HASHED_SLOTS) * shape->slot_bytes;
	int status;

	request->counter = (struct strads_counter){0};
	status =
	    strads_get(hashed->fabric, strads_hashed_owner(hashed, request->key), hashed->shard,
		       first * shape->slot_bytes, request->copy, bytes, &request->counter);
	if (status)
		return status;
	request->asked = true;
	hashed->stats.messages++;
	hashed->stats.bytes += bytes;
	return STRADS_OK;
}

static void
found(struct strads_hashed *hashed, struct strads_hashed_request *request, const uint64_t *slot,
      uint64_t number)
{
	struct strads_hashed_place *place = place_of(hashed, request->key);

	strads_slot_value(slot, request->value, hashed->shape.value_words);
	if (place)
		*place = (struct strads_hashed_place){request->key, number + 1};
	*request->answer = STRADS_HASHED_FOUND;
}

/* Was torn: reads again, unless that has gone on for too long. The writer is given time, but a get
 * may be done where it is started: so nobody must sleep until it is. */
static int
repeat(struct strads_hashed *hashed, struct strads_hashed_request *request)
{
	uint64_t now = strads_fabric_clock_ns(hashed->fabric);
	uint64_t timeout_ms = strads_fabric_timeout_ms(hashed->fabric);
	int status;

	hashed->stats.torn++;
	if (request->torn_ns == 0)
		request->torn_ns = now;
	if (now - request->torn_ns > timeout_ms * 1000000)
		return strads_fail(STRADS_ERR_TIMEOUT,
				   "rank %d: key %llu was being written by rank %d whenever it was "
				   "read, for %llu s",
				   hashed->rank, (unsigned long long)request->key,
				   strads_hashed_owner(hashed, request->key),
				   (unsigned long long)(timeout_ms / 1000));
	strads_fabric_awake(hashed->fabric);
	status = ask(hashed, request);
	return status ? status : STRADS_AGAIN;
}

/* Looks at the slot that was read: it must still be the key's. */
static int
take_slot(struct strads_hashed *hashed, struct strads_hashed_request *request)
{
	uint64_t key = 0;

	switch (strads_slot_check(request->copy, hashed->shape.value_words, &key)) {
	case STRADS_SLOT_TORN:
		return repeat(hashed, request);
	case STRADS_SLOT_USED:
		if (key == request->key) {
			found(hashed, request, request->copy, request->slot - 1);
			return STRADS_OK;
		}
		break;
	case STRADS_SLOT_FREE:
		break;
	}
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "rank %d: key %llu is no longer where rank %d had it", hashed->rank,
			   (unsigned long long)request->key,
			   strads_hashed_owner(hashed, request->key));
}

/* Looks through the bucket that was read: AGAIN if the next segment's is to be read, or this one
 * again. */
static int
take_bucket(struct strads_hashed *hashed, struct strads_hashed_request *request)
{
	const struct strads_hashed_shape *shape = &hashed->shape;
	uint64_t first = strads_hashed_bucket(shape, request->key, request->segment);

	for (uint64_t i = 0; i < STRADS_HASHED_SLOTS; i++) {
		const uint64_t *slot = request->copy + i * (shape->slot_bytes / sizeof *slot);
		uint64_t key = 0;

		switch (strads_slot_check(slot, shape->value_words, &key)) {
		case STRADS_SLOT_FREE:
			*request->answer = STRADS_HASHED_ABSENT;
			return STRADS_OK;
		case STRADS_SLOT_TORN:
			return repeat(hashed, request);
		case STRADS_SLOT_USED:
			if (key == request->key) {
				found(hashed, request, slot, first + i);
				return STRADS_OK;
			}
		}
	}
	if (++request->segment < shape->segments)
		return STRADS_AGAIN;
	*request->answer = STRADS_HASHED_ABSENT;
	return STRADS_OK;
}

/* AGAIN while the key is being read. */
static int
request_step(struct strads_hashed *hashed, struct strads_hashed_request *request)
{
	for (;;) {
		uint32_t segment = request->segment;
		int status = request->asked ? STRADS_OK : ask(hashed, request);

		if (status)
			return status;
		if (request->counter.done != request->counter.posted)
			return STRADS_AGAIN;
		request->asked = false;
		if (request->counter.status)
			return strads_fabric_explain(
			    hashed->fabric,
			    strads_fail(request->counter.status, "cannot read key %llu of rank %d",
					(unsigned long long)request->key,
					strads_hashed_owner(hashed, request->key)));
		status = request->slot ? take_slot(hashed, request) : take_bucket(hashed, request);
		if (status != STRADS_AGAIN || request->segment == segment)
			return status;
	}
}

int
strads_hashed_step(struct strads_hashed *hashed)
{
	uint32_t i = 0;

	while (i < hashed->reading) {
		struct strads_hashed_request *request = hashed->current[i];
		int status = request_step(hashed, request);

		if (status < 0)
			return status;
		if (status == STRADS_AGAIN) {
			i++;
			continue;
		}
		hashed->current[i] = hashed->current[--hashed->reading];
		hashed->current[hashed->reading] = request;
	}
	return STRADS_OK;
}
