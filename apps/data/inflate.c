#include "inflate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BYTES (256u << 10)
#define PIECE_BYTES (4u << 20)

struct strads_inflate {
	char *path;
	int fd;
	uint64_t file_bytes;
	const struct strads_codec *codec;
	void *stream;
	struct strads_codec_step step;
	struct strads_inflate_piece *first, *last;
	uint64_t bytes;
	uint8_t input[INPUT_BYTES];
};

/* Refills the input buffer, all of which has been decoded. */
static int
input_fill(struct strads_inflate *inflate)
{
	ssize_t got;

	do
		got = read(inflate->fd, inflate->input, INPUT_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return strads_fail(STRADS_ERR_IO, "cannot read %s: %s", inflate->path,
				   strerror(errno));
	inflate->step.in = inflate->input;
	inflate->step.in_bytes = (size_t)got;
	inflate->step.in_ended = got == 0;
	return STRADS_OK;
}

static int
file_open(struct strads_inflate *inflate)
{
	struct stat stat;

	inflate->fd = open(inflate->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (inflate->fd < 0)
		return strads_fail(STRADS_ERR_INPUT, "cannot open %s: %s", inflate->path,
				   strerror(errno));
	if (fstat(inflate->fd, &stat) < 0)
		return strads_fail(STRADS_ERR_IO, "cannot stat %s: %s", inflate->path,
				   strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return strads_fail(STRADS_ERR_INPUT, "%s is not a regular file", inflate->path);
	inflate->file_bytes = (uint64_t)stat.st_size;
	return STRADS_OK;
}

static int
codec_open(struct strads_inflate *inflate)
{
	int status = input_fill(inflate);

	if (status != STRADS_OK)
		return status;
	inflate->codec = strads_codec_find(inflate->input, inflate->step.in_bytes);
	if (inflate->codec->advice)
		return strads_fail(STRADS_ERR_INPUT, "%s is a %s archive, which is not read: %s",
				   inflate->path, inflate->codec->name, inflate->codec->advice);
	if (inflate->codec->open(&inflate->stream) < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to decompress %s", inflate->path);
	return STRADS_OK;
}

int
strads_inflate_open(const char *path, struct strads_inflate **inflate)
{
	struct strads_inflate *new = calloc(1, sizeof(*new));
	int status = STRADS_ERR_MEMORY;

	if (!new) {
		strads_fail(status, "no memory to read %s", path);
		return status;
	}
	new->fd = -1;
	new->path = strdup(path);
	if (!new->path) {
		strads_fail(status, "no memory to read %s", path);
		goto close;
	}
	status = file_open(new);
	if (status != STRADS_OK)
		goto close;
	status = codec_open(new);
	if (status != STRADS_OK) {
		new->codec = NULL;
		goto close;
	}
	*inflate = new;
	return STRADS_OK;
close:
	strads_inflate_close(&new);
	return status;
}

const struct strads_codec *
strads_inflate_codec(const struct strads_inflate *inflate)
{
	return inflate->codec;
}

uint64_t
strads_inflate_file_bytes(const struct strads_inflate *inflate)
{
	return inflate->file_bytes;
}

uint64_t
strads_inflate_bytes(const struct strads_inflate *inflate)
{
	return inflate->bytes;
}

static int
piece_add(struct strads_inflate *inflate)
{
	struct strads_inflate_piece *piece = malloc(sizeof(*piece) + PIECE_BYTES);

	if (!piece) {
		strads_fail(STRADS_ERR_MEMORY,
			    "no memory for the text of %s after %llu bytes of it", inflate->path,
			    (unsigned long long)inflate->bytes);
		return STRADS_ERR_MEMORY;
	}
	piece->next = NULL;
	piece->bytes = 0;
	if (inflate->last)
		inflate->last->next = piece;
	else
		inflate->first = piece;
	inflate->last = piece;
	return STRADS_OK;
}

/* One step of the codec into the last piece; *moved says whether anything was consumed or made. */
static int
piece_decode(struct strads_inflate *inflate, bool *moved)
{
	struct strads_inflate_piece *piece = inflate->last;
	struct strads_codec_step *step = &inflate->step;
	size_t in_bytes = step->in_bytes, made;
	int status;

	step->out = piece->data + piece->bytes;
	step->out_bytes = PIECE_BYTES - piece->bytes;
	status = inflate->codec->step(inflate->stream, step);
	if (status == STRADS_ERR_MEMORY)
		return strads_fail(status, "no memory to decompress %s", inflate->path);
	made = PIECE_BYTES - step->out_bytes - piece->bytes;
	*moved = made || step->in_bytes != in_bytes;
	if (status < 0 || (!*moved && in_bytes))
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "%s is corrupt: its %s stream cannot be decoded after %llu bytes of text",
		    inflate->path, inflate->codec->name, (unsigned long long)inflate->bytes);
	piece->bytes += made;
	inflate->bytes += made;
	return STRADS_OK;
}

int
strads_inflate_step(struct strads_inflate *inflate, size_t budget_bytes)
{
	uint64_t until = inflate->bytes + budget_bytes;
	struct strads_codec_step *step = &inflate->step;
	bool moved = false;

	while (inflate->bytes < until) {
		int status = STRADS_OK;

		if (!step->in_bytes && !step->in_ended)
			status = input_fill(inflate);
		if (status == STRADS_OK && (!inflate->last || inflate->last->bytes == PIECE_BYTES))
			status = piece_add(inflate);
		if (status == STRADS_OK)
			status = piece_decode(inflate, &moved);
		if (status != STRADS_OK)
			return status;
		if (step->in_ended && !moved) {
			if (!step->whole)
				return strads_fail(STRADS_ERR_INPUT,
						   "%s is truncated: its %s stream ends early, "
						   "after %llu bytes of text",
						   inflate->path, inflate->codec->name,
						   (unsigned long long)inflate->bytes);
			return STRADS_OK;
		}
	}
	return STRADS_AGAIN;
}

void
strads_inflate_take(struct strads_inflate *inflate, void *into)
{
	uint8_t *to = into;

	while (inflate->first) {
		struct strads_inflate_piece *piece = inflate->first;

		memcpy(to, piece->data, piece->bytes);
		to += piece->bytes;
		inflate->first = piece->next;
		free(piece);
	}
	inflate->last = NULL;
}

void
strads_inflate_close(struct strads_inflate **inflate)
{
	struct strads_inflate *old = *inflate;

	if (!old)
		return;
	while (old->first) {
		struct strads_inflate_piece *piece = old->first;

		old->first = piece->next;
		free(piece);
	}
	if (old->codec)
		old->codec->close(old->stream);
	if (old->fd >= 0)
		close(old->fd);
	free(old->path);
	free(old);
	*inflate = NULL;
}

int
strads_inflate_file(const char *path, char **text, size_t *bytes)
{
	struct strads_inflate *inflate = NULL;
	char *whole;
	int status = strads_inflate_open(path, &inflate);

	if (status != STRADS_OK)
		return status;
	status = strads_inflate_step(inflate, SIZE_MAX / 2);
	if (status != STRADS_OK)
		goto close;
	whole = malloc((size_t)inflate->bytes + 1);
	if (!whole) {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the %llu bytes of %s",
				     (unsigned long long)inflate->bytes, path);
		goto close;
	}
	*bytes = (size_t)inflate->bytes;
	strads_inflate_take(inflate, whole);
	whole[*bytes] = '\n';
	*text = whole;
	status = STRADS_OK;
close:
	strads_inflate_close(&inflate);
	return status;
}
