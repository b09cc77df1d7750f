#include "packages.h"

#include "../data/grow.h"
#include "../data/inflate.h"
#include "../data/number.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH                                                                                      \
	"fetch them with apt-get -o Dir::State::lists=DIR -o Acquire::Languages=en "               \
	"-o Acquire::GzipIndexes=false update"

/* A stanza of a list. */
struct listed {
	struct strads_slice name; /* of packages only */
	struct strads_slice md5;
	struct strads_slice text; /* of translations only */
	uint64_t installed_kib;
	size_t order; /* of appearance */
};

struct listing {
	struct listed *item;
	size_t count, room;
};

static int
listing_add(struct listing *listing, struct listed item)
{
	int status = strads_grow((void **)&listing->item, &listing->room, listing->count + 1,
				 sizeof(*listing->item));

	if (status != STRADS_OK)
		return status;
	item.order = listing->count;
	listing->item[listing->count++] = item;
	return STRADS_OK;
}

static int
packages_scan(const char *text, size_t bytes, struct listing *listing,
	      struct strads_corpus_counts *counts)
{
	struct strads_field fields[] = {
	    {.name = "Package"}, {.name = "Installed-Size"}, {.name = "Description-md5"}};
	const char *at = text;
	int status = STRADS_OK;

	while (status == STRADS_OK && strads_stanza_next(&at, text + bytes, fields, 3)) {
		struct listed item = {.name = fields[0].value, .md5 = fields[2].value};

		if (!item.name.at)
			continue;
		counts->packages++;
		if (!fields[1].value.at ||
		    !strads_number_parse_index(fields[1].value.at, &item.installed_kib))
			counts->without_size++;
		else if (!item.md5.at)
			counts->without_text++;
		else
			status = listing_add(listing, item);
	}
	return status;
}

static int
translations_scan(const char *text, size_t bytes, struct listing *listing)
{
	struct strads_field fields[] = {{.name = "Description-md5"}, {.name = "Description-en"}};
	const char *at = text;
	int status = STRADS_OK;

	while (status == STRADS_OK && strads_stanza_next(&at, text + bytes, fields, 2))
		if (fields[0].value.at && fields[1].value.at)
			status = listing_add(listing, (struct listed){.md5 = fields[0].value,
								      .text = fields[1].value});
	return status;
}

/* Does the file's name end in `kind`, perhaps followed by the ending of an archive? */
static bool
is_list(const char *name, const char *kind)
{
	static const char *const endings[] = {"", ".zst", ".xz", ".gz", ".lz4", ".bz2"};
	size_t bytes = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t ending = strlen(endings[i]), tail = strlen(kind) + ending;

		if (bytes >= tail && strncmp(name + bytes - tail, kind, strlen(kind)) == 0 &&
		    strcmp(name + bytes - ending, endings[i]) == 0)
			return true;
	}
	return false;
}

static int
byte_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Reads one file and keeps its text. */
static int
text_load(struct strads_packages *packages, const char *folder, const char *name, size_t *bytes)
{
	char *path;
	int status = strads_grow((void **)&packages->text, &packages->texts_room,
				 packages->texts + 1, sizeof(*packages->text));

	if (status != STRADS_OK)
		return status;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to read %s", name);
	status = strads_inflate_file(path, &packages->text[packages->texts], bytes);
	free(path);
	if (status == STRADS_OK)
		packages->texts++;
	return status;
}

static int
lists_scan(const char *folder, struct strads_packages *packages, struct listing *listed,
	   struct listing *described, struct strads_corpus_counts *counts)
{
	struct dirent **files;
	int count = scandir(folder, &files, NULL, byte_order), status = STRADS_OK;

	if (count < 0)
		return strads_fail(STRADS_ERR_INPUT, "cannot read the folder %s: %s", folder,
				   strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = files[i]->d_name;
		bool is_packages = is_list(name, "_Packages");
		size_t bytes = 0;

		if (status == STRADS_OK && (is_packages || is_list(name, "_Translation-en"))) {
			status = text_load(packages, folder, name, &bytes);
			if (status == STRADS_OK && is_packages)
				status = packages_scan(packages->text[packages->texts - 1], bytes,
						       listed, counts);
			else if (status == STRADS_OK)
				status = translations_scan(packages->text[packages->texts - 1],
							   bytes, described);
		}
		free(files[i]);
	}
	free(files);
	if (status == STRADS_OK && !packages->texts)
		status = strads_fail(STRADS_ERR_INPUT, "no package lists in %s: " FETCH, folder);
	else if (status == STRADS_OK && !counts->packages)
		status =
		    strads_fail(STRADS_ERR_INPUT, "no packages in the lists in %s: " FETCH, folder);
	return status;
}

static int
by_name(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strads_slice_compare(x->name, y->name);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int
by_md5(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strads_slice_compare(x->md5, y->md5);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* The description with this sum, or NULL; `described` is sorted by sum. */
static const struct listed *
description_find(const struct listing *described, struct strads_slice md5)
{
	size_t low = 0, high = described->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strads_slice_compare(described->item[middle].md5, md5) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == described->count || strads_slice_compare(described->item[low].md5, md5) != 0)
		return NULL;
	return &described->item[low];
}

static int
packages_join(const char *folder, struct listing *listed, struct listing *described,
	      struct strads_packages *packages, struct strads_corpus_counts *counts)
{
	const struct strads_package *last = NULL;

	if (!listed->count)
		return strads_fail(STRADS_ERR_INPUT,
				   "no package in the lists in %s has an Installed-Size and a "
				   "Description-md5: " FETCH,
				   folder);
	if (!described->count)
		return strads_fail(STRADS_ERR_INPUT,
				   "no English descriptions (*_Translation-en) in %s: " FETCH,
				   folder);
	packages->package = calloc(listed->count + 1, sizeof(*packages->package));
	if (!packages->package)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu packages", listed->count);
	qsort(listed->item, listed->count, sizeof(*listed->item), by_name);
	qsort(described->item, described->count, sizeof(*described->item), by_md5);
	for (size_t i = 0; i < listed->count; i++) {
		const struct listed *item = &listed->item[i];
		const struct listed *description = description_find(described, item->md5);

		if (!description) {
			counts->without_text++;
		} else if (last && strads_slice_compare(last->name, item->name) == 0) {
			counts->repeated++;
		} else {
			packages->package[packages->count] = (struct strads_package){
			    item->name, description->text, item->installed_kib};
			last = &packages->package[packages->count++];
		}
	}
	counts->documents = packages->count;
	return STRADS_OK;
}

int
strads_packages_read(const char *folder, struct strads_packages *packages,
		     struct strads_corpus_counts *counts)
{
	struct listing listed = {0}, described = {0};
	int status;

	*packages = (struct strads_packages){0};
	status = lists_scan(folder, packages, &listed, &described, counts);
	if (status == STRADS_OK)
		status = packages_join(folder, &listed, &described, packages, counts);
	free(listed.item);
	free(described.item);
	return status;
}

void
strads_packages_free(struct strads_packages *packages)
{
	for (size_t i = 0; i < packages->texts; i++)
		free(packages->text[i]);
	free(packages->text);
	free(packages->package);
	*packages = (struct strads_packages){0};
}
