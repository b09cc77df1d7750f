#include "sim/switch.h"

#include <stdint.h>
#include <string.h>

#include "strads/transport.h"

/* A context is a stack pointer, with eight saved words above it: the floating-point control words,
 * r15, r14, r13, r12, rbx, rbp, and where to return to (System V ABI for AMD64, section 3.2.1). */
__asm__(".text\n"
	".p2align 4\n"
	".globl strads_switch_swap\n"
	".hidden strads_switch_swap\n"
	".type strads_switch_swap, @function\n"
	"strads_switch_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	subq $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	fldcw 4(%rsp)\n"
	"	addq $8, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size strads_switch_swap, . - strads_switch_swap\n"
	/* Where a new stack starts: entry is in r12, its argument in rbx. */
	".type strads_switch_start, @function\n"
	"strads_switch_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined %rip\n"
	"	movq %rbx, %rdi\n"
	"	callq *%r12\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size strads_switch_start, . - strads_switch_start\n");

void strads_switch_start(void) __attribute__((visibility("hidden")));

enum { WORD_CONTROL, WORD_R12 = 4, WORD_RBX, WORD_RBP, WORD_RETURN, FRAME_WORDS };

int
strads_switch_prepare(void **context, void *stack, size_t stack_bytes, void (*entry)(void *arg),
		      void *arg)
{
	uint64_t frame[FRAME_WORDS] = {0};
	uint8_t *top = (uint8_t *)stack + stack_bytes;
	uint32_t mxcsr;
	uint16_t x87;

	*context = NULL;
	if (!entry)
		return STRADS_OK;
	__asm__("stmxcsr %0" : "=m"(mxcsr));
	__asm__("fnstcw %0" : "=m"(x87));
	memcpy(&frame[WORD_CONTROL], &mxcsr, sizeof mxcsr);
	memcpy((uint8_t *)&frame[WORD_CONTROL] + sizeof mxcsr, &x87, sizeof x87);
	frame[WORD_R12] = (uintptr_t)entry;
	frame[WORD_RBX] = (uintptr_t)arg;
	frame[WORD_RETURN] = (uintptr_t)strads_switch_start;

	/* The call in strads_switch_start wants the stack pointer on a multiple of 16. */
	top -= (uintptr_t)top % 16 + sizeof frame;
	memcpy(top, frame, sizeof frame);
	*context = top;
	return STRADS_OK;
}

void
strads_switch_release(void **context)
{
	*context = NULL;
}
