#!lua
-- Make a rebuilt partition ready, unless it was flushed meanwhile or another rebuild has begun: then
-- what was loaded is not there any more.
--
-- KEYS  1 metadata  2 kept
-- ARGV  1 name of the rebuild  2 store id  3 layout  4 buckets
--       5 how far the records have the partition
-- Gives 1, or 0 where the partition is not this rebuild's.
if redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[5])
redis.call('HSET', KEYS[1], 'store', ARGV[2], 'layout', ARGV[3], 'buckets', ARGV[4], 'ready', 1)
redis.call('HDEL', KEYS[1], 'rebuild')
return 1
