#include "verbs/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What can be set, by the environment; every rank reads its own. */
struct setting {
	const char *name;
	size_t offset;
	int32_t fallback, min, max;
	const char *doc;
};

#define AT(field) offsetof(struct strads_verbs_settings, field)

/* STRADS_VERBS_DEVICE, beside these, is the adapter's name as `ibv_devices` has it. */
static const struct setting settings_table[] = {
    {"STRADS_VERBS_PORT", AT(port), 0, 0, 255, "port of the adapter; 0: the first that is up"},
    {"STRADS_VERBS_GID", AT(gid), -1, -1, 255,
     "index of the port's address; -1: RoCE v2 over IPv4 before IPv6, before RoCE v1"},
    {"STRADS_VERBS_MTU", AT(mtu_bytes), 0, 0, 4096, "bytes in a packet; 0: the port's"},
    {"STRADS_VERBS_TIMEOUT", AT(timeout), 14, 1, 31,
     "a packet is sent again after 4.096 us * 2^this"},
    {"STRADS_VERBS_RETRIES", AT(retries), 7, 0, 7, "times a packet is sent again"},
    {"STRADS_VERBS_SERVICE_LEVEL", AT(service_level), 0, 0, 15, "InfiniBand service level"},
    {"STRADS_VERBS_TRAFFIC_CLASS", AT(traffic_class), 0, 0, 255,
     "traffic class of routed packets; RoCE: DSCP * 4"},
    {"STRADS_VERBS_PKEY", AT(pkey_index), 0, 0, 127, "index of the partition key"},
};

#define SETTINGS (sizeof settings_table / sizeof settings_table[0])

static int
store(struct strads_verbs_settings *settings, const struct setting *setting, const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < setting->min || value > setting->max)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "%s: '%s' is not a number from %d to %d (%s)", setting->name,
				   text, setting->min, setting->max, setting->doc);
	*(int32_t *)(void *)((uint8_t *)settings + setting->offset) = (int32_t)value;
	return STRADS_OK;
}

static int
store_device(struct strads_verbs_settings *settings, const char *name, size_t length)
{
	if (length >= sizeof settings->device)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "'%s' is too long for the name of an RDMA device; see "
				   "`ibv_devices`",
				   name);
	memcpy(settings->device, name, length);
	settings->device[length] = '\0';
	return STRADS_OK;
}

static int
read_environment(struct strads_verbs_settings *settings)
{
	const char *device = getenv("STRADS_VERBS_DEVICE");
	int status = device ? store_device(settings, device, strlen(device)) : STRADS_OK;

	for (size_t i = 0; i < SETTINGS && !status; i++) {
		const char *text = getenv(settings_table[i].name);

		if (text && *text)
			status = store(settings, &settings_table[i], text);
	}
	return status;
}

/* DEVICE[:PORT[:GID]], each of which may be empty. */
static int
read_argument(struct strads_verbs_settings *settings, const char *argument)
{
	size_t length = strcspn(argument, ":");
	int status = length > 0 ? store_device(settings, argument, length) : STRADS_OK;
	const char *rest = argument + length;

	for (size_t i = 0; i < 2 && *rest && !status; i++) {
		char text[16];

		length = strcspn(++rest, ":");
		snprintf(text, sizeof text, "%.*s", (int)length, rest);
		if (length > 0)
			status = store(settings, &settings_table[i], text);
		rest += length;
	}
	if (*rest && !status)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "verbs:%s: give DEVICE, DEVICE:PORT or DEVICE:PORT:GID",
				   argument);
	return status;
}

int
strads_verbs_settings_read(const char *argument, struct strads_verbs_settings *settings)
{
	struct strads_verbs_settings made = {.device = ""};
	int status;

	for (size_t i = 0; i < SETTINGS; i++)
		*(int32_t *)(void *)((uint8_t *)&made + settings_table[i].offset) =
		    settings_table[i].fallback;
	status = read_environment(&made);
	if (!status && argument)
		status = read_argument(&made, argument);
	if (!status)
		*settings = made;
	return status;
}
