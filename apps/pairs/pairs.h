/*
 * Lasso over all products of two columns: minimise ½‖y − Σ β_ab·x_a∘x_b − b‖² + λ‖β‖₁. The products
 * are computed where they are needed; only those that the search finds to violate optimality are
 * ever stored.
 */
#ifndef STRADS_PAIRS_H
#define STRADS_PAIRS_H

#include "../lasso/lasso.h"

/* As strads_lasso_fit, with the products x_a∘x_b, a < b, of the columns of `train` as variables: as
 * many as J(J − 1)/2. The model's index of a product is a·J + b, its `base` is J. Columns may be
 * plain or of norm 1.
 *
 * Searches through all products and fits of what they found alternate. A search discards every
 * product of a column a whose bound (strads_products_bounds) shows that none of them can violate
 * optimality; the gradients of the others are computed, so that the duality gap is that of the
 * problem over all products. What is found, the worst violators, and the support are the columns of
 * an ordinary Lasso, for which `options` hold. The whole matrix is on every rank: `train` is
 * readable by peers where there are several ranks.
 *
 * Returns STRADS_OK, ERR_INPUT (fewer than two columns, a standardisation that is not offered,
 * λ = 0, y constant, …), ERR_ARGUMENT (peers cannot read `train`), ERR_MEMORY, or as
 * strads_lasso_fit. Collective. Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_pairs_fit(struct strads_fabric *fabric,
				       const struct strads_dataset *train,
				       const struct strads_dataset *test,
				       const struct strads_lasso_options *options,
				       const volatile int *stop, strads_linear_report *report,
				       void *arg, enum strads_linear_outcome *outcome,
				       struct strads_linear_model *model);

#endif
