/* The verbs provider looks around too: for the adapter's events, and for who calls. */
#include "quiet.h"

struct strads_verbs;

void __real_strads_verbs_hear(struct strads_verbs *verbs);
void __wrap_strads_verbs_hear(struct strads_verbs *verbs);
void __real_strads_verbs_connections_turn(struct strads_verbs *verbs);
void __wrap_strads_verbs_connections_turn(struct strads_verbs *verbs);

void
__wrap_strads_verbs_hear(struct strads_verbs *verbs)
{
	bool watched = quiet_pause("strads_verbs_hear");

	__real_strads_verbs_hear(verbs);
	quiet_resume(watched);
}

void
__wrap_strads_verbs_connections_turn(struct strads_verbs *verbs)
{
	bool watched = quiet_pause("strads_verbs_connections_turn");

	__real_strads_verbs_connections_turn(verbs);
	quiet_resume(watched);
}
