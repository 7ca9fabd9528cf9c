/* suite.h - the end of each test executable: runs its suite, reports the
 * result, and exits with a failure if a test failed.
 */
#ifndef HUB_SUITE_H
#define HUB_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Takes the suite. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
