/*
 * The bare switch of stacks, one implementation per architecture (switch_x86_64.c) and a portable
 * one (switch_ucontext.c); CMake chooses. Internal to coroutine.c.
 */
#ifndef STRADS_SIM_SWITCH_H
#define STRADS_SIM_SWITCH_H

#include <stddef.h>

/* Sets *context, a pointer for the implementation's use, to call entry(arg) on the given stack
 * when first swapped to; entry never returns. An entry of NULL prepares to swap away from the
 * stack that runs. Returns STRADS_OK or ERR_MEMORY. */
int strads_switch_prepare(void **context, void *stack, size_t stack_bytes, void (*entry)(void *arg),
			  void *arg);

/* Stores where the caller stands in *from, which was prepared, and continues at `to`. Callee-saved
 * registers and the floating-point control words go with the stack. */
void strads_switch_swap(void **from, void *to);

/* Frees what prepare has made, and nulls. */
void strads_switch_release(void **context);

#endif
