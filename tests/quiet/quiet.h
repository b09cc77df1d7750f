/*
 * Watches a thread for calls that the data path must not make: that allocate, take a lock or can
 * block. They are interposed: this program's own definitions go before those of the libraries it
 * is linked with, for these libraries too.
 */
#ifndef QUIET_H
#define QUIET_H

#include <stdbool.h>
#include <stddef.h>

/* A call that may be made after all. */
struct quiet_exception {
	const char *name;   /* followed by " at once" for one that cannot block as it is made */
	const char *object; /* part of the name of the library that makes it */
	const char *why;
};

/* Whether calls are seen at all: a watch that sees nothing proves nothing. */
bool quiet_works(void);

/* Watches the calling thread from now on, or no longer. */
void quiet_begin(void);
void quiet_end(void);

/* Stops watching for a call that is no part of the data path; returns whether it was watched, for
 * quiet_resume. */
bool quiet_pause(const char *what);
void quiet_resume(bool watched);

/* Says which calls the watched thread made and where from; whether all of them are exceptions. */
bool quiet_report(const char *title, const struct quiet_exception *exceptions, size_t n);

#endif
