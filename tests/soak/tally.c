/* tally.c - see tally.h. */
#include "tally.h"

#include <stdlib.h>

int tally_init(struct judge *j)
{
    j->by_user = calloc(j->users, sizeof(*j->by_user));
    j->by_session = calloc(j->sessions, sizeof(*j->by_session));
    j->by_both = calloc((size_t)j->users * j->sessions, sizeof(*j->by_both));
    return j->by_user == NULL || j->by_session == NULL || j->by_both == NULL
               ? -1
               : 0;
}

void tally_fini(struct judge *j)
{
    free(j->by_user);
    free(j->by_session);
    free(j->by_both);
}

static struct judge_tally *pair(const struct judge *j, uint16_t user,
                                uint16_t session)
{
    return &j->by_both[(size_t)user * j->sessions + session];
}

static void add(struct judge_tally *to, struct judge_tally what, int factor)
{
    to->sure += factor * what.sure;
    to->present += factor * what.present;
    to->left += factor * what.left;
    to->came += factor * what.came;
}

static void add_for(struct judge *j, struct judge_audience who,
                    struct judge_tally what)
{
    add(&j->all, what, 1);
    add(&j->by_user[who.user], what, 1);
    if (who.session == LETTER_ANY)
        return;
    add(&j->by_session[who.session], what, 1);
    add(pair(j, who.user, who.session), what, 1);
}

static struct judge_audience ids(const struct judge_client *c)
{
    return (struct judge_audience){c->user, c->session};
}

void tally_comes(struct judge *j, const struct judge_client *c)
{
    add_for(j, ids(c), (struct judge_tally){.present = 1, .came = 1});
}

void tally_is_sure(struct judge *j, const struct judge_client *c)
{
    add_for(j, ids(c), (struct judge_tally){.sure = 1});
}

void tally_is_unsure(struct judge *j, const struct judge_client *c)
{
    add_for(j, ids(c), (struct judge_tally){.sure = -1, .left = 1});
}

void judge_forget(struct judge *j, struct judge_audience who)
{
    add_for(j, who, (struct judge_tally){.present = -1});
}

struct judge_tally tally_of(const struct judge *j, struct judge_audience who)
{
    struct judge_tally sum = {0};

    if (who.user == LETTER_ANY && who.session == LETTER_ANY)
        return j->all;
    if (who.user < j->users)
        add(&sum, j->by_user[who.user], 1);
    if (who.session < j->sessions)
        add(&sum, j->by_session[who.session], 1);
    if (who.user < j->users && who.session < j->sessions)
        add(&sum, *pair(j, who.user, who.session), -1);
    return sum;
}
