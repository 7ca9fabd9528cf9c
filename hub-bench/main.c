/* main.c - hub-bench: reads the command line, runs, reports.
 *
 * Exit codes: 0 measured, or --help and the like; 1 nothing could be measured;
 * 64 (EX_USAGE) an invalid flag.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <curl/curl.h>
#include <hub/version.h>

#include "options.h"
#include "report.h"
#include "run.h"

static int complain(const char *error, int code)
{
    (void)fprintf(stderr, "hub-bench: %s\n", error);
    return code;
}

static int finish(FILE *out)
{
    return fflush(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int bench(const struct options *o)
{
    struct result result;
    char error[1024];
    int err;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return complain("cannot initialize libcurl", EXIT_FAILURE);
    err = run(o, &result, error, sizeof(error));
    curl_global_cleanup();
    if (err != 0)
        return complain(error, EXIT_FAILURE);
    err = o->json ? report_json(&result, stdout) : report_text(&result, stdout);
    report_warnings(&result, stderr);
    if (err != 0)
        return complain("the report could not be written", EXIT_FAILURE);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options;
    char error[1024];
    int code = EXIT_SUCCESS;

    switch (options_read(&options, argc, argv, error, sizeof(error))) {
    case OPTIONS_HELP:
        options_help(stdout);
        code = finish(stdout);
        break;
    case OPTIONS_VERSION:
        (void)printf("hub-bench %s\n", HUB_VERSION);
        code = finish(stdout);
        break;
    case OPTIONS_ERROR:
        code = complain(error, EX_USAGE);
        break;
    case OPTIONS_RUN:
        code = bench(&options);
        break;
    }
    options_release(&options);
    return code;
}
