/* The kinds of JSON documents. */
#include "cli/base/kinds.h"

#include <stdio.h>

#define VALUES "[{value:any,dot,stamp:time,device:hex,deviceName,actor,shown:bool}]"

#define RESULT          "{chittyId?:id,type?,version,changed:bool,would?:map,next?:id,alias?:id}"
#define ORIGINS         "[{chittyId:id,title?,status?,session?:id,sessionName?}]"
#define TALLY_AND(more) "{name,open:uint,started:uint,late:uint,done:uint,minutes:uint" more "}"

#define BRIEF "{chittyId:id,title?,status?,summary?,created?:time}"
#define SESSION_STATE                                                                              \
    "chittyId:id,sessionId?,title?,platform?,state,device?:hex,deviceName?,here:bool,connected:"   \
    "bool,project?:id,projectName?,branch?,cwd?,model?,started?:time,lastActive?:time,ended?:"     \
    "time,continues?:id,holds:[{chittyId:id,title?,token?,state?}],transcript?:{size:uint,blob?:"  \
    "hex}"

#define WHO      "{actor?,name?,device?:hex,deviceName?}"
#define WHEN_WHO "{at?:time,actor?,name?,device?:hex,deviceName?}"
#define ROW                                                                                        \
    "{chittyId:id,title?,at?:time,by?:" WHO                                                        \
    ",claim?,priority?,deadline?:time,waitsFor?:[{chittyId:id,title?}]}"

