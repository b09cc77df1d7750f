#include "number.h"

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX   19 /* any 19 digits fit 64 bits */
#define FIVES_MAX    27 /* 5^27 < 2^63 */
#define TEXT_MAX     1000
#define EXPONENT_MAX 100000 /* keeps sums of exponents far from overflow */

__extension__ typedef unsigned __int128 wide;

/* 5^k */
static const uint64_t fives[FIVES_MAX + 1] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

/* A decimal number as read: (−1)^negative · digits · 10^exponent. */
struct decimal {
	bool negative;
	uint64_t digits;
	long count;   /* of digits; more than DIGITS_MAX: `digits` holds the leading ones */
	int exponent; /* of the digits held */
	const char *end;
};

static inline bool
is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* Digits from `start` to `stop`, with at most one point among them, when there are more than fit:
 * the leading DIGITS_MAX significant ones, the others only counted. */
static void
decimal_long(struct decimal *number, const char *start, const char *stop)
{
	number->digits = 0;
	number->count = 0;
	for (const char *p = start; p < stop; p++) {
		if (*p == '.' || (*p == '0' && !number->count))
			continue;
		if (number->count < DIGITS_MAX)
			number->digits = number->digits * 10 + (uint64_t)(*p - '0');
		number->count++;
	}
	if (number->count > DIGITS_MAX)
		number->exponent += (int)(number->count - DIGITS_MAX);
}

static const char *
exponent_parse(const char *p, int *exponent)
{
	bool negative;
	int value = 0;

	if (*p != 'e' && *p != 'E')
		return p;
	const char *q = p + 1;
	negative = *q == '-';
	q += *q == '-' || *q == '+';
	if (!is_digit(*q))
		return p;
	for (; is_digit(*q); q++)
		if (value < EXPONENT_MAX)
			value = value * 10 + (*q - '0');
	*exponent += negative ? -value : value;
	return q;
}

static bool
decimal_parse(const char *text, struct decimal *number)
{
	const char *p = text, *start, *point = NULL;
	uint64_t digits = 0; /* wraps around if there are too many, which is noticed below */
	ptrdiff_t count;

	*number = (struct decimal){.negative = *p == '-'};
	p += *p == '-' || *p == '+';
	for (start = p; is_digit(*p); p++)
		digits = digits * 10 + (uint64_t)(*p - '0');
	if (*p == '.') {
		point = ++p;
		for (; is_digit(*p); p++)
			digits = digits * 10 + (uint64_t)(*p - '0');
	}
	count = p - start - (point != NULL);
	if (count <= 0 || count > TEXT_MAX)
		return false;
	number->digits = digits;
	number->count = count;
	number->exponent = point ? -(int)(p - point) : 0;
	if (count > DIGITS_MAX)
		decimal_long(number, start, p);
	number->end = exponent_parse(p, &number->exponent);
	return true;
}

/* quotient · 2^binary, with `sticky` for a nonzero rest below, rounded half to even. The quotient
 * has at least 55 bits and the result is a normal double. */
static double
round_to_double(uint64_t quotient, int binary, bool sticky)
{
	int shift = 64 - __builtin_clzll(quotient) - 53;
	uint64_t rest = quotient & ((UINT64_C(1) << shift) - 1);
	uint64_t half = UINT64_C(1) << (shift - 1);
	uint64_t mantissa = quotient >> shift;
	uint64_t bits;
	double value;

	if (rest > half || (rest == half && (sticky || (mantissa & 1))))
		mantissa++; /* 2^53 is as good as 2^52 one binade up: the addition below carries */
	bits = ((uint64_t)(binary + shift + 52 + 1023) << 52) + (mantissa - (UINT64_C(1) << 52));
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* digits · 10^exponent for |exponent| ≤ FIVES_MAX: by exact integer arithmetic on digits · 5^k or
 * digits / 5^k, since 10^k = 5^k · 2^k. */
static double
decimal_small(uint64_t digits, int exponent)
{
	if (!digits)
		return 0.0;
	if (exponent >= 0) {
		wide product = (wide)digits * fives[exponent];
		int lead = (product >> 64) ? 64 - __builtin_clzll((uint64_t)(product >> 64)) : 0;
		uint64_t low = lead ? (uint64_t)(product << (64 - lead)) : 0;
		uint64_t top = (uint64_t)(product >> lead);
		int up = __builtin_clzll(top);

		return round_to_double(top << up, lead - up + exponent, low != 0);
	}
	/* Numerator in [2^126, 2^127) over a divisor in [2^63, 2^64): the quotient has 63 or 64
	 * bits. */
	uint64_t divisor = fives[-exponent];
	int up = __builtin_clzll(digits), divisor_up = __builtin_clzll(divisor);
	wide numerator = (wide)(digits << up) << 63;

	divisor <<= divisor_up;
	uint64_t quotient = (uint64_t)(numerator / divisor);
	bool sticky = (uint64_t)(numerator - (wide)quotient * divisor) != 0;

	return round_to_double(quotient, exponent - up - 63 + divisor_up, sticky);
}

/* The C library's conversion, always with a decimal point. The "C" locale is a constant of the C
 * library: asking for it allocates nothing. */
static double
decimal_library(const char *text, const char *end)
{
	char copy[TEXT_MAX + 64];
	size_t length = (size_t)(end - text);
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double value;

	memcpy(copy, text, length);
	copy[length] = '\0';
	value = strtod_l(copy, NULL, c_locale);
	freelocale(c_locale);
	return value;
}

const char *
strads_number_parse(const char *text, double *value)
{
	struct decimal number;

	if (!decimal_parse(text, &number) || number.end - text > TEXT_MAX)
		return NULL;
	if (number.count <= DIGITS_MAX && number.exponent <= FIVES_MAX &&
	    number.exponent >= -FIVES_MAX) {
		double magnitude = decimal_small(number.digits, number.exponent);

		*value = number.negative ? -magnitude : magnitude;
	} else {
		*value = decimal_library(text, number.end);
	}
	return number.end;
}

const char *
strads_number_parse_index(const char *text, uint64_t *value)
{
	const char *p = text;
	uint64_t sum = 0;

	for (; is_digit(*p); p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (sum > (UINT64_MAX - digit) / 10)
			sum = UINT64_MAX;
		else
			sum = sum * 10 + digit;
	}
	if (p == text)
		return NULL;
	*value = sum;
	return p;
}
