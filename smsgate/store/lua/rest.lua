#!lua
-- A worker found the inbox empty: delete the notification deadline, unless an entry came in between.
-- KEYS  1 inbox  2 notify:inbox
-- Gives 1 where the inbox is empty
if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
redis.call('DEL', KEYS[2])
return 1
