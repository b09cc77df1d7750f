#include "sim/coroutine.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/sanitizers.h"
#include "sim/switch.h"
#include "strads/transport.h"

struct strads_coroutine {
	void *context; /* where it stands, while it does not run */
	strads_coroutine_entry *entry;
	void *arg;
	struct strads_coroutine *previous; /* who switched to this one last */
	uint8_t *mapping;                  /* guard page and stack; NULL for an adopted stack */
	size_t mapping_bytes;
	const void *stack; /* lowest address; of an adopted stack known once it was left */
	size_t stack_bytes;
	void *tsan_fiber;
	void *asan_fake_stack;
	unsigned valgrind_id;
};

/* On the new stack, right after the switch. */
static void
arrived(struct strads_coroutine *self)
{
	const void *stack;
	size_t bytes;

	if (!__sanitizer_finish_switch_fiber)
		return;
	__sanitizer_finish_switch_fiber(self->asan_fake_stack, &stack, &bytes);
	if (!self->previous->mapping) {
		self->previous->stack = stack;
		self->previous->stack_bytes = bytes;
	}
}

/* On the old stack, right before the switch. */
static void
departing(struct strads_coroutine *to, void **fake_stack)
{
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(fake_stack, to->stack, to->stack_bytes);
	if (__tsan_switch_to_fiber)
		__tsan_switch_to_fiber(to->tsan_fiber, 0);
}

static void
start(void *arg)
{
	struct strads_coroutine *self = arg;

	arrived(self);
	self->entry(self->arg);
}

void
strads_coroutine_switch(struct strads_coroutine *from, struct strads_coroutine *to)
{
	to->previous = from;
	departing(to, &from->asan_fake_stack);
	strads_switch_swap(&from->context, to->context);
	arrived(from);
}

void
strads_coroutine_leave(struct strads_coroutine *from, struct strads_coroutine *to)
{
	to->previous = from;
	departing(to, NULL);
	strads_switch_swap(&from->context, to->context);
	__builtin_unreachable();
}

int
strads_coroutine_adopt(struct strads_coroutine **adopted)
{
	struct strads_coroutine *made = calloc(1, sizeof *made);
	int status;

	if (!made)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a coroutine");
	status = strads_switch_prepare(&made->context, NULL, 0, NULL, NULL);
	if (status < 0) {
		free(made);
		return status;
	}
	if (__tsan_get_current_fiber)
		made->tsan_fiber = __tsan_get_current_fiber();
	*adopted = made;
	return STRADS_OK;
}

static int
map_stack(struct strads_coroutine *made, size_t stack_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = page + stack_bytes;
	uint8_t *mapping = mmap(NULL, bytes, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (mapping == MAP_FAILED)
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot map a stack of %zu bytes for a simulated rank: %s; "
				   "simulate fewer ranks or raise `ulimit -v`",
				   stack_bytes, strerror(errno));
	if (mprotect(mapping + page, stack_bytes, PROT_READ | PROT_WRITE) != 0) {
		int error = errno;

		munmap(mapping, bytes);
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot guard the stack of a simulated rank: %s; simulate fewer "
				   "ranks or raise vm.max_map_count (two mappings a rank)",
				   strerror(error));
	}
	made->mapping = mapping;
	made->mapping_bytes = bytes;
	made->stack = mapping + page;
	made->stack_bytes = stack_bytes;
	return STRADS_OK;
}

int
strads_coroutine_new(size_t stack_bytes, strads_coroutine_entry *entry, void *arg,
		     struct strads_coroutine **coroutine)
{
	struct strads_coroutine *made = calloc(1, sizeof *made);
	int status;

	if (!made)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a coroutine");
	made->entry = entry;
	made->arg = arg;
	status = map_stack(made, stack_bytes);
	if (status < 0)
		goto free_made;
	status =
	    strads_switch_prepare(&made->context, (void *)made->stack, stack_bytes, start, made);
	if (status < 0)
		goto unmap;
	made->valgrind_id =
	    VALGRIND_STACK_REGISTER(made->stack, (const uint8_t *)made->stack + stack_bytes - 1);
	if (__tsan_create_fiber)
		made->tsan_fiber = __tsan_create_fiber(0);
	*coroutine = made;
	return STRADS_OK;

unmap:
	munmap(made->mapping, made->mapping_bytes);
free_made:
	free(made);
	return status;
}

void
strads_coroutine_delete(struct strads_coroutine **coroutine)
{
	struct strads_coroutine *gone = *coroutine;

	*coroutine = NULL;
	if (!gone)
		return;
	strads_switch_release(&gone->context);
	if (gone->mapping) {
		if (__tsan_destroy_fiber)
			__tsan_destroy_fiber(gone->tsan_fiber);
		if (__asan_unpoison_memory_region)
			__asan_unpoison_memory_region(gone->stack, gone->stack_bytes);
		VALGRIND_STACK_DEREGISTER(gone->valgrind_id);
		munmap(gone->mapping, gone->mapping_bytes);
	}
	free(gone);
}

void
strads_coroutine_abandon(struct strads_coroutine **coroutine)
{
	struct strads_coroutine *gone = *coroutine;
	void *reachable;

	if (!gone || !gone->previous) {
		strads_coroutine_delete(coroutine);
		return;
	}
	*coroutine = NULL;
	reachable = gone;
	memcpy((void *)gone->stack, &reachable, sizeof reachable); /* far from what is in use */
	if (__lsan_register_root_region)
		__lsan_register_root_region(gone->stack, gone->stack_bytes);
}
