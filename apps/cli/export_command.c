#include "command.h"

#include "arguments.h"
#include "export_set.h"
#include "file.h"
#include "log.h"
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Groups within groups that are looked into. */
#define DEPTH 8

struct settings {
	const char *model;
	const char *out;
	int format; /* enum strads_export_format */
};

static const char *const formats[] = {
    [STRADS_EXPORT_NPY] = "npy", [STRADS_EXPORT_TEXT] = "text", NULL};

#define AT(field) .offset = offsetof(struct settings, field)

static const struct strads_option options[] = {
    {.name = "model",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(model),
     .doc = "A model that was written as HDF5; may also stand without --model"},
    {.name = "out",
     .value = "FOLDER",
     .kind = STRADS_OPTION_STRING,
     AT(out),
     .doc = "Where the files go; made if it is not there"},
    {.name = "format",
     .value = "npy|text",
     .fallback = "npy",
     .kind = STRADS_OPTION_CHOICE,
     .choices = formats,
     AT(format),
     .doc = "Of data sets: NumPy arrays (.npy), or a row a line (.txt)"},
    {0},
};

/* ---- The file ----------------------------------------------------------------------------- */

struct exporting {
	const struct settings *settings;
	json_t *attributes;
	unsigned sets;
	const char *prefix; /* of the group at hand: "path.", at the root "" */
	int status;         /* of an attribute */
};

/* A new string: folder, prefix and name of what lies in the file. */
static char *
path_of(const struct exporting *exporting, const char *name, const char *end)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", exporting->settings->out, exporting->prefix, name, end) <
	    0)
		return NULL;
	return path;
}

static herr_t
put_attribute(hid_t at, const char *name, const H5A_info_t *info, void *arg)
{
	struct exporting *exporting = arg;
	char text[1024], key[512];
	uint64_t count;
	double real;
	json_t *value = NULL;

	(void)info;
	snprintf(key, sizeof key, "%s%s", exporting->prefix, name);
	if (strads_hdf5_get_count(at, name, &count))
		value = strads_log_count(count);
	else if (strads_hdf5_get_real(at, name, &real))
		value = isfinite(real) ? json_real(real) : json_null();
	else if (strads_hdf5_get_text(at, name, text, sizeof text))
		value = json_string(text);
	else
		return 0;
	if (json_object_set_new(exporting->attributes, key, value))
		exporting->status =
		    strads_fail(STRADS_ERR_INPUT, "%s: attribute %s is no text in UTF-8",
				exporting->settings->model, key);
	return exporting->status ? -1 : 0;
}

static int
export_data(struct exporting *exporting, hid_t group, const char *name)
{
	const struct settings *settings = exporting->settings;
	bool npy = settings->format == STRADS_EXPORT_NPY;
	struct strads_hdf5_set set;
	char *path;
	int status;

	if (!strads_hdf5_set_open(group, name, &set))
		return strads_fail(STRADS_ERR_INPUT,
				   "%s: data set %s%s is neither numbers nor texts of one length",
				   settings->model, exporting->prefix, name);
	path = path_of(exporting, name, npy ? ".npy" : ".txt");
	if (path)
		status = strads_export_set(&set, name, (enum strads_export_format)settings->format,
					   path);
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to export %s", name);
	free(path);
	strads_hdf5_set_close(&set);
	exporting->sets += status == STRADS_OK;
	return status;
}

static int export_group(struct exporting *exporting, hid_t group, int depth);