static const struct cli_kind kinds[] = {
    { "change", "what was written",
      "{chittyId?:id,type?,version?,changed?:bool,would?:map,next?:id,alias?:id,results?:[" RESULT
      "]}",
      NULL, NULL, NULL },
    { "batch", "what became of each line", "[@batch-line]", "", "batch-line", "line" },
    { "batch-line", "a line that was written, or why it was not",
      "{line:uint,result?:" RESULT ",error?:{code,message,hint?,field?}}", NULL, NULL, "line" },
    { "undo", "what was taken back, or could be",
      "{transactions:[{entry:hex,stamp:ms,changes:uint,records:[{chittyId:id,title,fields:[text]}]}"
      "],results?:[" RESULT "],left?:[{chittyId:id,field,key?:any,by?:map}]}",
      NULL, NULL, NULL },
    { "milestone-list", "the milestones of a project", "[@milestone]", "", "milestone", "name" },
    { "milestone", "a milestone of a project", "{name,value:any}", NULL, NULL, "name" },
    { "place", "which project a folder is",
      "{project:id,name?,folder?,address?,root?:hex,how,changed:bool}", NULL, NULL, "project" },
    { "report", "how much there is to do in a project",
      "{project:id,all:" TALLY_AND("") ",assignees:[" TALLY_AND(
          ",share?:any") "],"
                         "milestones:[" TALLY_AND(",value?:any") "]}",
      NULL, NULL, "project" },
    { "claim", "the claim that was granted",
      "{chittyId:id,title,token,state,since:ms,lease:uint,arbiter:hex,holder,already?:bool}", NULL,
      NULL, "chittyId" },
    { "release", "what was given back", "{released:[id]}", NULL, NULL, NULL },
    { "claims", "who works on what", "[@claim-state]", "", "claim-state", "chittyId" },
    { "claim-state", "who works on a todo, or lost it",
      "{chittyId:id,title,project?:id,holder,holderName,device?:any,deviceName,token,state,since:"
      "ms,"
      "active?:uint,lease?:uint,what?:[{field,value:any,at:ms}]}",
      NULL, NULL, "chittyId" },
    { "count", "how many records there are", "{count:uint}", NULL, NULL, NULL },
    { "search", "records of every type that have the words", "[@record]", "", "record",
      "chittyId" },
    { "record", "a record of any type",
      "{chittyId:id,type,version?,data:map,deleted?:bool,conflicts?:uint,unknown?:[any],"
      "alias?:id,origins?:" ORIGINS "}",
      NULL, NULL, "chittyId" },
    { "cycles", "links that lead back", "[@cycle]", "", "cycle", NULL },
    { "cycle", "a circle of links",
      "{domain,field,length:uint,members:uint,path:[{chittyId:id,title?}]}", NULL, NULL, NULL },
    { "merge", "the records that are one now",
      "{merged:[{into:id,alias:id,late:bool}],proposed?:uint,settled?:uint,more?:bool}", NULL, NULL,
      NULL },
    { "unmerge", "the record that is on its own again",
      "{chittyId:id,from:id,left:[{chittyId:id,field}]}", NULL, NULL, "chittyId" },
    { "duplicates", "records that say the same", "[@duplicate]", "", "duplicate", NULL },
    { "duplicate", "records that say the same, and whether they are one beyond doubt",
      "{domain,text,certain:bool,records:" ORIGINS "}", NULL, NULL, NULL },
    { "sync", "what came to one, and who has it",
      "{domain,dryRun:bool,project?:id,session?:id,domains:[{domain,records:uint,conflicts:uint}],"
      "merged:[{into:id,alias:id,late:bool,title,status,origins?:" ORIGINS "}],proposed:uint,"
      "settled:uint,peers:[map],uncarried:[text],todos?:[map]}",
      NULL, NULL, NULL },
    { "mesh", "sessions, todos and what waits for what",
      "{project?:id,sessions:[{chittyId:id,name,status?,device?}],todos:[{chittyId:id,title,status?"
      ","
      "sessions:[id],holder?,holderName?,device?}],links:[{from:id,to:id,kind}],"
      "left:{sessions:uint,todos:uint}}",
      NULL, NULL, NULL },
    { "event", "a change as it happened",
      "{watch,domain,operation,entity:{chittyId:id,type,data:map,conflicts?:uint},delta?:map,"
      "version?,vector,by?:{device:hex,deviceName?,actor?}}",
      NULL, NULL, NULL },
    { "log", "changes, newest first", "[@log-entry]", "", "log-entry", "entry" },
    { "log-entry", "a change",
      "{entry:hex,device:hex,deviceName?,epoch:hex,seq:uint,stamp:time,chittyId:id,actor,"
      "ops:[{op,field?,number:uint,key?:any,value?:any,void?}],undoes?:[hex],redoes?:[hex],void?}",
      NULL, NULL, "entry" },
    { "show", "every live value of a record",
      "{chittyId:id,type,version,deleted:bool,cells:[{field?,number:uint,key?:any,values:" VALUES
      "}],alias?:id,origins?:" ORIGINS "}",
      NULL, NULL, "chittyId" },
    { "conflicts", "what waits for a choice", "[@conflict]", "", "conflict", "chittyId" },
    { "conflict", "concurrent values of a field",
      "{chittyId:id,type,title?,field?,number?:uint,key?:any,kind,conflictId,conflictType,"
      "resolution:map,values:" VALUES "}",
      NULL, NULL, "chittyId" },
    { "space-list", "the spaces on this machine", "[@space]", "", "space", "name" },
    { "space", "a space on this machine",
      "{name:text~,space:hex~,path,inUse:bool,running:bool,kept:bool}", NULL, NULL, "name" },
    { "clone-list", "clones of repositories, on every device", "[@clone]", "", "clone", "path" },
    { "clone", "a clone of a repository",
      "{chittyId:id,url,device:hex,deviceName?,path,state,dirty?:bool,ahead?:uint,behind?:uint,"
      "branch?,commit?,upstream?,at?:ms}",
      NULL, NULL, "path" },
    { "session-states", "who is at work, on all machines", "[@session-state]", "", "session-state",
      "chittyId" },
    { "session-state", "a session as it is by now", "{" SESSION_STATE "}", NULL, NULL, "chittyId" },
    { "session-view", "a session and what belongs to it",
      "{" SESSION_STATE ",summary?,todos:[" BRIEF "],checkpoints:[" BRIEF "],contexts:[" BRIEF
      "],continuedBy:[" BRIEF "],files:map}",
      NULL, NULL, "chittyId" },
    { "session-export", "all of a session",
      "{session:@record,project?:@record,now:@session-state,todos:[@record],checkpoints:[@record],"
      "contexts:[@record],messages:[@record],files:map,exported:time,transcript?:[map]}",
      NULL, NULL, NULL },
    { "session-resume", "how a session goes on here",
      "{chittyId:id,sessionId,continues?:id,folder,fresh:bool,dry:bool,transcript?:{path,from,had:"
      "uint,added:uint,alone:uint},claims:[{chittyId:id,title,result}],command:[text],handoff}",
      NULL, NULL, "chittyId" },
    { "session-context", "what was said last in a session, and its files",
      "{chittyId:id,messages:[{role,at,text}],files:[{path,action,at}],cwd?,branch?,title?}", NULL,
      NULL, NULL },
    { "shared-context", "what sessions know for each other",
      "{project?:id,points:[{text,context?}],contexts:[" BRIEF
      "],checkpoints:[{chittyId:id,title?,summary?,session?,at?:time}],claims:[{chittyId:id,title?,"
      "holderName?,deviceName?,state?,since?:time}],files:[{path,action?,session?,deviceName?,at?:"
      "time}],sessions:[@session-state]}",
      NULL, NULL, NULL },
    { "standup", "who did what, and what is next",
      "{since:time,project?:id,done:[" ROW "],doing:[" ROW "],blocked:[" ROW "],next:[" ROW
      "],notes:[" ROW "]}",
      NULL, NULL, NULL },
    { "why", "where a record comes from",
      "{chittyId:id,title?,created?:time,made?:" WHEN_WHO ",session?:@session-state,origin?:map,"
      "prompt?,changes:[{at:time,actor?,name?,device?:hex,deviceName?,fields:[text],status?}]}",
      NULL, NULL, "chittyId" },
    { "health-list", "how services look, from every device", "[@health]", "", "health", "name" },
    { "health", "how a service looks from a device",
      "{chittyId:id,name,device:hex,deviceName?,health,at?:ms,status?:uint,latency_ms?:uint,error?"
      "}",
      NULL, NULL, "name" },
    { "nudge", "whether there are nudges", "{state,until?:time,said?:time}", NULL, NULL, NULL },
    { "prompt", "how much there is to do", "{text,doing:uint,ready:uint,overdue:uint}", NULL, NULL,
      NULL },
    { "git-hook", "the hook of a repository", "{path,state,chained:bool}", NULL, NULL, "path" },
    { "init", "the device that was made", "{device:hex,space:hex,name,home}", NULL, NULL,
      "device" },
    { "status", "the node and its space",
      "{device:hex,deviceName,space:hex,root:hex,vector:map,counts:map,peers:[any],waiting:uint,"
      "quarantined:uint,membership:{role,how?,by?:hex,byName?},addresses:[text],discovery:map,"
      "observer?:map,readOnly:map~,forks:[map],clones:map,version}",
      NULL, NULL, "device" },
    { "peers", "the other devices", "{peers:[@peer],strangers?:map}", "peers", "peer", "name" },
    { "peer", "another device",
      "{device:hex,name,state,address?,how?,addresses:[{address,how,reached:bool}],lastSeen?:ms,"
      "role?,closedMs?:uint,connections?:uint,bytesIn?:uint,entriesIn?:uint,cpuMs?:uint,"
      "known?:uint,waiting?:uint,void?:uint,branches?:uint,refused?:map}",
      NULL, NULL, "name" },
    { "members", "the devices of the space", "{members:[@member]}", "members", "member", "name" },
    { "member", "a device of the space",
      "{device:hex,name,role,state,admittedBy:hex,admittedByName,since:ms,limitedBy?:hex,"
      "limitedByName?,limitedSince?:ms,how?}",
      NULL, NULL, "name" },
    { "metrics", "figures of the node", "{families:[@metric]}", "families", "metric", "name" },
    { "metric", "a family of figures",
      "{name,type,unit,help,samples:[{suffix,labels:map,value:number}]}", NULL, NULL, "name" },
    { "verify", "what the check found",
      "{ok:bool,root:hex,chains:uint,entries:uint,problems:[{where,what}]}", NULL, NULL, NULL },
    { "rebuild", "what was made anew", "{root:hex,entries:uint,entities:uint}", NULL, NULL, NULL },
    { "import", "what became of the records of a file",
      "{format,dryRun:bool,created:uint,updated:uint,unchanged:uint,skipped:uint,errors:uint,"
      "problems:[{line:uint,message}]}",
      NULL, NULL, NULL },
    { "backup", "the file that was written",
      "{path,bytes:uint,entries:uint,blobsLeftOut?:uint,space:hex}", NULL, NULL, "path" },
    { "attachments", "what is attached to a record", "[@attachment]", "", "attachment", "name" },
    { "attachment", "a file of a record; several of one name are a conflict",
      "{name,pick:uint,value:map,by,conflict?:bool}", NULL, NULL, "name" },
    { "attachment-file", "the file that was written", "{file,blob:hex,size:uint}", NULL, NULL,
      "file" },
    { "blobs", "the files of attachments",
      "{bytes:uint,quota:uint,fetchBelow:uint,attached:uint,attachedBytes:uint,here:uint,"
      "missing:uint,unnamed:uint,unnamedBytes:uint,damaged:uint,keep:bool,removed?:uint,"
      "removedBytes?:uint,blobs:[@blob]}",
      "blobs", "blob", "blob" },
    { "blob", "the file of an attachment", "{blob:hex,size:uint,chittyId:id,state,own:bool,from}",
      NULL, NULL, "blob" },
    { "restore", "what was put back",
      "{device:hex,space:hex,home,kept,entries:uint,backupAt:ms,made:bool,writes:bool}", NULL, NULL,
      "space" },
    { "invite", "a stage of an invitation, or its end",
      "{stage?,text?,code?,from?,expires?:any,addresses?:[text],words?:[text],ticket?,device?:hex,"
      "name?,role?}",
      NULL, NULL, NULL },
    { "join", "the space that was joined", "{space:hex,device:hex,peer,words:[text]}", NULL, NULL,
      "space" },
    { "revoke", "the device that was revoked", "{device:hex,name,record:hex}", NULL, NULL, "name" },
    { "role", "the device with another role", "{device:hex,name,record:hex}", NULL, NULL, "name" },
    { "readmit", "the device that is back", "{device:hex,name,record:hex}", NULL, NULL, "name" },
    { "quarantined", "what is kept and void",
      "{entryCount:uint,opCount:uint,entries:[@quarantined-entry]}", "entries", "quarantined-entry",
      "entry" },
    { "quarantined-entry", "an entry that is kept and void",
      "{entry:hex,device:hex,deviceName,seq:uint,stamp:any,chittyId?:id,why?,by?:hex,byName?}",
      NULL, NULL, "entry" },
    { "doctor", "what was found",
      "{ok:bool,problems:uint,warnings:uint,notes:uint,findings:[@finding]}", "findings", "finding",
      "check" },
    { "finding", "one thing that was found", "{check,severity,text,remedy?}", NULL, NULL, "check" },
    { "service-unit", "the unit of the service manager",
      "{unit,installed:bool,current:bool,changed:bool,manager:bool,enabled:bool,active:bool,"
      "linger:bool}",
      NULL, NULL, "unit" },
    { "claude-config", "settings of Claude Code, or one of them",
      "{files?:[{scope,path,settings:map}],key?,scope?,value?:any}", NULL, NULL, NULL },
    { "claude-hook-list", "hooks that Claude Code runs", "[@claude-hook]", "", "claude-hook",
      NULL },
    { "claude-hook", "a hook that Claude Code runs", "{event,matcher,type,command,scope,ours:bool}",
      NULL, NULL, NULL },
    { "claude-mirror", "what was made equal of a list of tasks and the todos",
      "{folder,todosMade:uint,todosChanged:uint,filesMade:uint,filesChanged:uint,"
      "filesRemoved:uint}",
      NULL, NULL, NULL },
    { "claude-track", "what sessions feed into the todos by themselves",
      "{intake:bool,autoCheckpoint:bool,notion:bool}", NULL, NULL, NULL },
    { "claude-files", "changes to files of Claude Code", "{done:bool,files:[{path,change,diff}]}",
      NULL, NULL, NULL },
    { "error", "why a command failed, on standard error",
      "{code,message,hint?,field?,retryable:bool}", NULL, NULL, NULL },
    { "stop", "the node has ended", "map", NULL, NULL, NULL },
};

