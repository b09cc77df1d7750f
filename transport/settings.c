#include "settings.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A setting and how its text is read. */
struct setting {
	struct strads_setting told;
	bool (*read)(const struct setting *setting, const char *text,
		     struct strads_settings *settings);
	size_t offset;
	int32_t min, max;
};

static const char *const page_kinds[] = {
    [STRADS_HUGE_TRANSPARENT] = "transparent",
    [STRADS_HUGE_RESERVED] = "reserved",
    [STRADS_HUGE_NONE] = "none",
};

static const char *const ways_of_wiring[] = {
    [STRADS_VERBS_WIRE_AUTO] = "auto",
    [STRADS_VERBS_WIRE_CM] = "cm",
    [STRADS_VERBS_WIRE_JOB] = "job",
};

#define COUNT(names) ((int32_t)(sizeof(names) / sizeof(names)[0]))

/* ---- Texts ---- */

static bool
parse_number(const char *text, int base, long min, long max, int32_t *number)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, base);
	if (errno || end == text || *end || value < min || value > max)
		return false;
	*number = (int32_t)value;
	return true;
}

static bool
read_number(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	void *at = (uint8_t *)settings + setting->offset;

	return parse_number(text, 10, setting->min, setting->max, at);
}

static bool
read_device(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	size_t length = strlen(text);

	(void)setting;
	if (length >= sizeof settings->verbs.device)
		return false;
	memcpy(settings->verbs.device, text, length + 1);
	return true;
}

/* A key in hexadecimal, or a place in the port's table in decimal. */
static bool
read_pkey(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	struct strads_verbs_settings *verbs = &settings->verbs;
	int32_t number;

	if (strncasecmp(text, "0x", 2) == 0) {
		if (!parse_number(text, 16, 1, UINT16_MAX, &number))
			return false;
		verbs->pkey = number;
		return true;
	}
	if (!parse_number(text, 10, setting->min, setting->max, &number))
		return false;
	verbs->pkey = -1;
	verbs->pkey_index = (uint32_t)number;
	return true;
}

static bool
parse_name(const char *text, const char *const *names, int32_t n, int32_t *index)
{
	for (int32_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

static bool
read_pages(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	(void)setting;
	return parse_name(text, page_kinds, COUNT(page_kinds), &settings->huge_pages);
}

static bool
read_wire(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	(void)setting;
	return parse_name(text, ways_of_wiring, COUNT(ways_of_wiring), &settings->verbs.wire);
}

/* ---- The table ---- */

#define AT(field) offsetof(struct strads_settings, field)

/* The first three are those of "verbs:DEVICE:PORT:GID". */
static const struct setting table[] = {
    {{"device", "STRADS_VERBS_DEVICE", "NAME", NULL,
      "Name of the adapter, as in `ibv_devices`; without: of the fastest whose port is up one of "
      "the nearest, the ranks of a host in turn"},
     read_device,
     0,
     0,
     0},
    {{"port", "STRADS_VERBS_PORT", "N", "0", "Port of the adapter, 1 to 255; 0: any that is up"},
     read_number,
     AT(verbs.port),
     0,
     255},
    {{"gid", "STRADS_VERBS_GID", "INDEX", "-1",
      "Index of the port's address, 0 to 255; -1: RoCE v2 over IPv4 before IPv6, before RoCE v1"},
     read_number,
     AT(verbs.gid),
     -1,
     255},
    {{"pkey", "STRADS_VERBS_PKEY", "KEY", "0",
      "Partition key by its value in hexadecimal (0x8001), or by its index in the port's table in "
      "decimal"},
     read_pkey,
     0,
     0,
     127},
    {{"service-level", "STRADS_VERBS_SERVICE_LEVEL", "N", "0",
      "InfiniBand service level, 0 to 15; on RoCE the priority"},
     read_number,
     AT(verbs.service_level),
     0,
     15},
    {{"traffic-class", "STRADS_VERBS_TRAFFIC_CLASS", "N", "0",
      "Traffic class of routed packets, 0 to 255; on RoCE DSCP * 4"},
     read_number,
     AT(verbs.traffic_class),
     0,
     255},
    {{"mtu", "STRADS_VERBS_MTU", "BYTES", "0",
      "Bytes in a packet, 256 to 4096; 0: the smaller of both ports'"},
     read_number,
     AT(verbs.mtu_bytes),
     0,
     4096},
    {{"ack-timeout", "STRADS_VERBS_TIMEOUT", "N", "18",
      "A packet is sent again after 4.096 us * 2^N, N from 1 to 31"},
     read_number,
     AT(verbs.timeout),
     1,
     31},
    {{"retries", "STRADS_VERBS_RETRIES", "N", "7",
      "Times a packet is sent again, 0 to 7, before its peer counts as gone"},
     read_number,
     AT(verbs.retries),
     0,
     7},
    {{"wire", "STRADS_VERBS_WIRE", "WAY", "auto",
      "How connections are wired: cm (by librdmacm, whose service level and partition the subnet "
      "manager chooses), job (over the job's control channel), auto (cm where addresses resolve)"},
     read_wire,
     0,
     0,
     0},
    {{"huge-pages", "STRADS_HUGE_PAGES", "KIND", "transparent",
      "Pages of the memory that ranks share: transparent (huge where the kernel has them to give), "
      "reserved (from /proc/sys/vm/nr_hugepages as far as they go, then transparent), none"},
     read_pages,
     0,
     0,
     0},
};

#define SETTINGS ((int)(sizeof table / sizeof table[0]))

static_assert(SETTINGS == STRADS_SETTINGS, "the header says how many there are");

const struct strads_setting *
strads_setting(int i)
{
	return i >= 0 && i < SETTINGS ? &table[i].told : NULL;
}

static int
store(const struct setting *setting, const char *text, struct strads_settings *settings)
{
	if (setting->read(setting, text, settings))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_ARGUMENT,
			   "%s '%s' (%s) is out of range or misspelt. What it takes: %s",
			   setting->told.name, text, setting->told.variable, setting->told.doc);
}

/* The text in force, NULL if there is none. */
static const char *
text_of(const struct setting *setting, const char *given)
{
	const char *text = given ? given : getenv(setting->told.variable);

	return text && *text ? text : setting->told.fallback;
}

int
strads_settings_read(const char *const *values, struct strads_settings *settings)
{
	struct strads_settings made = {.verbs = {.device = ""}};
	int status = STRADS_OK;

	for (int i = 0; i < SETTINGS && !status; i++) {
		const char *text = text_of(&table[i], values ? values[i] : NULL);

		if (text)
			status = store(&table[i], text, &made);
	}
	if (!status)
		*settings = made;
	return status;
}

int
strads_settings_check(const char *const *values)
{
	struct strads_settings settings;

	return strads_settings_read(values, &settings);
}

int
strads_settings_narrow(const char *argument, struct strads_verbs_settings *settings)
{
	struct strads_settings made = {.verbs = *settings};
	const char *rest = argument;
	int status = STRADS_OK;

	for (int i = 0; i < 3 && rest && !status; i++) {
		char text[80];
		size_t length = strcspn(rest, ":");

		snprintf(text, sizeof text, "%.*s", (int)length, rest);
		if (length > 0)
			status = store(&table[i], text, &made);
		rest = rest[length] ? rest + length + 1 : NULL;
	}
	if (rest && !status)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "verbs:%s: give DEVICE, DEVICE:PORT or DEVICE:PORT:GID",
				   argument);
	if (!status)
		*settings = made.verbs;
	return status;
}
