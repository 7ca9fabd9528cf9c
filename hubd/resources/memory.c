/* memory.c - see memory.h. */
#include "resources/memory.h"

#include <unistd.h>

#include "resources/cgroup.h"

void memory_init(struct memory *memory, size_t limit, size_t max_message_bytes)
{
    size_t least = memory_least(max_message_bytes);

    *memory = (struct memory){.limit = limit};
    if (limit == 0)
        memory->limit =
            (size_t)(memory_available(CGROUP_GROUPS, CGROUP_ROOT) / 2);
    if (memory->limit < least)
        memory->limit = least;
}

size_t memory_least(size_t max_message_bytes)
{
    size_t least = MEMORY_PER_MESSAGE * max_message_bytes;

    return least > MEMORY_LIMIT_MIN ? least : MEMORY_LIMIT_MIN;
}

static size_t for_bodies(const struct memory *memory)
{
    return memory->limit / 4;
}

size_t memory_for_messages(const struct memory *memory)
{
    return memory->limit - for_bodies(memory);
}

bool memory_take(struct memory *memory, size_t bytes)
{
    size_t used = atomic_load(&memory->bodies);

    do {
        if (bytes > for_bodies(memory) - used)
            return false;
    } while (
        !atomic_compare_exchange_weak(&memory->bodies, &used, used + bytes));
    return true;
}

void memory_give(struct memory *memory, size_t bytes)
{
    (void)atomic_fetch_sub(&memory->bodies, bytes);
}

uint64_t memory_available(const char *groups, const char *root)
{
    uint64_t machine =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t allowed = cgroup_memory(groups, root);

    return allowed < machine ? allowed : machine;
}
