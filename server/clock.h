/* Time that only goes forward. */
#ifndef PLUMBLINE_CLOCK_H
#define PLUMBLINE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of the monotonic clock; only differences mean something. */
int64_t clock_monotonic_ns(void);

/* Seconds since 1970 of the wall clock. */
int64_t clock_unix_s(void);

/* Milliseconds since 1970 of the wall clock. */
int64_t clock_unix_ms(void);

#endif
