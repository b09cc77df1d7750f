#include "mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define SETS          6
#define SLICE_MS      200 /* between two times that the ranks tell each other to go on */
#define PATIENCE      20  /* times our own repetition */

extern char **environ;

/* mpirun under way, its output and its environment. */
struct launch {
	pid_t pid;
	int output;
	char *text; /* what it has written so far */
	size_t bytes, room;
	char **environment;
	char set[SETS][64]; /* what is added to it */
	int sets;
};

/* ---- Its arguments ---- */

struct arguments {
	char *list[ARGUMENTS_MAX + 1];
	int count;
	char store[24576]; /* the words, one after the other */
	size_t used;
};

/* What no longer fits is left out: the store holds the longest that there can be. */
STRADS_PRINTF(2, 3)
static void
add(struct arguments *arguments, const char *format, ...)
{
	char *word = arguments->store + arguments->used;
	size_t room = sizeof arguments->store - arguments->used;
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(word, room, format, values);
	va_end(values);
	if (n < 0 || (size_t)n >= room || arguments->count == ARGUMENTS_MAX)
		return;
	arguments->used += (size_t)n + 1;
	arguments->list[arguments->count++] = word;
}

static void
add_options(struct arguments *arguments, const struct strads_bench_options *options)
{
	add(arguments, "bench");
	add(arguments, "%s", strads_bench_case((enum strads_bench_what)options->what)->name);
	add(arguments, "--only-mpi");
	add(arguments, "--json");
	add(arguments, "--report-histogram");
	add(arguments, "--repetitions=1");
	if (options->all)
		add(arguments, "--all");
	if (options->bidirectional)
		add(arguments, "--bidirectional");
	add(arguments, "--size=%llu", (unsigned long long)options->size);
	add(arguments, "--iters=%llu", (unsigned long long)options->iterations);
	add(arguments, "--duration=%.9g", options->duration_s);
	add(arguments, "--warmup=%llu", (unsigned long long)options->warmup);
	add(arguments, "--batch=%llu", (unsigned long long)options->batch);
	add(arguments, "--tx-depth=%llu", (unsigned long long)options->tx_depth);
}

/* Where a launcher has spread the ranks over hosts, MPI's go to the same. */
static int
compose(struct arguments *arguments, const struct strads_bench *bench, const char *hosts)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return strads_fail(STRADS_ERR_IO, "cannot find this binary: %s", strerror(errno));
	self[n] = '\0';
	for (const char *at = bench->options->mpirun; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		if (length > 0)
			add(arguments, "%.*s", (int)length, at);
		at += length;
	}
	if (arguments->count == 0)
		return strads_fail(STRADS_ERR_INPUT, "--mpirun names no command");
	add(arguments, "-n");
	add(arguments, "%d", bench->team.size);
	if (*hosts) {
		add(arguments, "--host");
		add(arguments, "%s", hosts);
	}
	add(arguments, "%s", self);
	add_options(arguments, bench->options);
	return STRADS_OK;
}

/* ---- Its environment ---- */

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What this process has of a launcher would make mpirun take itself for a rank; our own settings
 * are given as arguments. */
static bool
inherited(const char *variable)
{
	if (begins(variable, "OMPI_MCA_") || begins(variable, "OMPI_ALLOW_RUN_AS_ROOT"))
		return !begins(variable, "OMPI_MCA_ess") && !begins(variable, "OMPI_MCA_orte") &&
		       !begins(variable, "OMPI_MCA_pmix");
	return !begins(variable, "OMPI_") && !begins(variable, "PMIX_") &&
	       !begins(variable, "PMI_") && !begins(variable, "ORTE_") &&
	       !begins(variable, "STRADS_");
}

/* Adds a copy of NAME=VALUE. */
static void
set(struct launch *launch, size_t *count, const char *variable)
{
	snprintf(launch->set[launch->sets], sizeof launch->set[0], "%s", variable);
	launch->environment[(*count)++] = launch->set[launch->sets++];
}

