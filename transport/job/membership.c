#include "job/membership.h"

#include "job/job.h"
#include "job/launcher.h"
#include "strads/transport.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ports for steps of Slurm: below those that kernels give to connections. */
#define SLURM_PORT_FIRST 16384
#define SLURM_PORTS      16384

/* The variable's value, NULL if it is not set or empty. */
static const char *
value_of(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool
strads_membership_present(void)
{
	return value_of("STRADS_ROOT") != NULL;
}

/* A whole number between min and max, and nothing else. */
static bool
parse_number(const char *text, long min, long max, long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtol(text, &end, 10);
	return !errno && !*end && *number >= min && *number <= max;
}

static int
read_number(const char *name, long min, long max, int *number)
{
	long value;

	if (!parse_number(value_of(name), min, max, &value))
		return strads_fail(STRADS_ERR_INPUT, "%s: '%s' is not a number from %ld to %ld",
				   name, value_of(name), min, max);
	*number = (int)value;
	return STRADS_OK;
}

/* ---- Rank and size ------------------------------------------------------------------------- */

static int
read_rank(struct strads_membership *membership)
{
	const char *rank = value_of("STRADS_RANK") ? "STRADS_RANK" : NULL;
	const char *size = value_of("STRADS_SIZE") ? "STRADS_SIZE" : NULL;
	int status;

	/* Numbers of two sources need not fit each other. */
	if (!rank != !size)
		return strads_fail(STRADS_ERR_INPUT, "%s is set but %s is not: set both",
				   rank ? rank : size, rank ? "STRADS_SIZE" : "STRADS_RANK");
	if (!rank) {
		rank = strads_launcher_rank_variable();
		size = strads_launcher_size_variable();
	}
	if (!rank || !size)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s not known: set STRADS_RANK and STRADS_SIZE, or start with "
				   "srun or mpirun",
				   rank ? "the number of ranks is" : "this process's rank is");
	status = read_number(size, 1, STRADS_JOB_RANKS_MAX, &membership->size);
	if (!status)
		status = read_number(rank, 0, membership->size - 1, &membership->rank);
	return status;
}

/* ---- Where rank 0 is met ------------------------------------------------------------------- */

/* "host:port", "10.0.0.1:port" or "[fd00::1]:port". */
static int
parse_root(const char *root, struct strads_membership *membership)
{
	const char *colon = strrchr(root, ':');
	const char *host = root;
	size_t length = colon ? (size_t)(colon - root) : 0;
	long port;

	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	} else if (strcspn(host, ":[]") < length) {
		length = 0; /* where an IPv6 address ends is not clear without brackets */
	}
	if (!length || length >= sizeof membership->host ||
	    !parse_number(colon + 1, 1, UINT16_MAX, &port))
		return strads_fail(STRADS_ERR_INPUT,
				   "STRADS_ROOT: '%s' is not HOST:PORT, ADDRESS:PORT or "
				   "[ADDRESS]:PORT",
				   root);
	memcpy(membership->host, host, length);
	membership->host[length] = 0;
	membership->port = (uint16_t)port;
	return STRADS_OK;
}

/* The first host of a list as Slurm writes them: "a[01-03,7],b" begins with a01. */
static void
first_of_list(const char *list, char host[STRADS_SOCKET_HOST])
{
	size_t length = 0;

	while (*list && *list != ',' && length + 1 < STRADS_SOCKET_HOST) {
		if (*list != '[') {
			host[length++] = *list++;
			continue;
		}
		/* Of what stands in brackets, the first number. */
		for (list++; isdigit((unsigned char)*list) && length + 1 < STRADS_SOCKET_HOST;)
			host[length++] = *list++;
		list += strcspn(list, "]");
		list += *list == ']';
	}
	host[length] = 0;
}

/* Steps of one cluster that run at once on one host should not meet at one port. */
static uint16_t
slurm_port(void)
{
	const char *job = value_of("SLURM_JOB_ID"), *step = value_of("SLURM_STEP_ID");
	unsigned long number =
	    (job ? strtoul(job, NULL, 10) : 0) * 31 + (step ? strtoul(step, NULL, 10) : 0);

	return (uint16_t)(SLURM_PORT_FIRST + number % SLURM_PORTS);
}

/* Task 0 of a step runs on the first of its hosts. Where srun itself runs is the last resort. */
static int
read_slurm_root(struct strads_membership *membership)
{
	static const char *const lists[] = {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST",
					    "SLURM_LAUNCH_NODE_IPADDR"};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		if (!value_of(lists[i]))
			continue;
		first_of_list(value_of(lists[i]), membership->host);
		membership->port = slurm_port();
		if (membership->host[0])
			return STRADS_OK;
	}
	return strads_fail(
	    STRADS_ERR_INPUT,
	    "where rank 0 is met is not known: set STRADS_ROOT=HOST:PORT, HOST being "
	    "rank 0's");
}

/* ---- The secret ---------------------------------------------------------------------------- */

static int
set_secret(const char *name, const char *text, struct strads_secret *secret)
{
	size_t length = strcspn(text, "\r\n");

	if (length < STRADS_SECRET_MIN || length > STRADS_SECRET_MAX)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s: the secret has %zu characters, not %d to %d: make one with "
				   "`openssl rand -hex 32`",
				   name, length, STRADS_SECRET_MIN, STRADS_SECRET_MAX);
	memcpy(secret->bytes, text, length);
	secret->length = length;
	return STRADS_OK;
}

static int
read_secret_file(const char *path, struct strads_secret *secret)
{
	char line[STRADS_SECRET_MAX + 2] = "";
	FILE *file = fopen(path, "re");
	int status;

	if (!file)
		return strads_fail(STRADS_ERR_INPUT, "STRADS_SECRET_FILE: cannot open %s: %s", path,
				   strerror(errno));
	if (!fgets(line, sizeof line, file) && ferror(file))
		status = strads_fail(STRADS_ERR_INPUT, "STRADS_SECRET_FILE: cannot read %s: %s",
				     path, strerror(errno));
	else
		status = set_secret("STRADS_SECRET_FILE", line, secret);
	fclose(file);
	explicit_bzero(line, sizeof line);
	return status;
}

/* Whether only this host can be meant; told without asking a name server. */
static bool
is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "::1") ||
	       (!strncmp(host, "127.", 4) && strads_socket_is_address(host));
}

static int
read_secret(struct strads_membership *membership)
{
	const char *secret = value_of("STRADS_SECRET"), *path = value_of("STRADS_SECRET_FILE");

	if (secret && path)
		return strads_fail(STRADS_ERR_INPUT,
				   "STRADS_SECRET and STRADS_SECRET_FILE are both set: keep one");
	if (secret)
		return set_secret("STRADS_SECRET", secret, &membership->secret);
	if (path)
		return read_secret_file(path, &membership->secret);
	if (is_loopback(membership->host))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT,
			   "without a secret anybody could join the job at %s: give all ranks the "
			   "same STRADS_SECRET or STRADS_SECRET_FILE, made with `openssl rand -hex "
			   "32`",
			   membership->host);
}

int
strads_membership_read(struct strads_membership *membership)
{
	struct strads_membership result = {0};
	const char *root = value_of("STRADS_ROOT");
	int status = read_rank(&result);

	if (!status)
		status = root ? parse_root(root, &result) : read_slurm_root(&result);
	if (!status)
		status = read_secret(&result);
	if (!status)
		*membership = result;
	return status;
}
