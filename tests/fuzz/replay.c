/*
 * Stands in for libFuzzer where the compiler has none: runs the target once on every file named, or
 * in a folder named, and on every beginning of it.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES (64u << 10)

static int
replay_file(const char *path)
{
	uint8_t *data = malloc(FILE_BYTES);
	FILE *file = fopen(path, "rb");
	size_t bytes;

	if (!data || !file) {
		fprintf(stderr, "cannot read %s\n", path);
		free(data);
		if (file)
			fclose(file);
		return 1;
	}
	bytes = fread(data, 1, FILE_BYTES, file);
	fclose(file);
	for (size_t cut = 0; cut <= bytes; cut++) {
		/* An allocation of its own, so that a sanitizer sees a read past the end. */
		uint8_t *copy = malloc(cut + 1);

		if (!copy)
			break;
		memcpy(copy, data, cut);
		(void)LLVMFuzzerTestOneInput(copy, cut);
		free(copy);
	}
	free(data);
	return 0;
}

static int
replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int failed = 0;

	if (!dir)
		return replay_file(path);
	while ((entry = readdir(dir))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= replay_file(name);
	}
	closedir(dir);
	return failed;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay_folder(argv[i]);
	return failed;
}
