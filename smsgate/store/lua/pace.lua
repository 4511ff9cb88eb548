#!lua
-- Reserve the next moment at which a sender of ours may text (GCRA without a burst).
--
-- KEYS  1 when the sender is free again (us)
-- ARGV  1 pause between two texts (us)  2 latest useful moment (us)
-- Gives the reserved moment (us), or 0 where it would be too late and nothing was reserved
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
if slot > tonumber(ARGV[2]) then return 0 end
local free = slot + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', string.format('%.0f', (free - now) / 1000 + 1000))
return slot
