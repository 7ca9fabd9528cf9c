/* metrics_text.c - see metrics_text.h. What does not fit is left out, and the
 * buffer is marked as full: then the text must not be used.
 */
#include "observe/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 32
#define DECIMALS_MAX 9

/* Adds text, escaping what would end it early: line ends and backslashes, and,
 * in quotes, double quotes too. */
static void add_text(struct linebuf *out, const char *text, bool quoted)
{
    const char *special = quoted ? "\n\\\"" : "\n\\";

    for (;;) {
        size_t plain = strcspn(text, special);

        linebuf_addf(out, "%.*s", (int)plain, text);
        text += plain;
        if (*text == '\0')
            return;
        linebuf_addf(out, "\\%c", *text == '\n' ? 'n' : *text);
        text++;
    }
}

static void format(char out[NUMBER_MAX], struct metrics_value value)
{
    uint64_t one = 1;
    int bytes;

    for (unsigned i = 0; i < value.decimals && i < DECIMALS_MAX; i++)
        one *= 10;
    if (value.number % one == 0) {
        (void)snprintf(out, NUMBER_MAX, "%" PRIu64, value.number / one);
        return;
    }
    bytes =
        snprintf(out, NUMBER_MAX, "%" PRIu64 ".%0*" PRIu64, value.number / one,
                 (int)value.decimals, value.number % one);
    while (out[bytes - 1] == '0')
        out[--bytes] = '\0';
}

void metrics_text_family(struct linebuf *out, const char *name,
                         const char *type, const char *help)
{
    linebuf_addf(out, "# HELP %s ", name);
    add_text(out, help, false);
    linebuf_addf(out, "\n# TYPE %s %s\n", name, type);
}

static void add_labels(struct linebuf *out, const struct metrics_label *labels)
{
    const char *before = "{";

    for (int i = 0; labels != NULL && i < 2 && labels[i].name != NULL; i++) {
        linebuf_addf(out, "%s%s=\"", before, labels[i].name);
        add_text(out, labels[i].value, true);
        linebuf_add(out, "\"");
        before = ",";
    }
    if (*before == ',')
        linebuf_add(out, "}");
}

void metrics_text_sample(struct linebuf *out, const char *name,
                         const char *suffix,
                         const struct metrics_label labels[2],
                         struct metrics_value value)
{
    char number[NUMBER_MAX];

    format(number, value);
    linebuf_add(out, name);
    linebuf_add(out, suffix);
    add_labels(out, labels);
    linebuf_addf(out, " %s\n", number);
}

void metrics_text_histogram(struct linebuf *out, const char *name,
                            struct metrics_label label,
                            const struct metrics_histogram *h)
{
    struct metrics_label labels[2] = {label}, *le = labels;
    struct metrics_value value = {0};
    char bound[NUMBER_MAX];

    if (label.name != NULL)
        le++;
    le->name = "le";
    for (size_t i = 0; i <= h->bound_count; i++) {
        value.number += h->counts[i];
        le->value = "+Inf";
        if (i < h->bound_count) {
            format(bound, (struct metrics_value){h->bounds[i], h->decimals});
            le->value = bound;
        }
        metrics_text_sample(out, name, "_bucket", labels, value);
    }
    le->name = NULL;
    metrics_text_sample(out, name, "_sum", labels,
                        (struct metrics_value){h->sum, h->decimals});
    metrics_text_sample(out, name, "_count", labels, value);
}
