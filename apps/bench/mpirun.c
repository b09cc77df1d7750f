#include "mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
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
};

/* ---- Its arguments ---- */

struct arguments {
	char *list[ARGUMENTS_MAX + 1];
	int count;
	char *words; /* a copy of --mpirun, cut */
	char self[4096], hosts[8192];
	char ranks[16], size[32], iterations[32], duration[40], warmup[32], batch[32], depth[32];
};

static void
add(struct arguments *arguments, char *word)
{
	if (arguments->count < ARGUMENTS_MAX)
		arguments->list[arguments->count++] = word;
	arguments->list[arguments->count] = NULL;
}

static void
add_count(struct arguments *arguments, const char *flag, char *text, size_t bytes, uint64_t value)
{
	snprintf(text, bytes, "--%s=%llu", flag, (unsigned long long)value);
	add(arguments, text);
}

static void
add_options(struct arguments *arguments, const struct strads_bench_options *options)
{
	static char verb[] = "bench", only[] = "--only-mpi", json[] = "--json", once[] = "-r1",
		    whole[] = "--report-histogram", all[] = "--all", both[] = "--bidirectional";
	const struct strads_bench_case *what =
	    strads_bench_case((enum strads_bench_what)options->what);

	add(arguments, verb);
	add(arguments, (char *)(uintptr_t)what->name);
	add(arguments, only);
	add(arguments, json);
	add(arguments, once);
	add(arguments, whole);
	if (options->all)
		add(arguments, all);
	if (options->bidirectional)
		add(arguments, both);
	add_count(arguments, "size", arguments->size, sizeof arguments->size, options->size);
	add_count(arguments, "iters", arguments->iterations, sizeof arguments->iterations,
		  options->iterations);
	snprintf(arguments->duration, sizeof arguments->duration, "--duration=%.9g",
		 options->duration_s);
	add(arguments, arguments->duration);
	add_count(arguments, "warmup", arguments->warmup, sizeof arguments->warmup,
		  options->warmup);
	add_count(arguments, "batch", arguments->batch, sizeof arguments->batch, options->batch);
	add_count(arguments, "tx-depth", arguments->depth, sizeof arguments->depth,
		  options->tx_depth);
}

/* Where a launcher has spread the ranks over hosts, MPI's go to the same. */
static void
add_hosts(struct arguments *arguments, const char *hosts)
{
	static char flag[] = "--host";

	if (!*hosts)
		return;
	snprintf(arguments->hosts, sizeof arguments->hosts, "%s", hosts);
	add(arguments, flag);
	add(arguments, arguments->hosts);
}

static int
compose(struct arguments *arguments, const struct strads_bench *bench, const char *hosts)
{
	static char count[] = "-n";
	ssize_t n = readlink("/proc/self/exe", arguments->self, sizeof arguments->self - 1);
	char *rest;

	arguments->count = 0;
	arguments->words = strdup(bench->options->mpirun);
	if (!arguments->words)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for mpirun's arguments");
	if (n <= 0)
		return strads_fail(STRADS_ERR_IO, "cannot find this binary: %s", strerror(errno));
	arguments->self[n] = '\0';
	for (char *word = strtok_r(arguments->words, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		add(arguments, word);
	snprintf(arguments->ranks, sizeof arguments->ranks, "%d", bench->team.size);
	add(arguments, count);
	add(arguments, arguments->ranks);
	add_hosts(arguments, hosts);
	add(arguments, arguments->self);
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

/* More ranks than processors are allowed; so is root where this process is root; and beside a
 * path over TCP, Open MPI is to take TCP too, not the host's memory, unless told otherwise. */
static const char *const oversubscribe = "OMPI_MCA_rmaps_base_oversubscribe=1";
static const char *const root[] = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
static const char *const tcp[] = {"OMPI_MCA_pml=ob1", "OMPI_MCA_btl=self,tcp", "OMPI_MCA_osc=^ucx"};

static int
make_environment(struct launch *launch, const struct strads_bench *bench)
{
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	launch->environment = calloc(n + 8, sizeof *launch->environment);
	if (!launch->environment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for mpirun's environment");
	for (size_t i = 0; i < n; i++) {
		if (inherited(environ[i]))
			launch->environment[kept++] = environ[i];
	}
	launch->environment[kept++] = (char *)(uintptr_t)oversubscribe;
	for (size_t i = 0; geteuid() == 0 && i < sizeof root / sizeof *root; i++)
		launch->environment[kept++] = (char *)(uintptr_t)root[i];
	if (!begins(bench->path, "ofi:tcp") || getenv("OMPI_MCA_btl") || getenv("OMPI_MCA_pml"))
		return STRADS_OK;
	for (size_t i = 0; i < sizeof tcp / sizeof *tcp; i++)
		launch->environment[kept++] = (char *)(uintptr_t)tcp[i];
	return STRADS_OK;
}

/* ---- Its life ---- */

static int
spawn(struct launch *launch, struct arguments *arguments)
{
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return strads_fail(STRADS_ERR_IO, "cannot open a pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	error = posix_spawnp(&launch->pid, arguments->list[0], &actions, NULL, arguments->list,
			     launch->environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	launch->output = ends[0];
	if (!error)
		return STRADS_OK;
	launch->pid = 0;
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "cannot start %s for MPI's side: %s; install one, or name it with "
			   "--mpirun",
			   arguments->list[0], strerror(error));
}

static int
start(struct launch *launch, const struct strads_bench *bench, const char *hosts)
{
	struct arguments *arguments = calloc(1, sizeof *arguments);
	int status = arguments ? compose(arguments, bench, hosts)
			       : strads_fail(STRADS_ERR_MEMORY, "no memory for mpirun");

	if (!status)
		status = make_environment(launch, bench);
	if (!status)
		status = spawn(launch, arguments);
	if (arguments)
		free(arguments->words);
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