/* More ranks than processors are allowed; so is root where this process is root; and beside a
 * path over TCP, Open MPI is to take TCP too, not the host's memory, unless told otherwise. */
static int
make_environment(struct launch *launch, const struct strads_bench *bench)
{
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	launch->environment = calloc(n + SETS + 1, sizeof *launch->environment);
	if (!launch->environment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for mpirun's environment");
	for (size_t i = 0; i < n; i++) {
		if (inherited(environ[i]))
			launch->environment[kept++] = environ[i];
	}
	set(launch, &kept, "OMPI_MCA_rmaps_base_oversubscribe=1");
	if (geteuid() == 0) {
		set(launch, &kept, "OMPI_ALLOW_RUN_AS_ROOT=1");
		set(launch, &kept, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
	}
	if (begins(bench->path, "ofi:tcp") && !getenv("OMPI_MCA_btl") && !getenv("OMPI_MCA_pml")) {
		set(launch, &kept, "OMPI_MCA_pml=ob1");
		set(launch, &kept, "OMPI_MCA_btl=self,tcp");
		set(launch, &kept, "OMPI_MCA_osc=^ucx,sm");
	}
	return STRADS_OK;
}

/* ---- Its life ---- */

static int
spawn(struct launch *launch, struct arguments *arguments)
{
	posix_spawn_file_actions_t actions;
	const char *program = arguments->list[0];
	int ends[2], error;

	if (!program || pipe2(ends, O_CLOEXEC))
		return strads_fail(STRADS_ERR_IO, "cannot open a pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	error = posix_spawnp(&launch->pid, program, &actions, NULL, arguments->list,
			     launch->environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!error) {
		launch->output = ends[0];
		return STRADS_OK;
	}
	close(ends[0]);
	launch->pid = 0;
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "cannot start %s for MPI's side: %s; install one, or name it with "
			   "--mpirun",
			   program, strerror(error));
}

static int
start(struct launch *launch, const struct strads_bench *bench, const char *hosts)
{
	struct arguments *arguments = calloc(1, sizeof *arguments);
	int status = arguments ? compose(arguments, bench, hosts)
			       : strads_fail(STRADS_ERR_MEMORY, "no memory for mpirun");

	if (!status)
		status = make_environment(launch, bench);
	if (!status && arguments)
		status = spawn(launch, arguments);
	free(arguments);
	return status;
}

/* Takes what comes within a slice. STRADS_OK: there will be no more. */
static int
read_slice(struct launch *launch)
{
	struct pollfd ready = {.fd = launch->output, .events = POLLIN};
	ssize_t n;

	if (poll(&ready, 1, SLICE_MS) <= 0)
		return STRADS_AGAIN;
	if (launch->room - launch->bytes < 65536) {
		char *more = realloc(launch->text, launch->room + 262144);

		if (!more)
			return strads_fail(STRADS_ERR_MEMORY, "no memory for MPI's results");
		launch->text = more;
		launch->room += 262144;
	}
	n = read(launch->output, launch->text + launch->bytes, launch->room - launch->bytes - 1);
	if (n > 0)
		launch->bytes += (size_t)n;
	else if (n == 0)
		return STRADS_OK;
	else if (errno != EINTR)
		return strads_fail(STRADS_ERR_IO, "cannot read MPI's results: %s", strerror(errno));
	return STRADS_AGAIN;
}

/* The end of mpirun, forced if it has not come to it. */
static int
end(struct launch *launch, int status)
{
	int how = 0;

	if (launch->pid > 0) {
		if (status)
			kill(launch->pid, SIGTERM);
		while (waitpid(launch->pid, &how, 0) < 0 && errno == EINTR)
			;
		if (!status && how)
			status =
			    strads_fail(STRADS_ERR_IO,
					"MPI's side failed: mpirun ended with code %d; what it "
					"printed stands above",
					WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how));
		close(launch->output);
	}
	free(launch->environment);
	return status;
}

/* ---- What it printed ---- */

