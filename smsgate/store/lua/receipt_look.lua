#!lua
-- Whether we wait for a receipt; one that may have come before the answer to our own call is kept.
--
-- KEYS  1 sent  2 claims
-- ARGV  1 receipt JSON behind "!"  2 seconds
-- Gives what is remembered of the reply, or nil
local known = redis.call('GET', KEYS[1])
if known and string.sub(known, 1, 1) ~= '!' then return known end
if not known and redis.call('HLEN', KEYS[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return nil
