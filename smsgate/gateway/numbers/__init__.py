"""One number: found however it is written, how it stands, what happened to it, what was said."""
