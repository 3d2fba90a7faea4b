"""What schemathesis must know of this API beyond its description: a long poll waits for as long as it is asked to."""

import schemathesis


@schemathesis.hook
def map_query(context, query):
    if query and "wait" in query:
        query["wait"] = 0
    return query
