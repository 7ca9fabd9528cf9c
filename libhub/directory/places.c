/* places.c - see places.h: taken in one order, given back in reverse. */
#include "directory/places.h"

#include <string.h>

void hub__places_init(struct hub__places *p, const struct hub__siphash_key *key,
                      const struct hub_options *options)
{
    atomic_init(&p->limit, options->max_connections);
    atomic_init(&p->held, 0);
    hub__quota_init(&p->users, key, options->max_connections_per_user);
    hub__quota_init(&p->addresses, key, options->max_connections_per_address);
}

void hub__places_fini(struct hub__places *p)
{
    hub__quota_fini(&p->users);
    hub__quota_fini(&p->addresses);
}

static int take_one(struct hub__places *p)
{
    uint_fast64_t held = atomic_load(&p->held);

    do {
        uint_fast64_t limit = atomic_load(&p->limit);

        if (limit != 0 && held >= limit)
            return HUB_EFULL;
    } while (!atomic_compare_exchange_weak(&p->held, &held, held + 1));
    return 0;
}

static int take_share(struct hub__quota *quota, const void *name, size_t bytes,
                      int full)
{
    int err = hub__quota_take(quota, name, bytes);

    return err == HUB_EFULL ? full : err;
}

int hub__places_take(struct hub__places *p, const char *user_id,
                     const void *address, size_t address_bytes)
{
    int err = 0;

    if (address_bytes > 0)
        err = take_share(&p->addresses, address, address_bytes,
                         HUB_EFULL_ADDRESS);
    if (err != 0)
        return err;
    err = take_share(&p->users, user_id, strlen(user_id), HUB_EFULL_USER);
    if (err != 0)
        goto fail_address;
    err = take_one(p);
    if (err != 0)
        goto fail_user;
    return 0;

fail_user:
    hub__quota_give(&p->users, user_id, strlen(user_id));
fail_address:
    if (address_bytes > 0)
        hub__quota_give(&p->addresses, address, address_bytes);
    return err;
}

void hub__places_give(struct hub__places *p, const char *user_id,
                      const void *address, size_t address_bytes)
{
    atomic_fetch_sub(&p->held, 1);
    hub__quota_give(&p->users, user_id, strlen(user_id));
    if (address_bytes > 0)
        hub__quota_give(&p->addresses, address, address_bytes);
}