const struct cli_kind *cli_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? &kinds[index] : NULL;
}

static unsigned type_of_table(const char *name, size_t len)
{
    for (size_t i = 0; crdt_schema_at(i, NULL) != NULL; i++) {
        const unsigned type = crdt_schema_at(i, NULL)->type;
        const char *table = crdt_type_table(type);
        if (strlen(table) == len && strncmp(table, name, len) == 0)
            return type;
    }
    return 0;
}

const struct cli_kind *cli_kind_named(const char *name, struct cli_kind_room *room,
                                      unsigned *out_type)
{
    static const char list[] = "-list";
    const size_t len = strlen(name), tail = sizeof list - 1;
    *out_type = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    const bool many = len > tail && strcmp(name + len - tail, list) == 0;
    *out_type = type_of_table(name, many ? len - tail : len);
    if (*out_type == 0)
        return NULL;
    (void)snprintf(room->name, sizeof room->name, "%s", name);
    (void)snprintf(room->item, sizeof room->item, "%s", crdt_type_table(*out_type));
    room->kind = (struct cli_kind){ .name = room->name, .id = "chittyId" };
    if (many) {
        room->kind.rows = "";
        room->kind.item = room->item;
    }
    return &room->kind;
}

void cli_kind_of(const struct cli_command *command, unsigned type, char out[static CLI_KIND_MAX])
{
    const char *kind = command->kind == NULL ? "" : command->kind;
    const char *table = type == 0 ? NULL : crdt_type_table(type);
    if (kind[0] == '@')
        (void)snprintf(out, CLI_KIND_MAX, "%s%s", table == NULL ? "" : table, kind + 1);
    else
        (void)snprintf(out, CLI_KIND_MAX, "%s", kind);
}

