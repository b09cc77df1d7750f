#include "fit_path.h"

#include "log.h"

#include <inttypes.h>
#include <math.h>

/* Points of a long path that are printed. */
#define ROWS_PRINTED 25

void
strads_fit_path_choose(struct strads_fit_path *fit, enum strads_cv_rule rule)
{
	fit->chosen = fit->path.count - 1;
	if (fit->cross.count > 0)
		fit->chosen = rule == STRADS_CV_MIN ? fit->cross.best : fit->cross.one_se;
}

void
strads_fit_path_free(struct strads_fit_path *fit)
{
	strads_linear_path_free(&fit->path);
	strads_lasso_cross_free(&fit->cross);
}

double
strads_fit_path_test_error(const struct strads_fit_path *fit, uint64_t k)
{
	const struct strads_linear_progress *at = &fit->path.point[k].at;

	return fit->family == STRADS_LINEAR_LOGISTIC ? at->test_log_loss : at->test_mse;
}

/* ---- Lines of the log ----------------------------------------------------------------------- */

json_t *
strads_fit_path_record_cv(const struct strads_fit_path *fit, uint64_t k)
{
	const struct strads_lasso_cross *cross = &fit->cross;
	json_t *folds = json_array();

	for (uint32_t f = 0; f < cross->folds; f++)
		json_array_append_new(folds, strads_log_number(cross->mse[f * cross->count + k]));
	return json_pack("{s:s, s:I, s:f, s:I, s:o, s:o, s:o}", "event", "cv", "point",
			 (json_int_t)k + 1, "lambda", cross->lambda[k], "nonzeros",
			 (json_int_t)fit->path.point[k].at.nonzeros, "mean",
			 strads_log_number(cross->mean[k]), "standard_error",
			 strads_log_number(cross->error[k]), "folds", folds);
}

json_t *
strads_fit_path_record_path(const struct strads_fit_path *fit)
{
	const struct strads_linear_point *last = &fit->path.point[fit->path.count - 1];

	return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "points", (json_int_t)fit->path.count,
			 "chosen", (json_int_t)fit->chosen + 1, "lambda_first",
			 fit->path.point[0].at.lambda, "lambda_last", last->at.lambda, "explained",
			 last->at.explained, "seconds", last->at.seconds);
}

json_t *
strads_fit_path_record_folds(const struct strads_fit_path *fit)
{
	const struct strads_lasso_cross *cross = &fit->cross;

	if (cross->count == 0)
		return json_null();
	return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "folds", (int)cross->folds, "lambda_min",
			 cross->lambda[cross->best], "lambda_1se", cross->lambda[cross->one_se],
			 "mse_min", cross->mean[cross->best], "standard_error",
			 cross->error[cross->best], "mse_1se", cross->mean[cross->one_se]);
}

/* ---- For people ----------------------------------------------------------------------------- */

static void
print_point(FILE *out, const struct strads_fit_path *fit, uint64_t k)
{
	const struct strads_linear_progress *at = &fit->path.point[k].at;

	fprintf(out, "  %12.6g %8.4f %9" PRIu64 " %10.4f %9.2e %8.3f", at->lambda,
		at->lambda / at->lambda_max, at->nonzeros, at->explained, at->gap,
		fit->path.point[k].seconds);
	if (isfinite(strads_fit_path_test_error(fit, k)))
		fprintf(out, " %13.6g", strads_fit_path_test_error(fit, k));
	if (fit->cross.count > 0)
		fprintf(out, " %13.6g %10.3g%s%s", fit->cross.mean[k], fit->cross.error[k],
			k == fit->cross.best ? " min" : "", k == fit->cross.one_se ? " 1se" : "");
	fputc('\n', out);
}

/* Of a long path every so many points, and those that matter. */
static bool
is_printed(const struct strads_fit_path *fit, uint64_t k)
{
	uint64_t step = (fit->path.count + ROWS_PRINTED - 1) / ROWS_PRINTED;

	return k % step == 0 || k + 1 == fit->path.count || k == fit->chosen ||
	       (fit->cross.count > 0 && (k == fit->cross.best || k == fit->cross.one_se));
}

void
strads_fit_path_print(FILE *out, const struct strads_fit_path *fit)
{
	const struct strads_lasso_cross *cross = &fit->cross;

	fprintf(out, "\n  %12s %8s %9s %10s %9s %8s", "lambda", "ratio", "nonzeros", "explained",
		"gap", "seconds");
	if (isfinite(strads_fit_path_test_error(fit, 0)))
		fprintf(out, " %13s",
			fit->family == STRADS_LINEAR_LOGISTIC ? "held-out loss" : "held-out MSE");
	if (cross->count > 0)
		fprintf(out, " %13s %10s", "cross-val. MSE", "std. error");
	fputc('\n', out);
	for (uint64_t k = 0; k < fit->path.count; k++)
		if (is_printed(fit, k))
			print_point(out, fit, k);
	if (cross->count > 0)
		fprintf(
		    out,
		    "%u folds: least mean MSE %.6g (standard error %.3g) at lambda %.9g; within "
		    "one standard error up to lambda %.9g\n",
		    cross->folds, cross->mean[cross->best], cross->error[cross->best],
		    cross->lambda[cross->best], cross->lambda[cross->one_se]);
}
