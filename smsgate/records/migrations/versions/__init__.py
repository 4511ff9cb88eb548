"""One file a version; a file that was released is not changed any more."""
