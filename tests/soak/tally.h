/* tally.h - how many connections of an audience the hub may count at a given
 * moment. Users, sessions and pairs of both have a tally each, so that the
 * union of a user and a session is their sum minus what they share. Internal to
 * the judge.
 */
#ifndef SOAK_TALLY_H
#define SOAK_TALLY_H

#include "judge.h"

int tally_init(struct judge *j);
void tally_fini(struct judge *j);

void tally_comes(struct judge *j, const struct judge_client *c);
void tally_is_sure(struct judge *j, const struct judge_client *c);
void tally_is_unsure(struct judge *j, const struct judge_client *c);

/* Zeros for a user or session that nobody has. */
struct judge_tally tally_of(const struct judge *j, struct judge_audience who);

#endif
