#ifndef CRDT_LIMITS_H
#define CRDT_LIMITS_H
/* Every maximum of the product, with its reason. Those of the first group belong to the protocol
 * level (PROTOCOL 9.1): they decide what is void or refused at every node alike, so they never
 * depend on a build or a configuration. Those of the second bound memory and time at one node
 * (PROTOCOL 9.2). */

/* --- protocol level 1 ---------------------------------------------------------------------- */
#define LIMIT_HEADER_BYTES    4096u          /* an entry's header; the usual one is <= 128 */
#define LIMIT_BODY_BYTES      (128u * 1024u) /* an entry's body; a large note still fits */
#define LIMIT_ENTRY_OPS       1024u          /* ops in one entry */
#define LIMIT_DEPS            64u            /* deps in one header; more go into dep-only entries */
#define LIMIT_MEMBER_HEADS    16u            /* membership heads in one header */
#define LIMIT_KEEPS           256u           /* dots in one keeps list */
#define LIMIT_KEY_BYTES       512u           /* msgpack bytes of a set element or map key */
#define LIMIT_VALUE_BYTES     (96u * 1024u)  /* msgpack bytes of one value */
#define LIMIT_TEXT_BYTES      98299u       /* UTF-8 bytes of a document: a value without its head */
#define LIMIT_TITLE_BYTES     (4u * 1024u) /* UTF-8 bytes of a one-line string */
#define LIMIT_FIELD_MAX       16383u       /* largest field number: two varint bytes */
#define LIMIT_HEAD_ENTRIES    256u         /* entries one head may close over */
#define LIMIT_HEAD_BYTES      (256u * 1024u) /* body bytes one head may close over */
#define LIMIT_MSGPACK_DEPTH   8u             /* nesting inside a value */
#define LIMIT_MSGPACK_OBJECTS 65536u         /* objects in one msgpack document */
#define LIMIT_RECORD_BYTES    (16u * 1024u)  /* a membership record */
#define LIMIT_NAME_BYTES      64u            /* UTF-8 bytes of a device's name */
#define LIMIT_CUTOFF_TIPS     64u            /* tips in one cut-off; a device has one or two */

/* --- one node ------------------------------------------------------------------------------ */
#define LIMIT_RANGE_RAW_BYTES (4u * 1024u * 1024u)  /* columns of one range after inflation */
#define LIMIT_RANGE_BYTES     (512u * 1024u)        /* a range as it travels */
#define LIMIT_FRAME_BYTES     (1024u * 1024u)       /* one ZeroMQ message */
#define LIMIT_FRAME_RANGES    64u                   /* ranges in one frame */
#define LIMIT_CREDIT_BYTES    (512u * 1024u)        /* a WANT's credit: sent and not yet acked */
#define LIMIT_VECTOR_TIPS     4096u                 /* tips in one HEADS: as many as LIMIT_CHAINS */
#define LIMIT_DEVICE_TIPS     8u                    /* branches pulled of one device */
#define LIMIT_DEVICE_PATHS    256u                  /* paths held of one device, also joined ones */
#define LIMIT_FORK_BYTES      (256u * 1024u)        /* a fork proof: 512 usual headers are 100 KB */
#define LIMIT_FORKS           64u                   /* fork proofs kept: one tells all there is */
#define LIMIT_DEVICE_FORKS    8u                    /* of them of one device */
#define LIMIT_WANTS           16u                   /* tips asked for at a time on one connection */
#define LIMIT_UNACKED_FRAMES  64u                   /* RANGE frames sent and not yet acked */
#define LIMIT_HEADS_LISTED    256u                  /* membership heads in one frame */
#define LIMIT_MEMBERS_BYTES   (256u * 1024u)        /* records in one MEMBERS, together */
#define LIMIT_MISS_ENTRIES    33u                   /* from-1-2^k for a 32-bit seq */
#define LIMIT_DIGEST_ROWS     128u                  /* rows of one DIGEST: the leaf of a bisect */
#define LIMIT_ALARM_ROWS      64u                   /* differing rows named in one alarm */
#define LIMIT_MESSAGE_BYTES   (64u * 1024u)         /* a directed message */
#define LIMIT_MESSAGE_TTL_S   86400u                /* longest life of a directed message */
#define LIMIT_SPACES          8u                    /* spaces offered in one HELLO */
#define LIMIT_ENDPOINTS       8u                    /* listen endpoints told in one HELLO */
#define LIMIT_BYE_BYTES       200u                  /* the sentence of a BYE */
#define LIMIT_RECORDS         4096u                 /* membership records of a space */
#define LIMIT_RECORDS_KEPT    64u                   /* last ones, for founder and recovery key */
#define LIMIT_RULINGS         256u                  /* records that limit a device */
#define LIMIT_RULINGS_KEPT    32u                   /* last ones, for founder and recovery key */
#define LIMIT_PEERS           64u                   /* connected peers */
#define LIMIT_CHAINS          4096u                 /* linear paths held */
#define LIMIT_CLIENTS         128u                  /* local clients */
#define LIMIT_CLIENT_BYTES    (1024u * 1024u)       /* one local message */
#define LIMIT_CLIENT_BACKLOG  (8u * 1024u * 1024u)  /* unsent answer bytes of one client */
#define LIMIT_CLIENT_WATCHES  16u                   /* watches of one client */
#define LIMIT_CLIENT_STREAMS  64u                   /* long answers of one client under way */
#define LIMIT_TURN_BYTES      (64u * 1024u * 1024u) /* arena of one turn */
#define LIMIT_TURN_FRAMES     64u                   /* frames taken from one source in a turn */
#define LIMIT_QUERY_ROWS      1000000u              /* records of one answer */
#define LIMIT_ADDRESSES       16u                   /* addresses remembered of one device */
#define LIMIT_ADDRESS_BYTES   128u                  /* "tcp://host:port" */
#define LIMIT_KEYFILE_BYTES   4096u                 /* the file of the device's keys */
#define LIMIT_PAIR_BYTES      (64u * 1024u)         /* one message while pairing */
#define LIMIT_BEACON_BYTES    768u                  /* an announcement; with its packet < 1,500 */
#define LIMIT_BEACONS         64u                   /* announcements of others kept */
#define LIMIT_HOLDER_BYTES    128u                  /* who holds a todo: an id, USER@DEVICE */
#define LIMIT_CLAIM_ASKS      256u                  /* claims being asked of arbiters */
#define LIMIT_CLIENT_ASKS     16u                   /* of them for one client */
#define LIMIT_CLAIM_BATCH     64u                   /* asks, answers or holders in one message */
#define LIMIT_CLAIM_NOTES     65536u                /* claims of sessions here that are noted */
#define LIMIT_BLOB_BYTES      (1024u * 1024u * 1024u) /* an attachment's content */
#define LIMIT_BLOB_CHUNK      (64u * 1024u)  /* of it in one frame: a live change waits for few */
#define LIMIT_BLOB_CREDIT     (256u * 1024u) /* of it asked for and not yet here, a connection */
#define LIMIT_BLOB_WANTS      64u            /* blobs being fetched */
#define LIMIT_BLOB_UPLOADS    16u            /* being written by clients */

#endif
