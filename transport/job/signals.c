#include "job/signals.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Whether a handler lies in one of the libraries that take signals without being asked. */
static bool
is_intruder(const struct sigaction *action)
{
	Dl_info info;

	/* With SA_SIGINFO the other member of the union is set; both are the code's address. */
	if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
	    !dladdr((void *)action->sa_handler, &info) || !info.dli_fname)
		return false;
	return strstr(info.dli_fname, "libinfinipath") || strstr(info.dli_fname, "libpsm2");
}

void
strads_signals_reclaim(void)
{
	static const int signals[] = {SIGINT, SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGTERM};
	struct sigaction action, standard = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (!sigaction(signals[i], NULL, &action) && is_intruder(&action))
			sigaction(signals[i], &standard, NULL);
}
