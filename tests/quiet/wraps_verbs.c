/* The verbs provider looks after connections that are opening, now and then; what the connection
 * manager says is for the server. */
#include "quiet.h"

struct strads_verbs;

void __real_strads_verbs_connections_turn(struct strads_verbs *verbs);
void __wrap_strads_verbs_connections_turn(struct strads_verbs *verbs);
void __real_strads_verbs_manager_turn(struct strads_verbs *verbs);
void __wrap_strads_verbs_manager_turn(struct strads_verbs *verbs);

void
__wrap_strads_verbs_connections_turn(struct strads_verbs *verbs)
{
	bool watched = quiet_pause("strads_verbs_connections_turn");

	__real_strads_verbs_connections_turn(verbs);
	quiet_resume(watched);
}

void
__wrap_strads_verbs_manager_turn(struct strads_verbs *verbs)
{
	bool watched = quiet_pause("strads_verbs_manager_turn");

	__real_strads_verbs_manager_turn(verbs);
	quiet_resume(watched);
}