/* --- shapes -------------------------------------------------------------------------------- */

const char *cli_shape_end(const char *at)
{
    unsigned depth = 0;
    for (; *at != '\0'; at++) {
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']') {
            if (depth == 0)
                break;
            depth--;
        } else if (*at == ',' && depth == 0)
            break;
    }
    return at;
}

bool cli_shape_next(const char **at, struct cli_shape_member *out)
{
    const char *p = *at;
    if (*p == '{' || *p == ',')
        p++;
    const size_t len = strcspn(p, "?:,}");
    if (len == 0 || *p == '\0')
        return false;
    *out = (struct cli_shape_member){ .name = cht_bytes(p, len), .shape = cht_bytes("text", 4) };
    p += len;
    out->optional = *p == '?';
    p += out->optional ? 1 : 0;
    if (*p == ':') {
        const char *end = cli_shape_end(p + 1);
        out->shape = cht_bytes(p + 1, (size_t)(end - p - 1));
        p = end;
    }
    *at = p;
    return true;
}

/* The index-th of what a record has, then of its fields. */
static bool record_name_at(unsigned type, size_t index, struct cht_bytes *out)
{
    static const char *const own[] = { "id",        "chittyId", "type",    "version",
                                       "conflicts", "alias",    "origins", "deleted" };
    const size_t count = sizeof own / sizeof own[0];
    const struct crdt_type_schema *schema = crdt_schema(type);
    if (index < count) {
        *out = cht_bytes_str(own[index]);
        return true;
    }
    index -= count - 1; /* `deleted` is field 0 of every type, and told as a member */
    if (index >= schema->count)
        return false;
    *out = cht_bytes_str(schema->fields[index].name);
    return true;
}

bool cli_kind_name_at(const char *name, size_t index, struct cht_bytes *out)
{
    struct cli_kind_room room;
    struct cli_shape_member member;
    unsigned type;
    const struct cli_kind *kind = cli_kind_named(name, &room, &type);
    if (kind == NULL)
        return false;
    if (type != 0)
        return record_name_at(type, index, out);
    if (kind->item != NULL)
        kind = cli_kind_named(kind->item, &room, &type);
    const char *at = kind == NULL || kind->shape[0] != '{' ? "" : kind->shape;
    for (; cli_shape_next(&at, &member); index--) {
        if (index == 0) {
            *out = member.name;
            return true;
        }
    }
    if (index != 0 || kind == NULL || kind->id == NULL)
        return false;
    *out = cht_bytes("id", 2);
    return true;
}
