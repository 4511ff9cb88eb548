#!lua
-- Does Redis take writes? A script that may write is refused at its start where it does not.
--
-- KEYS  1 metadata
return 1
