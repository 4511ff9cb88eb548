#!lua flags=allow-oom
-- Give up a lease, if the process still holds it.
--
-- KEYS  1 the lease
-- ARGV  1 name of the process
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
