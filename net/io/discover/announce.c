/* Publishing the node's announcements; see own.h. */
#include "net/io/discover/own.h"

#include <avahi-common/error.h>

static void group_changed(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx)
{
    struct helper *h = ctx;
    if (state != AVAHI_ENTRY_GROUP_COLLISION)
        return;
    for (unsigned i = 0; i < NET_LOOKOUT_SLOTS; i++) {
        if (h->slots[i].group == group && h->slots[i].on)
            helper_tell(h, &(struct net_lookout){ .kind = NET_LOOKOUT_TAKEN,
                                                  .slot = (enum net_lookout_slot)i });
    }
}

static void add(struct helper *h, struct slot *s)
{
    AvahiStringList *txt = NULL;
    if (avahi_string_list_parse(s->txt, s->txt_len, &txt) < 0)
        return;
    int err = avahi_entry_group_add_service_strlst(s->group, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC,
                                                   (AvahiPublishFlags)0, s->name, SERVICE_TYPE,
                                                   SERVICE_DOMAIN, NULL, s->port, txt);
    avahi_string_list_free(txt);
    if (err == AVAHI_OK)
        err = avahi_entry_group_commit(s->group);
    if (err == AVAHI_ERR_COLLISION) /* another program of this machine has the name */
        helper_tell(h, &(struct net_lookout){ .kind = NET_LOOKOUT_TAKEN,
                                              .slot = (enum net_lookout_slot)(s - h->slots) });
}

void helper_publish(struct helper *h, enum net_lookout_slot slot)
{
    struct slot *s = &h->slots[slot];
    if (!h->running)
        return;
    if (s->group != NULL)
        (void)avahi_entry_group_reset(s->group);
    else if (s->on)
        s->group = avahi_entry_group_new(h->client, group_changed, h);
    if (s->on && s->group != NULL)
        add(h, s);
}

void helper_unpublished(struct helper *h)
{
    for (unsigned i = 0; i < NET_LOOKOUT_SLOTS; i++)
        h->slots[i].group = NULL;
}
