/*
 * Decimal numbers in text, correctly rounded and fast.
 */
#ifndef STRADS_NUMBER_H
#define STRADS_NUMBER_H

#include <stdint.h>

/* Reads [+-] digits [. digits] [e [+-] digits] at `text`, which must be followed, however far, by a
 * character that is no part of a number (a newline). Returns the first character after it and
 * writes what strtod would give in the C locale (infinity if too large for a double); NULL if there
 * is no number or it is longer than 1,000 characters. Hexadecimal numbers, "inf" and "nan" are no
 * numbers. Thread: any. */
const char *strads_number_parse(const char *text, double *value);

/* Reads digits at `text`. Returns the first character after them; NULL if there are none. Beyond
 * 2^64 − 1 the value is 2^64 − 1. Thread: any. */
const char *strads_number_parse_index(const char *text, uint64_t *value);

#endif
