#include "stream.h"

#include <string.h>

void
strads_stream_start(struct strads_stream *stream, uint64_t set, uint32_t block, void *base,
		    size_t total, struct strads_loan *loan)
{
	*stream = (struct strads_stream){
	    .set = set, .block = block, .base = base, .total = total, .open = true, .loan = loan};
}

void
strads_stream_compose(struct strads_stream *stream, struct strads_cast *cast, bool *moved)
{
	/* Without another rank there is nothing to send. */
	if (cast->lane->tree.ranks == 1 && stream->open) {
		stream->open = false;
		*moved = true;
	}
	while (stream->open && strads_cast_room(cast)) {
		size_t left = stream->total - stream->offset;
		size_t most = strads_lane_payload(cast->lane);
		size_t bytes = left < most ? left : most;
		const struct strads_trailer trailer = {.set = stream->set,
						       .total = stream->total,
						       .offset = stream->offset,
						       .block = stream->block,
						       .bytes = (uint32_t)bytes,
						       .lane = cast->lane->id};

		if (stream->offset == 0)
			stream->loan->first = cast->composed;
		strads_cast_add(cast, stream->base + stream->offset, &trailer);
		stream->loan->end = cast->composed;
		stream->offset += bytes;
		stream->open = stream->offset < stream->total;
		*moved = true;
	}
}

/* Whether this is the next piece of what is expected and fits. */
static bool
follows(const struct strads_sink *sink, const struct strads_trailer *trailer)
{
	if (trailer->set != sink->set || trailer->block != sink->block ||
	    trailer->offset != sink->offset || trailer->total > sink->room)
		return false;
	if (sink->begun && trailer->total != sink->total)
		return false;
	return trailer->bytes > 0 || trailer->total == 0;
}

int
strads_sink_step(struct strads_sink *sink, struct strads_lane *lane, int root, bool *moved)
{
	const struct strads_trailer *trailer;
	const void *payload;
	int status = strads_lane_peek(lane, root, &trailer, &payload);

	if (status != STRADS_OK)
		return status;
	if (!follows(sink, trailer))
		return strads_fail(
		    STRADS_ERR_PROTOCOL,
		    "rank %d: rank %d sent bytes %llu+%u of %llu of set %llu block %u, "
		    "expected from byte %zu of at most %zu of set %llu block %u",
		    lane->rank, root, (unsigned long long)trailer->offset, trailer->bytes,
		    (unsigned long long)trailer->total, (unsigned long long)trailer->set,
		    trailer->block, sink->offset, sink->room, (unsigned long long)sink->set,
		    sink->block);
	if (trailer->bytes)
		memcpy(sink->base + sink->offset, payload, trailer->bytes);
	strads_fabric_charge(lane->fabric, STRADS_COPY_NS * trailer->bytes);
	sink->begun = true;
	sink->total = trailer->total;
	sink->offset += trailer->bytes;
	*moved = true;
	status = strads_lane_take(lane, root);
	if (status != STRADS_OK)
		return status;
	return sink->offset == sink->total ? STRADS_OK : STRADS_AGAIN;
}
