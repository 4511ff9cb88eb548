#!lua flags=allow-oom
-- Take a lease, or prolong it, unless another process holds it. In one step, since a lease may end
-- and be taken by another between a look and a write. It runs although Redis is full (allow-oom), so
-- that the clock keeps its turn.
--
-- KEYS  1 the lease
-- ARGV  1 name of the process  2 how long it lasts (ms)
-- Gives 1 where the process holds it now, else 0
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
