/* window.c - see window.h. */
#include "base/window.h"

#include "base/clock.h"

void window_count(struct window *window)
{
    (void)atomic_fetch_add(&window->untold, 1);
}

uint64_t window_rest(struct window *window)
{
    return atomic_exchange(&window->untold, 0);
}

uint64_t window_due(struct window *window)
{
    int64_t now, due = atomic_load(&window->next_ms);

    if (atomic_load(&window->untold) == 0)
        return 0;
    now = clock_now_ms();
    if (now < due || !atomic_compare_exchange_strong(&window->next_ms, &due,
                                                     now + WINDOW_MS))
        return 0;
    return window_rest(window);
}
