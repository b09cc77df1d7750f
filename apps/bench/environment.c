#include "environment.h"

#include <sys/utsname.h>

static json_t *
text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *
number_or_null(uint32_t value)
{
	return value ? json_integer(value) : json_null();
}

/* What the fabric says of the path that is measured. */
static void
add_fabric(const struct strads_bench *bench, json_t *to)
{
	struct strads_fabric_info info;

	strads_fabric_query(bench->fabric, bench->team.rank == 0 && bench->team.size > 1 ? 1 : 0,
			    &info);
	json_object_set_new(to, "job",
			    json_string(strads_job_kind_name(strads_fabric_job(bench->fabric))));
	json_object_set_new(to, "path", text_or_null(info.path));
	json_object_set_new(to, "choice", text_or_null(info.why));
	json_object_set_new(to, "wired", text_or_null(info.wired));
	json_object_set_new(to, "gid", text_or_null(info.gid));
	json_object_set_new(to, "mtu_bytes", number_or_null(info.mtu_bytes));
	json_object_set_new(to, "inline_bytes", number_or_null(info.inline_bytes));
	json_object_set_new(to, "signal", text_or_null(info.signal));
	json_object_set_new(to, "completion", text_or_null(info.completion));
	json_object_set_new(to, "progress",
			    json_string(info.passive_target ? "the target need not call"
							    : "by the target's calls alone"));
}

json_t *
strads_bench_environment(const struct strads_bench *bench, const char *pinning, json_t *about)
{
	json_t *all = json_object();
	struct utsname name;

	if (!all)
		return NULL;
	if (bench->fabric)
		add_fabric(bench, all);
	if (*bench->mpi)
		json_object_set_new(all, "mpi", json_string(bench->mpi));
	json_object_set_new(all, "pinning", json_string(pinning));
	if (bench->clock_ns > 0)
		json_object_set_new(all, "clock_ns", json_real(bench->clock_ns));
	if (uname(&name) == 0)
		json_object_set_new(
		    all, "kernel",
		    json_sprintf("%s %s %s", name.sysname, name.release, name.machine));
	if (about)
		json_object_update(all, about);
	return all;
}

/* "gid: fe80::1" or, of an object, "versions: libfabric 1.17.0, …". */
static void
print_value(FILE *out, json_t *value)
{
	const char *key, *comma = "";
	json_t *part;

	if (json_is_string(value))
		fputs(json_string_value(value), out);
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.4g", json_real_value(value));
	else
		fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "", out);
	json_object_foreach(value, key, part)
	{
		fprintf(out, "%s%s ", comma, key);
		print_value(out, part);
		comma = ", ";
	}
}

void
strads_bench_environment_print(FILE *out, json_t *environment)
{
	const char *key;
	json_t *value;

	json_object_foreach(environment, key, value)
	{
		if (json_is_null(value))
			continue;
		fprintf(out, "# %s: ", key);
		print_value(out, value);
		fputc('\n', out);
	}
}
