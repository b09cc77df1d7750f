#include "path.h"

#include <stdlib.h>

void
strads_linear_path_free(struct strads_linear_path *path)
{
	for (uint64_t k = 0; k < path->count; k++)
		strads_linear_model_free(&path->point[k].model);
	free(path->point);
	*path = (struct strads_linear_path){0};
}
