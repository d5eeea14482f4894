/* SPDX-License-Identifier: Apache-2.0 */
/* Powers of floats with whole exponents. */
#ifndef RV_MODEL_FLOAT_POWER_H
#define RV_MODEL_FLOAT_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* True for a whole number, which may be too large for any integer; infinities are none. */
bool rv_float_is_whole(double v);

/*
 * base^exponent, rounded to the nearest double, ties to even; the base is finite and not 0, the
 * exponent a whole number. 0 or an infinity, with the sign of the power: it is out of range.
 */
double rv_float_power(double base, double exponent);

#endif
