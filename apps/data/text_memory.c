#include "text.h"

#include <stdlib.h>
#include <string.h>

struct text_memory {
	struct strads_text text;
	const char *data;
};

static int
memory_read(struct strads_text *text, uint64_t offset, void *into, size_t bytes)
{
	struct text_memory *memory = (struct text_memory *)text;

	memcpy(into, memory->data + offset, bytes);
	return STRADS_OK;
}

static void
memory_close(struct strads_text *text)
{
	free(text);
}

static const struct strads_text_ops memory_ops = {
    .read = memory_read,
    .close = memory_close,
};

int
strads_text_memory(const char *name, const char *data, size_t bytes, struct strads_text **text)
{
	struct text_memory *memory = malloc(sizeof(*memory));

	if (!memory)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to read %s", name);
	*memory = (struct text_memory){.text = {&memory_ops, name, bytes, 0}, .data = data};
	*text = &memory->text;
	return STRADS_OK;
}
