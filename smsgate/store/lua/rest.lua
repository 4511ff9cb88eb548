#!lua
-- A worker found the inbox empty: forget the wake, unless an entry came in between.
-- KEYS  1 inbox  2 wake:inbox
if redis.call('XLEN', KEYS[1]) == 0 then return redis.call('DEL', KEYS[2]) end
return 0
