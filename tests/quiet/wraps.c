/* What is called from the data path but is not of it: waiting, which is there to sleep, and looking
 * around every few milliseconds. The linker hands these calls to the wrappers here. */
#include "quiet.h"

#include "strads/transport.h"

int __real_strads_job_check(struct strads_job *job);
int __wrap_strads_job_check(struct strads_job *job);
void __real_strads_fabric_awake(struct strads_fabric *fabric);
void __wrap_strads_fabric_awake(struct strads_fabric *fabric);
void __real_strads_fabric_wait(struct strads_fabric *fabric, uint64_t until_ns);
void __wrap_strads_fabric_wait(struct strads_fabric *fabric, uint64_t until_ns);

int
__wrap_strads_job_check(struct strads_job *job)
{
	bool watched = quiet_pause("strads_job_check");
	int status = __real_strads_job_check(job);

	quiet_resume(watched);
	return status;
}

void
__wrap_strads_fabric_wait(struct strads_fabric *fabric, uint64_t until_ns)
{
	bool watched = quiet_pause("strads_fabric_wait");

	__real_strads_fabric_wait(fabric, until_ns);
	quiet_resume(watched);
}

void
__wrap_strads_fabric_awake(struct strads_fabric *fabric)
{
	bool watched = quiet_pause("strads_fabric_awake");

	__real_strads_fabric_awake(fabric);
	quiet_resume(watched);
}
