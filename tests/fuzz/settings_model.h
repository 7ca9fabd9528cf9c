/* settings_model.h - numbers with units, addresses and origins as the manual
 * describes them, for judging single values.
 */
#ifndef TESTS_FUZZ_SETTINGS_MODEL_H
#define TESTS_FUZZ_SETTINGS_MODEL_H

/* Each looks at one value with the parsers of hubd, and aborts where what they
 * make of it cannot be. */
void settings_check_duration(const char *text);
void settings_check_size(const char *text);
void settings_check_count(const char *text);
void settings_check_addresses(const char *text);
void settings_check_origins(const char *text);
void settings_check_hosts(const char *text);

#endif