static int
take_rows(struct launch *launch, struct strads_bench *bench, struct strads_results *results)
{
	size_t first = (size_t)results->sides * (size_t)results->sizes;
	json_t *all = json_loadb(launch->text, launch->bytes, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *rows = json_object_get(all, "rows");
	const char *library =
	    json_string_value(json_object_get(json_object_get(all, "environment"), "path"));
	int status = STRADS_OK;

	if (json_array_size(rows) != (size_t)results->sizes)
		status = strads_fail(STRADS_ERR_PROTOCOL, "MPI's side printed no results");
	for (size_t i = 0; !status && i < (size_t)results->sizes; i++)
		status = strads_bench_row_take(json_array_get(rows, i), &results->row[first + i],
					       &results->samples[first + i]);
	snprintf(bench->mpi, sizeof bench->mpi, "%s", library ? library : "");
	json_decref(all);
	return status;
}

/* "a:2,b:2" of ranks that a launcher has placed; "" on one host. */
static int
list_hosts(struct strads_bench *bench, char *hosts, size_t bytes)
{
	struct strads_job *job = strads_fabric_job(bench->fabric);
	char mine[64] = "";
	const char *name;
	size_t used = 0;
	void *all;
	int status;

	*hosts = '\0';
	gethostname(mine, sizeof mine - 1);
	status = strads_job_gather(job, STRADS_OK, mine, sizeof mine, &all);
	if (status)
		return status;
	name = all;
	for (int rank = 0, next; rank < bench->team.size && used < bytes; rank = next) {
		for (next = rank + 1; next < bench->team.size; next++) {
			if (memcmp(name + (size_t)rank * sizeof mine,
				   name + (size_t)next * sizeof mine, sizeof mine) != 0)
				break;
		}
		if (next - rank == bench->team.size)
			break;
		used += (size_t)snprintf(hosts + used, bytes - used, "%s%.63s:%d", rank ? "," : "",
					 name + (size_t)rank * sizeof mine, next - rank);
	}
	free(all);
	return STRADS_OK;
}

/* Rank 0 reads, and every rank hears after each slice whether there is more to wait for. */
static int
follow(struct launch *launch, struct strads_bench *bench, uint64_t own_ns)
{
	struct strads_job *job = strads_fabric_job(bench->fabric);
	uint64_t patience_ns =
	    PATIENCE * own_ns + strads_fabric_timeout_ms(bench->fabric) * 1000000;
	uint64_t deadline_ns = strads_bench_now(bench) + patience_ns;
	int more = STRADS_AGAIN;

	while (more == STRADS_AGAIN) {
		int mine = bench->team.rank == 0 ? read_slice(launch) : STRADS_OK, status;
		char goes_on;
		void *all;

		if (mine == STRADS_AGAIN && strads_bench_now(bench) > deadline_ns)
			mine = strads_fail(STRADS_ERR_TIMEOUT,
					   "MPI's side did not end within %.0f s; --timeout raises "
					   "the deadline",
					   (double)patience_ns * 1e-9);
		goes_on = mine == STRADS_AGAIN;
		status = strads_job_gather(job, mine < 0 ? mine : STRADS_OK, &goes_on, 1, &all);
		if (status)
			return status;
		more = *(const char *)all ? STRADS_AGAIN : STRADS_OK;
		free(all);
	}
	return STRADS_OK;
}

int
strads_mpirun_repeat(struct strads_bench *bench, struct strads_results *results, uint64_t own_ns)
{
	struct strads_job *job = strads_fabric_job(bench->fabric);
	struct launch launch = {.output = -1};
	char hosts[8192];
	int status = list_hosts(bench, hosts, sizeof hosts);

	if (!status)
		status = strads_job_agree(job, bench->team.rank == 0 ? start(&launch, bench, hosts)
								     : STRADS_OK);
	if (!status)
		status = follow(&launch, bench, own_ns);
	if (status) {
		status = end(&launch, status);
	} else {
		status = end(&launch, status);
		if (!status && bench->team.rank == 0)
			status = take_rows(&launch, bench, results);
		status = strads_job_agree(job, status);
	}
	free(launch.text);
	return status;
}
