"""What schemathesis cannot know by itself: how JSON Lines are written."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(ctx, value):
    """The body is described as a text. What is no text becomes what no text is: bytes that are not UTF-8."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b"\xff"
