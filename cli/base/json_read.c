/* JSON to msgpack, as bridges/json has it. */
#include "bridges/json/json.h"
#include "cli/base/json.h"
#include "crdt/limits.h"

enum cht_err cli_json_parse_deep(struct cht_bytes text, unsigned depth, struct cht_buf *out)
{
    return bridge_json_parse(text, depth, out);
}

enum cht_err cli_json_parse(struct cht_bytes text, struct cht_buf *out)
{
    return bridge_json_parse(text, LIMIT_MSGPACK_DEPTH, out);
}
