#include "sim/switch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "strads/transport.h"

/* swapcontext asks the kernel for the signal mask at every switch, which makes it some 20 times
 * slower than a switch of our own. */

struct context {
	ucontext_t machine;
	void (*entry)(void *arg);
	void *arg;
};

/* makecontext passes on nothing but ints. */
static void
start(unsigned high, unsigned low)
{
	uintptr_t bits = (uintptr_t)((uint64_t)high << 32 | low);
	struct context *context;

	memcpy(&context, &bits, sizeof bits);
	context->entry(context->arg);
}

int
strads_switch_prepare(void **context, void *stack, size_t stack_bytes, void (*entry)(void *arg),
		      void *arg)
{
	struct context *made = calloc(1, sizeof *made);
	uint64_t bits = (uintptr_t)made;

	if (!made || getcontext(&made->machine) != 0) {
		free(made);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the registers of a coroutine");
	}
	if (entry) {
		made->entry = entry;
		made->arg = arg;
		made->machine.uc_stack.ss_sp = stack;
		made->machine.uc_stack.ss_size = stack_bytes;
		makecontext(&made->machine, (void (*)(void))start, 2, (unsigned)(bits >> 32),
			    (unsigned)bits);
	}
	*context = made;
	return STRADS_OK;
}

void
strads_switch_swap(void **from, void *to)
{
	struct context *leaving = *from;
	struct context *entering = to;

	swapcontext(&leaving->machine, &entering->machine);
}

void
strads_switch_release(void **context)
{
	free(*context);
	*context = NULL;
}
