/* trim.c - see trim.h. malloc still counts pages that were given back as
 * unused, so the possible gain only shows in comparison with resident memory.
 */
#include "resources/trim.h"

#include <malloc.h>

#include "resources/proc.h"

#define BIG_BLOCK (256 << 10)

#define GAIN_MIN ((size_t)2 << 20) /* and a tenth of what is in use */

void trim_init(void)
{
    /* Otherwise malloc raises both whenever a big block is freed. */
    (void)mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, BIG_BLOCK);
}

static size_t excess(const struct trim_sizes *sizes)
{
    return sizes->resident > sizes->used ? sizes->resident - sizes->used : 0;
}

bool trim_is_due(const struct trim *trim, const struct trim_sizes *sizes)
{
    size_t least = GAIN_MIN + sizes->used / 10;

    return sizes->unused > least && excess(sizes) > trim->floor + least;
}

static bool measure(struct trim_sizes *sizes)
{
    struct proc_memory memory;
    struct mallinfo2 heap;

    proc_read_memory(&memory);
    sizes->resident = (size_t)memory.resident_bytes;
    if (sizes->resident == 0)
        return false;
    heap = mallinfo2();
    sizes->used = heap.uordblks + heap.hblkhd;
    sizes->unused = heap.fordblks;
    return true;
}

void trim_tick(struct trim *trim, int64_t now_ms)
{
    struct trim_sizes sizes;

    if (now_ms < trim->next_ms)
        return;
    trim->next_ms = now_ms + TRIM_EVERY_MS;
    if (!measure(&sizes))
        return;
    if (trim_is_due(trim, &sizes)) {
        (void)malloc_trim(0);
        if (measure(&sizes))
            trim->floor = excess(&sizes);
    } else if (excess(&sizes) < trim->floor) {
        trim->floor = excess(&sizes);
    }
}
