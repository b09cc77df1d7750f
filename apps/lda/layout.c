#include "layout.h"

#include "rows.h"

#include <assert.h>
#include <stdlib.h>

static_assert(sizeof(struct strads_lda_head) == STRADS_LDA_HEAD * sizeof(uint32_t), "wire format");

/* A word and how often it occurs; a block and what it has so far. */
struct item {
	uint64_t load;
	uint32_t number;
};

static int
by_load_falling(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	if (left->load != right->load)
		return left->load < right->load ? 1 : -1;
	return (left->number > right->number) - (left->number < right->number);
}

static bool
is_lighter(const struct item *a, const struct item *b)
{
	return a->load < b->load || (a->load == b->load && a->number < b->number);
}

/* Lets the top of the heap, whose load has grown, sink to its place. */
static void
heap_sink(struct item *heap, int n)
{
	for (int at = 0, child; (child = 2 * at + 1) < n; at = child) {
		struct item held = heap[at];

		if (child + 1 < n && is_lighter(&heap[child + 1], &heap[child]))
			child++;
		if (!is_lighter(&heap[child], &held))
			return;
		heap[at] = heap[child];
		heap[child] = held;
	}
}

/* Gives every word a block: block_of [V]. Heap [P] and item [V] to work in. */
static void
blocks_choose(const struct strads_lda_layout *layout, struct item *heap, struct item *item,
	      uint32_t *block_of)
{
	for (uint64_t w = 0; w < layout->words; w++)
		item[w] = (struct item){layout->count[w], (uint32_t)w};
	for (int b = 0; b < layout->blocks; b++)
		heap[b] = (struct item){0, (uint32_t)b};
	qsort(item, layout->words, sizeof *item, by_load_falling);
	for (uint64_t i = 0; i < layout->words; i++) {
		block_of[item[i].number] = heap[0].number;
		/* One more, so that words that occur nowhere are spread, too. */
		heap[0].load += item[i].load + 1;
		heap_sink(heap, layout->blocks);
	}
}

/* Puts the words in a row, block by block; first [P + 1] is where the blocks begin. */
static void
words_order(struct strads_lda_layout *layout, const uint32_t *block_of, uint64_t *first)
{
	uint64_t sum = 0;

	for (uint64_t w = 0; w < layout->words; w++)
		first[block_of[w]]++;
	for (int b = 0; b <= layout->blocks; b++) {
		uint64_t n = first[b];

		first[b] = sum;
		sum += n;
	}
	for (uint64_t w = 0; w < layout->words; w++)
		layout->word_at[first[block_of[w]]++] = (uint32_t)w;
	for (int b = layout->blocks; b > 0; b--)
		first[b] = first[b - 1];
	first[0] = 0;
}

/* Cuts the block at places first … end − 1 into parts of about as many occurrences. */
static void
block_cut(struct strads_lda_layout *layout, int block, uint64_t first, uint64_t end)
{
	uint64_t *part_first = layout->part_first + (uint64_t)block * layout->parts;
	uint64_t *part_offset = layout->part_offset + (uint64_t)block * layout->parts;
	uint64_t total = 0, before = 0, offset = 0;
	uint32_t part = 0;

	for (uint64_t i = first; i < end; i++)
		total += layout->count[layout->word_at[i]] + 1;
	for (uint64_t i = first; i < end; i++) {
		uint64_t count = layout->count[layout->word_at[i]];

		while (part < layout->parts &&
		       (double)before >= (double)total * part / layout->parts) {
			part_first[part] = i;
			part_offset[part++] = offset;
			offset += STRADS_LDA_HEAD;
		}
		before += count + 1;
		offset +=
		    strads_lda_row_capacity(layout->changes ? 2 * count : count, layout->topics);
	}
	for (; part < layout->parts; part++) {
		part_first[part] = end;
		part_offset[part] = offset;
		offset += STRADS_LDA_HEAD;
	}
	layout->capacity = offset > layout->capacity ? offset : layout->capacity;
}

int
strads_lda_layout_make(struct strads_lda_layout *layout)
{
	uint64_t parts = (uint64_t)layout->blocks * layout->parts, words = layout->words;
	struct item *heap = calloc((size_t)layout->blocks, sizeof *heap);
	struct item *item = calloc(words, sizeof *item);
	uint32_t *block_of = calloc(words, sizeof *block_of);
	uint64_t *first = calloc((size_t)layout->blocks + 1, sizeof *first);
	int status = STRADS_OK;

	layout->word_at = calloc(words, sizeof *layout->word_at);
	layout->part_first = calloc(parts + 1, sizeof *layout->part_first);
	layout->part_offset = calloc(parts, sizeof *layout->part_offset);
	if (heap && item && block_of && first && layout->word_at && layout->part_first &&
	    layout->part_offset) {
		blocks_choose(layout, heap, item, block_of);
		words_order(layout, block_of, first);
		for (int b = 0; b < layout->blocks; b++)
			block_cut(layout, b, first[b], first[b + 1]);
		layout->part_first[parts] = words;
	} else {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to lay out %llu words",
				     (unsigned long long)words);
	}
	free(first);
	free(block_of);
	free(item);
	free(heap);
	return status;
}

uint64_t
strads_lda_layout_bytes(const struct strads_lda_layout *layout)
{
	uint64_t parts = (uint64_t)layout->blocks * layout->parts;

	return layout->words * (sizeof *layout->word_at + sizeof *layout->count) +
	       (2 * parts + 1) * sizeof *layout->part_first;
}

void
strads_lda_layout_free(struct strads_lda_layout *layout)
{
	free(layout->part_offset);
	free(layout->part_first);
	free(layout->word_at);
	free(layout->count);
	*layout = (struct strads_lda_layout){0};
}
