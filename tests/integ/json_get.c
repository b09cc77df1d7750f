/*
 * Reads JSON objects, one a line, from standard input and prints of each the values of the keys
 * that are its arguments ("stage_seconds.push.busy" looks into objects), separated by spaces.
 * Fails at a line that is no object or lacks a key.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *
look_up(json_t *object, char *path)
{
	char *rest = NULL;

	for (char *key = strtok_r(path, ".", &rest); key && object;
	     key = strtok_r(NULL, ".", &rest))
		object = json_object_get(object, key);
	return object;
}

static void
print(json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	if (json_is_string(value))
		printf("%s ", json_string_value(value));
	else
		printf("%s ", text ? text : "?");
	free(text);
}

static int
print_line(const char *line, int count, char **keys)
{
	json_error_t error;
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	int code = 0;

	if (!json_is_object(object)) {
		fprintf(stderr, "no JSON object: %s\n", line);
		code = 1;
	}
	for (int k = 0; !code && k < count; k++) {
		char *path = strdup(keys[k]);
		json_t *value = path ? look_up(object, path) : NULL;

		free(path);
		if (value)
			print(value);
		else
			fprintf(stderr, "no key %s: %s\n", keys[k], line);
		code = !value;
	}
	putchar('\n');
	json_decref(object);
	return code;
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	int code = 0;

	while (!code && getline(&line, &room, stdin) > 0)
		code = print_line(line, argc - 1, argv + 1);
	free(line);
	return code;
}
