#ifndef NODE_SERVICE_TITLES_H
#define NODE_SERVICE_TITLES_H
/* What linked records are called, for lists that people read (LOCAL 4.14). */
#include "crdt/base/buf.h"
#include "crdt/id.h"
#include "node/store/store.h"

struct node_service;

#define TITLES_KEPT       64u
#define TITLES_BYTES      200u /* of a title that are told */
#define TITLES_FIELDS_MAX 16u

/* The titles told last: most records of a list name the same few. */
struct service_titles {
    struct {
        uint32_t n;
        uint8_t len;
        bool known;
        char text[TITLES_BYTES];
    } kept[TITLES_KEPT];
};

/* A link that a record shows. */
struct service_link {
    const char *field;
    struct crdt_id id;
};

/* Append "titles": { field: title }, of those links whose record is here and has a title. */
CHT_MUST_USE enum cht_err service_put_titles(struct node_service *s, struct service_titles *titles,
                                             const struct service_link *links, unsigned count,
                                             struct cht_buf *out);

#endif
