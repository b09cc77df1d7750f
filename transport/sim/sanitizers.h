/*
 * What the sanitizers and valgrind want to hear about stacks. The sanitizers' functions are weak:
 * NULL in a program that is not built with them. Internal to coroutine.c.
 */
#ifndef STRADS_SIM_SANITIZERS_H
#define STRADS_SIM_SANITIZERS_H

#include <stddef.h>

#define STRADS_WEAK __attribute__((weak))

/* <sanitizer/common_interface_defs.h> */
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom,
				    size_t bytes) STRADS_WEAK;
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom_old,
				     size_t *bytes_old) STRADS_WEAK;

/* <sanitizer/asan_interface.h> */
void __asan_unpoison_memory_region(const volatile void *start, size_t bytes) STRADS_WEAK;

/* <sanitizer/lsan_interface.h> */
void __lsan_register_root_region(const void *start, size_t bytes) STRADS_WEAK;

/* <sanitizer/tsan_interface.h> */
void *__tsan_get_current_fiber(void) STRADS_WEAK;
void *__tsan_create_fiber(unsigned flags) STRADS_WEAK;
void __tsan_destroy_fiber(void *fiber) STRADS_WEAK;
void __tsan_switch_to_fiber(void *fiber, unsigned flags) STRADS_WEAK;

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) ((void)(start), (void)(end), 0u)
#define VALGRIND_STACK_DEREGISTER(id)       ((void)(id))
#endif

#endif
