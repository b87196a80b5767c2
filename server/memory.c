#include "memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "log.h"

/* In parts, so that what is under way when the first is given up can go on. Mapped and never touched: the reserve costs address space
 * and what the kernel promises, which is what runs out under a limit. */
enum { PARTS = 8, PART = 8 * 1024 * 1024, ENOUGH = 2 };

static const int64_t TRIM_PAUSE_NS = 100 * 1000000;
static _Atomic(void *) parts[PARTS];
static _Thread_local unsigned shortages, failures;
static _Thread_local bool may_lack, lacked;

static bool hold(_Atomic(void *) *part)
{
	void *held, *none = NULL;

	if (atomic_load_explicit(part, memory_order_relaxed) != NULL)
		return true;
	held = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (held == MAP_FAILED)
		return false;
	if (!atomic_compare_exchange_strong(part, &none, held))
		munmap(held, PART); /* another thread was first */
	return true;
}

/* As much as there is memory for; true when that will do. */
static bool hold_enough(void)
{
	for (int i = 0; i < PARTS; i++)
		if (!hold(&parts[i]))
			return i >= ENOUGH;
	return true;
}

bool memory_ready(void)
{
	static _Atomic int64_t trimmed_ns;
	int64_t now_ns, last_ns;

	if (hold_enough())
		return true;
	/* What was freed stays with the C library until it is told to give it back. */
	now_ns = clock_monotonic_ns();
	last_ns = atomic_load(&trimmed_ns);
	if (now_ns - last_ns < TRIM_PAUSE_NS || !atomic_compare_exchange_strong(&trimmed_ns, &last_ns, now_ns))
		return false;
	malloc_trim(0);
	return hold_enough();
}

bool memory_again(void)
{
	shortages++;
	for (int i = 0; i < PARTS; i++) {
		void *held = atomic_exchange(&parts[i], NULL);

		if (held == NULL)
			continue;
		munmap(held, PART);
		log_say(LOG_WARN, "memory_short", "%d of %d MiB held in reserve are given up; what is under way is refused",
			PART / 1024 / 1024, PARTS * (PART / 1024 / 1024));
		return true;
	}
	return false;
}

unsigned memory_shortages(void)
{
	return shortages;
}

unsigned memory_failures(void)
{
	return failures;
}

void memory_none(size_t size)
{
	log_say(LOG_ERROR, "out_of_memory", "%zu bytes could not be had, with the reserve given up", size);
	log_close();
	abort();
}

void *memory_grown_if_any(void *memory, size_t size)
{
	void *grown;

	do
		grown = realloc(memory, size > 0 ? size : 1);
	while (grown == NULL && memory_again());
	failures += grown == NULL;
	return grown;
}

void *memory_grown(void *memory, size_t size)
{
	void *grown = memory_grown_if_any(memory, size);

	if (grown == NULL)
		memory_none(size);
	return grown;
}

void *memory_take(size_t size)
{
	return memory_grown(NULL, size);
}

void *memory_zeroed(size_t count, size_t size)
{
	void *memory;

	do
		memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
	while (memory == NULL && memory_again());
	if (memory == NULL)
		memory_none(count * size);
	return memory;
}

char *memory_string_of(const char *data, size_t size)
{
	const char *end = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t length = end != NULL ? (size_t)(end - data) : size;
	char *copy = memory_take(length + 1);

	if (length > 0)
		memcpy(copy, data, length);
	copy[length] = '\0';
	return copy;
}

char *memory_string(const char *string)
{
	return string != NULL ? memory_string_of(string, strlen(string)) : NULL;
}

void *memory_for_library(size_t size)
{
	void *memory = may_lack ? memory_grown_if_any(NULL, size) : memory_take(size);

	lacked = lacked || memory == NULL;
	return memory;
}

void memory_may_lack(void)
{
	may_lack = true;
	lacked = false;
}

bool memory_lacked(void)
{
	may_lack = false;
	return lacked;
}
