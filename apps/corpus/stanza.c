#include "stanza.h"

#include <string.h>

/* The field that a line starts, or NULL. */
static struct strads_field *
field_find(const char *line, const char *stop, struct strads_field *fields, size_t count)
{
	const char *colon = memchr(line, ':', (size_t)(stop - line));

	if (!colon)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strlen(fields[i].name) == (size_t)(colon - line) &&
		    strncmp(fields[i].name, line, (size_t)(colon - line)) == 0) {
			const char *value = colon + 1;

			while (value < stop && (*value == ' ' || *value == '\t'))
				value++;
			fields[i].value = (struct strads_slice){value, (size_t)(stop - value)};
			return &fields[i];
		}
	return NULL;
}

bool
strads_stanza_next(const char **at, const char *end, struct strads_field *fields, size_t count)
{
	struct strads_field *field = NULL;
	bool any = false;
	const char *line = *at;

	for (size_t i = 0; i < count; i++)
		fields[i].value = (struct strads_slice){NULL, 0};
	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line) + 1);

		if (stop == line && any)
			break;
		if (*line == ' ' || *line == '\t') {
			if (field)
				field->value.bytes = (size_t)(stop - field->value.at);
		} else if (stop > line) {
			field = field_find(line, stop, fields, count);
			any = true;
		}
		line = stop + 1;
	}
	*at = line;
	return any;
}

int
strads_slice_compare(struct strads_slice a, struct strads_slice b)
{
	int order = memcmp(a.at, b.at, a.bytes < b.bytes ? a.bytes : b.bytes);

	return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}
