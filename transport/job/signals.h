/* Signals that libraries have taken before main() began. */
#ifndef STRADS_SIGNALS_H
#define STRADS_SIGNALS_H

/* Gives the default action back to signals whose handler is libinfinipath's or libpsm2's. Debian's
 * libfabric loads both, and their constructors turn crashes and termination into exit(1): a
 * supervisor could no longer say what killed a rank. Any other handler is left alone. */
void strads_signals_reclaim(void);

#endif
