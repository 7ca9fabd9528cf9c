/* progress.c - see progress.h. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

#define BAR_MAX 30
#define BAR_MIN 5 /* shorter bars are left out */
#define BAR_BYTES (BAR_MAX + 4)
#define PHASE_WIDTH 10
#define COLUMNS_USUAL 80      /* of a terminal that does not say */
#define RATE_NS (500 * MS_NS) /* over which a rate is averaged */

/* Whether standard error is a terminal that can erase a line. */
static bool is_screen(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
}

/* How much fits into a line. Asked each time, because windows are resized. The
 * last column stays free, since some terminals would wrap there. */
static int columns(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
        return COLUMNS_USUAL - 1;
    return size.ws_col - 1;
}

void progress_init(struct progress *p, bool quiet)
{
    *p = (struct progress){.shown = !quiet && is_screen()};
    progress_phase(p, 0);
}

void progress_phase(struct progress *p, uint64_t delivered)
{
    p->since_ns = p->rate_ns = now_ns();
    p->rate_count = delivered;
    p->rate = 0;
}

static void count_rate(struct progress *p, uint64_t deliveries, int64_t now)
{
    int64_t ns = now - p->rate_ns;

    if (ns < RATE_NS && p->rate > 0)
        return;
    p->rate = (double)(deliveries - p->rate_count) * 1e9 / (double)ns;
    if (ns < RATE_NS)
        return;
    p->rate_ns = now;
    p->rate_count = deliveries;
}

static void format_rate(char *out, size_t size, double rate)
{
    const char *unit = "";

    if (rate >= 1e6) {
        rate /= 1e6;
        unit = " M";
    } else if (rate >= 1e4) {
        rate /= 1e3;
        unit = " k";
    }
    (void)snprintf(out, size, "  %.*f%s deliveries/s", *unit ? 2 : 0, rate,
                   unit);
}

/* " [###---]", in `room` columns, or nothing. */
static void format_bar(char out[BAR_BYTES], double share, int room)
{
    int width = room - (int)strlen(" []");
    int full;

    out[0] = '\0';
    if (width < BAR_MIN)
        return;
    if (width > BAR_MAX)
        width = BAR_MAX;
    full = isnan(share) ? 0 : (int)(fmin(fmax(share, 0), 1) * width);
    (void)snprintf(out, BAR_BYTES, " [%*s]", width, "");
    memset(out + 2, '-', (size_t)width);
    memset(out + 2, '#', (size_t)full);
}

void progress_show(struct progress *p, const char *phase, double share,
                   uint64_t deliveries)
{
    char bar[BAR_BYTES], rate[64] = "", figures[96], line[192];
    int64_t now = now_ns();
    int width, used;

    if (!p->shown)
        return;
    if (deliveries != UINT64_MAX && now > p->rate_ns) {
        count_rate(p, deliveries, now);
        format_rate(rate, sizeof(rate), p->rate);
    }
    used = snprintf(figures, sizeof(figures), " %5.1f s%s",
                    (double)(now - p->since_ns) * 1e-9, rate);
    width = columns();
    format_bar(bar, share, width - PHASE_WIDTH - used);
    (void)snprintf(line, sizeof(line), "%-*s%s%s", PHASE_WIDTH, phase, bar,
                   figures);
    (void)fprintf(stderr, "\r%.*s\033[K", width, line);
    (void)fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->shown)
        (void)fputs("\r\033[K", stderr);
}
