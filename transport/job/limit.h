/* Limits of this process. */
#ifndef STRADS_LIMIT_H
#define STRADS_LIMIT_H

/* Raises the limit of open descriptors to `needed` and some for the rest of the program, as far as
 * it may: the usual 1,024 are too few for a large job. */
void strads_limit_descriptors(int needed);

#endif