/* A group below the one at hand. */
static int
export_below(struct exporting *exporting, hid_t group, const char *name, int depth)
{
	struct exporting below = *exporting;
	char *prefix;
	int status;

	if (depth == DEPTH)
		return strads_fail(STRADS_ERR_INPUT, "%s: more than %d groups within each other",
				   exporting->settings->model, DEPTH);
	if (asprintf(&prefix, "%s%s.", exporting->prefix, name) < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to export %s", name);
	below.prefix = prefix;
	status = export_group(&below, group, depth + 1);
	exporting->sets = below.sets;
	free(prefix);
	return status;
}

static int
export_member(struct exporting *exporting, hid_t group, hsize_t i, int depth)
{
	char name[256];
	ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name,
					    sizeof name, H5P_DEFAULT);
	hid_t member = length > 0 && (size_t)length < sizeof name
			   ? H5Oopen(group, name, H5P_DEFAULT)
			   : H5I_INVALID_HID;
	int status = STRADS_OK;

	if (member < 0)
		return strads_fail(STRADS_ERR_INPUT, "%s: HDF5 cannot open what it has",
				   exporting->settings->model);
	if (H5Iget_type(member) == H5I_DATASET)
		status = export_data(exporting, group, name);
	else if (H5Iget_type(member) == H5I_GROUP)
		status = export_below(exporting, member, name, depth);
	H5Oclose(member);
	return status;
}

static int
export_group(struct exporting *exporting, hid_t group, int depth)
{
	H5G_info_t info = {.nlinks = 0};
	int status = STRADS_OK;

	if (H5Gget_info(group, &info) < 0 ||
	    H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, put_attribute, exporting) < 0)
		return exporting->status
			   ? exporting->status
			   : strads_fail(STRADS_ERR_INPUT, "%s: HDF5 cannot read its attributes",
					 exporting->settings->model);
	for (hsize_t i = 0; status == STRADS_OK && i < info.nlinks; i++)
		status = export_member(exporting, group, i, depth);
	return status;
}

/* ---- The command -------------------------------------------------------------------------- */

static int
put_attributes(const struct exporting *exporting)
{
	char *text = json_dumps(exporting->attributes, JSON_INDENT(2) | JSON_SORT_KEYS);
	char *path;
	int status;

	if (asprintf(&path, "%s/attributes.json", exporting->settings->out) < 0)
		path = NULL;
	if (text && path)
		status = strads_file_replace(path, "attributes", text, strlen(text));
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the attributes");
	free(path);
	free(text);
	return status;
}

static int
export_all(struct exporting *exporting)
{
	const struct settings *settings = exporting->settings;
	hid_t file;
	int status = strads_hdf5_open(settings->model, &file);

	if (status)
		return status;
	if (mkdir(settings->out, 0777) && errno != EEXIST)
		status = strads_fail(STRADS_ERR_IO, "cannot make the folder %s: %s", settings->out,
				     strerror(errno));
	if (!status)
		status = export_group(exporting, file, 0);
	if (!status)
		status = put_attributes(exporting);
	H5Fclose(file);
	return status;
}

static int
check(const struct settings *settings)
{
	if (!settings->model)
		return strads_fail(STRADS_ERR_INPUT, "no model: name one that ends in .h5");
	if (!settings->out)
		return strads_fail(STRADS_ERR_INPUT, "no folder to write to: name it with --out");
	return STRADS_OK;
}

int
strads_command_export(int argc, char **argv)
{
	struct settings settings = {0};
	const struct strads_option_group groups[] = {{"Export:", options, &settings}, {0}};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about = "Write each data set of a model file as a file of its own, and its attributes "
		     "as JSON.",
	    .positional = "model",
	    .groups = groups,
	};
	struct exporting exporting = {.settings = &settings, .prefix = ""};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (!status)
		status = check(&settings);
	if (status)
		return strads_run_refuse(argv[0]);
	exporting.attributes = json_object();
	status = exporting.attributes ? export_all(&exporting)
				      : strads_fail(STRADS_ERR_MEMORY, "no memory to export");
	json_decref(exporting.attributes);
	if (status) {
		fprintf(stderr, "%s: %s\n", argv[0], strads_error());
		return STRADS_EXIT_FAILED;
	}
	printf("%s: %u data sets and attributes.json\n", settings.out, exporting.sets);
	return strads_run_printed(argv[0]);
}
