#!lua
-- Put numbers of a partition into their sets, and remember what was known of numbers and messages:
-- while it is shut for this rebuild, so that nobody relies on it yet. It may be done twice.
--
-- KEYS  1 metadata
-- ARGV  1 name of the rebuild  2 prefix of the partition's keys
--       3 msgpack: {sets {name behind the prefix, {members}, …},
--         values {name behind the prefix, value, seconds, …}}
-- Gives 1, or 0 where the partition is not this rebuild's
if redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[1] then return 0 end
local prefix = ARGV[2]
local sets, values = unpack(cmsgpack.unpack(ARGV[3]))
for at = 1, #sets, 2 do redis.call('SADD', prefix .. sets[at], unpack(sets[at + 1])) end
for at = 1, #values, 3 do
  redis.call('SET', prefix .. values[at], values[at + 1], 'EX', values[at + 2])
end
return 1
