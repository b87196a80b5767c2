/* Memory that is there. The service holds a reserve back from its start. When the C library has no memory left a part of it is given
 * up and what was asked for is taken from it; nothing new is begun before enough is held again (memory_ready), and what is under way
 * is refused with 503 as soon as it can be (memory_shortages). What can be large and takes no for an answer gets it when the reserve is
 * gone: bodies, and trees of JSON. When anything else cannot be had then the process ends, saying so. free() gives back. */
#ifndef PLUMBLINE_MEMORY_H
#define PLUMBLINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* What a request is told then. */
#define MEMORY_IS_SHORT "memory is short; try again in a moment"

/* Holds the reserve (again). False: there is no memory for enough of it, so nothing new should be begun. Any thread. */
bool memory_ready(void);

void *memory_take(size_t size);                        /* not initialised; never NULL */
void *memory_zeroed(size_t count, size_t size);        /* never NULL */
void *memory_grown(void *memory, size_t size);         /* as realloc; never NULL */
void *memory_grown_if_any(void *memory, size_t size);  /* NULL: there is none, memory is as it was */
char *memory_string(const char *string);               /* a copy; NULL of NULL */
char *memory_string_of(const char *data, size_t size); /* as strndup */

/* Ends the process, saying that so many bytes could not be had. */
_Noreturn void memory_none(size_t size);

/* For a library that takes memory by one function and bears to get none while it reads what it was given: from memory_may_lack() to
 * memory_lacked() this thread's calls may give NULL, and the latter tells whether one did. Outside it never gives NULL. */
void *memory_for_library(size_t size);
void memory_may_lack(void);
bool memory_lacked(void);

/* After a library could not have memory of its own: gives up a part of the reserve. True when there was one: it may be asked again. */
bool memory_again(void);

/* How often memory was short in this thread, and how often something could not be had. Who takes on work looks before and after. */
unsigned memory_shortages(void);
unsigned memory_failures(void);

#endif
