#ifndef NODE_SERVICE_TITLES_H
#define NODE_SERVICE_TITLES_H
/* What linked records are called, for lists that people read (LOCAL 4.14). */
#include "crdt/base/buf.h"
#include "crdt/id.h"
#include "node/store/store.h"

struct node_service;

#define TITLES_KEPT  64u
#define TITLES_BYTES 200u /* of a title that are told */

/* The titles told last: most records of a list name the same few. */
struct service_titles {
    struct {
        uint32_t n;
        uint8_t len;
        bool known;
        char text[TITLES_BYTES];
    } kept[TITLES_KEPT];
};

/* A map of titles under way: the links whose record is not here, or has no title, are not in it. */
struct service_title_map {
    struct cht_buf *out;
    size_t at; /* where its head is, which is completed as titles come */
    uint16_t count;
};

CHT_MUST_USE enum cht_err service_title_map(struct cht_buf *out, struct service_title_map *map);
/* Append the title of a record under a key of at most 255 bytes. */
CHT_MUST_USE enum cht_err service_title_put(struct node_service *s, struct service_titles *titles,
                                            struct cht_bytes key, const struct crdt_id *id,
                                            struct service_title_map *map);

struct crdt_state;
struct crdt_cell;

/* Append "titles": of the links that a record shows in these fields (an array of names, or empty
 * for all), under the field's name, those of a set as a map under their ids. */
CHT_MUST_USE enum cht_err service_put_titles(struct node_service *s, const struct crdt_state *state,
                                             struct cht_bytes fields, struct service_titles *titles,
                                             struct cht_buf *out);
/* The same of all links in the live values of some cells, under their ids. */
CHT_MUST_USE enum cht_err service_put_cell_titles(struct node_service *s, unsigned type,
                                                  const struct crdt_cell *cells, uint32_t count,
                                                  struct service_titles *titles,
                                                  struct cht_buf *out);

#endif
