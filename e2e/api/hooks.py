"""What schemathesis cannot know by itself: how JSON Lines and images are written."""

import pathlib

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(ctx, value):
    """The body is described as a text. What is no text becomes what no text is: bytes that are not UTF-8."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b"\xff"


# Beside this file where it runs: the script copies both.
LOGO = pathlib.Path(__file__).with_name("logo.png")


@schemathesis.serializer("image/png", "image/jpeg", "image/webp")
def image(ctx, value):
    """The body is described as a text, and no text is an image: each one becomes the same image. What is no text stays none."""
    if isinstance(value, bytes):
        return value
    return LOGO.read_bytes() if isinstance(value, str) else b"\xff"
